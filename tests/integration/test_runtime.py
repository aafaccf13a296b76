"""The runtime is really made, moved and run."""

import functools
import hashlib
import http.server
import os
import re
import shutil
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.zips import tarfile
from builder import runtime
from builder.elf import minimum_glibc
from builder.errors import DownloadError, UnfitHostError
from builder.fetch import Cache
from builder.launching import NATIVE
from builder.progress import Progress
from builder.runtime.archive import pack, unpack
from builder.runtime.model import PreparedRuntime
from builder.runtime.pins import PinnedRuntime
from builder.runtime.proof import prove_runtime
from builder.targets import TARGETS, host_target
from tests.support.commands import run_in

ROOT = Path(__file__).parents[2]
LINUX = TARGETS["linux_x86_64"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.skipif(host_target() is not LINUX, reason="this is not linux_x86_64")


def prepare(choice: str, work: Path, *, offline: bool = True) -> PreparedRuntime:
    work.mkdir(exist_ok=True)
    assert choice in ("auto", "standalone", "host")
    return runtime.prepare_runtime(
        choice,  # type: ignore[arg-type]
        python=HERE,
        target=LINUX,
        launcher=NATIVE,
        cache=Cache(work / "cache"),
        work=work,
        offline=offline,
        progress=Progress(),
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> PreparedRuntime:
    return prepare("host", tmp_path_factory.mktemp("host"))


@pytest.fixture
def moved(host: PreparedRuntime, tmp_path: Path) -> Path:
    """The host runtime in another place, as an installer would have put it."""
    folder = tmp_path / "ünpacked here"
    folder.mkdir()
    unpack(host.archive, folder, "linux_x86_64")
    return folder


def test_host_runtime(host: PreparedRuntime, moved: Path) -> None:
    assert (host.source, host.warning) == ("host", None)
    assert host.version == sys.version.split()[0]
    assert host.executable == f"bin/python{HERE}"
    files = [path for path in moved.rglob("*") if path.is_file()]
    assert host.file_count == len(files)
    assert host.installed_size == sum(path.stat().st_size for path in files)
    assert host.minimum_glibc == minimum_glibc(files)
    assert not [path for path in moved.rglob("*") if path.name in {"site-packages", "tkinter"}]
    assert list(host.archive.parent.glob("*/*")) == []


def test_host_runtime_is_the_same_twice(host: PreparedRuntime, tmp_path: Path) -> None:
    again = prepare("host", tmp_path / "again")
    assert again.archive.read_bytes() == host.archive.read_bytes()


def test_environments_of_the_host_runtime_work(
    host: PreparedRuntime, moved: Path, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    made = run_in([moved / host.executable, "-I", "-m", "venv", "--without-pip", venv])
    assert made.returncode == 0, made.stderr
    code = "import ssl, sys; print(sys.base_prefix, sys.path, ssl.OPENSSL_VERSION)"
    said = run_in([venv / "bin/python", "-c", code])
    assert str(moved) in said.stdout
    assert sys.base_prefix not in said.stdout


def test_other_libraries_on_the_users_path_are_not_taken(
    host: PreparedRuntime, moved: Path, tmp_path: Path
) -> None:
    decoys = tmp_path / "decoys"
    decoys.mkdir()
    for library in (moved / "lib").glob("*.so*"):
        (decoys / library.name).write_bytes(b"not a library")
    code = "import ssl, sqlite3, lzma, bz2, ctypes, zlib, curses; print('fine')"
    said = run_in([moved / host.executable, "-c", code], LD_LIBRARY_PATH=str(decoys))
    assert said.stdout == "fine\n", said.stderr


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_extensions_can_be_compiled_with_its_headers(
    host: PreparedRuntime, moved: Path, tmp_path: Path
) -> None:
    if not Path(sysconfig.get_path("include")).is_dir():
        pytest.skip("this Python has no headers")
    source = tmp_path / "small.c"
    source.write_text("#include <Python.h>\nint version(void) { return PY_VERSION_HEX; }\n")
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    include = run_in([moved / host.executable, "-c", code]).stdout.strip()
    assert include.startswith(str(moved))
    compiled = run_in(
        ["cc", "-shared", "-fPIC", f"-I{include}", "-o", tmp_path / "small.so", source],
        PATH=os.environ["PATH"],
    )
    assert compiled.returncode == 0, compiled.stderr


def test_debians_own_python_can_go_along_too(tmp_path: Path) -> None:
    debian = Path("/usr/bin/python3")
    version = run_in([debian, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]).stdout
    if version.strip() != HERE or debian.resolve().is_relative_to(sys.base_prefix):
        pytest.skip(f"{debian} is not another Python {HERE}")
    packages = sysconfig.get_path("purelib")
    code = (
        "from tests.integration.test_runtime import prepare\n"
        "from pathlib import Path\n"
        f"made = prepare('host', Path({str(tmp_path)!r}))\n"
        "print(made.version, made.archive)"
    )
    made = run_in(
        [debian, "-c", code],
        PYTHONPATH=f"{ROOT}:{packages}",
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    )
    assert made.returncode == 0, made.stderr
    version, archive = made.stdout.split()
    assert prove_runtime(Path(archive), f"bin/python{HERE}", tmp_path, LINUX, NATIVE) == version
    with tarfile.open(archive) as members:
        names = members.getnames()
    assert not [name for name in names if "dist-packages" in name or "sitecustomize" in name]


def test_the_proof_sees_a_library_from_outside(host: PreparedRuntime, moved: Path) -> None:
    (moved / "lib/libsqlite3.so.0").unlink()
    pack(moved, moved.parent / "broken.tar")
    with pytest.raises(UnfitHostError, match=r"(loads .*libsqlite3|cannot import sqlite3)"):
        prove_runtime(moved.parent / "broken.tar", host.executable, moved.parent, LINUX, NATIVE)


def test_the_proof_names_the_import_that_fails(host: PreparedRuntime, moved: Path) -> None:
    next((moved / f"lib/python{HERE}/lib-dynload").glob("_lzma.*")).unlink()
    pack(moved, moved.parent / "broken.tar")
    with pytest.raises(UnfitHostError, match=r"cannot import lzma .*_lzma"):
        prove_runtime(moved.parent / "broken.tar", host.executable, moved.parent, LINUX, NATIVE)


def test_the_proof_sees_modules_from_outside(
    host: PreparedRuntime, moved: Path, tmp_path: Path
) -> None:
    module = moved / f"lib/python{HERE}/bz2.py"
    module.write_text(f"import sys\nsys.path.append({str(tmp_path)!r})\n")
    pack(moved, tmp_path / "broken.tar")
    with pytest.raises(UnfitHostError, match="looks for modules in"):
        prove_runtime(tmp_path / "broken.tar", host.executable, moved, LINUX, NATIVE)


def test_the_proof_sees_what_does_not_start(host: PreparedRuntime, moved: Path) -> None:
    shutil.rmtree(moved / f"lib/python{HERE}/encodings")
    pack(moved, moved.parent / "broken.tar")
    with pytest.raises(UnfitHostError, match="it does not start"):
        prove_runtime(moved.parent / "broken.tar", host.executable, moved.parent, LINUX, NATIVE)
    assert [path for path in moved.parent.iterdir() if path.name.startswith("prov")] == []


@pytest.fixture
def served(moved: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An archive such as python-build-standalone's, and the address of a server that has it."""
    site = moved / f"lib/python{HERE}/site-packages/pip"
    site.mkdir(parents=True)
    (site / "__init__.py").touch()
    (moved / "bin/python3").symlink_to(f"python{HERE}")
    folder = tmp_path / "site"
    folder.mkdir()
    with tarfile.open(folder / "standalone.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(moved, "python")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder / "standalone.tar.gz", f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def pin(archive: Path, address: str, host: PreparedRuntime) -> PinnedRuntime:
    return PinnedRuntime(
        python=host.version,
        build="20990101",
        target="linux_x86_64",
        filename=archive.name,
        url=f"{address}/{archive.name}",
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        size=archive.stat().st_size,
    )


def test_standalone_is_fetched_pruned_and_then_cached(
    served: tuple[Path, str],
    host: PreparedRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned = pin(*served, host)
    monkeypatch.setattr(runtime, "newest_runtime", lambda *_, **__: pinned)
    made = prepare("standalone", tmp_path / "work", offline=False)
    assert (made.source, made.version, made.warning) == ("standalone", host.version, None)
    assert made.build == "python-build-standalone 20990101"
    assert made.minimum_glibc == host.minimum_glibc
    with tarfile.open(made.archive) as members:
        names = members.getnames()
    assert "bin/python3" in names
    assert not [name for name in names if "site-packages" in name or name.startswith("python/")]
    again = prepare("auto", tmp_path / "work", offline=True)
    assert (again.source, again.warning) == ("standalone", None)


def test_other_bytes_than_pinned_are_refused(
    served: tuple[Path, str],
    host: PreparedRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned = pin(*served, host)
    forged = bytearray(served[0].read_bytes())
    forged[-1] ^= 1
    served[0].write_bytes(forged)
    monkeypatch.setattr(runtime, "newest_runtime", lambda *_, **__: pinned)
    with pytest.raises(DownloadError, match=r"standalone\.tar\.gz"):
        prepare("standalone", tmp_path / "work", offline=False)
    assert not list((tmp_path / "work").glob("*.tar"))


def test_auto_falls_back_to_the_host_and_warns(
    served: tuple[Path, str],
    host: PreparedRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "newest_runtime", lambda *_, **__: pin(*served, host))
    made = prepare("auto", tmp_path / "work")
    assert made.source == "host"
    assert made.warning
    assert "This machine's own Python" in made.warning
    assert made.archive.read_bytes() == host.archive.read_bytes()
    with pytest.raises(DownloadError, match=r"standalone\.tar\.gz"):
        prepare("standalone", tmp_path / "work")


def test_auto_does_not_hide_the_download_where_the_host_is_no_help(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="windows-msvc"):
        runtime.prepare_runtime(
            "auto",
            python="3.11",
            target=TARGETS["win_amd64"],
            launcher=None,
            cache=Cache(tmp_path),
            work=tmp_path,
            offline=True,
            progress=Progress(),
        )


def test_minimum_glibc_agrees_with_readelf() -> None:
    printed = run_in(["readelf", "--version-info", "/proc/self/exe", sys.executable]).stdout
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", printed)
    major, minor = max((int(major), int(minor)) for major, minor in versions)
    files = [Path(shutil.which("readelf") or ""), Path(sys.executable)]
    assert minimum_glibc(files) == f"{major}.{minor}"
