import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.errors import ManifestError, UsageError
from builder.manifest import DEFAULT_PATH, load_manifest, schema

ROOT = Path(__file__).parents[3]


def plain() -> dict[str, Any]:
    """The smallest manifest that has everything."""
    return {
        "product": "P",
        "version": "1.0",
        "company": "c",
        "python": "3.11",
        "indexes": {"own": "https://example.org/simple"},
        "groups": [
            {"name": "first", "packages": [{"order": 1, "name": "torch"}]},
            {"name": "second", "packages": [{"order": 2, "name": "demo", "specifier": ">=1"}]},
        ],
        "variants": {
            "cu118": {
                "cuda": "11.8",
                "targets": {
                    "linux_x86_64": {"pins": {"torch": "2.6.0+cu118"}, "indexes": {"torch": "own"}}
                },
            }
        },
        "blacklist": [{"name": "torchao", "reason": "it breaks transformers"}],
        "checks": [{"id": "imports", "probe": "imports"}],
    }


def write(folder: Path, data: object) -> Path:
    path = folder / "dependencies.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_the_schema_file_is_current() -> None:
    """Make it anew with ``python -m builder.manifest > metadata/dependencies.schema.json``."""
    text = (DEFAULT_PATH.parent / "dependencies.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def test_a_manifest_is_read(tmp_path: Path) -> None:
    manifest = load_manifest(write(tmp_path, plain()))
    assert [package.name for group in manifest.groups for package in group.packages] == [
        "torch",
        "demo",
    ]
    assert manifest.variant_target("cu118", "linux_x86_64").indexes == {"torch": "own"}


def test_a_waiver_is_one_or_several(tmp_path: Path) -> None:
    for value, count in (({}, 0), ({"waiver": waived()}, 1), ({"waiver": [waived()] * 2}, 2)):
        data = at(plain(), "blacklist", 0, value={"name": "torchao", "reason": "r", **value})
        (rule,) = load_manifest(write(tmp_path, data)).blacklist
        assert [waiver.expires for waiver in rule.waivers] == [date(2027, 1, 31)] * count


def test_one_may_be_left_out_on_each_target(tmp_path: Path) -> None:
    both = [
        {"name": "torchao", "targets": [target], "reason": target}
        for target in ("linux_x86_64", "win_amd64")
    ]
    manifest = load_manifest(write(tmp_path, at(plain(), "exclude", value=both)))
    assert manifest.excluded("win_amd64")["torchao"].reason == "win_amd64"


def at(data: Any, *place: str | int, value: Any) -> Any:
    """``data`` with ``value`` at that place."""
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return data


LINUX = ("variants", "cu118", "targets", "linux_x86_64")
LEFT_OUT = {"name": "torchao", "reason": "r"}


def waived(**fields: str) -> dict[str, str]:
    return {"reason": "r", "expires": "2027-01-31", **fields}


TWICE = [{"id": "a", "probe": "imports"}, {"id": "a", "probe": "absent"}]


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (("groups", 1, "packages", 0, "order"), 1, "packages[0].order: 1 does not come after 1"),
        (("groups", 1, "packages", 0, "name"), "torch", "groups[1].packages[0].name: torch is"),
        (("groups", 0, "packages", 0, "name"), "Torch_Vision", "groups[0].packages[0].name"),
        (("groups", 0, "packages", 0, "optional"), True, "optional"),
        (("groups", 0, "packages"), [], "groups[0].packages"),
        (
            ("groups", 1, "packages", 0, "specifier"),
            "=>1",
            "groups[1].packages[0].specifier: '=>1'",
        ),
        (("blacklist", 0, "specifier"), "new", "blacklist[0].specifier: 'new'"),
        (("blacklist", 0, "waiver"), {"reason": "r"}, "waiver: 'expires' is a required property"),
        (("blacklist", 0, "waiver"), [waived(expires="soon")], "waiver[0].expires"),
        (("blacklist", 0, "waiver"), waived(expires="2027-02-30"), "waiver.expires"),
        (("blacklist", 0, "waiver"), waived(reason=""), "waiver.reason"),
        (("blacklist", 0, "waiver"), waived(versions="0.18"), "waiver.versions: '0.18'"),
        (("blacklist", 0, "waiver"), [waived(versions="0.18")], "waiver[0].versions: '0.18'"),
        (("exclude",), [{"name": "x"}], "exclude[0]: 'reason' is a required property"),
        (("exclude",), [LEFT_OUT, LEFT_OUT], "exclude[1].name: torchao is left out twice"),
        (("exclude",), [LEFT_OUT | {"name": "demo"}], "demo is left out, and asked for in a group"),
        (("checks",), TWICE, "checks: a is the id of 2 checks"),
        (("python",), "3", "python"),
        (("version",), "one", "version"),
        (("product",), "../P", "product"),
        (("indexes", "own"), "file:///simple", "indexes.own"),
        (("variants", "cu118", "cuda"), "118", "cu118.cuda"),
        (("variants", "cu118", "targets", "solaris"), {"pins": {}}, "solaris"),
        ((*LINUX, "pins", "absent"), "1.0", "linux_x86_64.pins: absent is in no group"),
        ((*LINUX, "pins", "torch"), ">=2", "pins.torch"),
        ((*LINUX, "indexes", "torch"), "theirs", "there is no index 'theirs'"),
        ((*LINUX, "indexes", "absent"), "own", "linux_x86_64.indexes: absent is in no group"),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, place: tuple[str | int, ...], value: object, fault: str
) -> None:
    path = write(tmp_path, at(plain(), *place, value=value))
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert fault in caught.value.message
    assert str(path) in caught.value.message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    data = at(plain(), "product", value=7)
    del data["company"]
    with pytest.raises(ManifestError) as caught:
        load_manifest(write(tmp_path, at(data, "python", value="3")))
    assert all(word in caught.value.message for word in ("$.product", "company", "$.python"))


