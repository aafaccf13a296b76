import dataclasses
from pathlib import Path

import msgspec
import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from bootstrap.bundle.value import Target
from builder.facts import CudaFacts, TorchTrio, load_facts
from builder.lock.checking import check_lock, thin_evidence
from builder.lock.model import Lock, LockedWheel, load_lock
from builder.lock.requirements import digest, requirements
from builder.manifest import (
    DEFAULT_PATH,
    Manifest,
    Package,
    PackageGroup,
    Variant,
    VariantTarget,
    load_manifest,
)

TARGET: Target = "linux_x86_64"
LOCKS = sorted((DEFAULT_PATH.parent / "locks").glob("pylock.*.toml"))
FACTS = CudaFacts(
    sources=(),
    toolkits={},
    trios=(
        TorchTrio(torch="2.6.0", torchvision="0.21.0", torchaudio="2.6.0"),
        TorchTrio(torch="2.11.0", torchvision="0.26.0", torchaudio="2.11.0"),
    ),
    vc_runtimes=(),
)


def manifest(*packages: Package, **settings: dict[str, str]) -> Manifest:
    settings.setdefault("pins", {"torch": "2.6.0+cu118", "torchvision": "0.21.0+cu118"})
    return Manifest(
        product="P",
        version="1",
        company="c",
        python="3.11",
        indexes={"own": "https://example.org/simple", "other": "https://example.org/other"},
        groups=(
            PackageGroup(
                name="all",
                packages=packages
                or (
                    Package(order=1, name="torch"),
                    Package(order=2, name="torchvision"),
                    Package(order=3, name="demo", specifier=">=1.0"),
                ),
            ),
        ),
        variants={
            "cu118": Variant(cuda="11.8", targets={TARGET: VariantTarget(**settings)}),
        },
        blacklist=(),
        checks=(),
    )


def lock(asked: Manifest, **versions: str) -> Lock:
    return Lock(
        variant="cu118",
        target=TARGET,
        python="3.11",
        requirements_sha256=digest(asked, "cu118", TARGET),
        wheels=tuple(
            LockedWheel(
                name=canonicalize_name(name),
                version=Version(version),
                filename=f"{name}-{version}-py3-none-any.whl",
                sha256="0" * 64,
                size=1,
            )
            for name, version in versions.items()
        ),
        path=Path("pylock.cu118-linux_x86_64.toml"),
    )


GOOD = {"torch": "2.6.0+cu118", "torchvision": "0.21.0+cu118", "demo": "1.5"}


def test_a_lock_that_answers_has_no_faults() -> None:
    assert check_lock(lock(manifest(), **GOOD), manifest(), FACTS) == []


def test_pins_and_specifiers_become_requirements() -> None:
    wanted = [str(requirement) for requirement in requirements(manifest(), "cu118", TARGET)]
    assert wanted == ["torch==2.6.0+cu118", "torchvision==0.21.0+cu118", "demo>=1.0"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"demo": "0.9"}, "demo>=1.0 is wanted, 0.9 is locked"),
        ({"torch": "2.6.0"}, "torch==2.6.0+cu118 is wanted, 2.6.0 is locked"),
        ({"torch": "2.6.0+cu124"}, "torch==2.6.0+cu118 is wanted, 2.6.0+cu124 is locked"),
    ],
)
def test_another_version_than_wanted_is_a_fault(changed: dict[str, str], fault: str) -> None:
    assert check_lock(lock(manifest(), **(GOOD | changed)), manifest(), FACTS) == [fault]


def test_a_prerelease_that_the_resolver_chose_answers() -> None:
    assert check_lock(lock(manifest(), **(GOOD | {"demo": "2.0rc1"})), manifest(), FACTS) == []


def test_a_wanted_package_that_is_absent_is_a_fault() -> None:
    incomplete = {name: version for name, version in GOOD.items() if name != "demo"}
    assert check_lock(lock(manifest(), **incomplete), manifest(), FACTS) == ["demo is not locked"]


@pytest.mark.parametrize(
    "now",
    [
        manifest(Package(order=1, name="torch"), Package(order=2, name="torchvision")),
        manifest(indexes={"torch": "own"}),
        msgspec.structs.replace(manifest(), python="3.12"),
    ],
    ids=["fewer packages", "an index", "another Python"],
)
def test_a_manifest_that_asks_for_something_else_is_a_fault(now: Manifest) -> None:
    faults = check_lock(lock(manifest(), **GOOD), now, FACTS)
    assert faults == ["the manifest asks for something else than when it was locked"]


def test_what_decides_nothing_leaves_the_lock_valid() -> None:
    """Order of installation, indexes that nothing is taken from, checks and bans."""
    asked = manifest()
    now = msgspec.structs.replace(asked, indexes={}, version="2", company="other")
    assert check_lock(lock(asked, **GOOD), now, FACTS) == []


def test_two_indexes_are_two_digests() -> None:
    own, other = (
        digest(manifest(indexes={"torch": index}), "cu118", TARGET) for index in ("own", "other")
    )
    assert own != other


@pytest.mark.parametrize(
    ("trio", "matched"),
    [
        ({"torch": "2.6.0", "torchvision": "0.21.0", "torchaudio": "2.6.0"}, True),
        ({"torch": "2.6.0+cu118", "torchaudio": "2.6.0+cu118"}, True),
        ({"torch": "2.5.0"}, True),
        ({"torchvision": "0.1"}, True),
        ({"torch": "2.6.0", "torchvision": "0.21.0", "torchaudio": "2.11.0"}, False),
        ({"torch": "2.11.0", "torchvision": "0.21.0"}, False),
        ({"torch": "2.12.0", "torchaudio": "2.11.0"}, False),
    ],
)
def test_torch_and_its_companions_were_built_for_each_other(
    trio: dict[str, str],
    matched: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    asked = manifest(*(Package(order=n, name=name) for n, name in enumerate(trio, 1)), pins={})
    faults = check_lock(lock(asked, **trio), asked, FACTS)
    if matched:
        assert faults == []
    else:
        assert len(faults) == 1
        assert all(f"{name} {version}" in faults[0] for name, version in trio.items())
        assert "metadata/cuda.json" in faults[0]


def test_hashes_that_rest_on_one_source_are_named() -> None:
    plain = lock(manifest(), **GOOD)
    publishers = {"torch": 2, "torchvision": 1}
    wheels = [
        dataclasses.replace(wheel, publishers=publishers.get(wheel.name)) for wheel in plain.wheels
    ]
    told = thin_evidence(dataclasses.replace(plain, wheels=tuple(wheels)))
    assert told
    assert told.startswith("pylock.cu118-linux_x86_64.toml: only one source has published")
    assert "hash of torchvision." in told
    assert thin_evidence(plain) is None


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_our_locks_answer_our_manifest(path: Path) -> None:
    assert check_lock(load_lock(path), load_manifest(), load_facts()) == []


def test_an_old_lock_does_not_answer_our_manifest() -> None:
    fresh = load_lock(LOCKS[0])
    stale = dataclasses.replace(fresh, requirements_sha256="0" * 64, wheels=fresh.wheels[1:])
    assert len(check_lock(stale, load_manifest(), load_facts())) == 2
