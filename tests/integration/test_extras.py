"""What people add by pip or uv comes along as stock pip would have installed it."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from bootstrap.bundle.policy import BlacklistRule
from bootstrap.extras import carry_over, find_extras, repack
from bootstrap.generation import Generation
from tests.support.commands import fingerprint
from tests.support.extras import EVERY_KIND, index_of, seal
from tests.support.small_stack import PYTHON, make_wheel

# Path and hash of each file of a distribution but bytecode and what installers note down.
_LOOK = """
import hashlib, importlib.metadata, json, sys
found = {}
NOTES = {"RECORD", "INSTALLER", "REQUESTED", "uv_cache.json"}
for file in importlib.metadata.files(sys.argv[1]):
    if file.name not in NOTES and file.suffix != ".pyc":
        data = file.locate().read_bytes()
        found[str(file)] = [hashlib.sha256(data).hexdigest(), str(file.hash), file.size]
        assert file.size == len(data), file
print(json.dumps(found))
"""
RULES = (BlacklistRule(name="torchao", modules=("torchao",), reason="It breaks."),)
INSTALLERS = ("pip", "uv")


def real_generation(root: Path, name: str) -> Generation:
    """With an empty environment of this Python."""
    made = Generation(root=root, name=name, target="linux_x86_64", python_version=PYTHON)
    made.folder.mkdir(parents=True)
    venv.create(made.venv, symlinks=True)
    made.inventory.write_bytes(b"")
    return made


def run(*command: str | Path) -> str:
    # Without what this machine tells pip and uv.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))
    }
    done = subprocess.run(
        command,
        env={**environment, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def pip(generation: Generation, *arguments: str | Path) -> str:
    return run(sys.executable, "-m", "pip", "--python", generation.python, *arguments)


def install(generation: Generation, folder: Path, *names: str, by: str = "pip") -> None:
    offline: list[str | Path] = ["install", "--no-index", "--find-links", folder, *names]
    if by == "pip":
        pip(generation, *offline)
    else:
        uv = Path(sys.executable).with_name("uv")
        # Without its cache, which would have the wheel of another test.
        run(uv, "pip", *offline, "--no-cache", "--python", generation.python)


def look_at(generation: Generation, name: str) -> Any:
    return json.loads(run(generation.python, "-c", _LOOK, name))


def say(generation: Generation, script: str) -> str:
    return run(generation.scripts / script).strip()


def files_of(found: dict[str, str]) -> set[str]:
    """Those that are neither bytecode nor the inventory."""
    return {
        path
        for path, content in found.items()
        if content != "folder" and not path.endswith((".pyc", "inventory.csv"))
    }


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "every_kind", "1.0", EVERY_KIND, ["locked>=1"])
    make_wheel(folder, "locked", "1.0", {"locked.py": b"VERSION = 1\n"})
    return folder


@pytest.mark.parametrize("by", INSTALLERS)
def test_stock_installers_install_what_was_packed(tmp_path: Path, wheels: Path, by: str) -> None:
    # Then scripts start by way of a shell.
    live = real_generation(tmp_path / "with a space", "live")
    install(live, wheels, "every-kind", by=by)
    (extra,) = find_extras(live, ["locked"])
    assert extra.fault is None
    packed = tmp_path / "packed"
    packed.mkdir()
    wheel = repack(extra, live, packed)
    first = wheel.read_bytes()
    assert repack(extra, live, packed).read_bytes() == first
    (packed / "locked-1.0-py3-none-any.whl").hardlink_to(wheels / "locked-1.0-py3-none-any.whl")
    for other in INSTALLERS:
        fresh = real_generation(tmp_path, f"fresh-{other}")
        install(fresh, packed, "every-kind", by=other)
        found, original = look_at(fresh, "every-kind"), look_at(live, "every-kind")
        # Whose first line names the environment.
        for script in ("every-kind", "every-script"):
            path = f"../../../bin/{script}"
            assert found.pop(path)
            assert original.pop(path)
        assert found == original
        assert "No broken requirements" in pip(fresh, "check")
        assert say(fresh, "every-kind") == "from an entry point"
        assert say(fresh, "every-script") == str(fresh.venv)
        assert say(fresh, "every-shell") == "from a shell"


@pytest.mark.parametrize("by", INSTALLERS)
def test_what_people_added_is_in_the_next_one(tmp_path: Path, wheels: Path, by: str) -> None:
    make_wheel(wheels, "mine", "1.0", {"mine.py": b"import every_kind\n"}, ["every-kind"])
    make_wheel(wheels, "torchao", "0.7", {"torchao/__init__.py": b""})
    make_wheel(wheels, "uses_torchao", "1.0", {"uses.py": b""}, ["torchao"])
    live = real_generation(tmp_path, "live")
    install(live, wheels, "locked")
    seal(live)
    install(live, wheels, "mine", "uses-torchao", by=by)
    # What somebody has edited is his.
    (live.site_packages / "mine.py").write_bytes(b"import every_kind, locked\nEDITED = True\n")
    before = fingerprint(live.folder)
    extras = find_extras(live, ["locked"])
    assert [one.name for one in extras] == ["every-kind", "mine", "torchao", "uses-torchao"]

    newer = tmp_path / "newer"
    newer.mkdir()
    make_wheel(newer, "locked", "2.0", {"locked.py": b"VERSION = 2\n"})
    new = real_generation(tmp_path, "new")
    install(new, newer, "locked")
    bundle = fingerprint(new.folder)
    kept = tmp_path / "extras"
    result = carry_over(extras, live, new, index_of({"locked": "2.0"}, RULES), kept)
    assert [one.name for one in result.installed] == ["every-kind", "mine"]
    assert [item.reason for item in result.left_out] == [
        "The bundle bans it: It breaks.",
        "It needs torchao, which does not come along itself.",
    ]
    assert fingerprint(live.folder) == before
    after = fingerprint(new.folder)
    assert {path: after[path] for path in bundle} == bundle

    # As pip has it: nothing is broken, all of it works, and it can be removed again.
    assert "No broken requirements" in pip(new, "check")
    run(new.python, "-c", "import mine, locked; assert mine.EDITED and locked.VERSION == 2")
    assert say(new, "every-kind") == "from an entry point"
    assert say(new, "every-script") == str(new.venv)
    installers = (new.site_packages / "mine-1.0.dist-info" / "INSTALLER").read_text()
    assert installers.strip() == by
    freeze = pip(new, "freeze", "--all").splitlines()
    assert freeze == ["every_kind==1.0", "locked==2.0", "mine==1.0"]
    seal(new, result.written)
    assert [one.name for one in find_extras(new, ["locked"])] == ["every-kind", "mine"]
    # What stays behind is installed by whoever wants it in his own environment.
    elsewhere = real_generation(tmp_path, "elsewhere")
    install(elsewhere, kept, "uses-torchao")
    pip(new, "uninstall", "--yes", "mine", "every-kind")
    assert files_of(fingerprint(new.folder)) == files_of(bundle)


def test_editable_installations_are_told(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    wheel = make_wheel(project, "edited", "3.0", {"edited.pth": f"{project}\n".encode()})
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (project / "backend.py").write_text(
        "import shutil\n"
        "def build_editable(folder, settings=None, metadata=None):\n"
        f"    return shutil.copy({wheel.name!r}, folder) and {wheel.name!r}\n"
        "build_wheel = build_sdist = build_editable\n"
    )
    live = real_generation(tmp_path, "live")
    pip(live, "install", "--no-index", "--no-build-isolation", "--editable", project)
    (found,) = find_extras(live, [])
    assert str(found) == "edited 3.0"
    assert found.fault == (
        f"It is an editable installation of {project.as_uri()}: install it again from there."
    )


def test_no_room_is_passed_on(full_disk: Path, wheels: Path) -> None:
    live = real_generation(wheels.parent, "live")
    make_wheel(wheels, "large", "1.0", {f"large/{number}": bytes(9 << 20) for number in range(6)})
    install(live, wheels, "large")
    new = real_generation(full_disk, "new")
    extras = find_extras(live, [])
    before = fingerprint(live.folder)
    with pytest.raises(OSError, match="No space left"):
        carry_over(extras, live, new, index_of({}), wheels.parent / "extras")
    assert fingerprint(live.folder) == before
