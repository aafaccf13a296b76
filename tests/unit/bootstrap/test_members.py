"""Members come out of wheels as they went in, whatever compressed them, or are damage."""

import io
import random
from collections.abc import Callable

import pytest

from bootstrap.bundle.members import CHUNK, LARGEST_WINDOW_LOG, MemberStream
from bootstrap.bundle.zips import zipfile, zstd
from tests.hostile.wheels.raw import Raw, write_archive

METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "zstd": zipfile.ZIP_ZSTANDARD,
}
CONTENTS = {
    "empty": b"",
    "a byte": b"x",
    "one piece": bytes(CHUNK),
    "one piece and a byte": b"ab" * (CHUNK // 2) + b"c",
    "several pieces": random.Random(1).randbytes(3 * CHUNK + 5),  # noqa: S311
    "much from little": bytes(40 * CHUNK),
}


def archive(method: str, content: bytes, name: str = "demo/ä.bin") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", METHODS[method]) as made:
        made.writestr("before.txt", b"something else")
        made.writestr(name, content)
    return data.getvalue()


def read(data: bytes) -> bytes:
    info = zipfile.ZipFile(io.BytesIO(data)).infolist()[-1]
    stream, pieces = MemberStream(io.BytesIO(data), info), list[bytes]()
    while piece := stream.read():
        pieces.append(piece)
    assert all(len(piece) <= CHUNK for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
@pytest.mark.parametrize("method", METHODS)
def test_what_went_in_comes_out(method: str, content: bytes) -> None:
    assert read(archive(method, content)) == content


@pytest.mark.parametrize("method", METHODS)
def test_many_random_ones(method: str) -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(60):
        dull = bytes([chance.randrange(3)]) * chance.randrange(3 * CHUNK)
        content = dull + chance.randbytes(chance.randrange(CHUNK)) + dull
        assert read(archive(method, content)) == content


def cut(data: bytes) -> bytes:
    """The member ends too early; the directory does not know."""
    info = zipfile.ZipFile(io.BytesIO(data)).infolist()[-1]
    middle = info.header_offset + 60 + info.compress_size // 2
    return data[:middle] + bytes(len(data) - middle - 200) + data[-200:]


def announce(delta: int) -> Callable[[bytes], bytes]:
    """The directory tells another size than there is."""

    def change(data: bytes) -> bytes:
        info = zipfile.ZipFile(io.BytesIO(data)).infolist()[-1]
        place = data.rindex(b"PK\1\2") + 24
        size = (info.file_size + delta).to_bytes(4, "little")
        return data[:place] + size + data[place + 4 :]

    return change


def rename(data: bytes) -> bytes:
    """The member's own header has another name."""
    return data.replace(b"demo", b"d3mo", 1)


def encrypt(data: bytes) -> bytes:
    place = data.rindex(b"PK\1\2") + 8
    return data[:place] + b"\1" + data[place + 1 :]


def other_method(data: bytes) -> bytes:
    place = data.rindex(b"PK\1\2") + 10
    return data[:place] + (97).to_bytes(2, "little") + data[place + 2 :]


@pytest.mark.parametrize(("log", "read_it"), [(LARGEST_WINDOW_LOG, True), (27, False)])
def test_no_member_takes_more_memory_than_planned(log: int, read_it: bool) -> None:  # noqa: FBT001
    content = random.Random(5).randbytes(1000) * 100  # noqa: S311
    # Of an unknown size, or it would be taken for the window's.
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    frame = compressor.compress(content) + compressor.flush()
    method = zipfile.ZIP_ZSTANDARD
    data = write_archive([Raw(name="demo.bin", data=content, method=method, packed=frame)])
    info = zipfile.ZipFile(io.BytesIO(data)).infolist()[-1]
    stream = MemberStream(io.BytesIO(data), info)
    if read_it:
        assert b"".join(iter(stream.read, b"")) == content
    else:
        with pytest.raises(zipfile.BadZipFile, match="memory"):
            stream.read()


@pytest.mark.parametrize("method", ["deflate", "zstd"])
@pytest.mark.parametrize(
    "harm",
    [cut, announce(1), announce(-1), rename, encrypt, other_method],
    ids=lambda f: f.__name__,
)
def test_damage_is_told(harm: Callable[[bytes], bytes], method: str) -> None:
    data = archive(method, random.Random(3).randbytes(2 * CHUNK))  # noqa: S311
    with pytest.raises(zipfile.BadZipFile):
        read(harm(data))
