"""Locks made by the real resolver, from small indexes on this machine and from the real one."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from packaging.utils import parse_wheel_filename

from bootstrap.bundle.value import Target
from builder import processes
from builder.errors import DownloadError, ExitCode, RefusedContentError
from builder.facts import load_facts
from builder.fetch import Cache, MissingFilesError, Patience, fetch, size_at
from builder.lock.checking import check_lock
from builder.lock.files import wanted_files
from builder.lock.known import KnownWheel, load_known_wheels
from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock
from builder.lock.resolve import resolve
from builder.manifest import (
    DEFAULT_PATH,
    Exclusion,
    Manifest,
    Package,
    PackageGroup,
    Variant,
    VariantTarget,
    load_manifest,
)
from builder.progress import Progress
from builder.targets import find_target
from tests.support.index_server import Indexes, serve

LINUX: Target = "linux_x86_64"
WINDOWS: Target = "win_amd64"


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with serve(Indexes()) as made:
        monkeypatch.setenv("PIP_INDEX_URL", f"{made.address}/json")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        yield made


def manifest_of(
    *packages: str,
    index: str | None = None,
    pins: dict[str, str] | None = None,
    exclude: tuple[Exclusion, ...] = (),
) -> Manifest:
    """Torch is taken from ``index``, everything else from pip's own."""
    wanted = tuple(Package(order=n, name=name) for n, name in enumerate(packages, 1))
    settings = VariantTarget(pins=pins or {}, indexes={"torch": "named"} if index else {})
    return Manifest(
        product="P",
        version="1",
        company="c",
        python="3.11",
        indexes={"named": index} if index else {},
        groups=(PackageGroup(name="all", packages=wanted),),
        variants={"cu118": Variant(cuda="11.8", targets={LINUX: settings, WINDOWS: settings})},
        exclude=exclude,
        blacklist=(),
        checks=(),
    )


def lock(manifest: Manifest, target: Target = LINUX, *known: KnownWheel) -> Lock:
    path = Path("metadata", "dependencies.json")
    return resolve(manifest, path, "cu118", target, Progress(), known=known, size_of=size_at)


def locked(content: bytes, filename: str) -> LockedWheel:
    name, version, _, _ = parse_wheel_filename(filename)
    sha256 = hashlib.sha256(content).hexdigest()
    return LockedWheel(
        name=name, version=version, filename=filename, sha256=sha256, size=len(content)
    )


TORCH = "torch-2.6.0+cu118-cp311-cp311-linux_x86_64.whl"


def test_a_package_comes_from_its_named_index_and_the_rest_from_pips_own(indexes: Indexes) -> None:
    torch = indexes.add("html", TORCH, "demo")
    indexes.add("html", "demo-9.0-py3-none-any.whl")
    indexes.add("json", TORCH, mark="another torch")
    demo = indexes.add("json", "demo-1.0-py3-none-any.whl")
    manifest = manifest_of("torch", index=f"{indexes.address}/html", pins={"torch": "2.6.0+cu118"})
    made = lock(manifest)
    assert made.wheels == (locked(demo, "demo-1.0-py3-none-any.whl"), locked(torch, TORCH))
    assert "127.0.0.1" not in encode_lock(made).decode()
    assert check_lock(made, manifest, load_facts()) == []


def test_the_best_wheel_of_several_is_locked(indexes: Indexes) -> None:
    tags = ("cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_17_x86_64")
    for tag in (*tags, "py3-none-any", "cp311-cp311-win_amd64", "cp311-abi3-manylinux_2_5_x86_64"):
        indexes.add("json", f"demo-1.0-{tag}.whl")
    (linux,) = lock(manifest_of("demo")).wheels
    (windows,) = lock(manifest_of("demo"), WINDOWS).wheels
    assert linux.filename == "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert windows.filename == "demo-1.0-cp311-cp311-win_amd64.whl"


def test_markers_are_those_of_the_target(indexes: Indexes) -> None:
    for name in ("posix-only", "windows-only"):
        indexes.add("json", f"{name.replace('-', '_')}-1.0-py3-none-any.whl")
    requires = ("posix-only; os_name == 'posix'", "windows-only; sys_platform == 'win32'")
    indexes.add("json", "demo-1.0-py3-none-any.whl", *requires)
    manifest = manifest_of("demo")
    assert [wheel.name for wheel in lock(manifest).wheels] == ["demo", "posix-only"]
    assert [wheel.name for wheel in lock(manifest, WINDOWS).wheels] == ["demo", "windows-only"]


