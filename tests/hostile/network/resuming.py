"""Scripts of servers that go on badly where a beginning is there: rows 4 to 7."""

from collections.abc import Iterator

from tests.hostile.network.script import (
    CONTENT,
    PROPER,
    Answer,
    Left,
    Script,
    file_answer,
    say,
)

_SIZE = len(CONTENT)
_FIRST = 50_000
_REST = CONTENT[_FIRST:]
_OTHER = bytes(_SIZE)


def _part(extent: str | None, body: bytes = _REST, **headers: str) -> Answer:
    stated = {"Content_Range": extent} if extent is not None else {}
    return say(206, body, **stated, **headers)


def ranges_ignored() -> Iterator[Script]:
    """Row 4."""
    for first in (1, _FIRST, _SIZE - 1):
        for etag in ("", '"good"', '"other"'):
            for times in (1, 2):
                yield Script(
                    name=f"all is sent where {first} bytes are there, {etag}, {times} times",
                    row=4,
                    routes={"file": (*[file_answer()] * times, PROPER)},
                    beginning=CONTENT[:first],
                    etag=etag,
                    exit=0,
                )


def wrong_parts() -> Iterator[Script]:
    """Row 5."""
    last = _SIZE - 1
    extents = {
        "shifted by one": f"bytes {_FIRST + 1}-{last}/{_SIZE}",
        "shifted back": f"bytes {_FIRST - 1}-{last}/{_SIZE}",
        "from the start": f"bytes 0-{last}/{_SIZE}",
        "of another size": f"bytes {_FIRST}-{last}/{_SIZE + 1}",
        "of a huge file": f"bytes {_FIRST}-{last}/{_SIZE * 1000}",
        "ends before it begins": f"bytes {last}-{_FIRST}/{_SIZE}",
        "ends behind the end": f"bytes {_FIRST}-{_SIZE}/{_SIZE}",
        "negative": f"bytes -{_FIRST}-{last}/{_SIZE}",
        "no numbers": "bytes a-b/c",
        "only the unit": "bytes",
        "no unit": f"{_FIRST}-{last}/{_SIZE}",
        "another unit": f"lines {_FIRST}-{last}/{_SIZE}",
        "unsatisfied": f"bytes */{_SIZE}",
        "numbers without an end": f"bytes {'9' * 5000}-{'9' * 5001}/{'9' * 5002}",
        "other digits": f"bytes \xb2-{last}/{_SIZE}",
        "empty": "",
        "two of them": f"bytes {_FIRST}-{last}/{_SIZE}, bytes 0-1/{_SIZE}",
        "none": None,
    }
    for name, extent in extents.items():
        for times in (1, 99):
            good: tuple[Answer, ...] = (PROPER,) if times == 1 else (file_answer(),)
            yield Script(
                name=f"part {name}, {times} times",
                row=5,
                # Whoever asks for all of it gets all of it.
                routes={"file": (_part(extent), *good)},
                beginning=CONTENT[:_FIRST],
                exit=0,
            )
        yield Script(
            name=f"part {name}, always",
            row=5,
            routes={"file": (_part(extent),)},
            beginning=CONTENT[:_FIRST],
        )
    yield from _other_parts()


def _other_parts() -> Iterator[Script]:
    last = _SIZE - 1
    kind = "multipart/byteranges; boundary=x"
    body = b"--x\r\nContent-Range: bytes 50000-149999/150000\r\n\r\n" + _REST + b"\r\n--x--"
    several = _part(None, body, Content_Type=kind)
    yield Script(
        name="several parts, then all",
        row=5,
        routes={"file": (several, PROPER)},
        beginning=CONTENT[:_FIRST],
        exit=0,
    )
    yield Script(
        name="several parts, always",
        row=5,
        routes={"file": (several,)},
        beginning=CONTENT[:_FIRST],
    )
    for extent in (f"bytes 0-{last}/{_SIZE}", "bytes 0-9/10", f"bytes 5-{last}/{_SIZE}"):
        yield Script(
            name=f"a part that nobody has asked for, {extent}",
            row=5,
            routes={"file": (_part(extent, CONTENT),)},
            says="a part (206) where all was asked for",
            left=Left.NOTHING,
        )
    for body in (_REST[:10], _REST[:-1], b"", _REST + b"x" * 100_000, _OTHER[_FIRST:]):
        extent = f"bytes {_FIRST}-{last}/{_SIZE}"
        yield Script(
            name=f"part with {len(body)} bytes that begin with {body[:2]!r}",
            row=5,
            routes={"file": (_part(extent, body), PROPER)},
            beginning=CONTENT[:_FIRST],
            exit=0,
        )


def changes() -> Iterator[Script]:
    """Row 6."""
    extent = f"bytes {_FIRST}-{_SIZE - 1}/{_SIZE}"
    for etag in (
        '"new"',
        'W/"good"',
        '"good',
        "good",
        '"' + "x" * 5000 + '"',
        '"a\r\n b"',
        '""',
        "",
    ):
        name = f"part with the ETag {etag[:9]!r}"
        answers = (_part(extent, ETag=etag), _part(extent, _OTHER[_FIRST:], ETag=etag))
        for what, answer, code in (("right", answers[0], 0), ("wrong", answers[1], 0)):
            yield Script(
                name=f"{name}, {what} bytes, once",
                row=6,
                routes={"file": (answer, PROPER)},
                beginning=CONTENT[:_FIRST],
                etag='"good"',
                exit=code,
            )
        yield Script(
            name=f"{name} on another beginning",
            row=6,
            routes={"file": (answers[0], PROPER)},
            beginning=_OTHER[:_FIRST],
            etag='"good"',
            exit=0,
        )
        yield Script(
            name=f"file with the ETag {etag[:9]!r} that is cut, then the rest",
            row=6,
            routes={"file": (file_answer(CONTENT[:_FIRST], ETag=etag), PROPER)},
            exit=0,
        )
    flapping = tuple(
        file_answer(CONTENT[: 1000 * n], ETag=f'"{n}"') for n in (9, 1, 8, 2, 7, 3, 6, 4) * 50
    )
    yield Script(name="another file each time, never whole", row=6, routes={"file": flapping})


def too_much() -> Iterator[Script]:
    """Row 7."""
    refused = say(416, Content_Length="0", Content_Range=f"bytes */{_SIZE}")
    for there in (b"x", CONTENT[:_FIRST], _OTHER[:_FIRST], CONTENT[:-1]):
        for times in (1, 3):
            yield Script(
                name=f"416 {times} times where {len(there)} bytes {there[:2]!r} are there",
                row=7,
                routes={"file": (*[refused] * times, file_answer())},
                beginning=there,
                exit=0 if times == 1 else 50,
            )
    yield Script(
        name="416 always",
        row=7,
        routes={"file": (refused,)},
        beginning=CONTENT[:_FIRST],
        says="416",
    )
    short = file_answer(CONTENT[:_FIRST])
    yield Script(name="short and 416 in turn", row=7, routes={"file": (short, refused) * 50})
    for there in (CONTENT + b"x", CONTENT * 2, _OTHER + b"x", _OTHER, b"x" * (_SIZE * 3)):
        for size_locked in (True, False):
            yield Script(
                name=f"{len(there)} bytes {there[:2]!r} are there, size locked: {size_locked}",
                row=7,
                beginning=there,
                size_locked=size_locked,
                exit=0,
            )
    yield Script(name="all of it is there", row=7, beginning=CONTENT, exit=0)
