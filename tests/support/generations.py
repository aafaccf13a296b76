"""Generations of a few files, made live without installing anything."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootstrap.activate import activate, launchers_in
from bootstrap.generation import Generation, Way
from bootstrap.install.seal import write_inventory
from bootstrap.live import junction, symlink
from bootstrap.state import Installed, InstallState


def make_generation(target: Path, name: str, way: Way) -> Generation:
    """Built and verified, not yet live."""
    made = Generation(root=target, name=name, target="win_amd64", python_version="3.11", way=way)
    made.runtime.mkdir(parents=True)
    made.scripts.mkdir(parents=True)
    made.python.write_text(name)
    made.documents.mkdir()
    (made.documents / "python.bat").write_text(f"for all, by {name}")
    (made.evidence / "licenses").mkdir(parents=True)
    (made.evidence / "provenance.json").write_text(name)
    (made.evidence / "licenses" / f"{name}-text").write_text("free for all")
    (made.venv / "pyvenv.cfg").write_text(f"home = {made.runtime}\nversion = 3.11.9\n")
    write_inventory(made, ())
    return made


def installed(generation: Generation) -> Installed:
    return Installed(
        generation=generation.name,
        bundle_id=generation.name,
        product="P",
        version="1",
        variant="cpu",
        target="win_amd64",
        python="3.11",
        installed=datetime(2026, 1, 1, tzinfo=UTC),
        inventory_sha256="",
        index_sha256="",
        gpu_verified=True,
        way=generation.way,
        launchers=tuple(path.name for path in launchers_in(generation.documents)),
    )


def pretend_junctions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let symbolic links play junctions, which only Windows has."""

    def make(link: Path, goal: Path) -> None:
        link.symlink_to(goal)

    def remove(link: Path) -> None:
        if link.is_symlink():
            link.unlink()
        elif link.exists():
            link.rmdir()

    monkeypatch.setattr(symlink, "made", lambda _: False)
    monkeypatch.setattr(junction, "made", Path.is_symlink)
    monkeypatch.setattr(junction, "_make", make)
    monkeypatch.setattr(junction, "_remove", remove)


def go_live(target: Path, name: str, way: Way) -> Generation:
    generation = make_generation(target, name, way)
    activate(target, generation, InstallState(live=installed(generation)))
    return installed(generation).generation_in(target)
