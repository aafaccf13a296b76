"""What a signature under SHA256SUMS says when several builds share a folder."""

from pathlib import Path

import pytest

from builder.progress import Progress
from builder.signing import Signer, read_armored
from builder.sums import SumsSigner, stated_sum, write_sums
from tests.support.signing import new_signer


class Heard(Progress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return new_signer(tmp_path)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "dist").mkdir()
    return tmp_path / "dist"


def add(output: Path, name: str, by: Signer | None) -> list[str]:
    """A build that makes one file; what it warned of."""
    (output / name).write_text(name)
    heard = Heard()
    whose = SumsSigner(signer=by, identity="LLMSetup") if by else None
    write_sums(output, {name: name.encode().hex().ljust(64, "0")}, whose, heard)
    return heard.warnings


def named(output: Path) -> list[str]:
    return [line[66:] for line in (output / "SHA256SUMS").read_text().splitlines()]


def is_signed(output: Path, signer: Signer) -> bool:
    if not (output / "SHA256SUMS.sig").exists():
        return False
    signature = read_armored((output / "SHA256SUMS.sig").read_bytes(), "file")
    assert signature
    # A signature that is there always fits.
    assert signature.fits((output / "SHA256SUMS").read_bytes(), "file")
    return signature.key == signer.key


def test_signed_builds_follow_each_other(output: Path, signer: Signer) -> None:
    assert add(output, "a", signer) == []
    assert is_signed(output, signer)
    assert add(output, "b", signer) == []
    assert is_signed(output, signer)
    assert named(output) == ["a", "b"]
    line = (output / "allowed_signers").read_text()
    assert line == f'LLMSetup namespaces="file" {signer.key.line}\n'


def test_an_unsigned_build_leaves_no_stale_signature(output: Path, signer: Signer) -> None:
    add(output, "a", signer)
    (warning,) = add(output, "b", None)
    assert "SHA256SUMS.sig is removed" in warning
    assert not is_signed(output, signer)
    assert named(output) == ["a", "b"]
    assert add(output, "c", None) == []


def test_what_somebody_else_has_built_is_not_signed(output: Path, signer: Signer) -> None:
    add(output, "a", None)
    (warning,) = add(output, "b", signer)
    assert "1 files of earlier builds any more, such as a" in warning
    assert is_signed(output, signer)
    assert named(output) == ["b"]
    assert stated_sum(output / "a") is None
    # Building it again, signed, brings it back.
    assert add(output, "a", signer) == []
    assert named(output) == ["a", "b"]


def test_lines_that_were_slipped_in_are_not_signed(output: Path, signer: Signer) -> None:
    add(output, "a", signer)
    (output / "evil").write_text("evil")
    with (output / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'66' * 32}  evil\n")
    assert add(output, "b", signer)
    assert named(output) == ["b"]


def test_another_keys_lines_are_not_taken_over(
    tmp_path: Path, output: Path, signer: Signer
) -> None:
    other = new_signer(tmp_path, "other")
    add(output, "a", other)
    assert add(output, "b", signer)
    assert named(output) == ["b"]
    assert is_signed(output, signer)


def test_files_that_are_gone_are_not_named(output: Path, signer: Signer) -> None:
    add(output, "a", signer)
    (output / "a").unlink()
    assert add(output, "b", signer) == []
    assert named(output) == ["b"]


def test_where_the_sums_cannot_be_written_no_signature_is_left(
    output: Path, signer: Signer
) -> None:
    add(output, "a", signer)
    (output / ".SHA256SUMS.part").mkdir()
    with pytest.raises(IsADirectoryError):
        add(output, "b", signer)
    assert not (output / "SHA256SUMS.sig").exists()
