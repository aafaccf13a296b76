"""Scripts of servers that send a file, or a page, badly: rows 1 to 4 and 9 to 11."""

import gzip
import zlib
from collections.abc import Iterator

from tests.hostile.network.script import (
    CONTENT,
    JSON,
    PROPER,
    Answer,
    Do,
    Endless,
    Left,
    Pause,
    Script,
    Step,
    file_answer,
    page,
    page_answer,
    say,
)

_SIZE = len(CONTENT)
_FOREVER = Pause(30)
_WHERE = ("page", "file")


def slow() -> Iterator[Script]:
    """Row 1."""
    dripped = tuple(step for n in range(40) for step in (CONTENT[n : n + 1], Pause(0.05)))
    endings: dict[str, Answer] = {
        "before the status": (_FOREVER,),
        "in the status": (b"HTTP/1.1 2", _FOREVER),
        "in a header": (b"HTTP/1.1 200 So\r\nContent-Le", _FOREVER),
        "behind the headers": (b"HTTP/1.1 200 So\r\nContent-Length: 150000\r\n\r\n", _FOREVER),
        "drips the status": (Endless(b"H", 0.05),),
        "drips a header": (b"HTTP/1.1 200 So\r\nX-Drip: ", Endless(b"x", 0.05)),
        "drips headers": (b"HTTP/1.1 200 So\r\n", Endless(b"X-Drip: x\r\n", 0.05)),
        "goes on to say continue": (Endless(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),),
        "says continue at full speed": (Endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),),
        "drips chunk sizes": (
            *say(200, Transfer_Encoding="chunked", Content_Type=JSON)[:-1],
            Endless(b"0", 0.05),
        ),
        "drips chunk extensions": (
            *say(200, Transfer_Encoding="chunked", Content_Type=JSON)[:-1],
            b"5;",
            Endless(b"x", 0.05),
        ),
        "sends trailers without end": (
            *say(200, Transfer_Encoding="chunked", Content_Type=JSON)[:-1],
            b"0\r\n",
            Endless(b"X-Trailer: x\r\n" * 100, 0.001),
        ),
    }
    for where in _WHERE:
        for name, answer in endings.items():
            yield Script(name=f"{where} {name}", row=1, routes={where: (answer,)}, impatient=True)
    bodies: dict[str, tuple[Step, ...]] = {
        "stalls at once": (_FOREVER,),
        "stalls in the middle": (CONTENT[:70_000], _FOREVER),
        "stalls before the last byte": (CONTENT[:-1], _FOREVER),
        "drips": (*dripped, Endless(b"x", 0.05)),
        "drips after the middle": (CONTENT[:70_000], Endless(b"x", 0.05)),
    }
    for name, body in bodies.items():
        yield Script(
            name=f"file {name}",
            row=1,
            routes={"file": (file_answer(*body),)},
            impatient=True,
            left=Left.EITHER if name == "stalls at once" else Left.PART,
        )


