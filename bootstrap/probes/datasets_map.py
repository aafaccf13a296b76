"""datasets maps a table."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import datasets

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_dict({"number": [1, 2, 3]})
    doubled = table.map(lambda row: {"double": 2 * row["number"]})["double"]
    require(list(doubled) == [2, 4, 6], f"map gave {list(doubled)}, not [2, 4, 6]")
    return "from_dict and map", {"datasets": datasets.__version__}


answer(_prove)
