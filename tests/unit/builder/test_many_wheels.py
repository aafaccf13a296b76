"""Time grows as the number of wheels does, not as its square; their files take no memory."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from builder.evidence.gather import wheel_pieces
from builder.evidence.inventory import inventory
from builder.evidence.sbom import Subject, write_sbom
from builder.evidence.texts import TextFolder
from builder.fetch import Cache, WantedFile, adopt, hash_file
from builder.fetch import adoption as adoption_module
from builder.graph import DependencyGraph
from builder.lock import model as lock_model
from builder.lock.model import LockedWheel, encode_lock, load_lock
from builder.pack.compose import compose
from builder.pack.contents import Contents
from builder.police.wheelset import find_collisions
from builder.progress import Bar, Progress
from builder.targets import TARGETS
from builder.transcode import Recipe, Transcoder
from builder.wheels import StoredWheel, WheelFacts, read_wheel
from tests.support.effort import lasting_memory, steps
from tests.support.made_locks import lock_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_contents import tiny_contents

_FEW = 60


def require_straight_line(steps_for: Callable[[int], int]) -> None:
    """The third hundred wheels must not be more work than the second."""
    # Something is imported the first time.
    steps_for(1)
    one, two, three = map(steps_for, (100, 200, 300))
    assert three - two < 1.02 * (two - one)


def make_wheels(folder: Path, count: int) -> list[WheelFacts]:
    folder.mkdir()
    paths = (
        make_wheel(folder, f"part_{n:03d}", "1.0", {f"part_{n:03d}.py": b"%d" % n})
        for n in range(count)
    )
    return [read_wheel(path, path.name) for path in paths]


def test_reading_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for one name among all others would be a comparison with each."""
    compared = 0

    class Name(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str(self) == other

        __hash__ = str.__hash__

    locked = lock_model._locked

    def with_counted_name(place: int, package: object) -> LockedWheel:
        wheel = locked(place, package)  # type: ignore[arg-type]
        return dataclasses.replace(wheel, name=NormalizedName(Name(wheel.name)))

    monkeypatch.setattr(lock_model, "_locked", with_counted_name)
    lock = lock_wheels(make_wheels(tmp_path / "w", _FEW), tmp_path / "pylock.cpu-linux_x86_64.toml")
    lock.path.write_bytes(encode_lock(lock))
    assert len(load_lock(lock.path).wheels) == _FEW
    assert compared < 5 * _FEW


def contents_of(wheels: list[WheelFacts], folder: Path) -> Contents:
    folder.mkdir()
    contents = tiny_contents(folder, {"demo.py": b""})
    lock = lock_wheels(wheels, folder / "lock")
    return dataclasses.replace(
        contents,
        lock=lock,
        groups={"base": [wheel.name for wheel in wheels]},
        wheels={wheel.name: wheel for wheel in wheels},
        stored={
            wheel.name: StoredWheel(path=wheel.path, sha256=locked.sha256)
            for wheel, locked in zip(wheels, lock.wheels, strict=True)
        },
    )


def test_packing(tmp_path: Path) -> None:
    def work(count: int) -> int:
        contents = contents_of(make_wheels(tmp_path / f"w{count}", count), tmp_path / f"c{count}")
        return steps(lambda: compose(contents, tmp_path / f"{count}.run", Progress()))

    require_straight_line(work)


def test_evidence(tmp_path: Path) -> None:
    subject = Subject(
        product="P",
        version="1",
        variant="cpu",
        target="linux_x86_64",
        company="C",
        builder="1",
        built=None,
        roots=(),
    )

    def work(count: int) -> int:
        wheels = make_wheels(tmp_path / f"w{count}", count)
        lock = lock_wheels(wheels, tmp_path / "lock")
        graph = DependencyGraph(wheels, TARGETS["linux_x86_64"].marker_environment("3.11"))
        indexes = {str(wheel.name): "pypi" for wheel in wheels}
        (tmp_path / f"e{count}").mkdir()
        kept = TextFolder(tmp_path / f"e{count}")

        def write() -> None:
            pieces = [*wheel_pieces(lock, graph, indexes, kept)]
            inventory(pieces)
            write_sbom(tmp_path / f"{count}.json", subject, pieces)

        return steps(write)

    require_straight_line(work)


@pytest.mark.parametrize("again", [False, True])
def test_compressing(tmp_path: Path, again: bool) -> None:  # noqa: FBT001
    recipe = Recipe(name="test", level=3, window_log=None)

    def work(count: int) -> int:
        locked = [
            (wheel.path, wheel.filename, hash_file(wheel.path))
            for wheel in make_wheels(tmp_path / f"w{count}", count)
        ]
        cache = Cache(tmp_path / f"cache{count}")

        def transcode() -> None:
            with Transcoder(cache, recipe, Bar(), threads=1) as transcoder:
                for wheel in locked:
                    transcoder.add(*wheel)
                assert len(transcoder.results()) == count

        if again:
            transcode()
        return steps(transcode)

    require_straight_line(work)


@pytest.mark.parametrize("name", ["{name}", "download ({number}).whl"])
@pytest.mark.parametrize("sized", [True, False])
def test_taking_files_that_are_brought(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    sized: bool,  # noqa: FBT001
) -> None:
    """All have one size. With their proper names they are read once, while they are copied."""
    stick, read = tmp_path / "stick", list[Path]()
    stick.mkdir()

    def hash_noted(path: Path) -> str:
        read.append(path)
        return hash_file(path)

    monkeypatch.setattr(adoption_module, "hash_file", hash_noted)
    wanted = []
    for number in range(_FEW):
        content = b"content %04d" % number
        file = WantedFile(
            project=f"part-{number}",
            filename=f"part_{number:03d}-1.0-py3-none-any.whl",
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content) if sized else None,
            index=None,
        )
        (stick / name.format(name=file.filename, number=number)).write_bytes(content)
        wanted.append(file)
    cache = Cache(tmp_path / "cache")
    adopt(stick, wanted, cache, Progress())
    assert len(cache.at_hand(wanted)) == _FEW
    assert len(read) == (0 if "name" in name else _FEW)


def test_files_take_no_memory(tmp_path: Path) -> None:
    count = 3000
    files = {f"demo/folder_{n % 9}/module_{n:05d}.py": b"x" for n in range(count)}
    path = make_wheel(tmp_path, "demo", "1.0", files)
    read_wheel(path, path.name)
    assert lasting_memory(lambda: read_wheel(path, path.name)) < 20_000


def test_only_what_wheels_have_in_common_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = make_wheels(tmp_path / "w", 3)
    for name in ("demo", "other"):
        path = make_wheel(
            tmp_path,
            name,
            "1.0",
            {"shared/x.py": name.encode(), f"{name}-1.0.data/scripts/{name}": b"#!python\n"},
        )
        wheels.append(read_wheel(path, path.name))
    read, read_paths = list[str](), WheelFacts.read_installed_paths

    def noted(wheel: WheelFacts) -> object:
        read.append(wheel.name)
        return read_paths(wheel)

    monkeypatch.setattr(WheelFacts, "read_installed_paths", noted)
    graph = DependencyGraph(wheels, TARGETS["linux_x86_64"].marker_environment("3.11"))
    (finding,) = find_collisions(graph)
    assert finding.message.endswith("with different content: shared/x.py.")
    assert read == ["demo", "other"]
