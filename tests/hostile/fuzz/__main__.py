"""Looks for bytes that break a parser, guided by coverage; needs ``atheris``::

python -m tests.hostile.fuzz --seconds 60 --keep
python -m tests.hostile.fuzz --input tests/hostile/corpus/wheel/0123456789ab
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hostile.fuzz.keeping import save, smallest_with_all_lines
from tests.hostile.fuzz.replay import CORPUS, saved
from tests.hostile.fuzz.targets import TARGETS, FuzzTarget, find_target, seeds_of

# As libFuzzer wants it.
_LARGEST = 8_000
_MEMORY_MB = 2_500


def main() -> int:
    """Fuzz all targets or one; say by the exit code whether nothing was found."""
    options = _parse()
    if options.input:
        find_target(options.input.absolute().parent.name).check(options.input.read_bytes())
        return 0
    targets = [find_target(options.target)] if options.target else TARGETS
    failed = [t.name for t in targets if not _fuzz(t, options.seconds, keep=options.keep)]
    sys.stdout.write(f"broken: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile.fuzz", description="Looks for bytes that break a parser."
    )
    parser.add_argument("--seconds", metavar="N", type=int, default=60, help="for each target")
    parser.add_argument("--target", choices=[target.name for target in TARGETS])
    parser.add_argument(
        "--keep", action="store_true", help="save what reaches new code, and what breaks it"
    )
    parser.add_argument("--input", metavar="FILE", type=Path, help="try only this one, once")
    return parser.parse_args()


def _fuzz(target: FuzzTarget, seconds: int, *, keep: bool) -> bool:
    """Whether nothing broke."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        corpus, crashes = Path(name) / "corpus", Path(name) / "crashes"
        crashes.mkdir()
        known = [path.read_bytes() for path in saved(target)]
        save([*seeds_of(target), *known], corpus)
        # A process of its own: libFuzzer ends it.
        arguments = [
            *(str(corpus), f"-artifact_prefix={crashes}/", f"-max_total_time={seconds}"),
            *(f"-max_len={_LARGEST}", f"-rss_limit_mb={_MEMORY_MB}", "-timeout=30"),
            "-print_final_stats=1",
        ]
        command = [sys.executable, "-m", "tests.hostile.fuzz.inside", target.name, *arguments]
        code = subprocess.run(command, check=False).returncode
        broken = [path.read_bytes() for path in sorted(crashes.iterdir())]
        if keep:
            found = [path.read_bytes() for path in corpus.iterdir()]
            save(
                [*smallest_with_all_lines(target, [*found, *known]), *broken], CORPUS / target.name
            )
    return code == 0 and not broken


if __name__ == "__main__":
    sys.exit(main())
