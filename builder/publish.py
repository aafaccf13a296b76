"""Puts a proved bundle into the output folder, with what goes along, each atomically.

::

    dist/LLMSetup-cu124.run
    dist/LLMSetup-cu124.7z.001 …         where there are volumes
    dist/LLMSetup-cu124-linux_x86_64/    bundle.json, summary.txt, the files for the user, evidence/
    dist/SHA256SUMS                      of every bundle and every file beside it (builder.sums)
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE
from bootstrap.bundle.model import Index, encode_index
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import INDEX_NAMESPACE
from builder.disk import replace_file, storing
from builder.errors import BusyError, ReportedError, UsageError
from builder.pack.contents import Contents
from builder.pack.volumes import ARCHIVE_SUFFIX, find_volumes
from builder.progress import Progress
from builder.report import longest_step, summarize
from builder.signing import armor
from builder.sums import SumsSigner, write_sums
from builder.targets import TARGETS

# Over bundle.json, beside it.
SIGNATURE_NAME = "bundle.json.sig"


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


def publish(draft: Draft, output: Path, seconds: Mapping[str, float], progress: Progress) -> Bundle:
    """Give the draft its final name, once all that goes along with it is there.

    Args:
        draft: the proved bundle, on the same file system as ``output``.
        output: where it goes.
        seconds: duration by step; told, but not written, since it differs each time.
        progress: hears what becomes of sums and signatures of earlier builds.

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
    if signer := draft.contents.signer:
        # The very signature that lies in the installer: a key signs the same in one way only.
        signature = signer.sign(beside["bundle.json"], INDEX_NAMESPACE)
        beside[SIGNATURE_NAME] = armor(signature, INDEX_NAMESPACE)
    folder = output / f"{path.stem}-{draft.index.target}"
    sums = {path.name: draft.sha256, **{v.name: v.sha256 for v in draft.index.volumes}}
    with storing(output, option="--output"):
        folder.mkdir(exist_ok=True)
        # That of an earlier build would not fit.
        (folder / SIGNATURE_NAME).unlink(missing_ok=True)
        for name, data in beside.items():
            replace_file(folder / name, data)
            sums[f"{folder.name}/{name}"] = hashlib.sha256(data).hexdigest()
        sums |= {f"{folder.name}/{entry.name}": entry.sha256 for entry in draft.index.evidence}
        _place(draft, path, folder / EVIDENCE)
        write_sums(output, sums, _sums_signer(draft), progress)
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


def _sums_signer(draft: Draft) -> SumsSigner | None:
    signer = draft.contents.signer
    return SumsSigner(signer=signer, identity=draft.index.product) if signer else None


def _place(draft: Draft, path: Path, evidence: Path) -> None:
    """Rename evidence, volumes and installer, this one last: it is never there without its own.

    Earlier evidence, and an earlier bundle with volumes or one that gives way to volumes, are put
    aside as a whole and come back when anything fails; else they go with the scratch folder.
    """
    new = {path.with_name(v.name): draft.path.with_name(v.name) for v in draft.index.volumes}
    old = find_volumes(path.with_name(draft.contents.archive_name))
    if _owner_of_volumes(path):
        old = []
    sources = {evidence: _collect(draft), **new, path: draft.path}
    aside = _put_aside([evidence, *([path, *old] if new or old else [])], draft.path.parent)
    placed = list[Path]()
    try:
        for final, source in sources.items():
            source.replace(final)
            placed.append(final)
    except BaseException:
        for final in placed:
            final.replace(sources[final])
        for final, kept in aside.items():
            kept.replace(final)
        raise


def _put_aside(paths: Iterable[Path], scratch: Path) -> dict[Path, Path]:
    """Move what is there of these into a folder below ``scratch``; where each is now.

    Raises:
        OSError: one cannot be moved; then all are where they were.
    """
    folder = scratch / "earlier"
    # What it holds gave way to another variant.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    moved = dict[Path, Path]()
    try:
        for path in paths:
            # A folder in the place of a file is somebody else's.
            if path.is_file() or (path.name == EVIDENCE and path.is_dir()):
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
