"""RECORDs that do not speak the truth."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.hostile.wheels.case import (
    INFO,
    RECORD,
    Case,
    With,
    members_of,
    ordinary,
    record_of,
    row,
    table,
)
from tests.hostile.wheels.raw import write_archive

Rows = list[list[str]]
_PLACES = {"module": "demo/__init__.py", "METADATA": f"{INFO}/METADATA", "WHEEL": f"{INFO}/WHEEL"}


def _lying(change: Callable[[Rows], Sequence[Sequence[str]]]) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        files = ordinary(folder)
        rows = [*(row(path, data) for path, data in files.items()), [RECORD, "", ""]]
        return write_archive(members_of(files, table(change(rows))))

    return make


def _and_row_of(path: str) -> Callable[[Rows], Rows]:
    return lambda rows: [*rows, row(path, b"")]


def _other(algorithm: str) -> str:
    digest = hashlib.new(algorithm, b"something else").digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def cases() -> Iterator[Case]:
    """All of them."""
    for what, path in _PLACES.items():
        yield from _rows_of(what, path)
    phantoms = ("demo/absent.py", f"{INFO}/absent", "demo-1.0.data/scripts/absent")
    for path in phantoms:
        yield Case(
            name=f"a row of {path}",
            rule="record-phantom",
            make=_lying(_and_row_of(path)),
        )
    for path in (
        "/etc/passwd",
        "../outside",
        "a/../../outside",
        "C:/outside",
        "\\outside",
        "..\\x",
    ):
        yield Case(
            name=f"a row of {path}",
            rule="record-absolute",
            make=_lying(_and_row_of(path)),
        )
    yield from _whole()
    for name in ("RECORD.jws", "RECORD.p7s"):
        yield Case(
            name=f"{name} with a row",
            rule="record-signature",
            make=With(extra={f"{INFO}/{name}": b"{}"}),
        )

        def unlisted(folder: Path, name: str = name) -> bytes:
            files = ordinary(folder)
            return write_archive(members_of({**files, f"{INFO}/{name}": b"{}"}, record_of(files)))

        yield Case(name=f"{name} without a row", rule="record-signature", make=unlisted)


def _rows_of(what: str, path: str) -> Iterator[Case]:
    def changed(hash_: str | None = None, size: str | None = None) -> Callable[[Rows], Rows]:
        def change(rows: Rows) -> Rows:
            return [
                [
                    one[0],
                    one[1] if hash_ is None or one[0] != path else hash_,
                    one[2] if size is None or one[0] != path else size,
                ]
                for one in rows
            ]

        return change

    tricks: dict[str, tuple[str, Callable[[Rows], Rows]]] = {
        "no row": ("record-unlisted", lambda rows: [r for r in rows if r[0] != path]),
        "two rows": ("record-duplicate", lambda rows: [*rows, *(r for r in rows if r[0] == path)]),
        "a row in capitals": (
            "record-unlisted",
            lambda rows: [[r[0].upper() if r[0] == path else r[0], *r[1:]] for r in rows],
        ),
        "no hash": ("record-no-hash", changed("")),
        "a short hash": ("record-hash", changed("sha256=AAAA")),
        "no value": ("record-hash", changed("sha256=")),
        "a padded hash": ("record-hash", changed(f"sha256={'A' * 43}=")),
        "a loose last bit": ("record-hash", changed(f"sha256={'A' * 42}B")),
        "a hexadecimal hash": ("record-hash", changed(f"sha256={'0' * 64}")),
        "another sha256": ("record-hash", changed(_other("sha256"))),
        "another sha512": ("record-hash", changed(_other("sha512"))),
        "a size too large": ("record-size", changed(size="99999")),
        "size zero": ("record-size", changed(size="0")),
        "a negative size": ("record-unreadable", changed(size="-1")),
        "a size in words": ("record-unreadable", changed(size="many")),
        "a size with underscores": ("record-unreadable", changed(size="1_0")),
    }
    weak = ("md5", "sha1", "sha224", "sha3_256", "blake2b", "crc32", "rot13", "SHA256", "shake_128")
    for algorithm in weak:
        known = algorithm in {"md5", "sha1", "sha224", "sha3_256", "blake2b"}
        value = _other(algorithm) if known else f"{algorithm}={'A' * 43}"
        tricks[f"a hash by {algorithm}"] = ("record-weak-hash", changed(value))
    for trick, (rule, change) in tricks.items():
        yield Case(name=f"{trick} of {what}", rule=rule, make=_lying(change))


def _whole() -> Iterator[Case]:
    contents = {
        "empty": (b"", "record-unlisted"),
        "not UTF-8": (b"\xff\xfe\0", "record-unreadable"),
        "UTF-16": ("demo/__init__.py,,\n".encode("utf-16"), "record-unreadable"),
        "two columns": (b"demo/__init__.py,sha256=A\n", "record-unreadable"),
        "four columns": (b"demo/__init__.py,,,\n", "record-unreadable"),
        "an open quote": (b'"demo/__init__.py,,\n', "record-unreadable"),
        "an endless field": (b'"' + b"a" * 200_000 + b'",,\n', "record-unreadable"),
        "a page": (b"<html>\n", "record-unreadable"),
    }
    for trick, (data, rule) in contents.items():

        def make(folder: Path, data: bytes = data) -> bytes:
            return write_archive(members_of(ordinary(folder), data))

        yield Case(name=f"RECORD: {trick}", rule=rule, make=make)

    def without(folder: Path) -> bytes:
        return write_archive(members_of(ordinary(folder))[:-1])

    yield Case(name="RECORD missing", rule="record-missing", make=without)
    yield Case(
        name="RECORD with its own hash",
        rule="record-hash",
        make=_lying(lambda rows: [*rows[:-1], [RECORD, _other("sha256"), ""]]),
    )
    yield Case(
        name="RECORD without itself", rule="record-unlisted", make=_lying(lambda rows: rows[:-1])
    )
