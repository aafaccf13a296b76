"""What need not be free: what both share, and what goes before. Never more than that."""

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bootstrap import room as module
from bootstrap.activate import activate
from bootstrap.bundle.model import Index, encode_index
from bootstrap.errors import ExitCode
from bootstrap.generation import Way
from bootstrap.host.model import Disk
from bootstrap.install.seal import write_inventory
from bootstrap.plan import InstallPlan, make_plan
from bootstrap.room import Room, look_for_room, short_of_room
from bootstrap.state import Installed, InstallState
from bootstrap.wishes import Old, Wishes
from tests.support.generations import go_live, installed, make_generation
from tests.support.tiny_bundle import tiny_index
from tests.unit.bootstrap.test_plan_windows import FIT, HOST

MB = 1_000_000
INDEX = tiny_index(cuda=False)
DISK = Disk(path=Path("/disk"), free=10 * MB, writable=True, filesystem="ext4", noexec=False)


def fill(target: Path, name: str, way: Way, *, size: int) -> Installed:
    """Not live yet, with ``size`` bytes of ours and as many of the user's."""
    made = make_generation(target, name, way)
    (made.venv / "ours").write_bytes(bytes(size))
    made.index.write_bytes(encode_index(INDEX))
    write_inventory(made, ())
    (made.venv / "theirs").write_bytes(bytes(size))
    sha256 = hashlib.sha256(made.index.read_bytes()).hexdigest()
    return msgspec.structs.replace(installed(made), index_sha256=sha256)


@pytest.fixture
def state(tmp_path: Path, way: Way) -> InstallState:
    """One megabyte is kept, three are live."""
    previous = fill(tmp_path, "previous", way, size=MB)
    live = fill(tmp_path, "live", way, size=3 * MB)
    activate(tmp_path, live.generation_in(tmp_path, live=False), InstallState(live=live))
    return InstallState(live=live, previous=previous)


def look(target: Path, state: InstallState, old: Old, index: Index = INDEX) -> Room:
    return look_for_room(target, state, index, Wishes(old=old))


def about(size: int) -> object:
    # Besides there are configurations, an index and an inventory.
    return pytest.approx(size, abs=20_000)


def can(monkeypatch: pytest.MonkeyPatch, *, clone: bool, link: bool) -> None:
    monkeypatch.setattr(module, "_can_share", lambda _, *, links: clone or (links and link))


