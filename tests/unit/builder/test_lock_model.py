import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle.value import Target
from builder.errors import ExitCode, ManifestError, NotTrustedError
from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock, lock_path
from builder.manifest import DEFAULT_PATH, load_manifest
from builder.police import judge_lock, open_case
from builder.targets import find_target

SHA = hashlib.sha256(b"wheel").hexdigest()
LOCKS = sorted((DEFAULT_PATH.parent / "locks").glob("pylock.*.toml"))


def wheel(filename: str, size: int | None = 7, publishers: int | None = None) -> LockedWheel:
    name, version, _, _ = parse_wheel_filename(filename)
    return LockedWheel(
        name=name,
        version=version,
        filename=filename,
        sha256=SHA,
        size=size,
        publishers=publishers,
    )


def lock(folder: Path, *wheels: LockedWheel, target: Target = "linux_x86_64") -> Lock:
    return Lock(
        variant="cu124",
        target=target,
        python="3.11",
        requirements_sha256="a" * 64,
        wheels=wheels,
        path=lock_path(folder / "dependencies.json", "cu124", target),
    )


def write(made: Lock) -> Path:
    made.path.parent.mkdir()
    made.path.write_bytes(encode_lock(made))
    return made.path


def plain() -> dict[str, Any]:
    """What a valid lock looks like as TOML tables."""
    return {
        "lock-version": "1.0",
        "created-by": "llmsetup",
        "packages": [
            {
                "name": "demo",
                "version": "1.0",
                "wheels": [
                    {
                        "path": "../wheelhouse/demo-1.0-py3-none-any.whl",
                        "size": 7,
                        "hashes": {"sha256": SHA},
                    }
                ],
            }
        ],
        "tool": {
            "llmsetup": {
                "variant": "cu124",
                "target": "linux_x86_64",
                "python": "3.11",
                "requirements-sha256": "a" * 64,
            }
        },
    }


def test_a_lock_lies_beside_its_manifest() -> None:
    path = lock_path(Path("data/dependencies.json"), "cu118", "win_amd64")
    assert path == Path("data/locks/pylock.cu118-win_amd64.toml")


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    made = lock(
        tmp_path,
        wheel("demo-1.0-py3-none-any.whl"),
        wheel("torch-2.6.0+cu124-cp311-cp311-win_amd64.whl", 2_532_350_702, publishers=3),
        wheel("torchaudio-2.6.0+cu124-cp311-cp311-win_amd64.whl", size=None, publishers=1),
        target="win_amd64",
    )
    assert load_lock(write(made)) == made


def test_hashes_of_attestations_can_be_read(tmp_path: Path) -> None:
    attested = replace(wheel("demo-1.0-py3-none-any.whl"), attestation="b" * 64)
    made = lock(tmp_path, attested)
    assert load_lock(write(made)) == made


names = st.from_regex(r"\A[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,4})?\Z")


