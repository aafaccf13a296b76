"""Puts a proved bundle into the output folder, with what goes along, each atomically.

::

    dist/LLMSetup-cu124.run
    dist/LLMSetup-cu124.7z.001 …         where there are volumes
    dist/LLMSetup-cu124-linux_x86_64/    bundle.json, summary.txt, the files for the user, evidence/
    dist/SHA256SUMS                      of every bundle and every file beside it
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE
from bootstrap.bundle.model import Index, encode_index
from bootstrap.bundle.reader import BundleReader
from builder.disk import storing
from builder.errors import BusyError, ReportedError, UsageError
from builder.pack.contents import Contents
from builder.pack.volumes import ARCHIVE_SUFFIX, find_volumes
from builder.report import longest_step, summarize
from builder.targets import TARGETS

SUMS_NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A complete, proved bundle under a temporary name; its volumes lie beside it."""

    path: Path
    index: Index
    sha256: str
    contents: Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A finished bundle.

    Attributes:
        path: the installer; its volumes lie beside it.
        size: bytes of the installer.
        sha256: of the installer.
        summary: what was made, for people, and how long it took.
    """

    path: Path
    index: Index
    size: int
    sha256: str
    summary: str


@contextmanager
def workplace(output: Path) -> Iterator[Path]:
    """A scratch folder inside ``output``, so that finishing is a rename and not a copy.

    One build at a time works there; what a killed one left is removed first.

    Raises:
        NoSpaceError: its disk is full.
        NotWritableError: the folder cannot be made or written.
        BusyError: another build works there.
    """
    scratch = output / ".llmsetup-build"
    with ExitStack() as leaving:
        with storing(output, option="--output"):
            output.mkdir(parents=True, exist_ok=True)
            leaving.enter_context(_only_one(output))
            leaving.callback(shutil.rmtree, scratch, ignore_errors=True)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
        yield scratch


@contextmanager
def _only_one(output: Path) -> Iterator[None]:
    lock = FileLock(output / ".llmsetup-build.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"Another build is working in {output}.",
            remedy="Wait until it has ended, or choose another folder with --output.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def require_free_names(contents: Contents, output: Path) -> None:
    """Check that volumes would not replace those of the same variant for another platform.

    Raises:
        UsageError: they would.
    """
    other = _owner_of_volumes(output / contents.installer_name)
    if contents.volume_size and other:
        raise UsageError(
            f"{other} has volumes of the same names ({contents.archive_name}.001 …) as "
            f"{contents.installer_name} would get.",
            remedy="Choose another folder with --output.",
        )


def publish(draft: Draft, output: Path, seconds: Mapping[str, float]) -> Bundle:
    """Give the draft its final name, once all that goes along with it is there.

    Args:
        draft: the proved bundle, on the same file system as ``output``.
        output: where it goes.
        seconds: duration by step; told, but not written, since it differs each time.

    Raises:
        NoSpaceError: the disk is full.
        NotWritableError: the folder cannot be written.
    """
    path = output / draft.contents.installer_name
    size = draft.path.stat().st_size
    summary = summarize(draft.index, draft.contents, size=size)
    beside = {
        **draft.contents.documents,
        "bundle.json": encode_index(draft.index),
        "summary.txt": summary.encode(),
    }
    folder = output / f"{path.stem}-{draft.index.target}"
    sums = {path.name: draft.sha256, **{v.name: v.sha256 for v in draft.index.volumes}}
    with storing(output, option="--output"):
        folder.mkdir(exist_ok=True)
        for name, data in beside.items():
            replace_file(folder / name, data)
            sums[f"{folder.name}/{name}"] = hashlib.sha256(data).hexdigest()
        sums |= {f"{folder.name}/{entry.name}": entry.sha256 for entry in draft.index.evidence}
        fresh = _collect(draft)
        with _giving_way(folder / EVIDENCE, draft.path.parent):
            _place(draft, path)
        # Neither is ever there with the other's predecessor.
        fresh.replace(folder / EVIDENCE)
        replace_file(output / SUMS_NAME, _merge_sums(output, sums))
    return Bundle(
        path=path,
        index=draft.index,
        size=size,
        sha256=draft.sha256,
        summary=f"{summary}\n{longest_step(seconds)}\n",
    )


def _collect(draft: Draft) -> Path:
    """The evidence in a folder as it will lie there."""
    fresh = draft.path.parent / "evidence-of-draft"
    shutil.rmtree(fresh, ignore_errors=True)
    for name, path in draft.contents.evidence.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        path.replace(fresh / name)
    return fresh


@contextmanager
def _giving_way(earlier: Path, scratch: Path) -> Iterator[None]:
    """Put a folder aside; it comes back when anything fails in the context, else it goes."""
    aside = scratch / "earlier-evidence"
    shutil.rmtree(aside, ignore_errors=True)
    if earlier.is_dir():
        earlier.replace(aside)
    try:
        yield
    except BaseException:
        if aside.is_dir():
            aside.replace(earlier)
        raise


def _place(draft: Draft, path: Path) -> None:
    """Rename volumes and installer, this one last: it is never there without its own.

    An earlier bundle with volumes, or one that gives way to volumes, is put aside as a whole
    and comes back when anything fails; else it goes with the scratch folder.
    """
    new = [path.with_name(volume.name) for volume in draft.index.volumes]
    old = find_volumes(path.with_name(draft.contents.archive_name))
    if _owner_of_volumes(path):
        old = []
    aside = _put_aside([path, *old], draft.path.parent) if new or old else {}
    placed = list[Path]()
    try:
        for final in new:
            draft.path.with_name(final.name).replace(final)
            placed.append(final)
        draft.path.replace(path)
    except BaseException:
        for final in placed:
            final.unlink()
        for final, kept in aside.items():
            kept.replace(final)
        raise


def _put_aside(paths: Iterable[Path], scratch: Path) -> dict[Path, Path]:
    """Move what is there of these files into a folder below ``scratch``; where each is now.

    Raises:
        OSError: one cannot be moved; then all are where they were.
    """
    folder = scratch / "earlier"
    folder.mkdir(exist_ok=True)
    moved = dict[Path, Path]()
    try:
        for path in paths:
            if path.is_file():
                path.replace(folder / path.name)
                moved[path] = folder / path.name
    except OSError:
        for path, kept in moved.items():
            kept.replace(path)
        raise
    return moved


def _owner_of_volumes(path: Path) -> Path | None:
    """The installer of the same variant for another platform, if it has volumes."""
    for target in TARGETS.values():
        other = path.with_suffix(target.suffix)
        if other == path or not other.is_file():
            continue
        try:
            if BundleReader.open(other).index.volumes:
                return other
        except ReportedError:
            # Whose they are cannot be told, so they are not ours to replace.
            if find_volumes(path.with_suffix(ARCHIVE_SUFFIX)):
                return other
    return None


def replace_file(path: Path, data: bytes) -> None:
    """Write a small file so that at any instant the old one or the new one is there."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def stated_sum(path: Path) -> str | None:
    """What ``SHA256SUMS`` beside a file says of it; None when nothing."""
    return _read_sums(path.parent).get(path.name)


def _merge_sums(output: Path, sums: Mapping[str, str]) -> bytes:
    """``sha256sum``'s format: the new sums, and the old ones of files still there."""
    kept = {name: sha for name, sha in _read_sums(output).items() if (output / name).is_file()}
    merged = kept | dict(sums)
    return "".join(f"{merged[name]}  {name}\n" for name in sorted(merged)).encode()


def _read_sums(folder: Path) -> dict[str, str]:
    """File name to SHA-256; empty where there are none."""
    try:
        text = (folder / SUMS_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    rows = (line.partition("  ") for line in text.splitlines())
    return {name: digest for digest, _, name in rows}
