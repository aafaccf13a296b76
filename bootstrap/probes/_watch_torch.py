"""Warns where torch is no longer the one that was installed; ``--watch-torch`` put it here.

It runs whenever the Python of this environment starts. So it looks at names and sizes only, and
imports nothing as long as all is well; the installer's ``--verify`` looks at the content.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_LEVELS = 2 if os.name == "nt" else 3
_LOCK = os.path.normpath(os.path.join(_HERE, *[os.pardir] * _LEVELS, ".torch_lock"))
_REMEDY = "Run the installer again: it builds a fresh environment."


def _look() -> None:
    try:
        found = _versions()
        if not _is_locked(found):
            _warn(found)
    except Exception as error:
        # Whatever it is, nobody's program may fail of it.
        _say(f"torch could not be looked at: {error}")


def _versions() -> list[str]:
    """Of every torch that has a ``.dist-info`` here."""
    names = [name for name in os.listdir(_HERE) if name[:6].lower() == "torch-"]
    return sorted(name[6:-10] for name in names if name.endswith(".dist-info"))


def _is_locked(found: list[str]) -> bool:
    """Whether the lock has, word by word, what the installer writes for just this torch."""
    if len(found) != 1 or not os.path.isfile(_LOCK):
        return False
    with open(_LOCK, "rb") as file:
        text = file.read()
    wanted = f'"version": "{found[0]}",', f'"record_size": {_size(found[0])},'
    return all(words.encode() in text for words in wanted)


def _size(version: str) -> int:
    """Bytes of torch's RECORD, -1 where there is none."""
    try:
        return os.stat(os.path.join(_HERE, f"torch-{version}.dist-info", "RECORD")).st_size
    except OSError:
        return -1


def _warn(found: list[str]) -> None:
    import warnings

    if fault := _fault(found):
        text = f"{fault} {_REMEDY}"
        try:
            # Line 0 is none, so none is shown.
            warnings.warn_explicit(text, RuntimeWarning, __file__, 0)
        except RuntimeWarning:
            # Whoever turns warnings into errors does not want to miss it, nor that nothing starts.
            _say(text)


def _fault(found: list[str]) -> str | None:
    """What became of torch, in a sentence; None where only the lock is written in another way."""
    import json

    try:
        with open(_LOCK, encoding="utf-8") as file:
            told = json.load(file)
        version, local, size = told["version"], told["local"], told["record_size"]
        build = f"{version.partition('+')[0]}+{local}" if local else version
    except FileNotFoundError:
        return f"{_LOCK} is missing, which says what torch was installed."
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"{_LOCK} cannot be understood, which says what torch was installed."
    if len(found) != 1:
        return f"torch {build} was installed in {_HERE}, and now: {' and '.join(found) or 'none'}."
    if found[0] != version:
        return f"torch {build} was replaced by {found[0]} in {_HERE}."
    if _size(version) != size:
        return f"torch {build} was installed again, or its RECORD was changed, in {_HERE}."
    return None


def _say(text: str) -> None:
    try:
        sys.stderr.write(f"{__file__}: {text}\n")
    except Exception:
        # There is nobody to be told.
        return


_look()
