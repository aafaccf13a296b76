"""Whatever is interrupted, what is live and what is kept are whole, and are those of the state."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap import live, upkeep
from bootstrap.activate import activate, require_live
from bootstrap.errors import BusyError
from bootstrap.events import Listener
from bootstrap.generation import Way
from bootstrap.install.seal import write_inventory
from bootstrap.leftovers import discard, is_unfinished, remove_others, undo_unfinished
from bootstrap.state import Installed, InstallState, load_state, save_state
from bootstrap.upkeep import Upkeep
from tests.support.crashing import CrashError, crash_and_recover, record_steps
from tests.support.generations import installed, make_generation


def make(target: Path, name: str, way: Way) -> Installed:
    """With a launcher that no other has, and something of the user's."""
    generation = make_generation(target, name, way)
    (generation.documents / f"{name}.bat").write_text(name)
    write_inventory(generation, ())
    (generation.venv / f"of-{name}").write_text("the user's")
    return installed(generation)


class World:
    """A target with a live generation, one that is kept, and one that is ready."""

    def __init__(self, target: Path, way: Way) -> None:
        target.mkdir()
        self.target = target
        self.kept, self.old, self.new = (make(target, name, way) for name in ("kept", "old", "new"))
        for one in (self.kept, self.old):
            self.go(one, InstallState(live=one))
        self.before = InstallState(live=self.old, previous=self.kept)

    def go(self, one: Installed, state: InstallState) -> None:
        activate(self.target, one.generation_in(self.target, live=False), state)

    def note(self) -> None:
        save_state(self.target, InstallState(live=self.old, previous=self.kept, building="new"))

    def switch(self, one: Installed, state: InstallState) -> None:
        self.go(one, state)
        remove_others(self.target, state, Listener())


def keep(world: World) -> tuple[InstallState, Callable[[], object]]:
    world.note()
    after = InstallState(live=world.new, previous=world.old)
    return after, lambda: world.switch(world.new, after)


def replace(world: World) -> tuple[InstallState, Callable[[], object]]:
    world.note()
    after = InstallState(live=world.new)
    return after, lambda: world.switch(world.new, after)


def repair(world: World) -> tuple[InstallState, Callable[[], object]]:
    world.note()
    after = InstallState(live=world.new, previous=world.kept)
    return after, lambda: world.switch(world.new, after)


def roll_back(world: World) -> tuple[InstallState, Callable[[], object]]:
    undo_unfinished(world.target, world.before, Listener())
    after = InstallState(live=world.kept, previous=world.old)
    save_state(world.target, world.before)
    return after, lambda: world.switch(world.kept, after)


def discard_both(world: World) -> tuple[InstallState, Callable[[], object]]:
    undo_unfinished(world.target, world.before, Listener())
    save_state(world.target, world.before)
    return InstallState(), lambda: discard(world.target, world.before, Listener())


def require_state(target: Path, state: InstallState, way: Way) -> None:
    """What lies in the target is what its state says."""
    kept = [one.generation for one in (state.live, state.previous) if one]
    generations = target / "generations"
    names = [path.name for path in generations.iterdir()] if generations.is_dir() else []
    assert sorted(names) == sorted(kept)
    launchers = {path.name for path in target.glob("[!.]*.bat")}
    if state.live:
        require_live(target, state.live.generation_in(target))
        assert (target / ".venv/Scripts/python.exe").read_text() == state.live.generation
        assert launchers == {"python.bat", f"{state.live.generation}.bat"}
        assert not is_unfinished(target, state)
    else:
        assert live.present(target) is None
        assert launchers == set()
    if state.previous:
        previous = state.previous.generation_in(target, live=False)
        assert previous.python.read_text() == state.previous.generation
        assert live.leads_to(target, way) != state.previous.generation
    for name in ("kept", "old"):
        # Where it is, or where it was moved to; never gone.
        assert len(list(target.glob(f"**/of-{name}"))) >= 1


