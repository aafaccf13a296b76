import argparse

import pytest

from builder.cli import _volume_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("700MB", 700_000_000),
        ("700mb", 700_000_000),
        ("4GiB", 4 << 30),
        ("1.5 GB", 1_500_000_000),
        ("100kB", 100_000),
        ("64KiB", 65_536),
        ("65536", 65_536),
        ("70000B", 70_000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert _volume_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "65535", "64kB", "700M", "MB", "-1GB", "1,5GB", "1e9", "9 Bananas", "²GB"]
)
def test_what_is_no_size_or_too_small(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="such as 700MB or 2GiB, 64KiB or more"):
        _volume_size(text)
