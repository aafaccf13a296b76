from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from builder.errors import ManifestError
from builder.facts import load_facts
from builder.manifest import load_manifest

FACTS = load_facts()


def test_a_machine_is_asked_for_driver_and_architecture() -> None:
    terms = FACTS.terms("12.4", "linux_x86_64", Version("2.6.0"))
    assert terms.version == "12.4"
    assert (terms.minimum_driver, terms.recommended_driver) == ("525.60.13", "550.54.15")
    assert terms.architectures == ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0")


def test_a_local_build_is_its_release() -> None:
    windows = FACTS.terms("11.8", "win_amd64", Version("2.6.0+cu118"))
    assert windows == FACTS.terms("11.8", "win_amd64", Version("2.6.0"))
    assert "6.1" in windows.architectures


@pytest.mark.parametrize(
    ("torch", "oldest"), [("2.7.1", "7.5"), ("2.8.0", "7.0"), ("2.10.0", "7.0"), ("2.11.0", "7.5")]
)
def test_volta_came_and_went_with_cuda_12_8(torch: str, oldest: str) -> None:
    assert FACTS.terms("12.8", "linux_x86_64", Version(torch)).architectures[0] == oldest


def test_a_driver_that_is_not_known_is_not_recommended() -> None:
    assert FACTS.terms("13.0", "win_amd64", Version("2.14.0")).recommended_driver is None


def test_an_unknown_toolkit_or_torch_is_a_gap_in_the_file() -> None:
    with pytest.raises(ManifestError, match=r"cuda\.json knows no CUDA 9\.2") as caught:
        FACTS.terms("9.2", "linux_x86_64", Version("2.6.0"))
    assert "12.4" in caught.value.remedy
    with pytest.raises(ManifestError, match=r"no architecture list for torch 2\.8\.0 with CUDA 12"):
        FACTS.terms("12.4", "linux_x86_64", Version("2.8.0"))


def test_toolkits_are_in_order_and_complete() -> None:
    assert list(FACTS.toolkits) == ["11.8", "12.1", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2"]
    for name, toolkit in FACTS.toolkits.items():
        major, minor = (int(part) for part in name.split("."))
        assert toolkit.driver_integer == 1000 * major + 10 * minor
        assert toolkit.version.startswith(name)
        assert set(toolkit.minimum_driver) == {"linux_x86_64", "win_amd64"}
        for target, came_with in toolkit.toolkit_driver.items():
            assert Version(came_with) >= Version(toolkit.minimum_driver[target])


def test_no_build_has_two_architecture_lists() -> None:
    releases = [Version(f"2.{minor}.{patch}") for minor in range(20) for patch in range(2)]
    for toolkit in FACTS.toolkits.values():
        for target in ("linux_x86_64", "win_amd64"):
            rows = [row for row in toolkit.architectures if target in row.targets]
            for release in releases:
                assert sum(release in SpecifierSet(row.torch) for row in rows) <= 1


def test_every_variant_of_ours_has_its_terms() -> None:
    for variant in load_manifest().variants.values():
        for target, settings in variant.targets.items():
            if variant.cuda:
                torch = Version(settings.pins["torch"])
                assert FACTS.terms(variant.cuda, target, torch).architectures


def test_every_trio_of_ours_is_known() -> None:
    known = {(trio.torch, trio.torchvision, trio.torchaudio) for trio in FACTS.trios}
    for variant in load_manifest().variants.values():
        for settings in variant.targets.values():
            names = ("torch", "torchvision", "torchaudio")
            assert tuple(Version(settings.pins[name]).public for name in names) in known


def test_a_file_that_holds_something_else_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "cuda.json"
    path.write_text('{"sources": [], "toolkits": {"12.4": {}}, "trios": []}', encoding="utf-8")
    with pytest.raises(ManifestError, match=r"cuda\.json: .*version.*toolkits"):
        load_facts(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"cuda\.json: "):
        load_facts(path)


@pytest.mark.parametrize(
    ("torch", "minimum"), [("2.8.0+cu128", None), ("2.9.0+cu128", "14.40"), ("2.14.1", "14.40")]
)
def test_torch_for_windows_asks_for_a_visual_c_runtime(torch: str, minimum: str | None) -> None:
    assert FACTS.vc_runtime("win_amd64", Version(torch)) == minimum
    assert FACTS.vc_runtime("linux_x86_64", Version(torch)) is None
