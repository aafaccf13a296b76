"""What the programs of this package are asked alike."""

import argparse
from pathlib import Path


def add_places(parser: argparse.ArgumentParser) -> None:
    """Where to work, and where figures go."""
    parser.add_argument(
        "--work", metavar="DIR", type=Path, required=True, help="a new folder on the disk to test"
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("docs/benchmarks"),
        help="where figures go (default: %(default)s)",
    )
