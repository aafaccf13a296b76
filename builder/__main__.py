"""``python -m builder``: the only place of the builder that exits."""

import io
import sys

from builder.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # Pipes on Windows have an old code page, which lacks what file names and we may need.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
