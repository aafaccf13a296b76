"""Unit tests reach neither the network nor other processes."""

import socket
import subprocess
from typing import Any, NoReturn

import pytest

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_to_loopback(self: socket.socket, address: Any) -> None:
        if not (isinstance(address, tuple) and address[0] in _LOOPBACK):
            pytest.fail(f"a unit test wants to connect to {address}")
        connect(self, address)

    def start(*arguments: Any, **_: Any) -> NoReturn:
        pytest.fail(f"a unit test wants to start {arguments[:1]}")

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)
    monkeypatch.setattr(subprocess.Popen, "__init__", start)
