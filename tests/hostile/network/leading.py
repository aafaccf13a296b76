"""Scripts of servers that lead elsewhere: rows 8, 12 and 13, links, logins and certificates."""

from collections.abc import Iterator

from tests.hostile.network.script import (
    CONTENT,
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

_WHERE = ("page", "file")
_CODES = (301, 302, 303, 307, 308)


def _to(address: str, status: int = 302, *body: bytes | Endless) -> Answer:
    return say(status, *body, Location=address)


def redirects() -> Iterator[Script]:
    """Row 8."""
    for where in _WHERE:
        yield from _without_end(where)
        yield from _to_where_nothing_may_be(where)
    yield from _harmless()


def _without_end(where: str) -> Iterator[Script]:
    for status in _CODES:
        yield Script(
            name=f"{where} {status} in a circle of one",
            row=8,
            routes={where: (_to("?again", status),)},
            says="redirects",
        )
    for length in (2, 3, 7):
        ring = {f"ring{n}": (_to(f"@MAIN@/ring{(n + 1) % length}"),) for n in range(length)}
        yield Script(
            name=f"{where} in a circle of {length}",
            row=8,
            routes={where: (_to("@MAIN@/ring0"),), **ring},
            says="in circles",
        )
    yield Script(
        name=f"{where} without an end",
        row=8,
        routes={
            where: (_to("@MAIN@/step1"),),
            **{f"step{n}": (_to(f"@MAIN@/step{n + 1}"),) for n in range(1, 40)},
        },
        says="redirects more than 10 times",
    )


def _to_where_nothing_may_be(where: str) -> Iterator[Script]:
    good = {"page": page_answer(page()), "file": say(200, CONTENT)}
    nowhere = (
        *("http://192.0.2.1/x", "http://127.0.0.1.nip.example/x", "http://0.0.0.0/x"),
        *("http://127.1/x", "http://2130706433/x", "http://[::ffff:127.0.0.1]/x"),
        *("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1/x"),
        *("data:text/html,x", "javascript:1", "gopher://127.0.0.1/x", "HTTP://192.0.2.1/"),
        *("https://", "https:///x", "https://[", "https://127.0.0.1:99999/", "//192.0.2.1/x"),
        *("https://127.0.0.1:port/", "https://a@b@c/", "https://192.0.2.1\\@127.0.0.1/"),
        *("http://user:s3cret@127.0.0.1/x", "https://user@192.0.2.1/", "x:", "\xff://x"),
    )
    for address in nowhere:
        yield Script(
            name=f"{where} leads to {address}",
            row=8,
            routes={where: (_to(address),)},
            left=Left.NOTHING,
        )
    for name, address in (("http", "@MAIN@/x"), ("http elsewhere", "@OTHER@/x")):
        yield Script(
            name=f"{where} leads from https to {name}",
            row=8,
            index="@TLS@/index",
            routes={where: (_to(address),), "x": (good[where],)},
            says="it redirects from https to http",
        )
    yield Script(
        name=f"{where} leads to a certificate of another host",
        row=8,
        index="@TLS@/index",
        routes={where: (_to("@WRONG@/x"),), "x": (good[where],)},
        says="no safe connection",
    )
    yield Script(
        name=f"{where} leads on with a body without an end",
        row=8,
        routes={where: (_to("@MAIN@/none", 302, Endless(b"x" * 65536)),)},
        says="404",
    )


def _harmless() -> Iterator[Script]:
    for target in ("@MAIN@/x", "@OTHER@/x", "@TLS@/x", "../x"):
        for status in _CODES:
            yield Script(
                name=f"file leads to {target} by {status}",
                row=8,
                routes={"file": (_to(target, status),), "x": (say(200, CONTENT),)},
                exit=0,
            )
    for count in (1, 9, 10, 11):
        steps = {f"step{n}": (_to(f"@TLS@/step{n + 1}"),) for n in range(1, count)}
        yield Script(
            name=f"file after {count} redirects",
            row=8,
            index="@TLS@/index",
            routes={"file": (_to("@TLS@/step1"),), **steps, f"step{count}": (say(200, CONTENT),)},
            exit=0 if count <= 10 else 50,
        )


def logins() -> Iterator[Script]:
    """They stay with their host, and out of messages and of the cache."""
    login = "@LOGIN@/index"
    for where in _WHERE:
        yield Script(
            name=f"{where} leads to another host, with a login",
            row=8,
            index=login,
            routes={where: (_to("@OTHER@/x"),), "x": (say(200, page()),)},
        )
        yield Script(
            name=f"{where} wants a login",
            row=8,
            index=login,
            routes={where: (say(401),)},
            says="401",
        )
    far = page_answer(page(listing(url="@OTHER@/x")))
    yield Script(
        name="the file lies on another host",
        row=8,
        index=login,
        routes={"page": (far,), "x": (say(200, CONTENT),)},
        exit=0,
    )
    near = page_answer(page(listing(url="@MAIN@/x")))
    yield Script(
        name="the file lies on the same host",
        row=8,
        index=login,
        routes={"page": (near,), "x": (say(200, CONTENT, Set_Cookie="a=b"),)},
        exit=0,
    )
    own = page_answer(page(listing(url="http://other:s3cret@127.0.0.2/x")))
    yield Script(name="a link with a login", row=8, routes={"page": (own,)}, says="with a login")


def names() -> Iterator[Script]:
    """Row 12: exit code 12, and nothing outside."""
    up = ("..%2f", "..%2F..%2F", "%2e%2e%2f", "..%252f", "%252e%252e%252f", "..%25252f", "..%5c")
    ends = [f"{way}demo/{NAME}".replace("demo/", "demo%2F") for way in up]
    ends += [f"%2fetc%2f{NAME}", f"%5c%5cserver%5cshare%5c{NAME}", f"C:%5c{NAME}", f"c:{NAME}"]
    ends += [f"{NAME}%00.txt", f"%00{NAME}", f"{NAME}%0a", f"%0d%0a{NAME}", f"%1b[2J{NAME}"]
    ends += ["%2e%2e", "%2E", f"a%2f{NAME}", f"{NAME}%7f", f"{NAME}%E2%80%AE", "x" * 300]
    for name in ends:
        href = f"../../files/{name}"
        kinds = {
            "HTML": html(href, f"../../files/{NAME}#sha256={SHA256}"),
            "JSON": page_answer(page(listing(filename="x.whl", url=href), listing())),
        }
        for kind, answer in kinds.items():
            yield Script(
                name=f"{kind} with {name[:40]}",
                row=12,
                routes={"page": (answer,)},
                exit=12,
                says="names a file",
                left=Left.NOTHING,
            )
    written = ("../", "../../", "/etc/", "..\\", "C:\\", "\\\\server\\", "a/", "\x00", "\x1b[2J")
    for name in (*(f"{way}{NAME}" for way in written), "..", ".", f"{NAME}\u202e", f"..%2f{NAME}"):
        answer = page_answer(page(listing(filename=name)))
        yield Script(
            name=f"a file called {name!r}",
            row=12,
            routes={"page": (answer,)},
            exit=12,
            says="names a file",
            left=Left.NOTHING,
        )


def other_indexes() -> Iterator[Script]:
    """Row 13: a second index has the name, too, and nobody asks it."""
    pinned, second = "@OTHER@/pinned", "@MAIN@/index"
    wrong = page(listing(hashes={"sha256": "0" * 64}))
    pages: dict[str, tuple[Answer, str]] = {
        "does not know it": (say(404), "does not know demo"),
        "says no": (say(403), "says no (403)"),
        "has no files": (page_answer(page(files=[])), "does not list the file"),
        "has another file": (page_answer(wrong), "it has another file, with SHA-256 000000"),
        "has another version": (
            page_answer(page(listing(filename="demo-2.0-py3-none-any.whl"))),
            "does not list the file",
        ),
        "is broken": (page_answer(b"{"), "no package index"),
        "hangs up": ((Do.CLOSE,), "cannot be reached"),
    }
    for name, (answer, says) in pages.items():
        yield Script(
            name=f"the pinned index {name}, the other one has it",
            row=13,
            index=pinned,
            pip_index=second,
            routes={"pinned/demo/": (answer,)},
            says=says,
            left=Left.NOTHING,
        )
        yield Script(
            name=f"pip's own index {name}, another one has it",
            row=13,
            index=None,
            pip_index=pinned,
            routes={"pinned/demo/": (answer,)},
            says=says,
            left=Left.NOTHING,
        )
    for index, pip_index in ((pinned, second), (None, pinned)):
        yield Script(
            name=f"{index} and {pip_index} have the name",
            row=13,
            index=index,
            pip_index=pip_index,
            routes={
                "page": (page_answer(wrong),),
                "pinned/demo/": (page_answer(page(listing(url="@OTHER@/x"))),),
                "x": (say(200, CONTENT),),
            },
            exit=0,
        )


def links() -> Iterator[Script]:
    """What a page gives as the file's address."""
    bad = (
        *(
            "file:///etc/passwd",
            "ftp://127.0.0.1/x",
            "http://192.0.2.1/x",
            "data:,x",
            "javascript:1",
        ),
        *("https://", "https://[", "https://127.0.0.1:99999/x", "https://192.0.2.1\\@127.0.0.1/x"),
    )
    for address in bad:
        url = f"{address}/{NAME}"
        for kind, answer in (("JSON", page_answer(page(listing(url=url)))), ("HTML", html(url))):
            yield Script(
                name=f"{kind} links to {url}",
                row=0,
                routes={"page": (answer,)},
                left=Left.NOTHING,
            )
    for base in ("http://192.0.2.1/", "file:///etc/", "ftp://127.0.0.1/"):
        yield Script(
            name=f"a page with the base {base}",
            row=0,
            routes={"page": (html(NAME, head=f'<base href="{base}">'),)},
        )
    for url in ("@MAIN@/x", "@OTHER@/x"):
        yield Script(
            name=f"a page under https links to {url}",
            row=0,
            index="@TLS@/index",
            routes={"page": (page_answer(page(listing(url=url))),), "x": (say(200, CONTENT),)},
            says="begins with http:",
        )
    for url in ("@MAIN@/x", "@OTHER@/x", "@TLS@/x", "../../x"):
        yield Script(
            name=f"a page links to {url}",
            row=0,
            routes={"page": (page_answer(page(listing(url=url))),), "x": (say(200, CONTENT),)},
            exit=0,
        )


def certificates() -> Iterator[Script]:
    """Servers whose certificate proves nothing."""
    for token in ("@WRONG@", "@EXPIRED@", "@STRANGER@"):
        yield Script(
            name=f"an index with a certificate of {token}",
            row=0,
            index=f"{token}/index",
            says="no safe connection",
            left=Left.NOTHING,
        )
        far = page_answer(page(listing(url=f"{token}/x")))
        yield Script(
            name=f"a link to {token}", row=0, routes={"page": (far,)}, says="no safe connection"
        )
        yield Script(
            name=f"a beginning outlives {token}",
            row=0,
            url=f"{token}/files/{NAME}",
            beginning=CONTENT[:1000],
            says="no safe connection",
            left=Left.PART,
        )
    yield Script(name="a good certificate", row=0, index="@TLS@/index", exit=0)
    yield Script(name="no TLS where https is said", row=0, index="@NOTLS@/index", impatient=True)