def test_a_file_that_is_not_there_or_no_json(tmp_path: Path) -> None:
    path = tmp_path / "dependencies.json"
    with pytest.raises(ManifestError, match="cannot be read: No such file") as caught:
        load_manifest(path)
    assert "--manifest" in caught.value.remedy
    path.write_text('{"product": ', encoding="utf-8")
    with pytest.raises(ManifestError, match=r"is not JSON: .*line 1"):
        load_manifest(path)


def test_unknown_variants_and_targets_are_refused(tmp_path: Path) -> None:
    manifest = load_manifest(write(tmp_path, plain()))
    with pytest.raises(UsageError, match="no variant 'cu999'") as caught:
        manifest.variant("cu999")
    assert "cu118" in caught.value.remedy
    with pytest.raises(UsageError, match="cu118 is not defined for win_amd64") as caught:
        manifest.variant_target("cu118", "win_amd64")
    assert "linux_x86_64" in caught.value.remedy


def test_our_groups_install_torch_before_what_imports_it() -> None:
    names = [group.name for group in load_manifest().groups]
    assert names == ["base", "torch", "hf", "transformers", "training", "gui"]


def test_our_blacklist_begins_with_torchao() -> None:
    manifest = load_manifest()
    first = manifest.blacklist[0]
    assert first.bans("torchao-nightly", Version("0.1"))
    assert first.bans("torchao", Version("0.18"))
    assert first.modules == ("torchao",)
    pynvml = next(rule for rule in manifest.blacklist if rule.name == "pynvml")
    assert pynvml.modules == (), "nvidia-ml-py, which is wanted, carries that module"
    triton = next(rule for rule in manifest.blacklist if rule.name == "triton")
    assert triton.holds_on("win_amd64")
    assert not triton.holds_on("linux_x86_64")


def test_nothing_we_want_is_blacklisted() -> None:
    manifest = load_manifest()
    wanted = {package.name for group in manifest.groups for package in group.packages}
    banned = {
        canonicalize_name(name)
        for rule in manifest.blacklist
        for name in (rule.name, *rule.aliases)
    }
    assert not wanted & banned


def test_our_pins_say_the_build_of_the_variant() -> None:
    """A plain version comes from pip's index; a local one from the index of that build."""
    manifest = load_manifest()
    for name, variant in manifest.variants.items():
        for settings in variant.targets.values():
            for package, version in settings.pins.items():
                index = settings.indexes.get(package)
                assert Version(version).local == (name if index else None)
                assert index is None or manifest.indexes[index].endswith(f"/{name}")


def test_our_checks_are_probes_that_exist() -> None:
    probes = {path.stem for path in (ROOT / "bootstrap" / "probes").glob("[a-z]*.py")}
    checks = load_manifest().checks
    assert {check.probe for check in checks} <= probes
    assert {check.probe for check in checks if check.needs_gpu} == {
        "torch_gpu",
        "bitsandbytes_4bit",
    }
