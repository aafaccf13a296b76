from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from builder.footprint import measure
from builder.graph import DependencyGraph, render_chain, render_tree
from builder.grouping import assign_groups
from builder.manifest import Manifest, Package, PackageGroup, Variant, VariantTarget
from builder.targets import TARGETS
from builder.wheels import WheelFacts

LINUX = TARGETS["linux_x86_64"].marker_environment("3.11")
WINDOWS = TARGETS["win_amd64"].marker_environment("3.11")


def facts(name: str, *requires: str, version: str = "1.0") -> WheelFacts:
    return WheelFacts(
        path=Path("none"),
        filename=f"{name}-{version}-py3-none-any.whl",
        name=canonicalize_name(name),
        version=Version(version),
        tags=frozenset(),
        requires=tuple(Requirement(text) for text in requires),
        record_path="",
        record_sha256="",
        scripts={},
        installed_size=0,
        footprint=measure({}, {}),
    )


def manifest(**groups: list[str]) -> Manifest:
    order = iter(range(1, 100))
    return Manifest(
        product="P",
        version="1",
        company="c",
        python="3.11",
        groups=tuple(
            PackageGroup(name=g, packages=tuple(Package(order=next(order), name=n) for n in names))
            for g, names in groups.items()
        ),
        variants={"cpu": Variant(cuda=None, targets={"linux_x86_64": VariantTarget(pins={})})},
        blacklist=(),
        checks=(),
    )


def names(*texts: str) -> list[NormalizedName]:
    return [NormalizedName(text) for text in texts]


def test_the_chain_that_pulls_torchao_in() -> None:
    graph = DependencyGraph(
        [
            facts("unsloth", "unsloth_zoo>=1"),
            facts("unsloth_zoo", "torchao>=0.13.0"),
            facts("torchao", version="0.13.0"),
        ],
        LINUX,
    )
    chain = graph.chain(NormalizedName("torchao"), names("unsloth"))
    assert render_chain(chain) == "unsloth → unsloth-zoo → torchao>=0.13.0"
    assert graph.chain(NormalizedName("torchao"), names("nothing")) == ()


def test_markers_are_the_targets_not_the_hosts() -> None:
    wheels = [facts("a", "colorama; sys_platform == 'win32'", "uvloop; platform_system == 'Linux'")]
    assert [e.name for e in DependencyGraph(wheels, LINUX).needs(NormalizedName("a"))] == ["uvloop"]
    windows = DependencyGraph(wheels, WINDOWS)
    assert [e.name for e in windows.needs(NormalizedName("a"))] == ["colorama"]


def test_extras_count_only_where_somebody_asks() -> None:
    wheels = [facts("fsspec", "aiohttp; extra == 'http'"), facts("datasets", "fsspec[http]>=1")]
    assert [str(e.requirement) for e in DependencyGraph(wheels, LINUX).unmet()] == [
        'aiohttp; extra == "http"'
    ]
    assert DependencyGraph(wheels[:1], LINUX).unmet() == ()


def test_unmet_knows_versions_locals_and_prereleases() -> None:
    graph = DependencyGraph(
        [
            facts("a", "torch==2.6.0", "b>=2", "c>1"),
            facts("torch", version="2.6.0+cu124"),
            facts("b", version="1.9"),
            facts("c", version="2.0rc1"),
        ],
        LINUX,
    )
    assert [edge.name for edge in graph.unmet()] == ["b"]


def test_circles_end() -> None:
    graph = DependencyGraph([facts("a", "b"), facts("b", "a")], LINUX)
    assert graph.unmet() == ()
    lines = list(render_tree(graph, names("a")))
    assert lines == ["a 1.0", "└── b", "    └── a (*)"]


def test_reverse_tree_says_who_needs_it() -> None:
    graph = DependencyGraph([facts("a", "b>=1"), facts("b")], LINUX)
    assert list(render_tree(graph, names("b"), reverse=True)) == ["b 1.0", "└── a [>=1]"]


def test_unlisted_packages_go_into_the_first_group_that_needs_them() -> None:
    graph = DependencyGraph(
        [
            facts("numpy"),
            facts("torch", "nvidia-x", "numpy", "triton"),
            facts("nvidia-x", "nvidia-y"),
            facts("nvidia-y"),
            facts("triton"),
            facts("peft", "torch", "triton", "shared"),
            facts("datasets", "shared"),
            facts("shared"),
            facts("orphan"),
        ],
        LINUX,
    )
    groups = assign_groups(
        manifest(base=["numpy"], torch=["torch"], train=["peft", "datasets"], gui=["absent"]), graph
    )
    assert groups == {
        "base": ["numpy"],
        "torch": ["nvidia-x", "nvidia-y", "triton", "torch"],
        "train": ["shared", "peft", "datasets"],
        "gui": ["orphan"],
    }


def test_a_listed_package_stays_where_it_is_listed() -> None:
    graph = DependencyGraph([facts("early", "late"), facts("late", "part"), facts("part")], LINUX)
    assert assign_groups(manifest(first=["early"], second=["late"]), graph) == {
        "first": ["early"],
        "second": ["part", "late"],
    }
