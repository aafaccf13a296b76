"""A bundle is not finished before it is known that an installer will take its wheels."""

from pathlib import Path

import pytest

from builder.errors import DamagedBundleError, RefusedContentError
from builder.pack.proof import prove_its_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle
from tests.support.transcoding import transcoded

FILES = {"demo/__init__.py": b"x = 1\n"}
INFO = "demo-1.0.dist-info"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, "demo", "1.0", FILES)


def test_one_that_is_as_it_should_be(wheel: Path, tmp_path: Path) -> None:
    prove_its_wheels(tiny_bundle(tmp_path, wheel=wheel))
    made = transcoded(wheel, tmp_path / "made")
    prove_its_wheels(tiny_bundle(tmp_path, wheel=made, original=wheel))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("{0}/METADATA,sha256=A,1\n{0}/WHEEL,sha256=A,1\n", "record-unlisted"),
        ("demo/__init__.py,,\n{0}/METADATA,,\n{0}/WHEEL,,\n", "record-no-hash"),
        ("demo/__init__.py,md5=A,1\n{0}/METADATA,md5=A,1\n{0}/WHEEL,md5=A,1\n", "record-weak-hash"),
    ],
    ids=["unlisted", "without hashes", "weak"],
)
def test_a_record_that_does_not_do(tmp_path: Path, rows: str, told: str) -> None:
    record = rows.format(INFO) + f"{INFO}/RECORD,,\n"
    files = {**FILES, f"{INFO}/RECORD": record.encode()}
    wheel = make_wheel(tmp_path, "demo", "1.0", files)
    with pytest.raises(RefusedContentError, match=told):
        prove_its_wheels(tiny_bundle(tmp_path, wheel=wheel))


def test_what_was_made_of_another_wheel(wheel: Path, tmp_path: Path) -> None:
    """A cache in which somebody has mixed things up."""
    other = tmp_path / "other"
    other.mkdir()
    made = transcoded(make_wheel(other, "demo", "1.0", {"demo/x.py": b""}), other / "made")
    with pytest.raises(DamagedBundleError):
        prove_its_wheels(tiny_bundle(tmp_path, wheel=made, original=wheel))
