"""What ``requirements/`` pins is what ``pyproject.toml`` asks for, with hashes and no addresses."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD = PROJECT["build-system"]["requires"]
RELEASE = [*PROJECT["project"]["dependencies"], *BUILD]
EXTRAS = PROJECT["project"]["optional-dependencies"]
ENVIRONMENTS = [
    {"python_version": minor, "python_full_version": f"{minor}.9", "sys_platform": platform}
    for minor in ("3.11", "3.12", "3.13")
    for platform in ("linux", "win32")
]


def read(name: str) -> list[tuple[Requirement, int]]:
    """What a file pins, and by how many hashes each."""
    text = (ROOT / "requirements" / name).read_text(encoding="ascii").replace("\\\n", " ")
    return [
        (Requirement(line.partition(" --hash=")[0]), len(re.findall("=sha256:[0-9a-f]{64}", line)))
        for line in text.splitlines()
    ]


def pinned(pins: list[Requirement], environment: dict[str, str]) -> dict[NormalizedName, str]:
    """Version by name, on one platform."""
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def unmet(pins: list[Requirement], asked: list[str]) -> Iterator[str]:
    """What is asked for and not pinned, or pinned to what was not asked for, and where."""
    for environment in ENVIRONMENTS:
        versions = pinned(pins, environment)
        for requirement in map(Requirement, asked):
            if requirement.marker and not requirement.marker.evaluate(environment):
                continue
            version = versions.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                yield f"{requirement} is {version} on {environment}"


def wanted_by_tests() -> list[str]:
    both = [*EXTRAS["test"], *EXTRAS["bench"]]
    own = PROJECT["project"]["name"]
    return [*RELEASE, *(text for text in both if Requirement(text).name != own)]


@pytest.mark.parametrize(("name", "asked"), [("release", RELEASE), ("test", wanted_by_tests())])
def test_every_requirement_is_pinned(name: str, asked: list[str]) -> None:
    assert list(unmet([pin for pin, _ in read(f"{name}.txt")], asked)) == []


@pytest.mark.parametrize("name", ["release.txt", "test.txt"])
def test_every_pin_is_one_version_with_hashes(name: str) -> None:
    for pin, hashes in read(name):
        assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), pin
        assert hashes, pin
        assert pin.url is None


def test_tests_run_with_what_is_released() -> None:
    tested, released = (
        {f"{pin.name}{pin.specifier}" for pin, _ in read(name)}
        for name in ("test.txt", "release.txt")
    )
    assert released <= tested


@pytest.mark.parametrize(
    ("asked", "told"),
    [("setuptools>=10000", "setuptools>=10000 is "), ("nobody-needs-this", "is None on ")],
)
def test_what_is_not_met_is_told(asked: str, told: str) -> None:
    assert any(told in text for text in unmet([pin for pin, _ in read("release.txt")], [asked]))
