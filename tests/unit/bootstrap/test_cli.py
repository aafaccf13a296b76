"""What the program takes itself for, by its name and by what lies beside it."""

import os
import sys
from pathlib import Path

import pytest

from bootstrap import cli, interrupts, trust
from bootstrap.bundle.keys import TRUSTED_KEYS
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import Judge
from bootstrap.state import load_state
from tests.support.generations import go_live
from tests.support.signing import new_signer
from tests.support.tiny_bundle import tiny_bundle


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "listen", lambda: None)
    monkeypatch.setattr(interrupts, "ignore", lambda: None)


@pytest.fixture
def started_as(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> "Start":
    return Start(monkeypatch, tmp_path_factory.mktemp("frozen"))


class Start:
    """Runs the command line as that of a frozen program.

    Attributes:
        keys: of those whom it trusts; nobody in particular at first.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, unpacked: Path) -> None:
        self._monkeypatch = monkeypatch
        self.keys = unpacked / Path(TRUSTED_KEYS).name
        self.keys.touch()
        monkeypatch.setattr(trust, "__file__", str(unpacked / "trust.pyc"))

    def __call__(self, program: Path, *arguments: str) -> int:
        self._monkeypatch.setattr(sys, "frozen", True, raising=False)
        self._monkeypatch.setattr(sys, "executable", str(program))
        return cli.main(arguments)


def live_name(target: Path) -> str:
    state = load_state(target)
    assert state is not None
    assert state.live is not None
    return state.live.generation


def test_a_foreign_file_beside_the_installer_does_not_matter(
    tmp_path: Path, started_as: Start
) -> None:
    (tmp_path / "install.json").write_text("somebody else's")
    assert started_as(tiny_bundle(tmp_path), "--version") == 0
    (tmp_path / "empty").mkdir()
    target = ["--target", str(tmp_path / "empty")]
    assert started_as(tiny_bundle(tmp_path), "--verify", *target) == 2


def test_a_program_with_keys_takes_their_bundles_only(tmp_path: Path, started_as: Start) -> None:
    signer = new_signer(tmp_path)
    started_as.keys.write_text(f"{signer.key.line}\n")
    for mode in ("--version", "--list", "--check-media", "--verify", "--uninstall", "--silent"):
        assert started_as(tiny_bundle(tmp_path), mode) == 11
    assert started_as(tiny_bundle(tmp_path, signer=signer), "--check-media") == 0
    # It opens no bundle: there is nothing to trust.
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "g1", "folder")
    assert started_as(target / "Uninstall.exe", "--silent") == 0


def test_the_bundle_is_opened_once(
    tmp_path: Path, started_as: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_ = list[Path](), BundleReader.open

    def counted(path: Path, judge: Judge | None = None) -> BundleReader:
        opened.append(path)
        return open_(path, judge)

    monkeypatch.setattr(BundleReader, "open", counted)
    bundle = tiny_bundle(tmp_path)
    # Its product gives the usual target.
    started_as(bundle, "--check")
    assert opened == [bundle]


def test_the_uninstaller_removes_what_it_lies_in(tmp_path: Path, started_as: Start) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "g1", "folder")
    assert started_as(target / "Uninstall.exe", "--silent") == 0
    assert not target.exists()


def test_the_uninstaller_removes_what_it_is_told_to(tmp_path: Path, started_as: Start) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for target in (here, there):
        target.mkdir()
        go_live(target, "g1", "folder")
    assert started_as(here / "uninstall.exe", "--silent", "--target", str(there)) == 0
    assert load_state(here) is not None
    assert not there.exists()


@pytest.mark.skipif(os.name == "nt", reason="its names are Unicode")
def test_names_that_are_not_unicode_are_told(
    tmp_path: Path, started_as: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    live = go_live(target, "g1", "symlink")
    strange = os.fsdecode(b"\xff")
    for folder in (target, live.venv):
        (folder / strange).write_text("years of work")
    log = tmp_path / "log"
    assert started_as(target / "Uninstall.exe", "--log", str(log)) == 0
    assert "and so kept: \\udcff." in capsys.readouterr().out
    assert "1 files that you have added, such as venv/\\udcff, go as well" in log.read_text()


def test_alone_the_uninstaller_finds_nothing(
    tmp_path: Path, started_as: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started_as(tmp_path / "uninstall.exe") == 2
    assert f"Nothing is installed in {tmp_path}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--verify", "--keep-previous"], "--keep-previous goes with installing only."),
        (["--repair", "--keep-previous"], "--keep-previous goes with installing only."),
        (["--repair", "--discard-previous"], "--discard-previous goes with installing only."),
        (["--rollback", "--allow-downgrade"], "--allow-downgrade goes with installing only."),
        (["--rollback", "--deep"], "--deep goes with --verify only."),
        (["--deep"], "--deep goes with --verify only."),
        (["--keep-user-files"], "--keep-user-files goes with --uninstall only."),
        (["--keep-previous", "--discard-previous"], "not allowed with argument"),
        (["--rollback", "--repair"], "not allowed with argument"),
    ],
)
def test_options_of_another_mode_are_refused(
    tmp_path: Path,
    started_as: Start,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "g1", "symlink")
    before = sorted(target.rglob("*"))
    assert started_as(tiny_bundle(tmp_path), *arguments, "--target", str(target)) == 2
    assert told in capsys.readouterr().err
    assert sorted(target.rglob("*")) == before


@pytest.mark.parametrize("mode", ["--rollback", "--repair"])
def test_where_nothing_is_nothing_is_changed(
    tmp_path: Path, started_as: Start, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    assert started_as(tiny_bundle(tmp_path), mode, "--target", str(target)) == 2
    assert f"Nothing is installed in {target}" in capsys.readouterr().err
    go_live(target, "g1", "symlink")
    # Live is something else than this bundle, and nothing was kept.
    assert started_as(tiny_bundle(tmp_path), mode, "--target", str(target)) == 2
    assert live_name(target) == "g1"


@pytest.mark.parametrize("mode", ["--list", "--check", "--check-media", "--version"])
def test_the_uninstaller_says_what_it_cannot(
    tmp_path: Path, started_as: Start, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    assert started_as(tmp_path / "uninstall.exe", mode) == 2
    assert "only verifies and removes what is installed" in capsys.readouterr().err
