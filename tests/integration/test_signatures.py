"""Signed builds: by stock ssh-keygen, by the builder, and by an installer frozen with keys."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builder.signing import PASSWORD_VARIABLE, Signer, load_signer
from tests.support.building import arguments, finished
from tests.support.commands import events, fingerprint, run_builder
from tests.support.debian import require_debian
from tests.support.signing import (
    alter_index,
    frame_of,
    new_signer,
    sign_anew,
    signature_place,
    strip,
)
from tests.support.small_stack import NEWER_CLICK, SmallBundle, lock_small_stack

pytestmark = pytest.mark.slow

PASSWORD = "open sesame"  # noqa: S105 (of a key that lives as long as the tests)
_TIMEOUT = 120


@pytest.fixture(scope="module", autouse=True)
def _openssh() -> None:
    require_debian("openssh-client")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``release``, ``next`` and ``foreign``, each with its public key."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("release", "next", "foreign"):
        new_signer(folder, name)
    return folder


@pytest.fixture(scope="module")
def made(small: SmallBundle, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """Signed by ``release``; the installer trusts ``next`` as well. Look, do not touch."""
    return built(replace(small, output=tmp_path_factory.mktemp("signed") / "dist"), keys)


def built(bundle: SmallBundle, keys: Path) -> SmallBundle:
    done = run_builder(*arguments(bundle), *signing(keys), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    signer = load_signer(keys / "release")
    assert events(done.stdout)[-1]["signed_by"] == signer.key.fingerprint
    return bundle


def signing(keys: Path) -> list[str | Path]:
    return [
        *("--sign", keys / "release", "--require-signature"),
        *("--trust", keys / "release.pub", keys / "next.pub"),
    ]


@dataclass(frozen=True)
class Machine:
    """Where a copy of the installer, to be spoilt, is started; this very one."""

    installer: Path
    target: Path

    def run(self, *more: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.installer, *more, "--json"],
            env={"HOME": str(self.target.parent / "home"), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=_TIMEOUT,
        )

    def did(self, code: int, *more: str | Path) -> str:
        """Run it, expect this exit code, and return what the result says."""
        done = self.run(*more)
        assert done.returncode == code, done.stdout + done.stderr
        result: dict[str, Any] = events(done.stdout)[-1]
        assert result["exit_code"] == code
        assert "Traceback" not in done.stderr
        return f"{result['message']} → {result['remedy']}"


@pytest.fixture
def machine(made: SmallBundle, tmp_path: Path) -> Iterator[Machine]:
    installer = tmp_path / "SmallStack-cpu.run"
    shutil.copy2(made.installer, installer)
    yield Machine(installer=installer, target=tmp_path / "llm")
    shutil.rmtree(tmp_path / "llm", ignore_errors=True)


def modes(machine: Machine) -> list[tuple[str | Path, ...]]:
    """All that read the bundle."""
    target = ("--target", machine.target)
    return [
        target,
        ("--check", *target),
        ("--check-media",),
        ("--list",),
        ("--version",),
        ("--extract", machine.target.with_name("extracted")),
        ("--repair", *target),
        (*target, "--allow-downgrade", "--keep-previous"),
        # Where it would take the name of the usual target from the index.
        ("--verify",),
        ("--uninstall",),
    ]


def refused_everywhere(machine: Machine) -> str:
    """Every mode refuses the bundle, and touches nothing; what it says."""
    before = fingerprint(machine.target.parent)
    told = {machine.did(11, *mode) for mode in modes(machine)}
    assert fingerprint(machine.target.parent) == before
    assert len(told) == 1
    return told.pop()


def signer_of(keys: Path, name: str) -> Signer:
    return load_signer(keys / name)


def ssh_verifies(folder: Path, identity: str = "SmallStack") -> bool:
    """What the README tells people to run."""
    with (folder / "SHA256SUMS").open("rb") as sums:
        done = subprocess.run(
            [
                *("ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", identity),
                *("-n", "file", "-s", "SHA256SUMS.sig"),
            ],
            cwd=folder,
            stdin=sums,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
    assert ("Good" in done.stdout) == (done.returncode == 0)
    return done.returncode == 0


def test_ssh_keygen_checks_the_stick(made: SmallBundle, tmp_path: Path, keys: Path) -> None:
    stick = tmp_path / "stick"
    shutil.copytree(made.output, stick)
    assert ssh_verifies(stick)
    assert not ssh_verifies(stick, identity="Somebody")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=stick, check=True)
    sums = stick / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("0", "1", 1))
    assert not ssh_verifies(stick)
    shutil.copy2(made.output / "SHA256SUMS", sums)
    foreign = (keys / "foreign.pub").read_text()
    (stick / "allowed_signers").write_text(f"SmallStack {foreign}")
    assert not ssh_verifies(stick)


def test_ssh_keygen_reads_our_keys_and_the_index(made: SmallBundle, keys: Path) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", keys / "release.pub"], capture_output=True, text=True, check=True
    ).stdout
    key = load_signer(keys / "release").key
    assert shown == f"256 {key.fingerprint} release (ED25519)\n"
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", keys / "release"], capture_output=True, text=True, check=True
    ).stdout
    assert derived.split()[:2] == key.line.split()[:2]
    with (made.beside / "bundle.json").open("rb") as index:
        subprocess.run(
            [
                *("ssh-keygen", "-Y", "check-novalidate", "-n", "bundle@llmsetup"),
                *("-s", made.beside / "bundle.json.sig"),
            ],
            stdin=index,
            check=True,
            capture_output=True,
        )


def test_a_key_that_ssh_keygen_made_signs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", PASSWORD, "-C", "us", "-f", tmp_path / "key"],
        check=True,
    )
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    signer = load_signer(tmp_path / "key")
    assert signer.key.comment == "us"
    assert signer.sign(b"message", "file").fits(b"message", "file")


def test_keygen_as_a_command(tmp_path: Path) -> None:
    made = run_builder("keygen", tmp_path / "key", "--json", **{PASSWORD_VARIABLE: PASSWORD})
    assert made.returncode == 0, made.stderr
    result = json.loads(made.stdout.splitlines()[-1])
    opened = subprocess.run(
        ["ssh-keygen", "-y", "-P", PASSWORD, "-f", tmp_path / "key"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert opened.split()[1] == (tmp_path / "key.pub").read_text().split()[1]
    assert result["fingerprint"] in run_ssh("-l", "-f", tmp_path / "key.pub")
    again = run_builder("keygen", tmp_path / "key")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def run_ssh(*arguments: str | Path) -> str:
    done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_verify_and_inspect_tell_who_has_signed(
    made: SmallBundle, small: SmallBundle, keys: Path, tmp_path: Path
) -> None:
    release = load_signer(keys / "release").key.fingerprint
    trusting: list[str | Path] = ["--trust", keys / "next.pub", keys / "release.pub"]
    right = run_builder("verify", made.installer, *trusting, "--json")
    assert right.returncode == 0, right.stderr
    said = events(right.stdout)[-1]
    assert (said["signed_by"], said["trusted"]) == (release, True)
    shown = run_builder("inspect", made.installer, "--json")
    assert events(shown.stdout)[-1]["signed_by"] == release
    foreign = run_builder("verify", made.installer, "--trust", keys / "foreign.pub")
    assert foreign.returncode == 11
    assert f"is signed by {release}" in foreign.stderr
    unsigned = run_builder("verify", small.installer, *trusting)
    assert unsigned.returncode == 11
    assert "is not signed" in unsigned.stderr
    assert "It is not signed." in run_builder("verify", small.installer).stdout
    copy = tmp_path / made.installer.name
    shutil.copy2(made.installer, copy)
    data = bytearray(copy.read_bytes())
    data[signature_place(copy)[-1]] ^= 1
    copy.write_bytes(data)
    assert run_builder("verify", copy).returncode == 10


def test_what_cannot_work_is_said_at_once(small: SmallBundle, keys: Path, tmp_path: Path) -> None:
    work = replace(small, output=tmp_path / "dist")
    cases: list[tuple[list[str | Path], str]] = [
        (["--require-signature"], "Add --sign KEY"),
        (["--trust", keys / "release.pub"], "Add --sign KEY"),
        (["--sign", keys / "release", "--trust", keys / "next.pub"], "would refuse itself"),
        (["--sign", keys / "release.pub"], "can be read by others"),
    ]
    for options, told in cases:
        done = run_builder(*arguments(work), *options)
        assert done.returncode == 2, done.stderr
        assert told in done.stderr
        assert "── " not in done.stderr
        assert not work.output.exists()


def freeze_again(
    made: SmallBundle, output: Path, *trust: str | Path
) -> "subprocess.CompletedProcess[str]":
    return run_builder(
        *("freeze", "--output", output, "--manifest", made.manifest, "--cache", made.cache),
        *("--offline", *trust),
    )


def refused_stub(work: SmallBundle, stub: Path, options: list[str | Path], told: str) -> None:
    done = run_builder(*arguments(work), *options, "--stub", stub)
    assert done.returncode == 12, done.stderr
    assert told in done.stderr
    assert "builder freeze" in done.stderr
    assert finished(work.output) == []


def test_a_stub_must_trust_whom_the_build_trusts(
    small: SmallBundle, made: SmallBundle, keys: Path, tmp_path: Path
) -> None:
    """Frozen before, they lie in the cache."""
    none, both = tmp_path / "none", tmp_path / "both"
    keyless = freeze_again(made, none)
    trusting = freeze_again(made, both, "--trust", keys / "next.pub", keys / "release.pub")
    assert keyless.returncode == trusting.returncode == 0, keyless.stderr + trusting.stderr
    work = replace(small, output=tmp_path / "dist")
    one: list[str | Path] = ["--sign", keys / "release", "--trust", keys / "release.pub"]
    refused_stub(work, none, signing(keys), "was frozen to trust nobody in particular")
    refused_stub(work, both, [], "wants it to trust nobody in particular")
    refused_stub(work, both, one, "(next)")
    done = run_builder(*arguments(work), *signing(keys), "--stub", both)
    assert done.returncode == 0, done.stderr
    assert work.installer.read_bytes() == made.installer.read_bytes()


def test_an_unsigned_build_into_the_same_folder(
    small: SmallBundle, made: SmallBundle, tmp_path: Path
) -> None:
    work = replace(small, output=tmp_path / "dist")
    shutil.copytree(made.output, work.output)
    done = run_builder(*arguments(work))
    assert done.returncode == 0, done.stderr
    assert "SHA256SUMS.sig is removed" in done.stderr
    assert not (work.output / "SHA256SUMS.sig").exists()
    assert not (work.beside / "bundle.json.sig").exists()


def test_the_right_one_is_installed(machine: Machine, keys: Path) -> None:
    assert "is intact" in machine.did(0, "--check-media")
    assert "is installed in" in machine.did(0, "--target", machine.target)
    assert "needs no repair" in machine.did(0, "--repair", "--target", machine.target)
    # Rotation: the next key signs the same.
    sign_anew(machine.installer, load_signer(keys / "next"))
    assert "is intact" in machine.did(0, "--check-media")
    assert "needs no repair" in machine.did(0, "--repair", "--target", machine.target)
    sign_anew(machine.installer, load_signer(keys / "foreign"))
    before = fingerprint(machine.target)
    machine.did(11, "--target", machine.target)
    assert fingerprint(machine.target) == before
    assert "is removed" in machine.did(0, "--uninstall", "--target", machine.target)


def test_a_stripped_one_is_refused(machine: Machine, keys: Path) -> None:
    strip(machine.installer)
    told = refused_everywhere(machine)
    assert "is not signed" in told
    for name in ("release", "next"):
        assert str(load_signer(keys / name).key) in told


def test_a_foreign_signature_is_refused(machine: Machine, keys: Path) -> None:
    foreign = load_signer(keys / "foreign")
    sign_anew(machine.installer, foreign)
    assert f"is signed by {foreign.key.fingerprint}" in refused_everywhere(machine)


def test_an_altered_index_is_refused(machine: Machine) -> None:
    alter_index(machine.installer, b'"company": "Example"', b'"company": "Exempel"')
    assert "does not fit its index" in refused_everywhere(machine)


def test_flipped_bits_in_the_signature_are_noticed(machine: Machine) -> None:
    whole = machine.installer.read_bytes()
    for place in signature_place(machine.installer)[::19]:
        data = bytearray(whole)
        data[place] ^= 0x10
        machine.installer.write_bytes(data)
        machine.did(11, "--target", machine.target)
    assert not machine.target.exists()


def test_an_unsigned_payload_in_a_program_with_keys_is_refused(
    machine: Machine, small: SmallBundle
) -> None:
    """What an attacker would do: the real program around a payload of his own, all hashes right."""
    ours, theirs = machine.installer.read_bytes(), small.installer.read_bytes()
    own, other = frame_of(machine.installer), frame_of(small.installer)
    assert own.trailer.payload_offset == other.trailer.payload_offset
    data = theirs[: other.pkg_begin] + ours[own.pkg_begin :]
    machine.installer.write_bytes(data)
    assert "is not signed" in refused_everywhere(machine)


def test_environment_and_options_name_no_keys(machine: Machine, keys: Path) -> None:
    sign_anew(machine.installer, load_signer(keys / "foreign"))
    beside = machine.installer.parent / "bootstrap"
    beside.mkdir()
    shutil.copy2(keys / "foreign.pub", beside / "trusted_keys")
    assert machine.run("--trust", keys / "foreign.pub", "--list").returncode == 2
    machine.did(11, "--list")


def test_an_older_one_is_refused(
    machine: Machine, small: SmallBundle, keys: Path, tmp_path: Path
) -> None:
    (tmp_path / "newer").mkdir()
    manifest = lock_small_stack(tmp_path / "newer", version="1.1.0", click=NEWER_CLICK)
    newer = SmallBundle(manifest=manifest, cache=small.cache, output=tmp_path / "newer" / "dist")
    done = run_builder(
        *("--cuda", "cpu", "--runtime", "host", "--manifest", newer.manifest),
        *("--cache", newer.cache, "--output", newer.output, *signing(keys)),
    )
    assert done.returncode == 0, done.stderr
    fresh = Machine(installer=newer.installer, target=machine.target)
    fresh.did(0, "--target", machine.target)
    before = fingerprint(machine.target)
    assert "--allow-downgrade" in machine.did(11, "--target", machine.target)
    machine.did(11, "--check", "--target", machine.target)
    assert fingerprint(machine.target) == before
    machine.did(0, "--target", machine.target, "--allow-downgrade")
