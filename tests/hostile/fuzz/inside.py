"""One target in libFuzzer's hands, which end the process: ``-m tests.hostile.fuzz.inside NAME …``.

The parsers are instrumented while they are imported, so nothing of them is imported before.
"""

import importlib
import sys

_WATCHED = ["bootstrap", "backports.zstd.tarfile", "backports.zstd.zipfile"]


def main() -> None:
    """Fuzz; the arguments behind the target's name are libFuzzer's."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_WATCHED):
        targets = importlib.import_module("tests.hostile.fuzz.targets")
    target = targets.find_target(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: target.check(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
