"""Which extras fit the new environment: every reason against one, and what follows from it."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from bootstrap.bundle.policy import BlacklistRule, Waiver
from bootstrap.extras import Extra, Terms, choose
from bootstrap.extras.model import Distribution, File
from builder.targets import TARGETS

TORCHAO = BlacklistRule(
    name="torchao", specifier="<9", aliases=("ao",), modules=("torchao",), reason="It breaks."
)


def extra(
    name: str,
    *requires: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    python: str = "",
    files: Iterable[File] = (),
    fault: str | None = None,
) -> Extra:
    return Extra(
        name=canonicalize_name(name),
        version=Version(version),
        folder=Path(f"{name}-{version}.dist-info"),
        requires=tuple(map(Requirement, requires)),
        requires_python=SpecifierSet(python),
        tags=parse_tag(tag),
        files=tuple(files),
        fault=fault,
    )


def file(path: str, scheme: str = "root", source: str | None = "") -> File:
    where = None if source is None else source or f"/live/{path}"
    return File(scheme=scheme, path=path, source=where)  # type: ignore[arg-type]


def terms(
    *bundle: str,
    target: str = "linux_x86_64",
    python: str = "3.11",
    rules: tuple[BlacklistRule, ...] = (),
    taken: Iterable[str] = (),
) -> Terms:
    """The new environment.

    Args:
        bundle: ``name==version``, then requirements of that one, separated by semicolons.
        target: of the builder's platforms.
        python: its minor version.
        rules: what is banned.
        taken: paths of files that are there.
    """
    there = {}
    for text in bundle:
        (name, version), *requires = [one.strip().split("==") for one in text.split(" & ")]
        there[canonicalize_name(name)] = Distribution(
            name=canonicalize_name(name),
            version=Version(version),
            requires=tuple(Requirement("==".join(one)) for one in requires),
        )
    platform = TARGETS[target]
    return Terms(
        python=Version(f"{python}.7"),
        environment=platform.marker_environment(python),
        tags=frozenset[Tag](platform.tags(python)),
        bundle=there,
        rules=rules,
        is_taken=lambda _, file: file.path in taken,
    )


def reasons(extras: Iterable[Extra], of: Terms) -> dict[str, str]:
    """Name of each that is left out, with the reason; the others must be the chosen ones."""
    extras = list(extras)
    chosen, left_out = choose(extras, of)
    said = {str(item.extra.name): item.reason for item in left_out}
    assert {one.name for one in extras} - said.keys() == {one.name for one in chosen}
    assert [one.name for one in chosen] == sorted(one.name for one in chosen)
    assert all(reason.endswith(".") for reason in said.values())
    return said


def test_what_fits_comes_along() -> None:
    mine = extra("mine", "torch>=2", "other", "gone; python_version<'3'", python=">=3.8")
    assert reasons([mine, extra("other")], terms("torch==2.6.0+cu124")) == {}


CASES = {
    "a fault": (extra("x", fault="It is broken."), terms(), "It is broken."),
    "of the bundle": (
        *(extra("x"), terms("X==2.0")),
        "It is part of the bundle now, in version 2.0.",
    ),
    "banned": (
        *(extra("torchao", version="0.7"), terms(rules=(TORCHAO,))),
        "The bundle bans it: It breaks.",
    ),
    "banned by alias": (
        *(extra("ao", version="0.7"), terms(rules=(TORCHAO,))),
        "The bundle bans it: It breaks.",
    ),
    "banned by module": (
        *(extra("x", files=[file("torchao/__init__.py")]), terms(rules=(TORCHAO,))),
        "It holds the module torchao, which the bundle bans: It breaks.",
    ),
    "Python": (
        *(extra("x", python=">=3.12"), terms()),
        "It needs Python >=3.12, and the new one is 3.11.7.",
    ),
    "built for another Python": (
        *(extra("x", tag="cp310-cp310-manylinux_2_17_x86_64"), terms()),
        "It was built for another Python or system (cp310-cp310-manylinux_2_17_x86_64).",
    ),
    "built for another system": (
        *(extra("x", tag="cp311-cp311-win_amd64"), terms()),
        "It was built for another Python or system (cp311-cp311-win_amd64).",
    ),
    "a file of the bundle": (
        *(extra("x", files=[file("x.py"), file("torch/x.py")]), terms(taken=["torch/x.py"])),
        "Its file torch/x.py would take the place of another one.",
    ),
    "a need that is not there": (
        *(extra("x", "numpy>=1"), terms()),
        "It needs numpy>=1, which the new environment does not have.",
    ),
    "a need of another version": (
        *(extra("x", "torch<2.6"), terms("torch==2.7.1")),
        "It needs torch<2.6, and the new environment has 2.7.1.",
    ),
    "a need for an extra of the bundle's": (
        *(extra("x", "jinja2[i18n]"), terms("jinja2==3.1 & babel>=2; extra=='i18n'")),
        "It needs babel>=2, which the new environment does not have.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_reason(case: str) -> None:
    one, of, reason = CASES[case]
    assert reasons([one], of) == {one.name: reason}


def test_what_is_banned_in_one_version_may_come_in_another() -> None:
    allowed = extra("torchao", version="9.1", files=[file("torchao/__init__.py")])
    assert reasons([allowed], terms(rules=(TORCHAO,))) == {}


@pytest.mark.parametrize(("versions", "left_out"), [("", set()), ("==0.7", {"torchao", "x"})])
def test_what_is_waived_may_come(versions: str, left_out: set[str]) -> None:
    """A waiver for some versions speaks of no module in a distribution of another name."""
    waiver = Waiver(versions=versions, reason="r", expires=date(1999, 12, 31))
    waived = msgspec.structs.replace(TORCHAO, waiver=waiver)
    extras = [extra("torchao", version="0.6"), extra("x", files=[file("torchao/__init__.py")])]
    assert reasons(extras, terms(rules=(waived,))).keys() == left_out
    assert reasons([extra("torchao", version="0.7")], terms(rules=(waived,))) == {}


def test_the_tags_of_the_target_count() -> None:
    on_windows = extra("a", tag="cp311-cp311-win_amd64")
    stable = extra("b", tag="cp38-abi3-win_amd64")
    assert reasons([on_windows, stable], terms(target="win_amd64")) == {}
    assert reasons([on_windows, stable], terms(target="win_amd64", python="3.12")).keys() == {"a"}


def test_markers_are_those_of_the_target() -> None:
    one = extra("x", "colorama; sys_platform=='win32'", "later; python_version>='3.12'")
    assert reasons([one], terms()) == {}
    assert "colorama" in reasons([one], terms(target="win_amd64"))["x"]
    assert "later" in reasons([one], terms(python="3.12"))["x"]


def test_who_needs_one_that_is_left_out_is_left_out() -> None:
    chain = [extra("a", "b"), extra("b", "c>=1"), extra("c", "d"), extra("e")]
    said = reasons(chain, terms())
    assert said == {
        "a": "It needs b, which does not come along itself.",
        "b": "It needs c>=1, which does not come along itself.",
        "c": "It needs d, which the new environment does not have.",
    }


def test_a_circle_stays_or_goes_as_a_whole() -> None:
    circle = [extra("a", "b"), extra("b", "c"), extra("c", "a")]
    assert reasons(circle, terms()) == {}
    assert reasons([*circle[:2], extra("c", "a", "d")], terms()).keys() == {"a", "b", "c"}


def test_extras_of_extras_are_needed_where_somebody_asks() -> None:
    asked = extra("asked", "deep; extra=='more'", "more-still[x]; extra=='more'")
    still = extra("more-still", "deeper; extra=='x'")
    assert reasons([asked, still], terms()) == {}
    said = reasons([asked, still, extra("asks", "asked[More]")], terms("deep==1"))
    assert said == {"asks": "It needs deeper, which the new environment does not have."}
    assert (
        reasons([asked, still, extra("asks", "asked[more]")], terms("deep==1", "deeper==1")) == {}
    )


def test_a_pre_release_meets_what_it_is_newer_than() -> None:
    assert reasons([extra("x", "torch>=2")], terms("torch==2.8.0rc1")) == {}


def test_two_may_share_a_file_but_not_a_name() -> None:
    shared = file("share/x", "data")
    a, b = extra("a", files=[shared]), extra("b", files=[shared])
    assert reasons([b, a], terms()) == {}
    script = file("tool", "scripts", None)
    a, b = extra("a", files=[script]), extra("b", files=[script])
    assert reasons([b, a], terms()) == {"b": "Its file tool would take the place of one of a's."}
    by_file = extra("c", files=[file("tool", "scripts")])
    assert reasons([a, by_file], terms()).keys() == {"c"}


def test_who_is_gone_stands_in_nobodys_way() -> None:
    script = file("tool", "scripts", None)
    a, b = extra("a", "gone", files=[script]), extra("b", files=[script])
    assert reasons([a, b], terms()).keys() == {"a"}


def test_all_of_one_name_have_a_fault_and_are_told() -> None:
    twice = [extra("x", version=version, fault="Twice.") for version in ("1", "2")]
    chosen, left_out = choose(twice, terms())
    assert chosen == ()
    assert [str(item.extra.version) for item in left_out] == ["1", "2"]


NAMES = st.sampled_from("abcdefg")
GRAPHS = st.dictionaries(NAMES, st.frozensets(NAMES, max_size=3), max_size=6)


@given(graph=GRAPHS, bundle=st.frozensets(st.sampled_from("efg")))
def test_what_is_chosen_is_closed_and_the_largest(
    graph: dict[str, frozenset[str]], bundle: frozenset[str]
) -> None:
    extras = [extra(name, *sorted(needs)) for name, needs in graph.items()]
    chosen, left_out = choose(extras, terms(*(f"{name}==1" for name in bundle)))
    there = {str(one.name) for one in chosen} | bundle
    assert all(graph[one.name] <= there for one in chosen)
    # By counting down from everything, the other way round.
    most = {name for name in graph if name not in bundle}
    while lost := {name for name in most if not graph[name] <= most | bundle}:
        most -= lost
    assert {one.name for one in chosen} == most
    assert len(chosen) + len(left_out) == len(extras)
