"""Scripts of indexes whose pages are none, or too much."""

import json
from collections.abc import Iterator
from typing import Any

from tests.hostile.network.script import (
    CONTENT,
    JSON,
    NAME,
    SHA256,
    Answer,
    Do,
    Endless,
    Left,
    Script,
    html,
    listing,
    page,
    page_answer,
    say,
)

_HTML = "text/html"


def pages() -> Iterator[Script]:
    """Pages that nobody can read."""
    good = page()
    for kind in (
        *("application/zip", "text/plain", "image/png", "application/json", "text/xml", "x"),
        *("application/vnd.pypi.simple.v2+json", "text/html; charset=utf-16", "\xff/\xfe"),
        *("text/html; charset=nonsense", "text/html; charset=utf-7", "text/html; charset=idna"),
    ):
        yield _bad(f"of the kind {kind}", page_answer(good, kind), says="no package index")
    contents = {
        "empty": b"",
        "no JSON": b"<html></html>",
        "half": good[: len(good) // 2],
        "no UTF-8": good.replace(b"demo", b"d\xffmo"),
        "UTF-16": good.decode().encode("utf-16"),
        "a list": b"[]",
        "null": b"null",
        "a number": b"1e999",
        "deep lists": b"[" * 100_000,
        "deep lists inside": b'{"x":' + b"[" * 100_000,
        "deep objects": b'{"a":' * 100_000,
        "NaN": good.replace(b"150000", b"NaN"),
        "twice": good + good,
        "zeros": bytes(1000),
    }
    for name, content in contents.items():
        yield _bad(f"in JSON: {name}", page_answer(content), says="no package index")


def odd_values() -> Iterator[Script]:
    """Pages in JSON that hold something else than they should."""
    good = page()
    values: tuple[Any, ...] = (
        None,
        7,
        "x",
        [],
        {},
        True,
        [None],
        [7],
        ["x"],
        [[]],
        [{}],
        -1,
        1e300,
    )
    for key in ("meta", "files"):
        for value in values:
            wrong = json.dumps(json.loads(good) | {key: value}).encode()
            says = "does not list" if (key, value) == ("files", []) else "no package index"
            yield _bad(f"with {key} {value!r}", page_answer(wrong), says=says)
    for version in ("2.0", "0.9", "", "x", "11", "1e9"):
        wrong = page(meta={"api-version": version})
        yield _bad(f"of version {version!r}", page_answer(wrong), says="")
    for field in ("filename", "url", "hashes"):
        for value in (7, [], True, [7], 1.5):
            wrong = page(listing(**{field: value}))
            yield _bad(f"with {field} {value!r}", page_answer(wrong), says="no package index")
    hashes: list[Any] = [7, [], "0" * 64, "x" * 100_000]
    for value in hashes:
        wrong = page(listing(hashes={"sha256": value}))
        yield _bad(f"with the hash {value!r:.40}", page_answer(wrong), says="")
    yield _bad(
        "with another hash that moves the cursor",
        page_answer(page(listing(hashes={"sha256": "\x1b[2J\r\n0"}))),
        says="it has another file, with SHA-256",
    )


def html_pages() -> Iterator[Script]:
    """The same in HTML."""
    contents = {
        "empty": b"",
        "no links": b"<!DOCTYPE html><body>",
        "cut in a tag": f'<a href="../../files/{NAME}'.encode(),
        "another file": html("../../files/demo-2.0-py3-none-any.whl")[1],
        "zeros": bytes(100_000),
        "bytes of a file": CONTENT,
        "a comment": b"<!-- " + str(html(f"../../files/{NAME}")[1]).encode() + b" -->",
        "a script": f'<script><a href="../../files/{NAME}">x</a></script>'.encode(),
        "JSON": page(),
    }
    for name, content in contents.items():
        assert isinstance(content, bytes)
        yield _bad(f"in HTML: {name}", page_answer(content, _HTML), says="")
    yield _bad(
        "in HTML with another hash",
        html(f"../../files/{NAME}#sha256={'0' * 64}"),
        says="it has another file, with SHA-256 0000",
    )
    version = '<meta name="pypi:repository-version" content="2.0">'
    yield _bad("in HTML of version 2", html(f"../../files/{NAME}", head=version), says="version")
    good = {
        "with the hash": html(f"../../files/{NAME}#sha256={SHA256}"),
        "with the hash in capitals": html(f"../../files/{NAME}#sha256={SHA256.upper()}"),
        "with another kind of hash": html(f"../../files/{NAME}#md5=0"),
        "with links elsewhere": html("..", "../", "mailto:x", "#", "", f"../../files/{NAME}"),
        "with bytes that are no UTF-8": page_answer(
            f'<a href="../../files/{NAME}">\xff\xfe</a>'.encode("latin-1"), _HTML
        ),
        "with both hashes": html(
            f"../../files/{NAME}#sha256={'0' * 64}", f"../../files/{NAME}#sha256={SHA256}"
        ),
        "yanked": page_answer(
            f'<a href="../../files/{NAME}" data-yanked="\x1b[2J">x</a>'.encode(), _HTML
        ),
        "without a kind": page_answer(f'<a href="../../files/{NAME}">x</a>'.encode(), ""),
    }
    for name, answer in good.items():
        yield Script(name=f"a page in HTML {name}", row=0, routes={"page": (answer,)}, exit=0)
    for value in (True, "", "broken", "\x1b]0;x\x07", "x" * 10_000):
        answer = page_answer(page(listing(yanked=value)))
        yield Script(name=f"yanked {value!r:.20}", row=0, routes={"page": (answer,)}, exit=0)


def large_pages() -> Iterator[Script]:
    """Pages that do not end, or would take long to read."""
    many = b",".join([b'{"filename":"x.whl","url":"x.whl","hashes":{}}'] * 100_001)
    floods = {
        "100,001 files": (b'{"meta":{"api-version":"1.0"},"files":[' + many + b"]}", JSON),
        "100,001 links": (b'<a href="x">' * 100_001, _HTML),
    }
    for piece in (
        b"<!--",
        b"<a ",
        b"</",
        b"<!",
        b"<?",
        b"&#",
        b"<a href='",
        b"<a b=c ",
        b"<script>",
    ):
        floods[f"{piece!r} again and again"] = (piece * (1_000_000 // len(piece)), _HTML)
    for name, (content, kind) in floods.items():
        yield _bad(f"with {name}", page_answer(content, kind), says="")
    for kind in (JSON, _HTML):
        for piece in (b"x" * 65536, b"[" * 65536, b"<a href=x>" * 6000, b" " * 65536):
            answer = say(200, Endless(piece), Content_Type=kind)
            yield _bad(f"of {kind}, {piece[:10]!r} without an end", answer, says="a page should be")
    stated = page_answer(page(), Content_Length=str(1 << 40))
    yield _bad("that states a terabyte", stated, says="")


def provenances() -> Iterator[Script]:
    """Attestations never keep a build from its file."""
    links = ("@MAIN@/p", "@OTHER@/p", "http://192.0.2.1/p", "file:///etc/passwd", "", "https://[")
    for link in links:
        answer = page_answer(page(listing(provenance=link)))
        yield Script(name=f"attestations at {link}", row=0, routes={"page": (answer,)}, exit=0)
    answers = {
        "without an end": say(200, Endless(b"x" * 65536)),
        "compressed": say(200, b"x", Content_Encoding="gzip"),
        "no JSON": say(200, b"x"),
        "deep": say(200, b"[" * 100_000),
        "a circle": say(302, Location="p"),
        "elsewhere": say(302, Location="http://192.0.2.1/"),
        "no answer": (Do.CLOSE,),
    }
    listed = page_answer(page(listing(provenance="@MAIN@/p")))
    for name, answer in answers.items():
        routes = {"page": (listed,), "p": (answer,)}
        yield Script(name=f"attestations: {name}", row=0, routes=routes, exit=0)


def _bad(name: str, answer: Answer, *, says: str) -> Script:
    return Script(
        name=f"a page {name}", row=0, routes={"page": (answer,)}, says=says, left=Left.NOTHING
    )
