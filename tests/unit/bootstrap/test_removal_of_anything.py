"""Random trees, links among them, and random demands: what is not ours is never touched."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bootstrap import removal
from bootstrap.errors import ReportedError
from bootstrap.removal import aside_of, put_back, remove_set_aside, remove_tree, set_aside
from tests.support.endangered import MARK, look, mark, without

# Names that occur again and again, so that they meet; "" and the dots lead elsewhere or nowhere.
_NAMES = ["generations", "user-files", ".generations.removed", "g1", ".g1.removed", "a", "a\n"]
_LIKELY = ["generations", "generations/g1", "generations/g1/a", "user-files", "user-files/a/g1"]
_PATHS = st.one_of(
    st.sampled_from(_LIKELY),
    st.lists(st.sampled_from([*_NAMES, "..", ".", "llm", "home"]), max_size=5).map("/".join),
)
_GOALS = st.sampled_from(["home", "home/generations", "home/a", "home/g1", "llm", "llm/moved"])
_PLACES = st.sampled_from(["llm", "llm", "llm", "llm/generations", "home", "."])
_MARKS = st.sampled_from([MARK, MARK, MARK, b"{}", None])
_DEMANDS = st.sampled_from([remove_tree, set_aside, put_back, remove_set_aside])


class Removals(RuleBasedStateMachine):
    """Somebody's home folder, a target of ours, and everybody makes what he likes."""

    @initialize()
    def begin(self) -> None:
        # Without links on the way: what is compared goes by paths.
        self.base = Path(tempfile.mkdtemp()).resolve()
        mark(self.base / "llm")
        (self.base / "llm" / "moved").mkdir()
        for name in ("g1", "generations/g1/a", "a/g1"):
            (self.base / "home" / name).mkdir(parents=True, exist_ok=True)
            (self.base / "home" / name / "thesis.txt").write_text("years of work")

    def teardown(self) -> None:
        shutil.rmtree(self.base)

    def _path(self, place: str, path: str) -> Path | None:
        """A path as it is asked for; None where it would leave this test's folder."""
        made = Path(f"{self.base}/{place}/{path}")
        return made if Path(os.path.normpath(made)).is_relative_to(self.base) else None

    def _is_ours(self, path: Path, place: str = ".") -> bool:
        """Whether it ends in this test's folder, whatever links it goes through."""
        return Path(os.path.realpath(path)).is_relative_to(self.base / place)

    @rule(place=_PLACES, path=_PATHS)
    def make_folder(self, place: str, path: str) -> None:
        made = self._path(place, path)
        # Making goes through links, so it may end anywhere; but only in here.
        if made and self._is_ours(made):
            with suppress(OSError):
                made.mkdir(parents=True)

    @rule(place=_PLACES, path=_PATHS)
    def make_file(self, place: str, path: str) -> None:
        made = self._path(place, path)
        if made and self._is_ours(made):
            with suppress(OSError):
                made.joinpath("file").write_text("x")

    @rule(place=_PLACES, path=_PATHS, to_place=_PLACES, to=_PATHS, relative=st.booleans())
    def make_link(self, place: str, path: str, to_place: str, to: str, *, relative: bool) -> None:
        link, goal = self._path(place, path), self._path(to_place, to)
        if link and goal and self._is_ours(link.parent):
            with suppress(OSError):
                link.symlink_to(os.path.relpath(goal, link.parent) if relative else goal)

    @rule(path=st.sampled_from(_LIKELY), goal=_GOALS)
    def replace_by_link(self, path: str, goal: str) -> None:
        link = self.base / "llm" / path
        if self._is_ours(link.parent, "llm"):
            with suppress(OSError):
                link.rename(self.base / "llm" / "moved" / str(len(look(self.base))))
            with suppress(OSError):
                link.symlink_to(self.base / goal)

    @rule(place=_PLACES, path=_PATHS, to=_PATHS)
    def move(self, place: str, path: str, to: str) -> None:
        old, new = self._path(place, path), self._path(place, to)
        if (
            old
            and new
            and all(os.path.realpath(path.parent) == f"{self.base}/llm" for path in (old, new))
        ):
            with suppress(OSError):
                old.rename(new)

    @rule(data=_MARKS)
    def change_mark(self, data: bytes | None) -> None:
        path = self.base / "llm" / "install.json"
        with suppress(OSError):
            path.unlink(missing_ok=True)
            if data is not None:
                path.write_bytes(data)

    @rule(demand=_DEMANDS, path=st.sampled_from(_LIKELY))
    def delete_as_we_do(self, demand: Callable[..., None], path: str) -> None:
        asked = self.base / "llm" / path
        self._delete(demand, asked, asked.parent)

    @rule(demand=_DEMANDS, place=_PLACES, path=_PATHS, within=_PLACES, above=st.integers(0, 2))
    def delete_anything(
        self, demand: Callable[..., None], place: str, path: str, within: str, above: int
    ) -> None:
        asked = self._path(place, path)
        if asked is None or not asked.name:
            return
        self._delete(demand, asked, [asked.parent, self.base / within, *asked.parents][above])

    def _delete(self, demand: Callable[..., None], asked: Path, inside: Path) -> None:
        before = look(self.base)
        with suppress(ReportedError, OSError):
            demand(asked, inside=inside)
        after = look(self.base)
        names = [os.path.relpath(path, self.base) for path in (asked, aside_of(asked))]
        assert without(after, *names) == without(before, *names)
        if after != before:
            self._require_ours(asked, before)

    def _require_ours(self, asked: Path, before: dict[str, str]) -> None:
        """By the spelling alone: below the mark, under a name of ours, no link on the way."""
        parts = asked.relative_to(self.base).parts
        assert parts[0] == "llm"
        assert parts[1].removeprefix(".").removesuffix(".removed") in removal._OURS
        assert ".." not in parts
        assert (self.base / "llm" / "install.json").read_bytes() == MARK
        for count in range(1, len(parts)):
            assert before["/".join(parts[:count])] == "40000"

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "base"):
            for name in ("g1", "generations/g1/a", "a/g1"):
                thesis = self.base / "home" / name / "thesis.txt"
                assert thesis.read_text() == "years of work"


TestRemovals = Removals.TestCase
TestRemovals.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
