"""Bundles, and places to install them into, for all tests of faults."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.bundles import Bundles, build_bundles
from tests.faults.limits import listen_as_usual
from tests.faults.place import Place, in_memory
from tests.support.debian import require_debian, require_root

_AT_ONCE = 2


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    require_root()
    require_debian("strace", "util-linux", "e2fsprogs", "libfuse2", "fuse3")
    listen_as_usual()
    return build_bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def places(bundles: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Place]]:
    folder = tmp_path_factory.mktemp("places")
    with ExitStack() as opened:
        yield [
            Place(opened.enter_context(in_memory(folder / str(number))), bundles)
            for number in range(_AT_ONCE)
        ]
