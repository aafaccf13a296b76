"""Package indexes on this machine: one as PyTorch's is, one as pip's own, one with a login."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote, unquote

from packaging.utils import parse_sdist_filename, parse_wheel_filename


class Request(BaseHTTPRequestHandler):
    """One request to the server, with shorthands for answering it."""

    protocol_version = "HTTP/1.1"

    @property
    def first(self) -> int:
        """Where the part that is asked for begins; 0 when everything is asked for."""
        return int(self._range.partition("-")[0])

    @property
    def end(self) -> int | None:
        """Where the part that is asked for ends; None when all the rest is asked for."""
        last = self._range.partition("-")[2]
        return int(last) + 1 if last else None

    @property
    def _range(self) -> str:
        return str(self.headers.get("Range", "bytes=0-").removeprefix("bytes="))

    def answer(self, code: int, content: bytes, **headers: str) -> None:
        """Answer properly; ``Content_Length=…`` and the like go over what is proper."""
        self.send_response(code)
        proper = {"Content-Length": str(len(content))}
        proper |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in proper.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def send_file(self, content: bytes, etag: str | None = "") -> None:
        """Answer with a file, or with the part that is asked for (RFC 9110).

        Args:
            content: the whole file.
            etag: instead of the proper one; None is to have none.
        """
        if etag == "":
            etag = etag_of(content)
        named = {"ETag": etag} if etag else {}
        if "Range" not in self.headers or self.headers.get("If-Range", etag) != etag:
            self.answer(200, content, **named)
        elif self.first >= len(content):
            self.answer(416, b"", Content_Range=f"bytes */{len(content)}")
        else:
            part = content[self.first : self.end]
            stretch = f"bytes {self.first}-{self.first + len(part) - 1}/{len(content)}"
            self.answer(206, part, Content_Range=stretch, **named)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Fault = Callable[[Request, bytes], None]


@dataclass(slots=True)
class Indexes:
    """Indexes below one address.

    ``html`` speaks as PyTorch's does: HTML with hashes in the links, ``%2B`` for ``+``, and
    403 for what is not there. ``json`` speaks as pip's own. ``private`` is as ``json``, for
    people with a password.

    Attributes:
        files: index to file name to content.
        unhashed: files whose hash the HTML page keeps to itself.
        login: what ``private`` wants to see.
        faults: file name to what happens to the first requests for it, one after another.
        rules: file name to what happens to all other requests for it.
        asked: every request so far: method, path, first byte.
        broken_pages: so many of the next pages break off.
    """

    address: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    unhashed: set[str] = field(default_factory=set)
    login: str = "Basic " + base64.b64encode(b"user:secret").decode()
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    rules: dict[str, Fault] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    broken_pages: int = 0

    def add(self, index: str, filename: str, *requires: str, mark: str = "") -> bytes:
        """Make a wheel and offer it."""
        content = metadata_wheel(filename, *requires, mark=mark)
        self.files.setdefault(index, {})[filename] = content
        return content

    def handle(self, request: Request) -> None:
        """Answer one request."""
        self.asked.append((request.command, request.path, request.first))
        index, _, rest = request.path.partition("?")[0].strip("/").partition("/")
        if index == "private" and request.headers["Authorization"] != self.login:
            request.answer(401, b"")
        elif rest.startswith("files/"):
            self._handle_file(request, index, unquote(rest.removeprefix("files/")))
        else:
            self._handle_page(request, index, rest)

    def _handle_file(self, request: Request, index: str, name: str) -> None:
        content = self.files[index].get(name)
        if content is None:
            request.answer(403 if index == "html" else 404, b"")
        elif faults := self.faults.get(name):
            faults.pop(0)(request, content)
        else:
            self.rules.get(name, Request.send_file)(request, content)

    def _handle_page(self, request: Request, index: str, project: str) -> None:
        files = {n: c for n, c in self.files.get(index, {}).items() if _project_of(n) == project}
        if self.broken_pages:
            self.broken_pages -= 1
            request.answer(200, b"{", Content_Length="9", Content_Type="text/html")
            request.close_connection = True
        elif index != "html":
            kind = "application/vnd.pypi.simple.v1+json"
            request.answer(200 if files else 404, _json_page(project, files), Content_Type=kind)
        elif files:
            request.answer(200, self._html_page(files), Content_Type="text/html")
        else:
            request.answer(403, b"")

    def _html_page(self, files: dict[str, bytes]) -> bytes:
        links = (
            f'<a href="../files/{quote(name, safe="")}'
            + ("" if name in self.unhashed else f"#sha256={hashlib.sha256(data).hexdigest()}")
            + f'">{name}</a>'
            for name, data in files.items()
        )
        return f"<!DOCTYPE html><body>{''.join(links)}</body>".encode()


@contextmanager
def serve(indexes: Indexes) -> Iterator[Indexes]:
    """Serve them on the loopback as long as the context lives."""

    class Handler(Request):
        def do_GET(self) -> None:
            indexes.handle(self)

        def do_HEAD(self) -> None:
            indexes.handle(self)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients that hang up are what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        indexes.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield indexes
        finally:
            server.shutdown()
            thread.join()


def etag_of(content: bytes) -> str:
    """A strong validator."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def metadata_wheel(filename: str, *requires: str, mark: str = "") -> bytes:
    """A wheel with metadata only; ``mark`` makes its content differ."""
    name, version, _, tags = parse_wheel_filename(filename)
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {mark}\n"]
    metadata += [f"Requires-Dist: {requirement}\n" for requirement in requires]
    tag = min(str(tag) for tag in tags)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        folder = f"{filename.partition('-')[0]}-{version}.dist-info"
        archive.writestr(f"{folder}/METADATA", "".join(metadata))
        archive.writestr(f"{folder}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{folder}/RECORD", "")
    return content.getvalue()


def _json_page(project: str, files: dict[str, bytes]) -> bytes:
    listed = [
        {
            "filename": name,
            "url": f"../files/{quote(name, safe='')}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
        }
        for name, data in files.items()
    ]
    page = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": listed}
    return json.dumps(page).encode()


def _project_of(filename: str) -> str:
    parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
    return parse(filename)[0]
