"""``python -m builder``: the only place of the builder that exits."""

import sys

from builder.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
