"""Runs a program and writes down the most memory that it, or what it started, has had.

``-m tests.hostile.mutations.measured FILE COMMAND …``. This must be a small process of its own: on
Linux a program inherits the peak of whoever started it, so a large one would measure itself.
"""

import resource
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run it; its exit code, or 128 and the signal that ended it."""
    code = subprocess.run(sys.argv[2:], check=False).returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    Path(sys.argv[1]).write_text(str(peak))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
