"""The installer: the only place of the bootstrap that exits."""

import sys

from bootstrap.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
