"""How a probe answers: one JSON object, the last line on standard output."""

import json
import sys
import traceback
from collections.abc import Callable


class SkippedError(Exception):
    """Nothing can be proved here; its text is the reason."""


Proof = tuple[str, dict[str, str]]


def answer(prove: Callable[[list[str]], Proof]) -> None:
    """Call ``prove`` with the script's arguments and print what came of it.

    Args:
        prove: returns what was proved and the facts found; raises to say that it failed.
    """
    facts: dict[str, str] = {}
    try:
        detail, facts = prove(sys.argv[1:])
        status = "passed"
    except SkippedError as reason:
        status, detail = "skipped", str(reason)
    except Exception as error:
        traceback.print_exc()
        status, detail = "failed", described(error)
    print(json.dumps({"status": status, "detail": detail, "facts": facts}), flush=True)


def require(condition: bool, message: str) -> None:  # noqa: FBT001 (like an assert statement)
    """Raise AssertionError with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def described(error: BaseException) -> str:
    """Type and text of an error, in one line."""
    text = " ".join(str(error).split())
    return text if type(error) is AssertionError else f"{type(error).__name__}: {text}"
