"""The builder itself on Windows: it freezes there, and takes the Python there along."""

import subprocess

import pytest
import uv

from builder.runtime.archive import pack, unpack
from builder.wine import Rig
from tests.support.commands import ROOT
from tests.support.forwarder_dll import write_forwarder
from tests.support.small_stack import VARIANT, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

PYTHON = r"C:\Program Files\Python 311\python.exe"


@pytest.fixture(scope="module")
def builders_machine(
    machine: WindowsMachine, rig: Rig, tmp_path_factory: pytest.TempPathFactory
) -> WindowsMachine:
    """A machine with a Python and what the builder needs, as ``build.ps1`` would install it."""
    home = machine.path(PYTHON).parent
    home.mkdir(parents=True)
    archive = tmp_path_factory.mktemp("python") / "python.tar"
    pack(rig.python.parent, archive)
    unpack(archive, home)
    subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--only-binary", ":all:"),
            *("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11"),
            *(
                "--target",
                home / "Lib" / "site-packages",
                "--requirements",
                ROOT / "pyproject.toml",
            ),
        ],
        check=True,
        timeout=300,
    )
    # Modules written in Rust want it, and Wine 8 does not have it.
    system = machine.path(r"C:\windows\system32")
    write_forwarder(system / "bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
    return machine


def test_a_bundle_is_built_and_starts(builders_machine: WindowsMachine, exe: SmallBundle) -> None:
    machine = builders_machine
    built = machine.run(
        *(PYTHON, "-m", "builder", "--cuda", VARIANT, "--runtime", "host"),
        *("--manifest", machine.seen(exe.manifest), "--output", r"C:\my bündles"),
        *("--offline", "--wheels", machine.seen(exe.cache / "files")),
        PYTHONPATH=machine.seen(ROOT),
    )
    assert built.returncode == 0, built.stderr
    assert r"C:\my bündles\SmallStack-cpu.exe" in built.stdout
    assert "CPython 3.11.9 (host: " in built.stderr
    verified = machine.run(
        *(PYTHON, "-m", "builder", "verify", r"C:\my bündles\SmallStack-cpu.exe"),
        PYTHONPATH=machine.seen(ROOT),
    )
    assert verified.returncode == 0, verified.stderr
    listed = machine.run(r"C:\my bündles\SmallStack-cpu.exe", "--list")
    assert listed.returncode == 0, listed.stderr
    assert "jinja2-3.1.6-py3-none-any.whl" in listed.stdout