@given(st.sets(names, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_bytes_do_not_depend_on_the_order(found: set[str], random: Any) -> None:
    wheels = [wheel(f"{name}-1.0-py3-none-any.whl") for name in sorted(found)]
    shuffled = random.sample(wheels, len(wheels))
    folder = Path("metadata")
    assert encode_lock(lock(folder, *shuffled)) == encode_lock(lock(folder, *wheels))


def test_a_lock_says_what_and_where_for_but_not_where_from(tmp_path: Path) -> None:
    text = encode_lock(lock(tmp_path, wheel("demo-1.0-py3-none-any.whl"))).decode()
    assert 'created-by = "llmsetup"' in text
    assert 'requires-python = "==3.11.*"' in text
    assert 'path = "../wheelhouse/demo-1.0-py3-none-any.whl"' in text
    assert "url" not in text
    assert "index" not in text


@pytest.mark.parametrize("target", ["linux_x86_64", "win_amd64"])
def test_the_marker_admits_its_own_target_only(tmp_path: Path, target: Target) -> None:
    path = write(lock(tmp_path, wheel("demo-1.0-py3-none-any.whl"), target=target))
    pylock = Pylock.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    assert pylock.environments
    admitted = {
        name
        for name in ("linux_x86_64", "win_amd64")
        if pylock.environments[0].evaluate(
            cast("dict[str, str]", find_target(name).marker_environment("3.11"))
        )
    }
    assert admitted == {target}


def test_a_missing_lock_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"There is no lock .*cu118-win_amd64") as caught:
        load_lock(tmp_path / "pylock.cu118-win_amd64.toml")
    assert "python -m builder lock --cuda cu118 --target win_amd64" in caught.value.remedy
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("content", [b"= nonsense", b"\xff\xfe"], ids=["not TOML", "not UTF-8"])
def test_a_lock_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pylock.cu124-linux_x86_64.toml"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"pylock\.cu124-linux_x86_64\.toml cannot be read"):
        load_lock(path)


def package_with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["packages"][0].update(changes)


def wheel_with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["packages"][0]["wheels"][0].update(changes)


def tool_with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["tool"]["llmsetup"].update(changes)


def without(*keys: str | int) -> Callable[[dict[str, Any]], None]:
    def remove(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return remove


FIRST = ("packages", 0, "wheels", 0)
SDIST = {"path": "../wheelhouse/demo-1.0.tar.gz", "hashes": {"sha256": SHA}}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without("lock-version"), "lock-version"),
        (lambda data: data.update({"lock-version": "2.0"}), "2.0"),
        (without("packages"), "packages"),
        (wheel_with(size=-1), r"the size of demo-1\.0-py3-none-any\.whl is -1"),
        (package_with(tool={"llmsetup": 1}), r"\(demo\)\.tool\.llmsetup: must be a table"),
        (
            package_with(tool={"llmsetup": {"attestation-sha256": "5"}}),
            r"\(demo\)\.tool\.llmsetup\.attestation-sha256: is no SHA-256",
        ),
        (package_with(tool={"llmsetup": {"hash-publishers": 0}}), "must be a number, 1 or more"),
        (package_with(sdist=SDIST), r"packages\[0\] \(demo\): only wheels may be locked"),
        (package_with(wheels=[]), "wheels"),
        (
            lambda data: data["packages"][0]["wheels"].append(
                dict(data["packages"][0]["wheels"][0])
            ),
            r"packages\[0\] \(demo\): must have exactly one wheel",
        ),
        (
            lambda data: data["packages"].append(data["packages"][0]),
            "index-duplicate",
        ),
        (wheel_with(url="https://example.org/demo-1.0-py3-none-any.whl"), "without a url"),
        (wheel_with(path="demo-1.0-py3-none-any.whl"), r"path: must be \.\./wheelhouse/<file>"),
        (wheel_with(path="../wheelhouse/other-1.0-py3-none-any.whl"), "other-1.0"),
        (wheel_with(path="../wheelhouse/demo-1.1-py3-none-any.whl"), "demo-1.1"),
        (wheel_with(path="../wheelhouse/../demo-1.0-py3-none-any.whl"), "demo-1.0"),
        (wheel_with(path="../wheelhouse/a/demo-1.0-py3-none-any.whl"), "demo-1.0"),
        (wheel_with(path="../wheelhouse/demo-1.0.whl"), "demo-1.0"),
        (without("tool"), r"tool\.llmsetup is missing"),
        (lambda data: data["tool"].update(llmsetup="cu124"), r"tool\.llmsetup is missing"),
        (without("tool", "llmsetup", "python"), r"tool\.llmsetup\.python is missing"),
        (tool_with(target="solaris"), "there is no target 'solaris'"),
        (tool_with(variant="cu126"), r"belongs into pylock\.cu126-linux_x86_64\.toml"),
    ],
)
def test_a_lock_that_breaks_a_rule_is_refused_with_the_place(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = tmp_path / "pylock.cu124-linux_x86_64.toml"
    data = plain()
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
    assert load_lock(path).wheels[0].name == "demo"
    damage(data)
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
    with pytest.raises(ManifestError, match=message) as caught:
        load_lock(path)
    assert str(path) in caught.value.message
    assert "builder lock" in caught.value.remedy


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without(*FIRST, "hashes"), r"packages\[0\]\.wheels\[0\].*hashes"),
        (wheel_with(hashes={"md5": "0" * 32}), r"wheels\[0\]\.hashes\.sha256: is missing"),
        (wheel_with(hashes={"sha256": "abc"}), r"hashes\.sha256: .* not a SHA-256"),
        (wheel_with(hashes={"sha256": SHA.upper()}), r"hashes\.sha256: .* not a SHA-256"),
    ],
)
def test_a_lock_without_a_hash_is_not_trusted(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], message: str
) -> None:
    data = plain()
    damage(data)
    path = tmp_path / "pylock.cu124-linux_x86_64.toml"
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
    with pytest.raises(NotTrustedError, match=message):
        load_lock(path)


def test_archives_and_checkouts_are_no_wheels(tmp_path: Path) -> None:
    path = tmp_path / "pylock.cu124-linux_x86_64.toml"
    for source in (
        {"archive": {"path": "demo.zip", "hashes": {"sha256": SHA}}},
        {"vcs": {"type": "git", "url": "https://example.org/demo.git", "commit-id": "1" * 40}},
        {"directory": {"path": "demo"}},
    ):
        data = plain()
        del data["packages"][0]["wheels"]
        data["packages"][0].update(source)
        path.write_text(tomli_w.dumps(data), encoding="utf-8")
        with pytest.raises(ManifestError, match="only wheels may be locked"):
            load_lock(path)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_our_locks_are_as_they_would_be_written(path: Path) -> None:
    loaded = load_lock(path)
    assert encode_lock(loaded) == path.read_bytes()
    locked = {entry.name: entry.version for entry in loaded.wheels}
    assert canonicalize_name("torch") in locked
    assert locked[canonicalize_name("transformers")] > Version("5")


def test_what_is_not_stated_is_not_written(tmp_path: Path) -> None:
    text = encode_lock(lock(tmp_path, wheel("demo-1.0-py3-none-any.whl", size=None))).decode()
    assert "size" not in text
    assert "hash-publishers" not in text
    assert "attestation" not in text


def test_every_variant_but_one_is_locked_for_both_targets() -> None:
    """Nothing is known of the CPU build of torch for Linux, and its index was out of reach."""
    wanted = {
        (variant, target)
        for variant, settings in load_manifest().variants.items()
        for target in settings.targets
    }
    locked = {(made.variant, made.target) for made in map(load_lock, LOCKS)}
    assert wanted - locked == {("cpu", "linux_x86_64")}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_our_locks_fit_their_target(path: Path) -> None:
    assert judge_lock(open_case(load_lock(path), load_manifest(), (), date(2026, 1, 1))) == []


def test_other_tools_may_add_to_a_package(tmp_path: Path) -> None:
    data = plain()
    package_with(tool={"other": {"note": 1}})(data)
    path = tmp_path / "pylock.cu124-linux_x86_64.toml"
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
    assert load_lock(path).wheels[0].publishers is None


def test_our_locks_name_no_host() -> None:
    assert not [path for path in LOCKS if b"://" in path.read_bytes()]
