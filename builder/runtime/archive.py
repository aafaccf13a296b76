"""The archive formats of a runtime: unpacks what was fetched, packs what goes along."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.tarball import BoundedMember, unpack_tar
from bootstrap.bundle.value import Target
from bootstrap.bundle.zips import tarfile, zstd
from builder.errors import RefusedContentError
from builder.runtime.pruning import is_left_out

# 1980-01-01, the oldest time that a zip can hold as well; any fixed one would do.
_MODIFIED = 315_532_800
# Level 19 would save a tenth of the size in twenty times the time, in every build.
_LEVEL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What :func:`pack` has written.

    Attributes:
        installed_size: bytes of the files.
        file_count: number of files and symbolic links.
    """

    installed_size: int
    file_count: int


def unpack(archive: Path, folder: Path, target: Target) -> None:
    """Unpack a tar archive, compressed or not, into an existing folder.

    Raises:
        RefusedContentError: it is no tar archive, or a member breaks a rule of vetting.
    """
    try:
        with tarfile.open(archive, tarinfo=BoundedMember) as file:
            unpack_tar(file, folder, name=archive.name, target=target)
    except (tarfile.TarError, zstd.ZstdError, EOFError) as error:
        raise RefusedContentError(
            f"{archive.name} cannot be unpacked: {error}.",
            remedy="Correct its entry in metadata/runtimes.json, or build with --runtime host.",
        ) from error


def pack(tree: Path, archive: Path) -> Packed:
    """Write a folder into a tar archive, compressed by Zstandard: same content, same bytes.

    Names are sorted, times and owners fixed, modes 644 or 755, hard links separate files.
    What :func:`~builder.runtime.pruning.is_left_out` names stays out.

    Raises:
        RefusedContentError: a symbolic link leads out of the folder, or nowhere in it.
    """
    size = count = 0
    with (
        zstd.open(archive, "wb", level=_LEVEL) as out,
        tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as file,
    ):
        for path in sorted(members(tree), key=lambda path: path.relative_to(tree).as_posix()):
            member = tarfile.TarInfo(path.relative_to(tree).as_posix())
            member.mtime = _MODIFIED
            count += 1
            if path.is_symlink():
                member.type, member.mode = tarfile.SYMTYPE, 0o777
                member.linkname = _inner_link(path, tree)
                file.addfile(member)
                continue
            member.mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
            member.size = path.stat().st_size
            size += member.size
            with path.open("rb") as content:
                file.addfile(member, content)
    return Packed(installed_size=size, file_count=count)


def members(folder: Path) -> Iterator[Path]:
    """Files and links of a tree that go along, in no particular order."""
    for path in folder.iterdir():
        if is_left_out(path.relative_to(folder.parent)):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from members(path)
        else:
            yield path


def _inner_link(path: Path, tree: Path) -> str:
    link = path.readlink()
    goal = (path.parent / link).resolve()
    if link.is_absolute() or not goal.exists() or not goal.is_relative_to(tree.resolve()):
        raise RefusedContentError(
            f"The runtime's {path.relative_to(tree)} is a link to {link}, which does not go along.",
            remedy="Take another build of Python, or remove the link from it.",
        )
    return link.as_posix()
