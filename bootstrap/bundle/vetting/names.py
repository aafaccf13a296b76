"""Names of members: each for itself, and all of them together.

The rules of Windows hold everywhere: the same wheel may go to both, and a name that is
special there has no business in a wheel.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.texts import unfit_character

# What nearly all names are; the possessive quantifiers keep the time linear.
_ORDINARY = re.compile(
    r"(?:[\w+@=~-]++(?:\.[\w+@=~-]++)*+/)*+[\w+@=~-]++(?:\.[\w+@=~-]++)*+/?", re.ASCII
)
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[.:].*)?",
    re.IGNORECASE | re.DOTALL,
)
_ANY_DEVICE = re.compile(r"(?:^|/)(?:con|prn|aux|nul|(?:com|lpt)[0-9]) *(?:[./:]|$)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS = frozenset('<>"|?*')
_LONGEST_COMPONENT = 255
# Linux has room for 4095 bytes with the target, Windows for 32,767 characters.
_LONGEST_PATH = 1024
_LONGEST_ORDINARY = 200


def judge_name(name: str) -> Iterator[tuple[str, str]]:
    """Rules that a member's name breaks by itself, each with a detail.

    Args:
        name: with forward slashes; the slash at the end of a folder's name counts for nothing.
    """
    if (
        len(name) <= _LONGEST_ORDINARY
        and _ORDINARY.fullmatch(name)
        and not _ANY_DEVICE.search(name)
    ):
        return
    yield from _judge_path(name)
    # Three times ".." is one finding.
    first, *rest = re.split(r"[/\\]", name.removesuffix("/"))
    components = dict.fromkeys([_DRIVE.sub("", first, count=1), *rest])
    yield from dict.fromkeys(found for one in components for found in _judge_component(one))


def _judge_path(name: str) -> Iterator[tuple[str, str]]:
    if re.match(r"[/\\]{2}", name):
        yield "name-unc", ""
    elif name.startswith(("/", "\\")):
        yield "name-absolute", ""
    if _DRIVE.match(name):
        yield "name-drive", name[:2]
    if "\\" in name:
        yield "name-backslash", ""
    if "\0" in name:
        yield "name-nul", ""
    unfit = unfit_character(name.replace("\0", ""))
    if unfit is not None:
        yield "name-control", f"U+{ord(unfit):04X}"
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_PATH:
        yield "name-long", f"{len(name):,} characters"


def _judge_component(component: str) -> Iterator[tuple[str, str]]:
    if component == "..":
        yield "name-traversal", ""
    elif component == ".":
        yield "name-dot", ""
    elif component == "":
        yield "name-empty", ""
    elif component.endswith((".", " ")):
        yield "name-trailing", repr(component)
    if ":" in component:
        yield "name-stream", repr(component)
    if _DEVICE.fullmatch(component):
        yield "name-reserved", repr(component)
    if bad := _NOT_ON_WINDOWS.intersection(component):
        yield "name-characters", " ".join(sorted(bad))
    longest = max(
        len(component.encode("utf-8", "surrogatepass")),
        len(component.encode("utf-16-le", "surrogatepass")) // 2,
    )
    if longest > _LONGEST_COMPONENT:
        yield "name-long", f"a component of {longest:,} bytes"


def fold(name: str) -> str:
    """What names that may be one file have in common: Unicode form and case are gone."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def judge_together(
    files: Iterable[tuple[str, str]], folders: Iterable[str], verdict: Verdict
) -> None:
    """Names that cannot lie beside each other.

    Args:
        files: where each file goes, and the name that it has in the archive.
        folders: paths of folders that are members themselves, without the last slash.
        verdict: takes what is found.
    """
    seen = dict[str, tuple[str, str]]()
    parents = {fold(folder): folder for folder in folders}
    known = set[str]()
    for path, name in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in known:
            known.add(folder)
            parents.setdefault(fold(folder), folder)
            folder = folder.rpartition("/")[0]
        own = (path, name)
        other = seen.setdefault(fold(path), own)
        if other is not own:
            rule = "duplicate" if other == own else "name-collision"
            verdict.add(rule, name, f"and {other[1]}")
    for key in seen.keys() & parents.keys():
        verdict.add("name-file-and-folder", seen[key][1], f"and the folder {parents[key]}")