@pytest.mark.parametrize("prepare", [keep, replace, repair, roll_back, discard_both])
def test_a_crash_at_any_step_is_undone_or_done(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
    prepare: Callable[[World], tuple[InstallState, Callable[[], object]]],
) -> None:
    found = []
    for place in range(200):
        world = World(tmp_path / str(place), way)
        after, work = prepare(world)
        try:
            record_steps(monkeypatch, work, place)
        except CrashError:
            written = load_state(world.target)
            # Otherwise --verify would leave it as it is.
            assert written is not None
            state = crash_and_recover(world.target, monkeypatch)
            assert state in (world.before, after)
            require_state(world.target, state, way)
            found.append(state == after)
        else:
            require_state(world.target, after, way)
            break
    # First it is undone, then done; never the other way round.
    assert found == sorted(found)
    assert set(found) == {False, True}


def test_what_is_in_use_is_not_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    world = World(tmp_path / "llm", way)
    _, work = discard_both(world)
    before = sorted(world.target.rglob("*"))
    monkeypatch.setattr("bootstrap.activate.users_of", lambda *_: (4711,))
    with pytest.raises(BusyError, match="in use by process 4711"):
        work()
    assert sorted(world.target.rglob("*")) == before
    require_state(world.target, world.before, way)


@pytest.mark.parametrize(
    "part", ["bootstrap.uninstall.save_state", "bootstrap.uninstall.set_aside"]
)
def test_a_removal_that_cannot_begin_leaves_all_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, part: str
) -> None:
    world = World(tmp_path / "llm", way)
    discard_both(world)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(part, full)
    with pytest.raises(OSError, match="No space"):
        discard(world.target, world.before, Listener())
    require_state(world.target, world.before, way)


@pytest.mark.parametrize("part", ["bootstrap.activate.save_state", "bootstrap.live.lead"])
def test_a_rollback_that_cannot_be_ended_is_undone_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, part: str
) -> None:
    world = World(tmp_path / "llm", way)
    roll_back(world)
    monkeypatch.setattr(upkeep, "inspect", lambda *_, **__: None)
    real, calls = live.lead, list[object]()

    def fail(*arguments: object) -> None:
        calls.append(arguments)
        if part.endswith("lead") and len(calls) > 1:
            real(*arguments)  # type: ignore[arg-type]
            return
        raise OSError(28, "No space left on device", "install.json")

    monkeypatch.setattr(part, fail)
    target = Upkeep(target=world.target, allow_no_gpu=True, listener=Listener())
    with pytest.raises(Exception, match="became full while rolling back"):
        target.rollback(world.kept)
    assert load_state(world.target) == world.before
    require_state(world.target, world.before, way)


def test_only_what_was_shown_is_gone_back_to(tmp_path: Path, way: Way) -> None:
    world = World(tmp_path / "llm", way)
    roll_back(world)
    target = Upkeep(target=world.target, allow_no_gpu=True, listener=Listener())
    with pytest.raises(BusyError, match="in the meantime"):
        target.rollback(world.new)
    require_state(world.target, world.before, way)


def test_what_is_unfinished_is_seen(tmp_path: Path, way: Way) -> None:
    world = World(tmp_path / "llm", way)
    target, state = world.target, world.before
    assert is_unfinished(target, state)
    undo_unfinished(target, InstallState(live=state.live, building="new"), Listener())
    state = InstallState(live=state.live)
    save_state(target, state)
    assert not is_unfinished(target, state)
    assert is_unfinished(target, InstallState(live=state.live, building="x"))
    assert is_unfinished(target, InstallState(removing=state.live))
    # After the switch, before the old one was removed.
    (target / "generations" / "half").mkdir()
    assert is_unfinished(target, state)
    (target / "generations" / "half").rmdir()
    (target / ".generations.removed").mkdir()
    assert is_unfinished(target, state)
    (target / ".generations.removed").rmdir()
    # Nobody is at work there any more.
    (target / ".install.owner.json").touch()
    assert is_unfinished(target, state)
    (target / ".install.owner.json").unlink()
    live.clear(target)
    assert is_unfinished(target, state)
    # Of somebody else's making: none of our runs has left it.
    (target / ".venv").mkdir()
    assert not is_unfinished(target, state)
