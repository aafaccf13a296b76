"""Whether a text may be shown on a terminal, and how to show it if not."""

import re
import unicodedata

# Control, format (text direction among them), surrogates, line and paragraph separators.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*")
_LONGEST = 300


def unfit_character(text: str) -> str | None:
    """The first character that changes what people read; None if there is none."""
    if _PLAIN.fullmatch(text):
        return None
    return next((char for char in text if unicodedata.category(char) in _UNFIT), None)


def printable(text: str) -> str:
    """The same text on one line, unfit characters written as escapes, cut if very long."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text):,} characters)"
    if unfit_character(text) is None:
        return text
    return "".join(
        char.encode("unicode_escape").decode() if unfit_character(char) else char for char in text
    )
