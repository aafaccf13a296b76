"""What the target shows as evidence is that of the live generation, and goes with it."""

import os
from pathlib import Path

import pytest

from bootstrap import evidence
from bootstrap.activate import activate, require_free_link, require_live
from bootstrap.bundle.evidence import describe_evidence, inner_path
from bootstrap.bundle.model import Entry
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import DamagedBundleError, UnsafeTargetError, VerificationError
from bootstrap.events import Listener
from bootstrap.generation import Way
from bootstrap.leftovers import undo_unfinished
from bootstrap.state import InstallState, load_state
from bootstrap.upkeep import Upkeep
from tests.support.generations import go_live, installed, make_generation
from tests.support.tiny_bundle import tiny_bundle


def shown(target: Path) -> dict[str, str]:
    folder = target / "evidence"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".files"
    }


MINE = ("thesis.txt", "novel.txt", "poems/poem.txt")


def of(name: str) -> dict[str, str]:
    return {"provenance.json": name, f"licenses/{name}-text": "free for all"}


def test_an_upgrade_shows_the_new_and_going_back_the_old(tmp_path: Path, way: Way) -> None:
    tmp_path = tmp_path / "llm"
    tmp_path.mkdir()
    old = go_live(tmp_path, "old", way)
    assert shown(tmp_path) == of("old")
    new = go_live(tmp_path, "new", way)
    assert shown(tmp_path) == of("new")
    require_live(tmp_path, new)
    back = installed(old).generation_in(tmp_path, live=False)
    activate(tmp_path, back, InstallState(live=installed(old)))
    assert shown(tmp_path) == of("old")


def test_nothing_is_left_of_it_but_what_is_somebody_elses(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "old", "folder")
    (target / "evidence" / "notes.txt").write_text("years of work")
    upkeep = Upkeep(target=target, allow_no_gpu=True, listener=Listener())
    assert upkeep.uninstall() == ("evidence",)
    assert [p.relative_to(target).as_posix() for p in target.rglob("*")] == [
        *("evidence", "evidence/notes.txt")
    ]


def test_a_generation_without_any_shows_none(tmp_path: Path, way: Way) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "new", way)
    bare = make_generation(target, "old", way)
    for path in sorted(bare.evidence.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    bare.evidence.rmdir()
    activate(target, bare, InstallState(live=installed(bare)))
    assert not os.path.lexists(target / "evidence")
    require_live(target, installed(bare).generation_in(target))


def test_what_is_missing_is_told_and_put_back(tmp_path: Path, way: Way) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    live = go_live(target, "old", way)
    evidence.hide(target)
    with pytest.raises(VerificationError, match=r"evidence is not that of old"):
        require_live(target, live)
    undo_unfinished(target, load_state(target) or InstallState(), Listener())
    assert shown(target) == of("old")


def test_a_copy_that_was_changed_is_told(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    live = go_live(target, "old", "folder")
    (target / "evidence" / "provenance.json").write_text("forged")
    with pytest.raises(VerificationError, match=r"evidence is not that of old"):
        require_live(target, live)


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_somebody_elses_is_in_the_way(tmp_path: Path, kind: str) -> None:
    own = tmp_path / "evidence"
    if kind == "folder":
        own.mkdir()
        (own / "mine.txt").write_text("years of work")
    elif kind == "file":
        own.write_text("years of work")
    else:
        own.symlink_to("elsewhere")
    with pytest.raises(UnsafeTargetError, match=r"evidence is there, and this installer"):
        require_free_link(tmp_path)
    evidence.hide(tmp_path)
    assert os.path.lexists(own)


def test_a_list_that_leads_out_deletes_nothing_there(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    target.mkdir()
    go_live(target, "old", "folder")
    (tmp_path / "poems").mkdir()
    for name in MINE:
        (tmp_path / name).write_text("years of work")
    (target / "evidence" / "linked").symlink_to(tmp_path / "poems")
    with (target / "evidence" / ".files").open("a") as file:
        file.write(f"../../thesis.txt\n../install.json\n{tmp_path / 'novel.txt'}\n")
        file.write("linked/poem.txt\n")
    with (target / "evidence" / ".files").open("ab") as binary:
        binary.write(b"\xff\0\n")
    evidence.hide(target)
    for name in MINE:
        assert (tmp_path / name).read_text() == "years of work"
    assert (target / "install.json").is_file()


def test_it_is_written_and_taken_back(tmp_path: Path) -> None:
    reader = BundleReader.open(tiny_bundle(tmp_path))
    folder = tmp_path / "evidence"
    evidence.write_evidence(reader, folder)
    assert [path.name for path in folder.iterdir()] == ["sbom.cdx.json"]
    evidence.take_back(reader.index, folder)
    assert not folder.exists()


def test_what_is_damaged_is_not_taken(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path)
    data = path.read_bytes()
    place = data.index(b"read me\n{}\n") + len(b"read me\n")
    path.write_bytes(data[:place] + b"[" + data[place + 1 :])
    with pytest.raises(DamagedBundleError, match=r"evidence/sbom\.cdx\.json"):
        evidence.write_evidence(BundleReader.open(path), tmp_path / "evidence")


def test_one_line_tells_what_there_is() -> None:
    names = ["sbom.cdx.json", "licenses/a-LICENSE", "licenses/INVENTORY.txt", "sboms/a.json"]
    entries = [Entry(name=f"evidence/{n}", offset=0, size=500, sha256="") for n in names]
    assert [str(inner_path(entry)) for entry in entries] == names
    told = describe_evidence(entries)
    assert told == "sbom.cdx.json, 2 files of licences, 1 SBOMs of wheels; 2 kB"