def offer_unsloth(indexes: Indexes) -> None:
    """What unsloth asks for, by itself, by another, and by an extra."""
    indexes.add("json", "unsloth-1.0-py3-none-any.whl", "zoo[more]", "torchao>=0.13", "helper")
    indexes.add("json", "zoo-1.0-py3-none-any.whl", "TorchAO>=0.15", "part")
    for name in ("helper-1.0", "part-1.0", "torchao-0.18", "torchao_part-1.0"):
        needs = ("torchao-part",) if name == "torchao-0.18" else ()
        indexes.add("json", f"{name}-py3-none-any.whl", *needs)


def test_what_is_excluded_is_left_out_with_all_that_it_alone_needs(indexes: Indexes) -> None:
    offer_unsloth(indexes)
    assert "torchao" in [wheel.name for wheel in lock(manifest_of("unsloth")).wheels]
    manifest = manifest_of("unsloth", exclude=(Exclusion(name="torchao", reason="r"),))
    made = lock(manifest)
    assert [wheel.name for wheel in made.wheels] == ["helper", "part", "unsloth", "zoo"]
    assert made.excluded == ("torchao",)
    assert 'excluded = [\n    "torchao",\n]' in encode_lock(made).decode()
    assert check_lock(made, manifest, load_facts()) == []


def test_it_need_not_exist_at_all(indexes: Indexes) -> None:
    indexes.add("json", "demo-1.0-py3-none-any.whl", "nowhere>=3")
    made = lock(manifest_of("demo", exclude=(Exclusion(name="nowhere", reason="r"),)))
    assert [wheel.name for wheel in made.wheels] == ["demo"]


