import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from builder.errors import ManifestError
from builder.lock.known import KnownWheel, find_known, load_known_wheels
from builder.lock.model import load_lock
from builder.manifest import (
    DEFAULT_PATH,
    Manifest,
    Package,
    PackageGroup,
    Variant,
    VariantTarget,
    load_manifest,
)
from builder.targets import find_target

INDEX = "https://example.org/whl/cu118"
LOCKS = sorted((DEFAULT_PATH.parent / "locks").glob("pylock.*.toml"))
RANK = {tag: place for place, tag in enumerate(find_target("linux_x86_64").tags("3.11"))}


def plain() -> dict[str, Any]:
    return {
        "index": INDEX,
        "filename": "torch-2.6.0+cu118-cp311-cp311-linux_x86_64.whl",
        "sha256": "ab" * 32,
        "size": None,
        "sources": ["a/one:uv.lock@1", "a/two:uv.lock@2", "b/one:uv.lock@3"],
        "requires": ["triton==3.2.0"],
    }


def write(folder: Path, *wheels: object) -> Path:
    path = folder / "known_wheels.json"
    path.write_text(json.dumps({"wheels": wheels}), encoding="utf-8")
    return path


def test_a_known_wheel_is_read(tmp_path: Path) -> None:
    (wheel,) = load_known_wheels(write(tmp_path, plain()))
    assert (wheel.name, wheel.version) == ("torch", Version("2.6.0+cu118"))
    assert (wheel.size, wheel.requires) == (None, ("triton==3.2.0",))


def test_repositories_of_one_owner_are_one_publisher(tmp_path: Path) -> None:
    (wheel,) = load_known_wheels(write(tmp_path, plain()))
    assert wheel.publishers == 2
    (wheel,) = load_known_wheels(write(tmp_path, plain() | {"sources": ["a script", "a/b:c@1"]}))
    assert wheel.publishers == 2


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sha256": "AB" * 32}, r"regex.*\$\.wheels\[0\]\.sha256"),
        ({"size": -1}, r"\$\.wheels\[0\]\.size"),
        ({"sources": []}, r"\$\.wheels\[0\]\.sources"),
        ({"index": f"{INDEX}/"}, r"\$\.wheels\[0\]\.index"),
        ({"note": "x"}, r"`note` - at `\$\.wheels\[0\]`"),
        ({"filename": "torch-2.6.0.tar.gz"}, r"\$\.wheels\[0\]\.filename: "),
        ({"requires": ["triton=="]}, r"\$\.wheels\[0\]\.requires: "),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    with pytest.raises(ManifestError, match=rf"known_wheels\.json: .*{fault}"):
        load_known_wheels(write(tmp_path, plain() | changes))


def test_no_file_is_known_twice(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"torch-2\.6\.0\+cu118.* is there 2 times"):
        load_known_wheels(write(tmp_path, plain(), plain() | {"sha256": "cd" * 32}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"known_wheels\.json"):
        load_known_wheels(tmp_path / "known_wheels.json")


def manifest(pins: dict[str, str], indexes: dict[str, str]) -> Manifest:
    settings = VariantTarget(pins=pins, indexes=indexes)
    return Manifest(
        product="P",
        version="1",
        company="c",
        python="3.11",
        indexes={"own": f"{INDEX}/", "other": "https://example.org/whl/cu124"},
        groups=(PackageGroup(name="all", packages=(Package(order=1, name="torch"),)),),
        variants={"cu118": Variant(cuda="11.8", targets={"linux_x86_64": settings})},
        blacklist=(),
        checks=(),
    )


def known(tag: str) -> KnownWheel:
    return KnownWheel(
        index=INDEX, filename=f"torch-2.6.0+cu118-{tag}.whl", sha256="ab" * 32, sources=("a",)
    )


def test_the_best_known_wheel_of_the_pinned_version_is_found() -> None:
    asked = manifest({"torch": "2.6.0+cu118"}, {"torch": "own"})
    worse, best = known("cp311-cp311-linux_x86_64"), known("cp311-cp311-manylinux_2_28_x86_64")
    foreign = known("cp311-cp311-win_amd64")
    found = find_known([worse, foreign, best], asked, "cu118", "linux_x86_64", RANK)
    assert found == {"torch": best}


@pytest.mark.parametrize(
    ("pins", "indexes"),
    [
        ({"torch": "2.6.0+cu118"}, {}),
        ({"torch": "2.6.0+cu118"}, {"torch": "other"}),
        ({"torch": "2.6.0"}, {"torch": "own"}),
        ({}, {"torch": "own"}),
    ],
    ids=["pip's own index", "another index", "another build", "no pin"],
)
def test_what_is_not_exactly_that_file_is_not_found(
    pins: dict[str, str], indexes: dict[str, str]
) -> None:
    wheels = [known("cp311-cp311-linux_x86_64")]
    assert find_known(wheels, manifest(pins, indexes), "cu118", "linux_x86_64", RANK) == {}


def test_our_locks_hold_what_is_known_and_nothing_is_known_in_vain() -> None:
    """A hash that is corrected must be corrected in the locks, too."""
    locked = {
        (wheel.filename, wheel.sha256, wheel.size, wheel.publishers)
        for path in LOCKS
        for wheel in load_lock(path).wheels
        if wheel.publishers
    }
    assert locked == {(w.filename, w.sha256, w.size, w.publishers) for w in load_known_wheels()}


def test_our_known_wheels_belong_to_indexes_of_our_manifest() -> None:
    assert {w.index for w in load_known_wheels()} <= set(load_manifest().indexes.values())
