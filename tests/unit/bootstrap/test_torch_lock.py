"""What ``.torch_lock`` holds, and what becomes of torch afterwards is told in one sentence."""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from bootstrap import torch_lock, verify
from bootstrap.errors import ExitCode, VerificationError
from bootstrap.generation import Generation
from tests.support.tiny_bundle import tiny_index
from tests.support.torch_environment import VERSION, TorchEnvironment


@pytest.fixture
def environment(tmp_path: Path) -> TorchEnvironment:
    return TorchEnvironment(tmp_path)


def fault(environment: TorchEnvironment) -> str:
    """The sentence that ``--verify`` ends with."""
    with pytest.raises(VerificationError) as caught:
        verify.require_torch(environment.index, environment.generation)
    assert caught.value.exit_code == ExitCode.VERIFICATION_FAILED
    assert caught.value.remedy == verify.REPAIR
    return caught.value.message.replace(str(environment.site), "SITE")


def test_it_holds_what_can_be_compared_with_the_installed_files(
    environment: TorchEnvironment,
) -> None:
    lock = json.loads(environment.lock.read_text())
    assert list(lock) == ["version", "local", "cuda", "record_sha256", "record_size", "time"]
    assert (lock["version"], lock["local"], lock["cuda"]) == (VERSION, "cu124", "12.4")
    record = environment.record.read_bytes()
    assert (lock["record_sha256"], lock["record_size"]) == (
        hashlib.sha256(record).hexdigest(),
        len(record),
    )
    # The wheel's own has neither of these.
    assert b"INSTALLER" in record
    assert b"bin/torchrun" in record
    assert lock["record_sha256"] != environment.index.wheels[0].record_sha256
    assert datetime.fromisoformat(lock["time"]).tzinfo is not None


def test_as_installed_it_is_the_one(environment: TorchEnvironment) -> None:
    verify.require_torch(environment.index, environment.generation)


def test_a_bundle_without_torch_has_no_lock(tmp_path: Path) -> None:
    generation = Generation(root=tmp_path, name="g1", target="linux_x86_64", python_version="3.11")
    index = tiny_index()
    torch_lock.write(index, generation)
    assert not generation.folder.exists()
    verify.require_torch(index, generation)


def test_a_replacement_is_named(environment: TorchEnvironment) -> None:
    environment.replace("2.13.0+cpu")
    assert fault(environment) == "torch 2.6.0+cu124 was replaced by 2.13.0+cpu by pip in SITE."


def test_so_is_one_that_differs_in_its_build_only(environment: TorchEnvironment) -> None:
    environment.replace("2.6.0+cpu")
    assert fault(environment) == "torch 2.6.0+cu124 was replaced by 2.6.0+cpu by pip in SITE."


def test_the_build_of_a_replacement_is_told_by_torch_itself(environment: TorchEnvironment) -> None:
    environment.replace("2.13.0")
    environment.overwrite("2.13.0+cu130")
    assert fault(environment).startswith("torch 2.6.0+cu124 was replaced by 2.13.0+cu130 by pip ")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda e: shutil.rmtree(e.info),
            "torch 2.6.0+cu124 is gone: SITE has no torch-*.dist-info.",
        ),
        (
            lambda e: e.add("2.13.0+cpu"),
            "torch is installed 2 times in SITE: 2.13.0+cpu and 2.6.0+cu124; 2.6.0+cu124 was.",
        ),
        (
            TorchEnvironment.reinstall,
            "torch 2.6.0+cu124 was installed again by pip, or its RECORD was changed, in SITE.",
        ),
        (
            lambda e: e.record.unlink(),
            "torch 2.6.0+cu124 has lost its RECORD in SITE.",
        ),
        (
            lambda e: e.overwrite("2.6.0+cpu"),
            "torch 2.6.0+cu124 was overwritten by files of 2.6.0+cpu in SITE.",
        ),
    ],
    ids=["gone", "two", "reinstalled", "no RECORD", "overwritten"],
)
def test_whatever_becomes_of_torch_is_told(
    environment: TorchEnvironment, spoil: Callable[[TorchEnvironment], None], told: str
) -> None:
    spoil(environment)
    assert fault(environment) == told


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda e: e.lock.unlink(), "is missing"),
        (lambda e: e.lock.write_bytes(b"\xff\x00 rubbish"), "cannot be understood"),
        (lambda e: e.lock.write_text("{}"), "cannot be understood"),
        (lambda e: e.rewrite_lock('"2.6.0"', '"2.13.0"'), "was changed after the installation"),
        (lambda e: e.rewrite_lock("cu124", "cu118"), "was changed after the installation"),
        (lambda e: (e.lock.unlink(), e.lock.mkdir()), "cannot be read"),
    ],
    ids=["missing", "bytes", "empty", "version", "local", "folder"],
)
def test_a_lock_that_is_not_ours_any_more_is_told_and_what_is_installed(
    environment: TorchEnvironment, spoil: Callable[[TorchEnvironment], None], why: str
) -> None:
    spoil(environment)
    told = fault(environment)
    assert told.startswith(f"{environment.lock} {why}")
    assert told.endswith("The bundle brought torch 2.6.0; installed is 2.6.0+cu124.")
    shutil.rmtree(environment.info)
    assert fault(environment).endswith("installed is no torch.")


def test_a_lock_without_a_row_in_the_inventory_is_nobodys(environment: TorchEnvironment) -> None:
    environment.generation.inventory.write_bytes(b"")
    assert "was changed after the installation" in fault(environment)


def test_a_torch_that_does_not_say_its_build_is_known_by_its_version(tmp_path: Path) -> None:
    environment = TorchEnvironment(tmp_path)
    (environment.site / "torch" / "version.py").unlink()
    environment.lock.unlink()
    torch_lock.write(environment.index, environment.generation)
    lock = msgspec.json.decode(environment.lock.read_bytes(), type=torch_lock.TorchLock)
    assert (lock.version, lock.local, lock.build) == (VERSION, None, VERSION)
