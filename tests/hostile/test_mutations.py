"""A fair share of all damaged bundles; ``python -m tests.hostile`` tries them all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.campaigns import CAMPAIGNS
from tests.hostile.figures import Campaign, Figures, Work
from tests.hostile.mutations import measured
from tests.hostile.mutations.changes import CHANGES, mutate, spread
from tests.hostile.mutations.structures import structures_of
from tests.hostile.mutations.subjects import KINDS, make_subject
from tests.support.commands import ROOT

_BY_NAME = {campaign.name: campaign for campaign in CAMPAIGNS}


def work(folder: Path, *, mutations: int = 0, installed: int = 0) -> Work:
    return Work(
        folder=folder,
        mutations=mutations,
        installed=installed,
        ordinary=None,
        jobs=2,
        tell=print,
    )


def require_passed(campaign: Campaign, figures: Figures) -> None:
    assert campaign.passed(figures), "\n".join([campaign.what, *figures.broken])


def test_damage_is_refused_or_of_no_consequence(tmp_path: Path) -> None:
    campaign = _BY_NAME["damaged"]
    figures = campaign.run(work(tmp_path, mutations=600))
    require_passed(campaign, figures)
    assert figures.refused > 0.95 * figures.tried


def test_what_somebody_has_changed_with_care_is_refused_or_does_no_harm(tmp_path: Path) -> None:
    campaign = _BY_NAME["sealed"]
    require_passed(campaign, campaign.run(work(tmp_path, mutations=800)))


def test_without_its_hashes_the_reader_would_be_caught(tmp_path: Path) -> None:
    campaign = _BY_NAME["unheeded"]
    figures = campaign.run(work(tmp_path, mutations=1_000))
    require_passed(campaign, figures)
    # Not only what looks at the medium is blind then: other files are installed.
    wrong = [broken for broken in figures.broken if "not with the same files" in broken]
    assert len(wrong) >= 5


@pytest.mark.slow
def test_damaged_bundles_leave_what_was_there(tmp_path: Path) -> None:
    campaign = _BY_NAME["installed"]
    require_passed(campaign, campaign.run(work(tmp_path, installed=24)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_lies_in_a_structure(tmp_path: Path, kind: str) -> None:
    subject = make_subject(kind, tmp_path)
    found = structures_of(subject.path)
    for name, data in subject.files.items():
        position = 0
        for part in sorted(
            (part for part in found if part.file == name), key=lambda part: part.offset
        ):
            assert part.offset <= position
            assert part.end <= len(data)
            position = max(position, part.end)
        assert position == len(data)
    assert not [part for part in found if part.kind == "something else"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_can_be_had_again(tmp_path: Path, kind: str) -> None:
    numbers = range(0, 300, 7)
    made = [make_subject(kind, tmp_path / which) for which in ("one", "two")]
    first, second = ([mutate(subject, n) for n in numbers] for subject in made)
    assert first == second
    assert all(mutant.files != made[0].files for mutant in first)


def test_few_mutants_are_of_all_sorts(tmp_path: Path) -> None:
    subject = make_subject("fast", tmp_path)
    told = [mutate(subject, number).told for number in spread(12)]
    assert len({text.partition(":")[0] for text in told}) > 5
    assert len({text.partition(": ")[2].partition(" of ")[0] for text in told}) > 8


def test_what_signing_changes_need_not_be_noticed_wherever_it_is_met(tmp_path: Path) -> None:
    subject = make_subject("windows", tmp_path)
    parts = structures_of(subject.path)
    places = {at for part in parts if not part.read for at in range(part.offset, part.end)}
    met = 0
    for number in range(20_000):
        mutant = mutate(subject, number)
        one, other = subject.files[subject.installer], mutant.files[subject.installer]
        if (
            len(one) == len(other)
            and "of SmallStack" in mutant.told
            and "bootloader" in mutant.told
        ):
            # All that changes lies in the first bytes then.
            changed = {at for at in range(600) if one[at] != other[at]}
            if one[600:] == other[600:]:
                assert mutant.read is not (changed <= places)
                met += changed <= places
    assert met


def test_a_volume_that_both_builds_have_is_no_damage(tmp_path: Path) -> None:
    subject = make_subject("volumes", tmp_path)
    name = next(name for name in subject.files if name != subject.installer)
    (subject.other / name).write_bytes(subject.files[name])
    for number in range(4_000):
        assert mutate(subject, number).files != subject.files


@pytest.mark.parametrize("size", [1, 200])
def test_memory_is_that_of_the_program_and_not_of_who_measures(tmp_path: Path, size: int) -> None:
    ballast = b"x" * (400 << 20)
    code = f"x = b'x' * ({size} << 20); raise SystemExit(7)"
    report = tmp_path / "peak"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        measured.__name__,
        report,
        sys.executable,
        "-c",
        code,
    ]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 7
    assert size << 20 < int(report.read_text()) < (size + 60) << 20
    del ballast


def test_all_changes_happen(tmp_path: Path) -> None:
    subject = make_subject("volumes", tmp_path)
    told = {mutate(subject, number).told.partition(":")[0] for number in range(600)}
    assert told >= {*CHANGES, "volumes"}


@pytest.mark.parametrize("breaking", [False, True])
def test_a_campaign_that_has_tried_nothing_has_not_passed(*, breaking: bool) -> None:
    campaign = Campaign(name="x", what="x", entry="x:x", breaking=breaking)
    assert not campaign.passed(Figures(tried=0, refused=0))
    assert campaign.passed(Figures(tried=1, refused=1)) is not breaking
    assert campaign.passed(Figures(tried=1, refused=0, broken=("x",))) is breaking
