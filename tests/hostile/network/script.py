"""The language of the scripts: what a server answers, piece by piece, and what must come of it.

In pieces and addresses, ``@MAIN@`` stands for the server on 127.0.0.1, ``@OTHER@`` for one on
127.0.0.2, ``@TLS@`` for one with a good certificate, ``@WRONG@``, ``@EXPIRED@`` and ``@STRANGER@``
for those with bad ones.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

NAME = "demo-1.0-py3-none-any.whl"
# No two parts of it are alike.
CONTENT = random.Random(6).randbytes(150_000)  # noqa: S311
SHA256 = hashlib.sha256(CONTENT).hexdigest()
#: A password, to be found where it must not be.
SECRET = "s3cret"  # noqa: S105
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing, for so many seconds, or until the client has gone."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Endless:
    """The same again and again, until the client has gone or much was sent; slowly, if at all."""

    piece: bytes
    seconds: float = 0


class Do(Enum):
    """What a server does beside sending."""

    CLOSE = "hang up"
    RESET = "hang up rudely"
    PROPER = "answer as a good server does"
    HALF = "as a good server, but hang up in the middle"


Step = bytes | Pause | Endless | Do
Answer = tuple[Step, ...]
PROPER: Answer = (Do.PROPER,)


class Left(Enum):
    """What may be there afterwards, beside the whole file where it was fetched."""

    NOTHING = "U"
    PART = "P"
    EITHER = "U or P"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One misbehaving server.

    Attributes:
        name: of the script.
        row: of the fault matrix; 0 where it has none.
        routes: path to the answers to the first, second … request; the last one goes on.
            ``page`` and ``file`` stand for the paths of those.
        exit: exit code that the build would end with.
        says: what the message holds.
        left: what may be there afterwards.
        index: the one that is named for the file; None names none, so pip's own is asked.
        pip_index: pip's own.
        url: the file's own address, instead of an index.
        size_locked: the lock states the size.
        beginning: what an earlier run has left of the file.
        etag: of that.
        impatient: the server is slow, so it gets little time.
    """

    name: str
    row: int
    routes: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    exit: int = 50
    says: str = ""
    left: Left = Left.EITHER
    index: str | None = "@MAIN@/index"
    pip_index: str = "@MAIN@/index"
    url: str | None = None
    size_locked: bool = True
    beginning: bytes = b""
    etag: str = ""
    impatient: bool = False


def say(status: int | str, *body: Step, **headers: str) -> Answer:
    """An answer with these headers only, after which the server hangs up.

    ``Content_Length=…`` and so on; what is repeated or odd goes into ``status`` as a text.
    """
    head = [f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} So"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([*head, "", ""]).encode("latin-1"), *body, Do.CLOSE)


def file_answer(*body: Step, length: str | None = None, **headers: str) -> Answer:
    """The file, with a header or two that are not proper."""
    content = body or (CONTENT,)
    stated = {"Content_Length": str(len(CONTENT)) if length is None else length}
    return say(200, *content, **stated, **headers)


def page(*files: Mapping[str, Any], **changes: Any) -> bytes:
    """A page of an index in JSON, by default with the file as it is."""
    listed = {"meta": {"api-version": "1.1"}, "name": "demo", "files": list(files or [listing()])}
    return json.dumps(listed | changes).encode()


def listing(**changes: Any) -> dict[str, Any]:
    """What a good page says of the file, but for the changes; None leaves something out."""
    listed = {
        "filename": NAME,
        "url": f"../../files/{NAME}",
        "hashes": {"sha256": SHA256},
        "size": len(CONTENT),
    }
    return {name: value for name, value in (listed | changes).items() if value is not None}


def page_answer(content: bytes, kind: str = JSON, **headers: str) -> Answer:
    """A page, with its length, unless addresses are yet to be put into it."""
    stated = {} if b"@" in content else {"Content_Length": str(len(content))}
    if kind:
        stated["Content_Type"] = kind
    return say(200, content, **(stated | headers))


def html(*links: str, head: str = "") -> Answer:
    """A page in HTML."""
    body = "".join(f'<a href="{link}">{NAME}</a>\n' for link in links)
    return page_answer(f"<!DOCTYPE html><html>{head}<body>{body}</body>".encode(), "text/html")
