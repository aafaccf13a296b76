"""Distributions that somebody has added to a generation, and what is known of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import installer
import msgspec
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.utils import canonicalize_name

from bootstrap import inventory
from bootstrap.bundle.model import Group, Index
from bootstrap.bundle.policy import BlacklistRule
from bootstrap.bundle.value import Target
from bootstrap.generation import Generation
from tests.support.small_stack import PYTHON
from tests.support.tiny_bundle import tiny_index

# One file of each kind that a wheel can have.
EVERY_KIND = {
    "every_kind/__init__.py": b"def main():\n    print('from an entry point')\n",
    "every_kind/d\xc3\xa4ta, and more.txt".encode("latin-1").decode(): b"text",
    "every_kind-1.0.dist-info/entry_points.txt": (
        b"[console_scripts]\nevery-kind = every_kind:main\n"
    ),
    "every_kind-1.0.dist-info/licenses/LICENSE": b"Take it.\n",
    "every_kind-1.0.data/scripts/every-script": b"#!python\nimport sys\nprint(sys.prefix)\n",
    "every_kind-1.0.data/scripts/every-shell": b"#!/bin/sh\necho from a shell\n",
    "every_kind-1.0.data/headers/every.h": b"#define EVERY 1\n",
    "every_kind-1.0.data/data/share/every_kind/data.bin": bytes(range(256)) * 100,
}


def make_generation(
    root: Path, name: str, target: Target = "linux_x86_64", python: str = PYTHON
) -> Generation:
    """An empty one, without a Python; its inventory has nothing."""
    made = Generation(root=root, name=name, target=target, python_version=python)
    made.site_packages.mkdir(parents=True)
    made.scripts.mkdir(exist_ok=True)
    made.inventory.write_bytes(b"")
    return made


def add(generation: Generation, wheel: Path) -> Path:
    """Install a wheel as other installers do; its ``.dist-info``."""
    site = str(generation.site_packages)
    name = wheel.name.partition("-")[0]
    destination = SchemeDictionaryDestination(
        {
            "purelib": site,
            "platlib": site,
            "scripts": str(generation.scripts),
            "headers": str(generation.include / canonicalize_name(name)),
            "data": str(generation.venv),
        },
        interpreter=str(generation.python),
        script_kind="win-amd64" if generation.target == "win_amd64" else "posix",
        overwrite_existing=True,
    )
    with WheelFile.open(wheel) as source:
        installer.install(source, destination, {"INSTALLER": b"tests\n", "REQUESTED": b""})
        return generation.site_packages / source.dist_info_dir


def seal(generation: Generation, without: Iterable[str] = ()) -> None:
    """Write the inventory of what lies there."""
    items = inventory.take(generation.places, [], frozenset(without))
    generation.inventory.write_bytes(b"".join(inventory.encode(list(items))))


def index_of(
    bundled: Mapping[str, str], rules: Iterable[BlacklistRule] = (), python: str = PYTHON
) -> Index:
    """Of a bundle with these distributions, name to version."""
    index = tiny_index(cuda=False)
    like = index.wheels[0]
    wheels = tuple(
        msgspec.structs.replace(like, name=name, version=version)
        for name, version in bundled.items()
    )
    return msgspec.structs.replace(
        index,
        python=python,
        runtime=msgspec.structs.replace(index.runtime, version=f"{python}.7"),
        groups=(Group(name="base", wheels=wheels),),
        blacklist=tuple(rules),
    )
