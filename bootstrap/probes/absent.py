"""Modules that must not be there cannot be found. Arguments: their names."""
# mypy: disable-error-code=import-not-found

import importlib.util
import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(arguments: list[str]) -> Proof:
    found = {}
    for name in arguments:
        spec = importlib.util.find_spec(name)
        if spec is not None:
            found[name] = str(spec.origin)
    require(not found, ", ".join(f"{name} is at {origin}" for name, origin in found.items()))
    return f"{', '.join(arguments)} not found", {}


answer(_prove)
