"""Files that somebody has fetched by hand, taken by their hashes."""

import dataclasses
from pathlib import Path

import pytest

from builder.errors import ExitCode, UsageError
from builder.fetch import Cache, MissingFilesError, adopt, hash_file
from builder.lock.files import wanted_files
from builder.lock.model import load_lock
from builder.manifest import DEFAULT_PATH, load_manifest
from builder.progress import Progress
from tests.support.counting import Counting
from tests.support.fetching import LARGE, NAME, get, wanted

TORCH = "torch-2.6.0+cu118-cp311-cp311-linux_x86_64.whl"


UNSTATED = dataclasses.replace(wanted(LARGE), size=None)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_files_fetched_by_hand_are_adopted_by_hash(cache: Cache, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "deeper"
    stick.mkdir(parents=True)
    (stick / "renamed by the browser (1).whl").write_bytes(LARGE)
    (stick / TORCH).write_bytes(b"not it")
    file, other = wanted(LARGE), wanted(b"locked", TORCH)
    counting = Counting()
    adopt(tmp_path / "stick", [file, other], cache, counting)
    assert get(file, cache=cache, offline=True) == [LARGE]
    assert cache.find(other) is None
    assert f"{NAME} was taken from {tmp_path / 'stick'}." in counting.said
    assert [text for text in counting.said if "is not the locked torch-2.6.0+cu118" in text]
    (stick / "renamed by the browser (1).whl").write_bytes(b"changed later")
    assert get(file, cache=cache, offline=True) == [LARGE]


def test_files_of_unstated_size_are_adopted_by_hash(cache: Cache, tmp_path: Path) -> None:
    """Whatever they are called: a browser keeps the ``%2B`` that stands in the address."""
    stick = tmp_path / "stick"
    stick.mkdir()
    saved = stick / TORCH.replace("+", "%2B")
    saved.write_bytes(LARGE)
    (stick / "notes.txt").write_bytes(b"named otherwise, so nobody reads it")
    (stick / NAME).write_bytes(b"another")
    file, other = (
        dataclasses.replace(wanted(content, name), size=None)
        for content, name in ((LARGE, TORCH), (b"locked", NAME))
    )
    counting = Counting()
    adopt(stick, [file, other], cache, counting)
    assert get(file, cache=cache, offline=True) == [LARGE]
    assert cache.find(other) is None
    assert f"{TORCH} was taken from {stick}." in counting.said
    assert [text for text in counting.said if f"is not the locked {NAME}" in text]


def test_what_bears_its_name_is_read_first(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("another.whl", NAME):
        (tmp_path / name).write_bytes(LARGE)
    read = list[str]()

    def hash_named(path: Path) -> str:
        read.append(path.name)
        return hash_file(path)

    monkeypatch.setattr("builder.fetch.adoption.hash_file", hash_named)
    adopt(tmp_path, [UNSTATED], cache, Progress())
    # Its hash is taken while it is copied.
    assert read == []


LOCKED = sorted((DEFAULT_PATH.parent / "locks").glob("pylock.*-win_amd64.toml"))


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.stem)
def test_all_that_a_windows_lock_wants_is_told(cache: Cache, path: Path) -> None:
    lock, manifest = load_lock(path), load_manifest()
    files = wanted_files(lock, manifest)
    with pytest.raises(MissingFilesError) as caught:
        get(*files, cache=cache, offline=True)
    told = caught.value.message
    assert told.startswith(f"{len(files)} of {len(files)} files could not be had:")
    for file in files:
        size = "size not stated" if file.size is None else f"{file.size:,} bytes"
        assert f"{file.filename} ({size}, SHA-256 {file.sha256})\n" in told
    named = manifest.variant_target(lock.variant, lock.target).indexes
    assert told.count("download.pytorch.org: not asked") == len(named)
    assert caught.value.exit_code is ExitCode.DOWNLOAD_FAILED
    assert "--wheels DIR" in caught.value.remedy


def test_a_folder_that_is_not_there_is_a_slip_of_the_pen(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        adopt(tmp_path / "absent", [wanted(b"x")], cache, Progress())
