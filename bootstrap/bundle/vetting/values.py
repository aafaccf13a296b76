"""Texts, numbers and versions that nothing real has, wherever in an index or a manifest."""

import re
from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bootstrap.bundle.model import Index
from bootstrap.bundle.versions import read_version
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.texts import unfit_character

# More than any disk has; the sums of such numbers are still exact everywhere.
LARGEST_NUMBER = 1 << 50
_LONGEST_TEXT = 4000
_DOTTED = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9}){0,3}")
# major.minor: parts of paths, or compared as two numbers.
_PAIR = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")


def judge_values(value: object, place: str, verdict: Verdict) -> None:
    """Every text may be shown on a terminal, and every number be added to others.

    Args:
        value: what JSON can hold.
        place: where it stands, for messages.
        verdict: takes what is found.
    """
    if isinstance(value, dict):
        for key, below in value.items():
            judge_values(below, f"{place}.{key}".lstrip("."), verdict)
    elif isinstance(value, list | tuple):
        for number, below in enumerate(value):
            judge_values(below, f"{place}[{number}]", verdict)
    elif isinstance(value, str):
        _judge_text(value, place, verdict)
    elif isinstance(value, int) and not 0 <= value <= LARGEST_NUMBER:
        verdict.add("index-numbers", place, f"is {value:,}")


def _judge_text(text: str, place: str, verdict: Verdict) -> None:
    unfit = unfit_character(text)
    if unfit is not None:
        verdict.add("index-text", place, f"has U+{ord(unfit):04X} in it")
    elif len(text) > _LONGEST_TEXT:
        verdict.add("index-text", place, f"has {len(text):,} characters")


def judge_versions(index: Index, verdict: Verdict) -> None:
    """Versions and the like are compared, or become part of a path, so they must be some."""
    for place, text in (("version", index.version), ("runtime.version", index.runtime.version)):
        if read_version(text) is None:
            verdict.add("index-version", place, repr(text))
    for form, fields in ((_DOTTED, _dotted(index)), (_PAIR, _pairs(index))):
        for place, told in fields:
            if told is not None and not form.fullmatch(told):
                verdict.add("index-version", place, repr(told))
    for number, rule in enumerate(index.blacklist):
        for specifier in (rule.specifier, *(waiver.versions for waiver in rule.waivers)):
            if not _is_specifier(specifier or ""):
                verdict.add("index-version", f"blacklist[{number}]", repr(specifier))


def _dotted(index: Index) -> Iterator[tuple[str, str | None]]:
    yield "minimum_vc_runtime", index.minimum_vc_runtime
    if index.cuda:
        yield "cuda.minimum_driver", index.cuda.minimum_driver
        yield "cuda.recommended_driver", index.cuda.recommended_driver


def _pairs(index: Index) -> Iterator[tuple[str, str | None]]:
    yield "python", index.python
    yield "minimum_glibc", index.minimum_glibc
    yield "runtime.minimum_glibc", index.runtime.minimum_glibc
    if index.cuda:
        yield "cuda.version", index.cuda.version
        yield from (("cuda.architectures", name) for name in index.cuda.architectures)


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True
