"""Why a host did not give what was asked of it."""

_REASONS = {
    401: "it wants a login (401); give it in pip's index configuration or in netrc",
    403: "it says no (403), which some hosts also say of what they do not have",
    404: "it has no such file (404)",
}
_LONGEST = 200


class TransportError(Exception):
    """A host did not give what was asked of it; the text says why.

    Attributes:
        transient: trying again may help, and was not tried yet.
        status: what it answered with, where that is the reason.
    """

    def __init__(self, reason: str, *, transient: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.transient = transient
        self.status = status


class UnusablePartError(TransportError):
    """The host cannot go on where the bytes that are there end; all of it may still come."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, transient=True)


def refusal(status: int) -> TransportError:
    """What is said of a status that is no success."""
    reason = _REASONS.get(status, f"it answers with status {status}")
    return TransportError(reason, transient=False, status=status)


def printable(text: str) -> str:
    """What a stranger wrote, in one line that moves no cursor and fills no screen."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
