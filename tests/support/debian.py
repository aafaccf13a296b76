"""Debian packages that tests need, and where this machine gets them from."""

import functools
import os
import platform
import shutil
import subprocess

import pytest

# Somebody else on the machine may be installing just now.
_APT = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]
_TIMEOUT = 600


def require_root() -> None:
    """Skip the test unless it runs as root."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts file systems or installs Debian packages")


def require_debian(*packages: str) -> None:
    """Have these Debian packages, installing what is missing; skip the test where that fails."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-query") is None:
        pytest.skip(f"needs the Debian packages {', '.join(packages)}, and this is no Debian")
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    require_root()
    failure = _install(missing)
    if failure and _refresh():
        failure = _install(missing)
    if failure:
        pytest.skip(f"apt-get cannot install {', '.join(missing)}: {failure}")


def debian_mirror() -> tuple[str, str]:
    """Name of this machine's Debian release, and the address that apt takes its packages from.

    Skips the test where apt names none.
    """
    if shutil.which("apt-get") is None:
        pytest.skip("needs apt's sources, and this is no Debian")
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    # apt itself reads its sources, whichever of its formats they are in.
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    for line in listed:
        release, _, address = line.partition(" ")
        if release == suite:
            return suite, address
    pytest.skip(f"needs a mirror of {suite or 'Debian'}, and apt's sources name none")


def _is_installed(package: str) -> bool:
    asked = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return asked.stdout == "installed"


def _install(packages: list[str]) -> str:
    """What went wrong; empty when nothing did."""
    return _apt("install", "--yes", "--no-install-recommends", *packages)


@functools.cache
def _refresh() -> bool:
    """Fetch apt's lists, once; whether that succeeded."""
    return not _apt("update")


def _apt(*arguments: str) -> str:
    done = subprocess.run(
        [*_APT, *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
