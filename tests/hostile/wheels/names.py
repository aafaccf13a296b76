"""Names: what is wrong with them, and where they stand."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.wheels.case import (
    DATA,
    INFO,
    RECORD,
    Case,
    With,
    canary,
    members_of,
    ordinary,
    record_of,
    row,
    table,
)
from tests.hostile.wheels.raw import Raw, write_archive

# A component that is bad wherever it stands.
_COMPONENTS = {
    "traversal": ("..", "name-traversal"),
    "dot": (".", "name-dot"),
    "backslash": ("a\\b.py", "name-backslash"),
    "backslash traversal": ("..\\..\\outside.py", "name-backslash"),
    "NUL": ("a.py\0.txt", "name-nul"),
    "newline": ("a\nb.py", "name-control"),
    "escape sequence": ("a\x1b[2Jb.py", "name-control"),
    "delete": ("a\x7f.py", "name-control"),
    "right to left": ("a\u202egpj.py", "name-control"),
    "zero width": ("a\u200b.py", "name-control"),
    "line separator": ("a\u2028.py", "name-control"),
    "CON": ("CON", "name-reserved"),
    "con.txt": ("con.txt", "name-reserved"),
    "Nul.tar.gz": ("Nul.tar.gz", "name-reserved"),
    "aux.py": ("aux.py", "name-reserved"),
    "PRN space": ("PRN .py", "name-reserved"),
    "COM1": ("COM1", "name-reserved"),
    "com9.log": ("com9.log", "name-reserved"),
    "COM¹": ("COM¹", "name-reserved"),
    "lpt³.txt": ("lpt³.txt", "name-reserved"),
    "CONIN$": ("CONIN$", "name-reserved"),
    "conout$.py": ("conout$.py", "name-reserved"),
    "trailing dot": ("a.py.", "name-trailing"),
    "trailing space": ("a.py ", "name-trailing"),
    "three dots": ("...", "name-trailing"),
    "stream": ("a.py:hidden", "name-stream"),
    "data stream": ("a.py::$DATA", "name-stream"),
    "question mark": ("a?.py", "name-characters"),
    "asterisk": ("*.py", "name-characters"),
    "pipe": ("a|b.py", "name-characters"),
    "redirection": ("a>b.py", "name-characters"),
    "quotes": ('a"b.py', "name-characters"),
    "overlong": ("a" * 256, "name-long"),
    "overlong in bytes": ("ä" * 128, "name-long"),
}
_PLACES = {
    "member": "demo/",
    "data": f"{DATA}/data/share/",
    "purelib": f"{DATA}/purelib/demo/",
    "dist-info": f"{INFO}/licenses/",
    "script": f"{DATA}/scripts/",
    "header": f"{DATA}/headers/",
}
_PAIRS = {
    "case": ("demo/Module.py", "demo/module.py"),
    "case of a folder": ("demo/Sub/x.py", "demo/sub/x.py"),
    "NFC and NFD": ("demo/caf\u00e9.py", "demo/cafe\u0301.py"),
    "compatibility": ("demo/\ufb01le.py", "demo/file.py"),
    "sharp s": ("demo/stra\u00dfe.py", "demo/STRASSE.py"),
    "Kelvin": ("demo/\u212a.py", "demo/k.py"),
    "full width": ("demo/\uff41.py", "demo/a.py"),
    "two schemes": ("demo/y.py", f"{DATA}/purelib/demo/y.py"),
    "platlib": (f"{DATA}/platlib/demo/z.py", f"{DATA}/purelib/demo/z.py"),
    "case of scripts": (f"{DATA}/scripts/Tool", f"{DATA}/scripts/tool"),
}


def cases() -> Iterator[Case]:
    """All of them."""
    for trick, (component, rule) in _COMPONENTS.items():
        for place, prefix in _PLACES.items():
            name = f"{prefix}{component}"
            name = f"{name}/outside.py" if component in {".", ".."} else name
            yield _named(f"{trick} as {place}", rule, name)
        yield _folder(f"{trick} as folder", rule, f"demo/{component}/")
    yield from _whole_paths()
    for trick, (first, second) in _PAIRS.items():
        yield Case(
            name=f"{trick} collide",
            rule="name-collision",
            make=With(extra={first: b"1\n", second: b"2\n"}),
        )
    yield from _files_and_folders()
    yield from _encodings()


def _named(name: str, rule: str, member: str) -> Case:
    def make(folder: Path) -> bytes:
        return With(extra={member: canary(folder)})(folder)

    return Case(name=name, rule=rule, make=make)


def _folder(name: str, rule: str, member: str) -> Case:
    def make(folder: Path) -> bytes:
        attributes = {"attributes": 0o040755 << 16 | 0x10}
        entry = Raw(name=member, method=0, central=attributes)
        return write_archive([*members_of(ordinary(folder)), entry])

    return Case(name=name, rule=rule, make=make)


def _whole_paths() -> Iterator[Case]:
    tricks: dict[str, tuple[Callable[[Path], str], str]] = {
        "absolute": (lambda folder: f"{folder}/outside.py", "name-absolute"),
        "absolute backslash": (lambda _: "\\outside.py", "name-absolute"),
        "UNC": (lambda _: "//server/share/outside.py", "name-unc"),
        "UNC backslash": (lambda _: "\\\\server\\share\\outside.py", "name-unc"),
        "device path": (lambda _: "\\\\?\\C:\\outside.py", "name-unc"),
        "drive": (lambda _: "C:/outside.py", "name-drive"),
        "drive backslash": (lambda _: "c:\\outside.py", "name-drive"),
        "relative to a drive": (lambda _: "C:outside.py", "name-drive"),
        "one up": (lambda _: "../outside.py", "name-traversal"),
        "many up": (lambda _: "../" * 12 + "outside.py", "name-traversal"),
        "down and up": (lambda _: "demo/../../outside.py", "name-traversal"),
        "up out of scripts": (lambda _: f"{DATA}/scripts/../../../outside", "name-traversal"),
        "up out of data": (lambda _: f"{DATA}/data/../../../outside", "name-traversal"),
        "up out of dist-info": (lambda _: f"{INFO}/../../outside", "name-traversal"),
        "dot first": (lambda _: "./demo/outside.py", "name-dot"),
        "empty component": (lambda _: "demo//outside.py", "name-empty"),
        "empty in data": (lambda _: f"{DATA}/data//outside.py", "name-empty"),
        "no name": (lambda _: "", "name-empty"),
        "overlong path": (lambda _: "/".join(["demo", *["a" * 100] * 11, "x.py"]), "name-long"),
        "many folders": (lambda _: "d/" * 600 + "x.py", "name-long"),
    }
    for trick, (of, rule) in tricks.items():

        def make(folder: Path, of: Callable[[Path], str] = of) -> bytes:
            return With(extra={of(folder): canary(folder)})(folder)

        yield Case(name=f"{trick} path", rule=rule, make=make)


def _files_and_folders() -> Iterator[Case]:
    pairs = {
        "file below a file": {"demo/x": b"1", "demo/x/y.py": b"2"},
        "but for case": {"demo/X": b"1", "demo/x/y.py": b"2"},
        "of two schemes": {"demo/x": b"1", f"{DATA}/purelib/demo/x/y.py": b"2"},
        "of data": {f"{DATA}/data/share": b"1", f"{DATA}/data/share/x": b"2"},
    }
    for trick, files in pairs.items():
        yield Case(
            name=f"file and folder {trick}", rule="name-file-and-folder", make=With(extra=files)
        )

    def named_folder(folder: Path) -> bytes:
        entry = Raw(name="demo/__init__.py/", method=0, central={"attributes": 0o040755 << 16})
        return write_archive([*members_of(ordinary(folder)), entry])

    yield Case(name="file and folder as member", rule="name-file-and-folder", make=named_folder)


def _encodings() -> Iterator[Case]:
    stored = {
        "broken UTF-8": (b"demo/\xff\xfe.py", 0x800, "demo/\ufffd\ufffd.py"),
        "overlong UTF-8": (b"demo/\xc0\xae\xc0\xae/x.py", 0x800, "demo/x.py"),
        "surrogate": (b"demo/\xed\xa0\x80.py", 0x800, "demo/x.py"),
        "unmarked UTF-8": ("demo/é.py".encode(), 0, "demo/é.py"),
        "code page": (b"demo/\x82.py", 0, "demo/é.py"),
    }
    for trick, (raw, flags, read) in stored.items():

        def make(folder: Path, raw: bytes = raw, flags: int = flags, read: str = read) -> bytes:
            files, data = ordinary(folder), canary(folder)
            rows = [*(row(p, d) for p, d in files.items()), row(read, data), [RECORD, "", ""]]
            bad = Raw(name=raw, data=data, flags=flags)
            return write_archive([*members_of(files, table(rows)), bad])

        yield Case(name=f"{trick} name", rule="name-encoding", make=make)

    def twice(folder: Path) -> bytes:
        files = ordinary(folder)
        first = members_of(files, record_of(files))
        return write_archive([*first, Raw(name="demo/__init__.py", data=canary(folder))])

    yield Case(name="the same name twice", rule="duplicate", make=twice)
