"""Code that runs by itself at every start of Python (the :mod:`site` module's documentation).

It would run before anybody has verified the environment, and in every program that uses it.
"""

import re

from bootstrap.bundle.vetting.places import landing

# ``._pth`` beside an interpreter for Windows says where it finds its modules.
_AT_TOP = re.compile(
    r"[^/]*\.pth|(?:site|user)customize(?:\.[^/]*|/__init__\.[^/]*)", re.IGNORECASE
)
_PATH_FILE = re.compile(r"\.\./(?:scripts|data)/(?:.*/)?[^/]*\._pth", re.IGNORECASE | re.DOTALL)


def runs_at_start(path: str) -> bool:
    """Whether Python runs this member of a wheel by itself, once it is installed."""
    place = landing(path)
    return bool(_AT_TOP.fullmatch(place) or _PATH_FILE.fullmatch(place))
