"""The same lock, manifest, builder and runtime give the same bytes, whatever else differs.

Two copies of the source, each built by processes of its own, under conditions as different as
one machine can make them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.conditions import (
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
from tests.support.small_stack import SmallBundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    return Conditions(
        place=tmp_path_factory.mktemp("here"),
        names={kind: kind for kind in ("source", "cache", "output", "home", "temporary")},
        environment={"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conditions]:
    require_root()
    require_debian("locales")
    folder = tmp_path_factory.mktemp("elsewhere")
    with memory_disk(folder / "ein längerer Pfad, a longer path") as place:
        yield Conditions(
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
                "SOURCE_DATE_EPOCH": "1234567890",
                "ZSTD_NBTHREADS": "4",
                "USER": "somebody",
            },
            python=other_python(folder / "environment", days=2000),
            wrapper=["taskset", "--cpu-list", "0", *as_nobody()],
            uid=65534,
            umask=0o077,
            jobs=1,
            backwards=True,
        )


def test_the_same_bytes_under_other_conditions(
    small: SmallBundle, here: Conditions, elsewhere: Conditions
) -> None:
    runtime = ("--runtime", "host")
    one = build_under(here, lay_out(here, small), *runtime)
    other = build_under(elsewhere, lay_out(elsewhere, small), *runtime)
    assert (one / "SmallStack-cpu.run").is_file()
    found = differing_files(one, other)
    assert not found, "\n".join(found)
