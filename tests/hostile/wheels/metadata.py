"""What a wheel says of itself, and where it wants its files."""

from collections.abc import Iterator
from pathlib import Path

from tests.hostile.wheels.case import DATA, INFO, METADATA, WHEEL, Case, With, canary

_POINTS = f"{INFO}/entry_points.txt"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _identity()
    yield from _entry_points()
    yield from _data()


def _identity() -> Iterator[Case]:
    for missing in ("METADATA", "WHEEL"):
        yield Case(
            name=f"no {missing}",
            rule="metadata-missing",
            make=With(without=[f"{INFO}/{missing}"]),
        )
    metadata = {
        "another name": METADATA.replace(b"demo", b"other"),
        "another version": METADATA.replace(b"1.0\n", b"2.0\n"),
        "no name": METADATA.replace(b"Name: demo\n", b""),
        "no version": METADATA.replace(b"Version: 1.0\n", b"", 1).replace(b"\nVersion: 1.0", b""),
        "two names": METADATA + b"Name: other\n",
        "two versions": METADATA + b"Version: 2.0\n",
        "a version that is none": METADATA.replace(b"Version: 1.0\n", b"Version: x y\n"),
        "a name in the text": METADATA.replace(b"Name: demo\n", b"") + b"\nName: demo\n",
    }
    for trick, data in metadata.items():
        rule = "metadata-name"
        yield Case(
            name=f"METADATA: {trick}", rule=rule, make=With(extra={f"{INFO}/METADATA": data})
        )
    wheel = {
        "version 2": WHEEL.replace(b"1.0", b"2.0"),
        "no version": WHEEL.replace(b"Wheel-Version: 1.0\n", b""),
        "two versions": WHEEL + b"Wheel-Version: 2.0\n",
        "no root": WHEEL.replace(b"Root-Is-Purelib: true\n", b""),
        "two roots": WHEEL + b"Root-Is-Purelib: false\n",
        "empty": b"",
    }
    for trick, data in wheel.items():
        yield Case(
            name=f"WHEEL: {trick}", rule="wheel-version", make=With(extra={f"{INFO}/WHEEL": data})
        )
    for what in ("METADATA", "WHEEL"):
        yield Case(
            name=f"{what} that is not UTF-8",
            rule="metadata-unreadable",
            make=With(extra={f"{INFO}/{what}": b"\xff\xfe" + METADATA}),
        )
    yield from _names()


def _names() -> Iterator[Case]:
    others = {
        "another distribution": "other-1.0.dist-info/METADATA",
        "another version": "demo-2.0.dist-info/METADATA",
        "one in purelib": f"{DATA}/purelib/other-1.0.dist-info/METADATA",
        "one in platlib": f"{DATA}/platlib/other-1.0.dist-info/METADATA",
        "one in capitals": "Other-1.0.DIST-INFO/METADATA",
    }
    for trick, path in others.items():
        yield Case(
            name=f"two .dist-info: {trick}",
            rule="dist-info-count",
            make=With(extra={path: METADATA}),
        )
    names = {
        "another name": "other-1.0-py3-none-any.whl",
        "another version": "demo-1.1-py3-none-any.whl",
        "a local version": "demo-1.0+local-py3-none-any.whl",
    }
    for trick, filename in names.items():
        yield Case(
            name=f"file name: {trick}", rule="dist-info-name", make=With(), filename=filename
        )
    for trick, filename in {
        "too few parts": "demo-1.0.whl",
        "no version": "demo-x-py3-none-any.whl",
        "another ending": "demo-1.0-py3-none-any.zip",
    }.items():
        yield Case(name=f"file name: {trick}", rule="wheel-name", make=With(), filename=filename)


def _entry_points() -> Iterator[Case]:
    names = {
        "traversal": "../../outside",
        "absolute": "/outside",
        "backslash": "..\\outside",
        "drive": "C:outside",
        "quote": "a'b",
        "reserved": "con",
        "reserved with ending": "nul.txt",
        "trailing dot": "demo.",
        "escape": "a\x1b[2J",
        "right to left": "a\u202eb",
        "semicolon": "a;b",
        "dots": "..",
        "overlong": "a" * 300,
    }
    for section in ("console_scripts", "gui_scripts"):
        for trick, name in names.items():
            yield _points(
                f"{section} named by {trick}", "entry-point-name", section, f"{name} = demo:x"
            )
        for trick, target in {
            "a statement": "demo:x;import os",
            "a call": "demo:x()",
            "a path": "../demo:x",
            "no attribute": "demo",
            "a newline": "demo:x\n  import os",
            "a space": "demo x:y",
            "an empty module": ":x",
            "two dots": "demo..x:y",
            "a quote": "demo:x'",
            "a dash": "de-mo:x",
        }.items():
            yield _points(
                f"{section} that calls {trick}", "entry-point-target", section, f"a = {target}"
            )
        for program in ("python", "python3", "python3.11", "pythonw", "activate", "Python.exe"):
            yield _points(
                f"{section} named {program}",
                "environment-overwritten",
                section,
                f"{program} = demo:x",
            )
    for trick, text in {
        "no section": b"a = demo:x\n",
        "twice": b"[console_scripts]\na = demo:x\na = demo:y\n",
        "interpolation": b"[console_scripts]\na = demo:%(x)s\n",
        "not UTF-8": b"[console_scripts]\n\xff = demo:x\n",
        "no table": b"<html>",
    }.items():
        yield Case(
            name=f"entry points: {trick}",
            rule="entry-points-unreadable",
            make=With(extra={_POINTS: text}),
        )


def _points(name: str, rule: str, section: str, line: str) -> Case:
    return Case(name=name, rule=rule, make=With(extra={_POINTS: f"[{section}]\n{line}\n".encode()}))


def _data() -> Iterator[Case]:
    for scheme in ("stdlib", "platstdlib", "include", "platinclude", "userbase", "PURELIB", "lib"):
        yield _file(f"scheme {scheme}", "data-scheme", f"{DATA}/{scheme}/outside.py")
    yield _file("no scheme", "data-scheme", f"{DATA}/outside.py")
    yield _file("a file in the folder's place", "data-scheme", DATA)
    for folder in ("other-1.0.data", "demo-2.0.data", "Demo-1.0.DATA", "demo.data", ".data"):
        yield _file(f"folder {folder}", "data-folder", f"{folder}/purelib/outside.py")
    taken = (
        *("data/pyvenv.cfg", "data/bin/python", "data/bin/python3.11", "data/bin/activate"),
        *("data/Scripts/python.exe", "data/Scripts/activate.bat", "data/PYVENV.CFG", "data/lib64"),
        *("data/lib/python3.11/site-packages/x.py", "data/Lib/site-packages/x.py"),
        *("data/lib64/python3.11/site-packages/x.py", "scripts/python", "scripts/python3"),
        *("data/evidence/licenses/extra", "data/Evidence"),
        *(
            "scripts/python.exe",
            "scripts/python311.dll",
            "scripts/activate.ps1",
            "scripts/deactivate",
        ),
    )
    for path in taken:
        yield _file(f"over {path}", "environment-overwritten", f"{DATA}/{path}")


def _file(name: str, rule: str, path: str) -> Case:
    def make(folder: Path) -> bytes:
        return With(extra={path: canary(folder)})(folder)

    return Case(name=name, rule=rule, make=make)
