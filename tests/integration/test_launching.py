"""Programs of another platform, and what starts them."""

from pathlib import Path

import pytest

from builder.launching import WINE_IS_NOT_READY, Launcher
from builder.processes import ProgramError


def unready(folder: Path, *, times: int) -> Launcher:
    """Stands for a Wine that is not ready for the first starts; it counts them in a file."""
    wrapper = folder / "wrapper"
    wrapper.write_text(
        "#!/bin/sh\n"
        f"echo x >> '{folder}/starts'\n"
        f"[ $(wc -l < '{folder}/starts') -gt {times} ] && exec \"$@\"\n"
        f"echo '[PYI-64:ERROR] Security validation failure: {WINE_IS_NOT_READY}!' >&2\n"
        "exit 255\n"
    )
    wrapper.chmod(0o700)
    return Launcher(wrapper=(str(wrapper),))


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text().splitlines())


def test_what_wine_was_not_ready_for_is_started_again(tmp_path: Path) -> None:
    launcher = unready(tmp_path, times=2)
    assert launcher.run(Path("/bin/echo"), "here") == "here\n"
    assert starts(tmp_path) == 3


def test_not_for_ever(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="originating onefile parent"):
        unready(tmp_path, times=99).run(Path("/bin/echo"), "here")
    assert starts(tmp_path) == 3


def test_what_fails_otherwise_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProgramError):
        unready(tmp_path, times=0).run(Path("/bin/false"))
    assert starts(tmp_path) == 1
