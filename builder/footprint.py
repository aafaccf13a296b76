"""What the files of one wheel come to. Kept instead of their list: a large stack has millions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bootstrap.bundle.records import RecordRow, top_level_module
from bootstrap.bundle.vetting.places import landing, script_place

# ext4 and NTFS both give out space in blocks of this many bytes by default.
BLOCK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a wheel leaves on the disk.

    Attributes:
        file_count: number of its files.
        disk: bytes of its files and folders in whole blocks.
        modules: names that ``import`` would find in ``site-packages``.
        roots: what its paths begin with; wheels without a common one have no path in common.
        longest_path: below ``site-packages``.
        longest_import: likewise, of those that a running program opens: all but the metadata
            of the distribution.
    """

    file_count: int
    disk: int
    modules: frozenset[str]
    roots: frozenset[str]
    longest_path: str
    longest_import: str


def installed_paths(
    rows: Mapping[str, RecordRow], scripts: Mapping[str, str]
) -> dict[str, RecordRow]:
    """Files by the path that they get, relative to ``site-packages``.

    Files of a ``.data`` folder keep a prefix that says which scheme they go to, as do
    the scripts that are made from entry points; those have no hash yet.

    Args:
        rows: of the ``RECORD``.
        scripts: name of each script that is made from an entry point, to what it calls.
    """
    paths = {
        script_place(name): RecordRow(hash=f"calls={target}", size=0)
        for name, target in scripts.items()
    }
    return paths | {landing(path): row for path, row in rows.items()}


def measure(rows: Mapping[str, RecordRow], scripts: Mapping[str, str]) -> Footprint:
    """Count what :func:`installed_paths` would give of the same rows and scripts."""
    paths = installed_paths(rows, scripts)
    blocks = sum(max(1, -(-(row.size or 0) // BLOCK)) for row in rows.values())
    folders = {path.rpartition("/")[0] for path in rows}
    return Footprint(
        file_count=len(rows),
        disk=(blocks + len(folders)) * BLOCK,
        modules=frozenset(name for path in paths if (name := top_level_module(path))),
        roots=frozenset(map(root_of, paths)),
        longest_path=longest(paths),
        longest_import=longest(path for path in paths if not _is_metadata(path)),
    )


def root_of(path: str) -> str:
    """The beginning of an installed path that is listed as one of a wheel's ``roots``."""
    first, _, _ = path.partition("/")
    # Next to every wheel has a script; what matters is which.
    return "/".join(path.split("/", 3)[:3]) if first == ".." else first


def longest(paths: Iterable[str]) -> str:
    """The longest path, and of several that are as long the last one; empty where there is none."""
    return max(paths, key=lambda path: (len(path), path), default="")


def _is_metadata(path: str) -> bool:
    """Whether a path below ``site-packages`` is about a distribution, and not of use to it."""
    return path.partition("/")[0].endswith(".dist-info")
