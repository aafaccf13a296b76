"""Plays scripts on real sockets, with and without TLS."""

import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import trustme

from tests.hostile.network.script import (
    CONTENT,
    JSON,
    NAME,
    PROPER,
    SECRET,
    Answer,
    Do,
    Endless,
    Pause,
    Script,
    Step,
    page,
)

_MOST_ENDLESS = 1 << 30
_IDLE_SECONDS = 20
_SHORTHANDS = {"page": "index/demo/", "file": f"files/{NAME}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as a server has seen it."""

    server: str
    path: str
    headers: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Play:
    """One script being played; it has a path of its own on all servers."""

    script: Script
    number: int
    over: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Asked) -> Answer:
        """The next answer for a path."""
        name = next((k for k, path in _SHORTHANDS.items() if path == request.path), request.path)
        answers = self.script.routes.get(name)
        with self.lock:
            self.asked.append(request)
            number = self.counts[name]
            self.counts[name] += 1
        if answers is None:
            return PROPER if name in _SHORTHANDS else (b"HTTP/1.1 404 No\r\n\r\n", Do.CLOSE)
        return answers[min(number, len(answers) - 1)]


class Stage:
    """All servers, and the script that they play.

    Attributes:
        addresses: token to what it stands for, without the play's own path.
    """

    def __init__(self) -> None:
        self.addresses = dict[str, str]()
        self._plays = dict[int, Play]()

    @contextmanager
    def playing(self, script: Script) -> Iterator[Play]:
        """Play a script as long as the context lives."""
        play = Play(script=script, number=len(self._plays) + 1)
        self._plays[play.number] = play
        try:
            yield play
        finally:
            play.over.set()

    def play(self, number: str) -> Play | None:
        """The one with this number."""
        return self._plays.get(int(number)) if number.isdecimal() else None

    def fill(self, text: str, play: Play) -> str:
        """Put addresses for their tokens."""
        for token, address in self.addresses.items():
            text = text.replace(token, f"{address}/{play.number}")
        return text

    def end(self) -> None:
        """Let no server wait any longer."""
        for play in self._plays.values():
            play.over.set()


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Start all servers; the certificate authority that is to be trusted is ``folder/ca.pem``."""
    stage = Stage()
    ca, stranger = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    past = datetime(2020, 1, 1, tzinfo=UTC)
    certificates = {
        "@TLS@": ca.issue_cert("127.0.0.1", "localhost"),
        "@WRONG@": ca.issue_cert("elsewhere.example"),
        "@EXPIRED@": ca.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(month=2)),
        "@STRANGER@": stranger.issue_cert("127.0.0.1"),
    }
    with ExitStack() as stack:
        for token, host in (("@MAIN@", "127.0.0.1"), ("@OTHER@", "127.0.0.2")):
            port = stack.enter_context(_server(stage, token, host, None))
            stage.addresses[token] = f"http://{host}:{port}"
        main = stage.addresses["@MAIN@"]
        stage.addresses["@LOGIN@"] = main.replace("//", f"//user:{SECRET}@")
        stage.addresses["@NOTLS@"] = main.replace("http:", "https:")
        for token, certificate in certificates.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            port = stack.enter_context(_server(stage, token, "127.0.0.1", context))
            stage.addresses[token] = f"https://127.0.0.1:{port}"
        stack.callback(stage.end)
        yield stage


@contextmanager
def _server(stage: Stage, token: str, host: str, tls: ssl.SSLContext | None) -> Iterator[int]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _serve(self.request, stage, token, tls)

    class Server(ThreadingTCPServer):
        # Its threads are waited for, so that none outlives the stage.
        daemon_threads = False
        request_queue_size = 50

    with Server((host, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stage.end()
            server.shutdown()
            thread.join()


def _serve(plain: socket.socket, stage: Stage, token: str, tls: ssl.SSLContext | None) -> None:
    plain.settimeout(_IDLE_SECONDS)
    connection = tls.wrap_socket(plain, server_side=True) if tls else plain
    with connection:
        while request := _read_request(connection, token):
            _, number, path = request.path.split("/", 2)
            play = stage.play(number)
            if play is None:
                return
            asked = Asked(server=token, path=path, headers=request.headers)
            for step in play.answer(asked):
                if not _do(step, connection, asked, stage, play):
                    return


def _read_request(connection: socket.socket, token: str) -> Asked | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            return None
        head += piece
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines if line)
    headers = {name.lower(): value for name, _, value in pairs}
    return Asked(server=token, path=first.split(" ")[1].partition("?")[0], headers=headers)


def _do(step: Step, connection: socket.socket, asked: Asked, stage: Stage, play: Play) -> bool:
    """One step; False where it is the last one on this connection."""
    if isinstance(step, bytes):
        text = stage.fill(step.decode("latin-1"), play)
        connection.sendall(text.encode("latin-1"))
    elif isinstance(step, Pause):
        play.over.wait(step.seconds)
    elif isinstance(step, Endless):
        sent = 0
        while sent < _MOST_ENDLESS and not play.over.wait(step.seconds):
            connection.sendall(step.piece)
            sent += len(step.piece)
    elif step is Do.CLOSE:
        return False
    elif step is Do.RESET:
        # Closing sends RST and throws away what was not sent yet.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        return False
    else:
        answer = _proper(asked)
        connection.sendall(answer[: len(answer) // 2] if step is Do.HALF else answer)
        return step is Do.PROPER
    return True


def _proper(asked: Asked) -> bytes:
    if asked.path == _SHORTHANDS["page"]:
        content = page()
        return _head(200, f"Content-Type: {JSON}", f"Content-Length: {len(content)}") + content
    etag = 'ETag: "good"'
    stretch = asked.headers.get("range", "").removeprefix("bytes=")
    if not stretch or asked.headers.get("if-range", '"good"') != '"good"':
        return _head(200, etag, f"Content-Length: {len(CONTENT)}") + CONTENT
    first, _, last = stretch.partition("-")
    if int(first) >= len(CONTENT):
        return _head(416, f"Content-Range: bytes */{len(CONTENT)}", "Content-Length: 0")
    part = CONTENT[int(first) : int(last) + 1 if last else None]
    extent = f"bytes {first}-{int(first) + len(part) - 1}/{len(CONTENT)}"
    return _head(206, etag, f"Content-Range: {extent}", f"Content-Length: {len(part)}") + part


def _head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} So", *lines, "", ""]).encode()
