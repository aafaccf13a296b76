"""The same lock, manifest, builder and runtime give the same bytes, whatever else differs.

Two copies of the source, each run by processes of its own, under conditions as different as one
machine can make them. The last test shows that they do differ, and that it would be seen.
"""

import json
import shutil
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import lock_of, write_lock
from tests.support.conditions import (
    NOBODY,
    Conditions,
    as_nobody,
    build_under,
    bystander,
    lay_out,
    made_locale,
    memory_disk,
    other_python,
)
from tests.support.debian import require_debian, require_root
from tests.support.differences import differing_files
from tests.support.small_stack import VARIANT, SmallBundle

pytestmark = pytest.mark.slow

RUNTIME = ("--runtime", "host")
TWIN = "cu118"
# What a build could see of each condition, were it to look.
LEAKS = {
    "clock": "int(time.time()) // 86400",
    "time zone": "time.localtime(0).tm_hour",
    "hash seed": "hash('seed')",
    "locale": "locale.setlocale(locale.LC_ALL, '')",
    "user": "os.getuid()",
    "umask": "[os.umask(found) or found for found in [os.umask(0)]][0]",
    "cores": "len(os.sched_getaffinity(0))",
    "home": "os.path.expanduser('~')",
    "checkout": "__file__",
    "modes": "os.stat(__file__).st_mode",
    "times of files": "os.stat(builder.__file__).st_mtime",
    "order of files": "[n for n in os.listdir(os.path.dirname(__file__)) if n.endswith('.py')]",
    "environment of packages": "sys.prefix",
    "temporary folder": "tempfile.gettempdir()",
    "variable": "os.environ.get('ZSTD_NBTHREADS')",
}
MODULES = "import builder, locale, os, sys, tempfile, time"


@pytest.fixture(scope="module")
def twins(small: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """The small stack in two variants."""
    folder = tmp_path_factory.mktemp("twins")
    shutil.copytree(small.manifest.parent / "locks", folder / "locks")
    manifest = json.loads(small.manifest.read_text())
    manifest["variants"][TWIN] = manifest["variants"][VARIANT]
    path = folder / small.manifest.name
    path.write_text(json.dumps(manifest))
    made = SmallBundle(manifest=path, cache=small.cache, output=folder / "dist")
    write_lock(made, lock_of(made), VARIANT)
    write_lock(made, lock_of(made), TWIN)
    return made


@pytest.fixture(scope="module")
def here(twins: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    conditions = Conditions(
        place=tmp_path_factory.mktemp("here"),
        names={kind: kind for kind in ("source", "cache", "output", "home", "temporary")},
        environment={"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    )
    return lay_out(conditions, twins)


@pytest.fixture(scope="module")
def elsewhere(twins: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conditions]:
    require_root()
    require_debian("locales")
    folder = tmp_path_factory.mktemp("elsewhere")
    with memory_disk(folder / "ein längerer Pfad, a longer path") as place:
        conditions = Conditions(
            place=place,
            names={
                "source": "checkout-2",
                "cache": "var/cache/of somebody",
                "output": "shipping/monday",
                "home": "home/nobody",
                "temporary": "t",
            },
            environment={
                **made_locale(folder / "locales"),
                **bystander(folder),
                "TZ": "XYZ-5:45",
                "PYTHONHASHSEED": "4711",
                "ZSTD_NBTHREADS": "4",
                "USER": "somebody",
            },
            python=other_python(folder / "environment", days=2000),
            wrapper=["taskset", "--cpu-list", "0", *as_nobody()],
            uid=NOBODY,
            umask=0o077,
            jobs=1,
            backwards=True,
            modified=999_999_999,
        )
        yield lay_out(conditions, twins)


def test_the_same_bytes_under_other_conditions(here: Conditions, elsewhere: Conditions) -> None:
    one, other = build_under(here, *RUNTIME), build_under(elsewhere, *RUNTIME)
    assert (one / "SmallStack-cpu.run").is_file()
    found = differing_files(one, other)
    assert not found, "\n".join(found)


def test_variants_of_one_run_are_those_of_two(here: Conditions, elsewhere: Conditions) -> None:
    volumes = (*RUNTIME, "--volume-size", "10MB")
    for variant in (TWIN, VARIANT):
        one = build_under(here, *volumes, variants=[variant], to="volumes")
    other = build_under(elsewhere, *volumes, variants=[VARIANT, TWIN], to="volumes")
    assert {"SmallStack-cpu.7z.003", f"SmallStack-{TWIN}.7z.003"} <= names(one)
    found = differing_files(one, other)
    assert not found, "\n".join(found)


def test_a_leak_of_each_condition_is_seen(here: Conditions, elsewhere: Conditions) -> None:
    for conditions in (here, elsewhere):
        plant(conditions, "builder/runtime/archive.py", "= 315_532_800", "= int(time.time())")
        told = ", ".join(f"{name!r}: {leak}" for name, leak in LEAKS.items())
        plant(
            conditions, "builder/pack/compose.py", 'f"llmsetup {__version__}"', f"repr({{{told}}})"
        )
    outputs = [build_under(conditions, *RUNTIME, to="leaking") for conditions in (here, elsewhere)]
    found = differing_files(*outputs)
    assert any("runtime/python.tar.zst → lib/" in text and "header" in text for text in found)
    one, other = map(leaked, outputs)
    assert {name for name in LEAKS if one[name] == other[name]} == set()
    assert (one["user"], other["user"]) == (0, NOBODY)
    assert other["clock"] - one["clock"] in (2000, 2001)


def plant(conditions: Conditions, file: str, old: str, new: str) -> None:
    path = conditions.folder("source") / file
    source = path.read_text()
    assert source.count(old) == 1
    path.write_text(source.replace(old, new).replace("\nfrom ", f"\n{MODULES}\nfrom ", 1))


def leaked(output: Path) -> dict[str, Any]:
    index = json.loads((output / "SmallStack-cpu-linux_x86_64/bundle.json").read_text())
    return dict(literal_eval(index["created_by"]))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
