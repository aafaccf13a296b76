"""Upgraded, kept, rolled back, repaired, discarded, removed: with two real bundles."""

import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.model import Index, decode_index
from tests.support.commands import events, fingerprint
from tests.support.machine import STICK, TARGET, TIMEOUT, python
from tests.support.minimal_root import MinimalRoot, open_minimal_root, send_signal
from tests.support.small_stack import NEWER_CLICK, PINS, SmallBundle
from tests.support.two_versions import (
    CLICK,
    DISK,
    DISK_SIZE,
    NEWER,
    ON_DISK,
    SNAPSHOTS,
    TERMINALS,
    add,
    did,
    fill,
    flip,
    freeze,
    generations,
    inodes,
    kill,
    leave_free,
    loaders,
    put,
    rescued,
    start,
    state,
    take,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machine(
    small: SmallBundle, newer: SmallBundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MinimalRoot]:
    """Both installers, and the targets from which the tests begin."""
    with open_minimal_root(tmp_path_factory.mktemp("root")) as root:
        root.copy_in(small.installer, STICK)
        root.copy_in(newer.installer, NEWER)
        root.tmpfs(DISK, DISK_SIZE)
        root.run(["sh", "-ec", TERMINALS], timeout=TIMEOUT, check=True)
        root.path(SNAPSHOTS).mkdir()
        did(root, 0, "--target", ON_DISK)
        take(root, ON_DISK, "disk")
        did(root, 0)
        take(root, TARGET, "one")
        did(root, 0, "--keep-previous", program=NEWER)
        take(root, TARGET, "two")
        yield root


@pytest.fixture
def one(machine: MinimalRoot) -> MinimalRoot:
    """Version 1.0.0 is live."""
    return put(machine, "one", TARGET)


@pytest.fixture
def two(machine: MinimalRoot) -> MinimalRoot:
    """Version 1.1.0 is live, 1.0.0 is kept."""
    return put(machine, "two", TARGET)


@pytest.fixture
def disk(machine: MinimalRoot) -> MinimalRoot:
    """Version 1.0.0 is live on a disk of its own."""
    return put(machine, "disk", ON_DISK)


@pytest.fixture
def newer_index(newer: SmallBundle) -> Index:
    return decode_index((newer.beside / "bundle.json").read_bytes())


def test_back_and_forth(two: MinimalRoot, index: Index, newer_index: Index) -> None:
    old, new = index.bundle_id, newer_index.bundle_id
    # Otherwise one could change the other.
    assert not inodes(two, old) & inodes(two, new)
    for live, previous, click in ((new, old, NEWER_CLICK), (old, new, PINS["click"])) * 2:
        assert state(two) == {"live": live, "previous": previous}
        assert python(two, CLICK) == click
        did(two, 0, "--verify", "--deep")
        if (live, click) == (new, NEWER_CLICK):
            told = did(two, 0, "--rollback")
            assert "back to   SmallStack 1.0.0, installed " in told.stderr
            assert f"SmallStack 1.0.0 is live in {TARGET} again: verified." in told.stdout
        else:
            did(two, 0, "--rollback", "--silent")
    assert generations(two) == [old, new]


def test_there_is_no_way_back_to_what_was_damaged(two: MinimalRoot, index: Index) -> None:
    before = state(two)
    flip(loaders(two, index.bundle_id))
    done = did(two, 40, "--rollback")
    assert f"There is no way back to {index.bundle_id}: 1 of " in done.stderr
    assert "site-packages/jinja2/loaders.py (changed)" in done.stderr
    assert "--allow-downgrade" in done.stderr
    assert state(two) == before
    assert python(two, CLICK) == NEWER_CLICK
    did(two, 0, "--verify", "--deep")


def test_without_one_that_was_kept_there_is_no_way_back(one: MinimalRoot) -> None:
    before = fingerprint(one.path(TARGET))
    assert "No earlier environment is kept in" in did(one, 2, "--rollback").stderr
    assert fingerprint(one.path(TARGET)) == before


def test_what_is_as_it_was_needs_no_repair(two: MinimalRoot) -> None:
    before = fingerprint(two.path(f"{TARGET}/generations"))
    told = did(two, 0, "--repair", program=NEWER).stdout
    assert f"SmallStack 1.1.0 in {TARGET} needs no repair: verified." in told
    assert fingerprint(two.path(f"{TARGET}/generations")) == before
    told = did(two, 2, "--repair").stderr
    assert "Repair with the installer that it came from" in told


def flip_a_byte(root: MinimalRoot, live: str) -> None:
    flip(loaders(root, live))


def delete_a_file(root: MinimalRoot, live: str) -> None:
    loaders(root, live).unlink()


def delete_the_inventory(root: MinimalRoot, live: str) -> None:
    root.path(f"{TARGET}/generations/{live}/inventory.csv").unlink()


def break_the_link(root: MinimalRoot, live: str) -> None:
    del live
    root.path(f"{TARGET}/.venv").unlink()
    root.path(f"{TARGET}/.venv").symlink_to("generations/none/venv")


def remove_a_launcher(root: MinimalRoot, live: str) -> None:
    del live
    root.path(f"{TARGET}/python.sh").unlink()


@pytest.mark.parametrize(
    "harm", [flip_a_byte, delete_a_file, delete_the_inventory, break_the_link, remove_a_launcher]
)
def test_what_has_changed_is_built_anew(
    two: MinimalRoot, newer_index: Index, harm: Callable[[MinimalRoot, str], None]
) -> None:
    live, before = newer_index.bundle_id, state(two)
    harm(two, live)
    told = did(two, 0, "--repair", program=NEWER)
    assert f"SmallStack 1.1.0 was built anew in {TARGET}: verified." in told.stdout
    assert state(two) == before
    assert generations(two) == [before["previous"], f"{live}.2"]
    # All of it, where nobody can tell what is whose.
    moved = two.path(f"{TARGET}/user-files/{live}/bundle.json").exists()
    assert moved == (harm is delete_the_inventory)
    did(two, 0, "--verify", "--deep")
    did(two, 0, "--rollback")
    assert python(two, CLICK) == PINS["click"]


def test_an_older_version_must_be_asked_for(two: MinimalRoot, index: Index) -> None:
    before = fingerprint(two.path(TARGET))
    told = did(two, 11).stderr
    assert "SmallStack 1.1.0 is installed there, and this is 1.0.0, which is older." in told
    assert fingerprint(two.path(TARGET)) == before
    did(two, 0, "--allow-downgrade")
    # It was built anew; what was kept until now goes as well, since nobody asked for it.
    assert state(two) == {"live": index.bundle_id}
    assert generations(two) == [f"{index.bundle_id}.2"]
    assert python(two, CLICK) == PINS["click"]


def test_only_sharing_makes_it_fit(disk: MinimalRoot, newer_index: Index) -> None:
    leave_free(disk, newer_index.disk_need - (1 << 20))
    did(disk, 20, "--keep-previous", "--target", ON_DISK, program=NEWER)
    did(disk, 0, "--target", ON_DISK, program=NEWER)
    did(disk, 0, "--verify", "--deep", "--target", ON_DISK)


def test_a_disk_that_holds_only_one(
    disk: MinimalRoot, newer_index: Index, newer: SmallBundle, tmp_path: Path
) -> None:
    leave_free(disk, newer_index.disk_need // 2)
    told = did(disk, 20, "--target", ON_DISK, program=NEWER).stderr
    assert "With --discard-previous the old environment goes first" in told
    damaged = bytearray(newer.installer.read_bytes())
    damaged[damaged.rindex(b"click/core.py", 0, -200_000)] ^= 1
    (tmp_path / "damaged.run").write_bytes(damaged)
    (tmp_path / "damaged.run").chmod(0o755)
    disk.copy_in(tmp_path / "damaged.run", "/media/stick/damaged.run")
    discard = ("--discard-previous", "--target", ON_DISK)
    told = did(disk, 10, *discard, program="/media/stick/damaged.run").stderr
    assert "othing is installed in" in told
    assert state(disk, ON_DISK) == {}
    names = {path.name for path in disk.path(ON_DISK).iterdir()}
    assert names <= {"generations", "install.json", "logs", ".install.lock"}
    assert generations(disk, ON_DISK) == []
    did(disk, 0, *discard, program=NEWER)
    did(disk, 0, "--verify", "--deep", "--target", ON_DISK)


def test_discarding_makes_room_for_the_next(disk: MinimalRoot, newer_index: Index) -> None:
    leave_free(disk, newer_index.disk_need // 2)
    did(disk, 0, "--discard-previous", "--target", ON_DISK, program=NEWER)
    assert state(disk, ON_DISK) == {"live": newer_index.bundle_id}


def test_a_disk_that_becomes_full_meanwhile(disk: MinimalRoot, index: Index) -> None:
    runner = start(disk, "runtime", "--target", ON_DISK)
    fill(disk)
    output, errors = runner.communicate(timeout=TIMEOUT)
    assert runner.returncode == 20, errors
    assert " free; the installation needs " in events(output)[-1]["message"]
    assert state(disk, ON_DISK) == {"live": index.bundle_id}
    assert generations(disk, ON_DISK) == [index.bundle_id]
    did(disk, 0, "--verify", "--deep", "--target", ON_DISK)


def test_a_full_disk_can_be_cleared(disk: MinimalRoot, index: Index) -> None:
    runner = start(disk, "install", "--target", ON_DISK)
    family = freeze(runner)
    fill(disk)
    kill(runner, family)
    assert "was not finished" in did(disk, 0, "--verify", "--target", ON_DISK).stderr
    assert generations(disk, ON_DISK) == [index.bundle_id]
    fill(disk)
    did(disk, 0, "--uninstall", "--target", ON_DISK)
    assert not disk.path(ON_DISK).exists()


def test_what_is_the_users_outlives_an_upgrade(one: MinimalRoot, index: Index) -> None:
    added = add(one, index.bundle_id)
    told = did(one, 0, program=NEWER).stderr
    where = f"{TARGET}/user-files/{index.bundle_id}"
    assert f"3 files that were added to {index.bundle_id} are in {where} now." in told
    assert rescued(one, index.bundle_id) == added
    did(one, 0, "--uninstall")
    assert rescued(one, index.bundle_id) == added
    # Beside it one may begin again.
    did(one, 0)


def test_removing_names_what_is_the_users(two: MinimalRoot, index: Index) -> None:
    added = add(two, index.bundle_id)
    command = shlex.join([STICK, "--uninstall", "--target", TARGET])
    asked = f"echo n | script --quiet --return --command {shlex.quote(command)} /dev/null"
    told = two.run(["sh", "-c", asked], timeout=TIMEOUT)
    assert told.returncode == 130, told.stdout
    assert "3 files that you have added, such as venv/" in told.stdout
    assert "unless you add --keep-user-files" in told.stdout
    did(two, 0, "--verify")
    told = did(two, 0, "--uninstall", "--keep-user-files")
    assert "Not by this installer, and so kept: user-files." in told.stdout
    assert rescued(two, index.bundle_id) == added
    assert [path.name for path in two.path(TARGET).iterdir()] == ["user-files"]


def test_removing_deletes_it_otherwise(two: MinimalRoot, index: Index) -> None:
    add(two, index.bundle_id)
    told = did(two, 0, "--uninstall").stderr
    assert "3 files that you have added" in told
    assert not two.path(TARGET).exists()


def test_verify_puts_in_order_what_was_killed(one: MinimalRoot, index: Index) -> None:
    runner = start(one, "install", "--target", TARGET)
    family = freeze(runner)
    told = did(one, 0, "--verify").stderr
    assert "Another installer is at work there; this is what is live meanwhile." in told
    kill(runner, family)
    half = state(one)["building"]
    assert generations(one) == [index.bundle_id, half]
    verify = [STICK, "--verify", "--target", TARGET]
    done = one.run(verify, timeout=TIMEOUT, user=1234)
    assert done.returncode == 0, done.stderr
    assert "warning: An interrupted run has left something there." in done.stderr
    assert generations(one) == [index.bundle_id, half]
    told = did(one, 0, "--verify").stderr
    assert f"{half} was not finished; what there is of it is removed." in told
    assert state(one) == {"live": index.bundle_id}
    assert generations(one) == [index.bundle_id]
    assert "was not finished" not in did(one, 0, "--verify").stderr


@pytest.mark.parametrize(
    ("mode", "phase"), [("--rollback", "files"), ("--rollback", "verify"), ("--repair", "runtime")]
)
def test_an_interruption_leaves_everything_as_it_was(
    two: MinimalRoot, newer_index: Index, mode: str, phase: str
) -> None:
    if mode == "--repair":
        flip(loaders(two, newer_index.bundle_id))
    before = (state(two), fingerprint(two.path(f"{TARGET}/generations")))
    runner = start(two, phase, mode, "--target", TARGET)
    send_signal(runner, signal.SIGINT)
    output, errors = runner.communicate(timeout=60)
    assert runner.returncode == 130, errors
    assert events(output)[-1]["message"] == "Interrupted; everything is as it was."
    assert (state(two), fingerprint(two.path(f"{TARGET}/generations"))) == before
    assert python(two, CLICK) == NEWER_CLICK
