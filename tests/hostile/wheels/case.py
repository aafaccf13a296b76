"""A hostile wheel: how it is made, and the rule that must stop it."""

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.bundle.policy import Allowance
from tests.hostile.wheels.raw import Raw, write_archive

FILENAME = "demo-1.0-py3-none-any.whl"
INFO = "demo-1.0.dist-info"
DATA = "demo-1.0.data"
RECORD = f"{INFO}/RECORD"
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# What code in a wheel leaves behind in the case's folder when it runs.
CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One wheel.

    Attributes:
        name: says what the trick is, and where.
        rule: that must be among those that it breaks.
        make: its bytes, given the folder that it must not leave.
        filename: what the wheel is called.
        seen_at_once: an installer, too, sees it by what it reads: directory, metadata, contents
            by their RECORD. Of the others other programs would have to be afraid.
        allowance: that does not help, given the wheel's bytes.
    """

    name: str
    rule: str
    make: Callable[[Path], bytes]
    filename: str = FILENAME
    seen_at_once: bool = True
    allowance: Callable[[bytes], Allowance] | None = None

    def write(self, folder: Path) -> Path:
        """Write the wheel."""
        path = folder / self.filename
        path.write_bytes(self.make(folder))
        return path


def canary(folder: Path) -> bytes:
    """Code that shows that it ran; one line."""
    return f"import pathlib; pathlib.Path({str(folder / CANARY)!r}).touch()\n".encode()


def ordinary(folder: Path) -> dict[str, bytes]:
    """What every wheel here has, so that nothing else is wrong with it."""
    return {
        "demo/__init__.py": canary(folder),
        f"{INFO}/METADATA": METADATA,
        f"{INFO}/WHEEL": WHEEL,
    }


def row(path: str, data: bytes) -> list[str]:
    """A true row of RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return [path, f"sha256={digest}", str(len(data))]


def table(rows: Sequence[Sequence[str]]) -> bytes:
    """RECORD of these rows."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def record_of(files: Mapping[str, bytes]) -> bytes:
    """A true RECORD."""
    return table([*(row(path, data) for path, data in files.items()), [RECORD, "", ""]])


def members_of(files: Mapping[str, bytes], record: bytes | None = None) -> list[Raw]:
    """A member for each, and a RECORD, which is true unless given."""
    all_of_them = {**files, RECORD: record_of(files) if record is None else record}
    return [Raw(name=name, data=data) for name, data in all_of_them.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class With:
    """Makes a wheel with more members, and a RECORD that is true."""

    extra: Mapping[str, bytes] = field(default_factory=dict)
    without: Sequence[str] = ()

    def __call__(self, folder: Path) -> bytes:
        files = {**ordinary(folder), **self.extra}
        for name in self.without:
            del files[name]
        return write_archive(members_of(files))