def test_what_both_have_is_only_counted_where_it_can_be_shared(
    tmp_path: Path, state: InstallState, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = INDEX.wheels[0].installed_size
    can(monkeypatch, clone=False, link=True)
    shared: dict[Old, int] = {"remove": size, "repair": size, "keep": 0, "discard": 0}
    assert {old: look(tmp_path, state, old).shared for old in shared} == shared
    can(monkeypatch, clone=True, link=False)
    assert look(tmp_path, state, "keep").shared == size
    can(monkeypatch, clone=False, link=False)
    assert look(tmp_path, state, "remove").shared == 0


def test_other_wheels_are_not_shared(
    tmp_path: Path, state: InstallState, monkeypatch: pytest.MonkeyPatch
) -> None:
    can(monkeypatch, clone=True, link=True)
    (group,) = INDEX.groups
    other = msgspec.structs.replace(group.wheels[0], record_sha256="11" * 32)
    groups = (msgspec.structs.replace(group, wheels=(other,)),)
    index = msgspec.structs.replace(INDEX, groups=groups)
    assert look(tmp_path, state, "remove", index).shared == 0


def test_what_can_be_shared_is_tried(tmp_path: Path) -> None:
    assert module._can_share(tmp_path, links=True)
    assert not module._can_share(tmp_path / "nowhere", links=True)
    assert list(tmp_path.iterdir()) == []


def test_only_what_goes_counts_as_going(
    tmp_path: Path, state: InstallState, monkeypatch: pytest.MonkeyPatch
) -> None:
    can(monkeypatch, clone=False, link=True)
    # Not what is the user's, which is only moved.
    assert look(tmp_path, state, "remove").discardable == about(4 * MB)
    assert look(tmp_path, state, "discard").freed == about(4 * MB)
    # Where both may share blocks, nobody knows more than this.
    can(monkeypatch, clone=True, link=True)
    assert look(tmp_path, state, "discard").freed == about(3 * MB)
    # A backup of the user's keeps it.
    (tmp_path / "backup").hardlink_to(tmp_path / ".venv" / "ours")
    assert look(tmp_path, state, "discard").freed == about(MB)
    (tmp_path / "backup").unlink()
    # Without this all of it is the user's.
    (tmp_path / "generations" / "live" / "inventory.csv").unlink()
    can(monkeypatch, clone=False, link=True)
    assert look(tmp_path, state, "discard").freed == about(MB)


@pytest.mark.parametrize(
    ("old", "free", "discardable", "told"),
    [
        ("remove", 10, 0, None),
        ("remove", 9, 0, False),
        ("remove", 5, 4, False),
        ("remove", 5, 5, True),
        ("keep", 5, 5, True),
        ("repair", 5, 5, False),
        ("discard", 5, 5, False),
    ],
)
def test_discarding_is_recommended_where_it_helps(
    old: Old, free: int, discardable: int, *, told: bool | None
) -> None:
    disk = replace(DISK, free=free * MB)
    short = short_of_room(disk, 10 * MB, Room(discardable=discardable * MB), Wishes(old=old))
    if told is None:
        assert short is None
        return
    assert short is not None
    assert short.exit_code is ExitCode.NO_SPACE
    assert f"/disk has {free}.0 MB free; the installation needs 10.0 MB." in short.message
    assert ("--discard-previous" in short.remedy) == told


def test_what_cannot_be_shared_after_a_discard_must_be_free_as_well() -> None:
    disk, room = replace(DISK, free=5 * MB), Room(shared=4 * MB, discardable=5 * MB)
    short = short_of_room(disk, 6 * MB, room, Wishes())
    assert short is not None
    assert "--discard-previous" in short.remedy
    short = short_of_room(replace(DISK, free=4 * MB), 6 * MB, room, Wishes())
    assert short is not None
    assert "--discard-previous" not in short.remedy


def plan(state: InstallState, wishes: Wishes, **index: str) -> InstallPlan:
    return make_plan(
        msgspec.structs.replace(INDEX, **index),
        replace(HOST, system="Linux"),
        DISK,
        FIT,
        state,
        target=Path("/opt/llm"),
        taken=set(),
        wishes=wishes,
        room=Room(shared=1 << 19),
    )


def of_version(tmp_path: Path, version: str, product: str = "LLMSetup") -> InstallState:
    go_live(tmp_path, "a", "symlink")
    one = installed(make_generation(tmp_path, "b", "symlink"))
    return InstallState(live=msgspec.structs.replace(one, version=version, product=product))


@pytest.mark.parametrize(
    ("installed_version", "older"),
    [("1.0.0", False), ("0.9", False), ("1.0.0rc1", False), ("1.0.1", True), ("1.10", True)],
)
def test_an_older_version_must_be_asked_for(
    tmp_path: Path, installed_version: str, *, older: bool
) -> None:
    state = of_version(tmp_path, installed_version)
    refusal = plan(state, Wishes()).refusal
    assert (refusal is not None) == older
    if refusal:
        assert refusal.exit_code is ExitCode.NOT_TRUSTED
        assert installed_version in refusal.message
        assert "--allow-downgrade" in refusal.remedy
    assert plan(state, Wishes(allow_downgrade=True)).refusal is None


def test_another_product_is_never_replaced(tmp_path: Path) -> None:
    state = of_version(tmp_path, "9", product="Another")
    refusal = plan(state, Wishes(allow_downgrade=True, old="discard")).refusal
    assert refusal is not None
    assert refusal.exit_code is ExitCode.UNSAFE_TARGET
    assert "holds Another, which LLMSetup does not replace" in refusal.message


def test_what_is_shared_need_not_be_free(tmp_path: Path) -> None:
    state = of_version(tmp_path, "1")
    assert plan(state, Wishes()).space_needed == INDEX.disk_need - (1 << 19)