def short() -> Iterator[Script]:
    """Row 2."""
    for count in (0, 1, 1_000, _SIZE // 2, _SIZE - 1):
        for end in (Do.CLOSE, Do.RESET):
            # Rudely, the last bytes may be lost on the way.
            answer = file_answer(CONTENT[:count], *((Pause(0.05), end) if count else (end,)))
            how = f"ends after {count} bytes, {end.value}"
            yield Script(name=f"file {how}, once", row=2, routes={"file": (answer, PROPER)}, exit=0)
            yield Script(
                name=f"file {how}, always",
                row=2,
                routes={"file": (answer,)},
                says="broke off" if count else "",
                left=Left.PART if count > 1 and end is Do.CLOSE else Left.EITHER,
            )
            if count < len(page()):
                broken = say(
                    200,
                    page()[:count],
                    end,
                    Content_Length=str(len(page())),
                    Content_Type=JSON,
                )
                yield Script(
                    name=f"page {how}, once", row=2, routes={"page": (broken, PROPER)}, exit=0
                )
                yield Script(name=f"page {how}, always", row=2, routes={"page": (broken,)})
    stages: dict[str, Answer] = {
        "at once": (Do.RESET,),
        "in the status": (b"HTTP/1.1 2", Do.RESET),
        "in the headers": (b"HTTP/1.1 200 So\r\nContent-", Do.RESET),
    }
    for where in _WHERE:
        for name, answer in stages.items():
            routes = {where: (answer, PROPER)}
            yield Script(name=f"{where} reset {name}, once", row=2, routes=routes, exit=0)
            yield Script(name=f"{where} reset {name}, always", row=2, routes={where: (answer,)})
    yield Script(name="every answer is cut in half", row=2, routes={"file": ((Do.HALF,),)}, exit=50)
    chunks = {
        "too long": b"ffffff\r\n" + CONTENT + b"\r\n0\r\n\r\n",
        "too short": b"10\r\n" + CONTENT + b"\r\n0\r\n\r\n",
        "negative": b"-5\r\n" + CONTENT[:1000],
        "no number": b"zz\r\n" + CONTENT[:1000],
        "without an end": b"%x\r\n" % 1000 + CONTENT[:1000],
        "of an endless size": b"f" * 70_000 + b"\r\n",
        "that end early": b"%x\r\n" % 1000 + CONTENT[:1000] + b"\r\n0\r\n\r\n",
    }
    for name, body in chunks.items():
        answer = say(200, body, Transfer_Encoding="chunked")
        yield Script(
            name=f"chunks {name}, always",
            row=2,
            routes={"file": (answer,)},
            exit=0 if name == "too long" else 50,
        )
        yield Script(name=f"chunks {name}, once", row=2, routes={"file": (answer, PROPER)}, exit=0)
        kind = say(200, body, Transfer_Encoding="chunked", Content_Type=JSON)
        yield Script(name=f"page in chunks {name}", row=2, routes={"page": (kind,)})


def lengths() -> Iterator[Script]:
    """Row 3."""
    wrong = [_SIZE - 1, _SIZE + 1, _SIZE * 1000, _SIZE // 2, 0, 10**17]
    for length in wrong:
        answer = file_answer(length=str(length))
        yield Script(
            name=f"file states {length} bytes",
            row=3,
            routes={"file": (answer,)},
            says=f"it states {length:,} bytes, and {_SIZE:,} are locked",
            left=Left.NOTHING,
        )
        yield Script(
            name=f"file states {length} bytes, a beginning is there",
            row=3,
            routes={"file": (answer,)},
            beginning=CONTENT[:1000],
            left=Left.PART,
        )
    for stated in ("-1", "-150000", "abc", "1e5", "0x10", "+150000", "1 0", "9" * 400, "\xb2", ";"):
        for where, answer in (
            ("file", file_answer(length=stated)),
            ("page", page_answer(page(), Content_Length=stated)),
        ):
            yield Script(
                name=f"{where} states a length of {stated[:9]!r}",
                row=3,
                routes={where: (answer,)},
                says="which is none",
                left=Left.NOTHING,
            )
    yield from _lengths_that_do_not_help()


def _lengths_that_do_not_help() -> Iterator[Script]:
    for both in ("150000, 7", "150000\r\nContent-Length: 7"):
        yield Script(
            name=f"file states two lengths, {both!r}",
            row=3,
            routes={"file": (file_answer(length=both),)},
            left=Left.NOTHING,
        )
    for size in (_SIZE // 2, _SIZE + 1, 1 << 33):
        yield Script(
            name=f"no size is locked, {size} bytes are stated",
            row=3,
            routes={"file": (file_answer(length=str(size)),)},
            size_locked=False,
            # The hash decides, where nobody has stated a size.
            exit=0 if size == _SIZE + 1 else 50,
        )
    for name, more in (("a byte", b"x"), ("much", b"x" * 3_000_000)):
        yield Script(
            name=f"file goes on for {name} behind its end",
            row=3,
            routes={"file": (say(200, CONTENT + more),)},
            exit=0,
        )
    yield Script(
        name="file goes on without an end",
        row=3,
        routes={"file": (say(200, CONTENT, Endless(b"x" * 65536)),)},
        exit=0,
    )
    yield Script(
        name="another file goes on without an end",
        row=3,
        routes={"file": (say(200, Endless(b"x" * 65536)),)},
        says="what it sends has SHA-256",
        left=Left.NOTHING,
    )


def busy() -> Iterator[Script]:
    """Row 9."""
    late = "Fri, 31 Dec 9999 23:59:59 GMT"
    asked = ("0", "-5", "99999999999", "9" * 5000, "soon", "1e9", late, "Thu, 99 Foo 0000", "")
    for status in (408, 429, 500, 502, 503, 504):
        for where in _WHERE:
            answer = say(status, Content_Length="0")
            yield Script(
                name=f"{where} {status}, once", row=9, routes={where: (answer, PROPER)}, exit=0
            )
            yield Script(
                name=f"{where} {status}, always",
                row=9,
                routes={where: (answer,)},
                says=f"status {status}",
                beginning=CONTENT[:1000],
                left=Left.PART,
            )
    for value in asked:
        answer = say(429, Content_Length="0", Retry_After=value)
        name = f"Retry-After {value[:12]!r}"
        yield Script(name=f"{name}, once", row=9, routes={"file": (answer, PROPER)}, exit=0)
        yield Script(name=f"{name}, always", row=9, routes={"page": (answer,)}, says="429")
    endless = say(503, Endless(b"x" * 65536))
    for where in _WHERE:
        routes = {where: (endless,)}
        yield Script(name=f"{where} 503 without an end", row=9, routes=routes, says="status 503")


def other_bytes() -> Iterator[Script]:
    """Row 10."""
    for place in (0, 1, 65_535, 65_536, _SIZE // 2, _SIZE - 1):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1
        for size_locked in (True, False):
            yield Script(
                name=f"byte {place} is another, size locked: {size_locked}",
                row=10,
                routes={"file": (file_answer(bytes(flipped)),)},
                size_locked=size_locked,
                says="what it sends has SHA-256",
                left=Left.NOTHING,
            )
    yield Script(
        name="all bytes are others",
        row=10,
        routes={"file": (file_answer(bytes(_SIZE)),)},
        says="what it sends has SHA-256",
        left=Left.NOTHING,
    )
    yield Script(name="the page itself as file", row=10, routes={"file": (page_answer(page()),)})


def compressed() -> Iterator[Script]:
    """Row 11."""
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    codings = ("gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "gzip, gzip", "lies")
    for coding in (*codings, "identity, gzip"):
        for where in _WHERE:
            answer = say(200, bomb, Content_Encoding=coding, Content_Type=JSON)
            yield Script(
                name=f"{where} as {coding}",
                row=11,
                routes={where: (answer,)},
                says="it compresses what it sends",
                left=Left.NOTHING,
            )
    for coding in ("gzip", "gzip, chunked", "deflate"):
        for where in _WHERE:
            answer = say(200, bomb, Transfer_Encoding=coding, Content_Type=JSON)
            yield Script(
                name=f"{where} transferred as {coding}",
                row=11,
                routes={where: (answer,)},
                says="it compresses what it sends",
                left=Left.NOTHING,
            )
    yield Script(
        name="file compressed, and not said so",
        row=11,
        routes={"file": (say(200, zlib.compress(CONTENT)),)},
        says="",
    )
    yield Script(
        name="a beginning outlives a compressed answer",
        row=11,
        routes={"file": (say(206, bomb, Content_Encoding="gzip"),)},
        beginning=CONTENT[:1000],
        left=Left.PART,
    )


def odd_answers() -> Iterator[Script]:
    """Statuses and headers that no file comes with."""
    statuses = (101, 103, 199, 201, 202, 204, 205, 207, 299, 300, 304, 305, 306, 399, 400)
    for status in (*statuses, 401, 403, 404, 405, 410, 418, 451, 501, 505, 599, 600, 999):
        for where in _WHERE:
            answer = say(status, CONTENT if where == "file" else page(), Content_Type=JSON)
            yield Script(
                name=f"{where} with status {status}",
                row=0,
                routes={where: (answer,)},
                left=Left.NOTHING,
            )
    heads: dict[str, Answer] = {
        "no HTTP": (b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", Do.CLOSE),
        "HTTP/0.9": (CONTENT, Do.CLOSE),
        "HTTP/3": (b"HTTP/3 200 So\r\n\r\n", CONTENT, Do.CLOSE),
        "status no number": say("twohundred OK", CONTENT),
        "status of one digit": say("2 OK", CONTENT),
        "status too large": say("2000 OK", CONTENT),
        "a status without an end": (b"HTTP/1.1 200 " + b"x" * 100_000, Do.CLOSE),
        "a header without an end": (b"HTTP/1.1 200 So\r\nX: " + b"x" * 100_000, Do.CLOSE),
        "10,000 headers": (b"HTTP/1.1 200 So\r\n" + b"X: x\r\n" * 10_000 + b"\r\n", Do.CLOSE),
        "headers without an end": (
            b"HTTP/1.1 200 So\r\n",
            Endless(b"X: " + b"x" * 60_000 + b"\r\n"),
        ),
        "an empty answer": (Do.CLOSE,),
        "only an empty line": (b"\r\n\r\n", Do.CLOSE),
    }
    for name, answer in heads.items():
        for where in _WHERE:
            yield Script(name=f"{where}: {name}", row=0, routes={where: (answer,)})
