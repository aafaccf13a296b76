"""Whether a medium is slow, told by a clock that goes as fast as the medium gives."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap import medium
from bootstrap.bundle.reader import BundleReader
from bootstrap.medium import threads_for
from tests.support.tiny_bundle import tiny_bundle

MEGABYTE = 1_000_000


class Medium:
    """Holds one wheel.

    Args:
        size: of the wheel, bytes.
        rate: bytes a second.
        broken_from: from this byte on it cannot be read.
    """

    def __init__(self, size: int, rate: float, broken_from: int | None = None) -> None:
        self.now = 0.0
        self.taken = 0
        self._size = size
        self._rate = rate
        self._broken_from = broken_from

    def open_entry(self, _: object) -> io.BytesIO:
        medium = self

        class File(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                return b"".join(medium.give(size or 0))

        return File()

    def give(self, size: int) -> Iterator[bytes]:
        if self._broken_from is not None and self.taken >= self._broken_from:
            raise OSError(5, "Input/output error")
        count = min(size, self._size - self.taken)
        self.taken += count
        self.now += count / self._rate
        yield bytes(count)


def judge(monkeypatch: pytest.MonkeyPatch, folder: Path, one: Any) -> bool:
    reader = BundleReader.open(tiny_bundle(folder))
    monkeypatch.setattr(reader, "open_entry", one.open_entry)
    monkeypatch.setattr(medium, "monotonic", lambda: one.now)
    return threads_for(reader) == 1


@pytest.mark.parametrize("rate", [1, 35, 140, 160, 5000])
def test_by_what_it_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rate: int) -> None:
    one = Medium(3000 * MEGABYTE, rate * MEGABYTE)
    assert judge(monkeypatch, tmp_path, one) == (rate < 150)
    # Not longer than a second and a piece, not more than the sample.
    assert one.now < 2.1
    assert one.taken <= 33 << 20


def test_little_tells_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not judge(monkeypatch, tmp_path, Medium(30_000, 1000))


def test_what_cannot_be_read_is_for_others_to_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not judge(monkeypatch, tmp_path, Medium(10 * MEGABYTE, MEGABYTE, broken_from=0))