def test_it_is_left_out_on_its_targets_only(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor does the resolver listen to the environment, in this as in other things."""
    offer_unsloth(indexes)
    (tmp_path / "excludes.txt").write_text("torchao\nhelper\n")
    monkeypatch.setenv("UV_EXCLUDE", str(tmp_path / "excludes.txt"))
    only = Exclusion(name="torchao", reason="r", targets=("win_amd64",))
    linux, windows = (lock(manifest_of("unsloth", exclude=(only,)), on) for on in (LINUX, WINDOWS))
    assert {"torchao", "torchao-part", "helper"} <= {wheel.name for wheel in linux.wheels}
    assert [wheel.name for wheel in windows.wheels] == ["helper", "part", "unsloth", "zoo"]
    assert (linux.excluded, windows.excluded) == ((), ("torchao",))


def test_a_hash_that_the_index_does_not_state_is_made_from_the_file(indexes: Indexes) -> None:
    torch = indexes.add("html", TORCH)
    indexes.unhashed.add(TORCH)
    made = lock(manifest_of("torch", index=f"{indexes.address}/html"))
    assert made.wheels == (locked(torch, TORCH),)


def test_a_size_that_nobody_states_is_an_error(indexes: Indexes) -> None:
    indexes.add("html", TORCH)
    host = indexes.address.removeprefix("http://")
    manifest = manifest_of("torch", index=f"http://user:secret@{host}/html")
    with pytest.raises(DownloadError, match="does not state the size of torch-2") as caught:
        resolve(manifest, Path("dependencies.json"), "cu118", LINUX, Progress())
    assert indexes.address in caught.value.message
    assert "secret" not in caught.value.message


def test_nothing_comes_from_indexes_of_the_environment(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes.add("json", "demo-1.0-py3-none-any.whl")
    indexes.add("html", "demo-9.0-py3-none-any.whl")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", f"{indexes.address}/html")
    monkeypatch.setenv("UV_INDEX", f"{indexes.address}/html")
    (demo,) = lock(manifest_of("demo")).wheels
    assert str(demo.version) == "1.0"


def test_the_same_index_gives_the_same_bytes(indexes: Indexes) -> None:
    for name in ("b", "a", "c"):
        indexes.add("json", f"{name}-1.0-py3-none-any.whl")
    manifest = manifest_of("c", "a", "b")
    first, second = lock(manifest), lock(manifest)
    assert encode_lock(first) == encode_lock(second)
    assert [wheel.name for wheel in first.wheels] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "filename", ["demo-1.0.tar.gz", "demo-1.0-cp311-cp311-win_amd64.whl"], ids=["sdist", "foreign"]
)
def test_what_has_no_wheel_for_the_target_is_refused(indexes: Indexes, filename: str) -> None:
    indexes.files["json"] = {filename: b"content"}
    with pytest.raises(RefusedContentError, match="demo") as caught:
        lock(manifest_of("demo"))
    assert caught.value.exit_code is ExitCode.REFUSED_CONTENT


def test_requirements_that_contradict_are_told_as_the_resolver_explains_them(
    indexes: Indexes,
) -> None:
    indexes.add("json", "left-1.0-py3-none-any.whl", "connection-pool<2")
    indexes.add("json", "right-1.0-py3-none-any.whl", "connection-pool>=2")
    for version in ("1.0", "2.0"):
        indexes.add("json", f"connection_pool-{version}-py3-none-any.whl")
    with pytest.raises(RefusedContentError, match="cu118 cannot be resolved") as caught:
        lock(manifest_of("left", "right"))
    assert all(name in caught.value.message for name in ("left", "right", "connection-pool<2"))


def test_an_index_that_is_not_there_is_named(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes.add("json", "demo-1.0-py3-none-any.whl")
    monkeypatch.delenv("NO_PROXY")
    manifest = manifest_of("torch", "demo", index="https://wheels.invalid/whl/cu118")
    with pytest.raises(DownloadError, match="cu118 could not be resolved") as caught:
        lock(manifest)
    assert "https://wheels.invalid cannot be reached" in caught.value.message
    assert caught.value.exit_code is ExitCode.DOWNLOAD_FAILED


UNREACHABLE = "https://wheels.invalid/whl/cu118"
WINDOWS_TORCH = "torch-2.6.0+cu118-cp311-cp311-win_amd64.whl"


def known(filename: str, requires: tuple[str, ...] | None = None) -> KnownWheel:
    return KnownWheel(
        index=UNREACHABLE,
        filename=filename,
        sha256="ab" * 32,
        sources=("a/one:uv.lock@1", "a/two:uv.lock@2", "b/three:uv.lock@3"),
        requires=requires,
    )


def offer_torch(indexes: Indexes) -> Manifest:
    """The public torch on pip's own index; that of the variant lies at an unreachable one."""
    indexes.add("json", "torch-2.6.0-cp311-cp311-manylinux_2_28_x86_64.whl", "cuda-twelve")
    indexes.add("json", "torch-2.6.0-cp311-cp311-win_amd64.whl", "demo<2")
    indexes.add("json", "torch-2.7.0-cp311-cp311-win_amd64.whl")
    indexes.add("json", "companion-1.0-py3-none-any.whl", "torch>=2")
    for filename in ("demo-1.0", "demo-2.0", "cuda_eleven-1.0", "cuda_twelve-1.0"):
        indexes.add("json", f"{filename}-py3-none-any.whl")
    return manifest_of("torch", "companion", index=UNREACHABLE, pins={"torch": "2.6.0+cu118"})


def test_a_known_wheel_is_locked_without_its_index(indexes: Indexes) -> None:
    """It needs what the same public version needs for the same target."""
    manifest = offer_torch(indexes)
    made = lock(manifest, WINDOWS, known(TORCH), known(WINDOWS_TORCH))
    torch = next(wheel for wheel in made.wheels if wheel.name == "torch")
    assert (torch.filename, torch.sha256, torch.size) == (WINDOWS_TORCH, "ab" * 32, None)
    assert torch.publishers == 2
    others = {wheel.filename: wheel.publishers for wheel in made.wheels if wheel is not torch}
    assert others == {"companion-1.0-py3-none-any.whl": None, "demo-1.0-py3-none-any.whl": None}
    assert check_lock(made, manifest, load_facts()) == []


def test_a_known_wheel_may_say_what_it_requires(indexes: Indexes) -> None:
    made = lock(offer_torch(indexes), LINUX, known(TORCH, ("cuda-eleven==1.0",)))
    assert [wheel.name for wheel in made.wheels] == ["companion", "cuda-eleven", "torch"]


@pytest.mark.parametrize(
    "other",
    [
        known("torch-2.6.1+cu118-cp311-cp311-win_amd64.whl"),
        known("torch-2.6.0+cu118-cp312-cp312-win_amd64.whl"),
        known(TORCH),
        msgspec.structs.replace(known(WINDOWS_TORCH), index="https://wheels.invalid/whl/cu124"),
    ],
    ids=["another version", "another Python", "another target", "another index"],
)
def test_what_is_neither_known_nor_to_be_had_is_told(indexes: Indexes, other: KnownWheel) -> None:
    with pytest.raises(DownloadError, match=r"https://wheels\.invalid cannot be reached"):
        lock(offer_torch(indexes), WINDOWS, other)


def test_a_known_hash_that_is_wrong_lets_nothing_in(indexes: Indexes, tmp_path: Path) -> None:
    """Whether the index states another hash, or none and sends another file."""
    manifest = offer_torch(indexes)
    made = lock(manifest, WINDOWS, known(WINDOWS_TORCH))
    indexes.add("html", WINDOWS_TORCH)
    there = msgspec.structs.replace(manifest, indexes={"named": f"{indexes.address}/html"})
    for unhashed, told in ((), "it has another file"), ((WINDOWS_TORCH,), "what it sends has"):
        indexes.unhashed = set(unhashed)
        with pytest.raises(MissingFilesError, match=told) as caught:
            fetch_locked(made, there, tmp_path)
        assert caught.value.exit_code is ExitCode.DOWNLOAD_FAILED
        assert f"{WINDOWS_TORCH} (size not stated, SHA-256 {'ab' * 32})" in caught.value.message


def fetch_locked(made: Lock, manifest: Manifest, folder: Path) -> None:
    wanted = wanted_files(made, manifest)
    patience = Patience(backoff=0.001)
    fetch(wanted, Cache(folder), offline=False, jobs=2, progress=Progress(), patience=patience)


def test_credentials_of_pips_index_are_used_and_not_told(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes.add("private", "demo-1.0-py3-none-any.whl")
    host = indexes.address.removeprefix("http://")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:secret@{host}/private")
    (demo,) = lock(manifest_of("demo")).wheels
    assert demo.name == "demo"
    indexes.login = "another"
    with pytest.raises(DownloadError) as caught:
        lock(manifest_of("demo", "demo-two"))
    told = f"{caught.value.message} {caught.value.remedy} {caught.value.__cause__!r}"
    assert indexes.address in told
    assert "secret" not in told


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    lines = "; ".join(f"echo line {n} >&2" for n in range(40))
    with pytest.raises(processes.ProgramError, match="sh ended with code 3") as caught:
        processes.run_program(["sh", "-c", f"{lines}; exit 3"], cwd=tmp_path)
    assert "line 39" in caught.value.message
    assert "line 0\n" not in caught.value.message
    assert "line 0\n" in caught.value.output


def test_a_program_gets_its_folder_and_its_environment_only(tmp_path: Path) -> None:
    path = os.environ["PATH"]
    command = ["sh", "-c", "pwd; echo $MARK; echo ${HOME-none}; cat"]
    told = processes.run_program(command, cwd=tmp_path, environment={"MARK": "é", "PATH": path})
    assert told.splitlines() == [str(tmp_path), "é", "none"]


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(processes.ProgramError, match="no-such-program could not be started: No"):
        processes.run_program(["no-such-program"])


@pytest.mark.slow
def test_cu124_locked_twice_is_the_same_lock() -> None:
    manifest = load_manifest()
    first, second = (resolve(manifest, DEFAULT_PATH, "cu124", LINUX, Progress()) for _ in range(2))
    assert encode_lock(first) == encode_lock(second)
    assert check_lock(first, manifest, load_facts()) == []
    ours = {wheel.name for wheel in load_lock(first.path).wheels}
    assert {"torch", "transformers", "nvidia-cudnn-cu12"} <= ours
    assert {"torch", "transformers", "nvidia-cudnn-cu12"} <= {w.name for w in first.wheels}


@pytest.mark.slow
@pytest.mark.parametrize("target", [LINUX, WINDOWS])
def test_cu118_is_locked_though_its_index_be_out_of_reach(target: Target) -> None:
    manifest = load_manifest()
    away = dict.fromkeys(manifest.indexes, UNREACHABLE)
    known = [msgspec.structs.replace(w, index=UNREACHABLE) for w in load_known_wheels()]
    made = resolve(
        *(msgspec.structs.replace(manifest, indexes=away), DEFAULT_PATH, "cu118", target),
        Progress(),
        known=known,
    )
    committed = {wheel.name: wheel for wheel in load_lock(made.path).wheels if wheel.publishers}
    assert {wheel.name: wheel for wheel in made.wheels if wheel.publishers} == committed
    assert set(committed) == {"torch", "torchvision", "torchaudio"}
    accepted = frozenset(find_target(target).tags(manifest.python))
    assert not [w for w in made.wheels if accepted.isdisjoint(parse_wheel_filename(w.filename)[3])]
