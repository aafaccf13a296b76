"""What is written is written whole, or told."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import NoSpaceError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle

if sys.platform == "win32":
    pytest.skip("Windows has no limit of this kind", allow_module_level=True)

import resource

LIMIT = 100 << 10


@pytest.fixture
def largest_file() -> Iterator[None]:
    """The system takes the first part of what is longer, and complains of the next."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("largest_file")
@pytest.mark.parametrize("more", [1, LIMIT // 2])
def test_a_file_cut_off_by_the_system_is_told(tmp_path: Path, more: int) -> None:
    # One piece, so that nothing is written after it.
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/data.bin": bytes(LIMIT + more)})
    reader = BundleReader.open(tiny_bundle(tmp_path, wheel=wheel))
    new = Generation(
        root=tmp_path / "target", name="1", target="linux_x86_64", python_version="3.11"
    )
    with pytest.raises(NoSpaceError):
        install_wheels(reader, new, Earlier.none(), Listener())
