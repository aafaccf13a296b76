"""Modules import, and hold what is used of them. Arguments: ``module`` or ``module:attribute``."""
# mypy: disable-error-code=import-not-found

import importlib
import sys
import traceback
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, described


def _import(wanted: str) -> str:
    """Import it and give the version of its top-level package."""
    # Should it crash the interpreter, this line tells where.
    print(f"importing {wanted}", file=sys.stderr, flush=True)
    name, _, attribute = wanted.partition(":")
    module = importlib.import_module(name)
    if attribute:
        # Packages that import lazily fail here, not above.
        getattr(module, attribute)
    package = sys.modules[name.partition(".")[0]]
    return str(getattr(package, "__version__", "unknown"))


def _prove(arguments: list[str]) -> Proof:
    versions, faults = {}, []
    for wanted in arguments:
        try:
            versions[wanted] = _import(wanted)
        except Exception as error:
            traceback.print_exc()
            faults.append(f"{wanted}: {described(error)}")
    if faults:
        raise AssertionError("; ".join(faults))
    return f"{len(versions)} imported", versions


answer(_prove)
