"""What a runtime is unpacked from: names, kinds, links and number of the members of a tar."""

from bootstrap.bundle.value import Target
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.names import fold, judge_name
from bootstrap.bundle.zips import tarfile

# A whole CPython with its tests has some 15,000.
_MOST_MEMBERS = 200_000
# And some 400 MB.
_MOST_BYTES = 4 << 30


class TreeVetting:
    """Looks at the members of a tar archive one by one, as they come.

    Args:
        target: what they are for. Only on Windows are names equal but for case one file: a
            CPython for Linux brings terminfo, with E/Eterm-color and e/eterm-color.
    """

    def __init__(self, target: Target) -> None:
        self._fold = fold if target == "win_amd64" else str
        self._seen = dict[str, str]()
        self._parents = set[str]()
        self._files = set[str]()
        self._bytes = 0

    def judge(self, member: tarfile.TarInfo, verdict: Verdict) -> None:
        """One more; ``verdict`` takes what is found."""
        name = member.name
        verdict.extend(judge_name(name), name)
        plain = member.isfile() and not member.issparse()
        if not (plain or member.isdir() or member.issym() or member.islnk()):
            verdict.add("tar-type", name)
        self._bytes += member.size
        if self._bytes > _MOST_BYTES:
            verdict.add("tar-size", name, f"{self._bytes:,} bytes so far")
        # A hard link names a member, a symbolic link something beside itself.
        beside = name.rpartition("/")[0] if member.issym() else ""
        if (member.issym() or member.islnk()) and _leaves(beside, member.linkname):
            verdict.add("tar-link", name, member.linkname)
        self._judge_with_others(name.removesuffix("/"), verdict, is_folder=member.isdir())

    def _judge_with_others(self, name: str, verdict: Verdict, *, is_folder: bool) -> None:
        key = self._fold(name)
        other = self._seen.setdefault(key, name)
        if len(self._seen) > _MOST_MEMBERS:
            verdict.add("tar-count", name, f"more than {_MOST_MEMBERS:,}")
        # Many archives name a folder again; that is one folder.
        if other != name:
            verdict.add("name-collision", name, f"and {other}")
        elif key in self._files:
            verdict.add("duplicate", name)
        folder = key.rpartition("/")[0]
        while folder and folder not in self._parents:
            self._parents.add(folder)
            folder = folder.rpartition("/")[0]
        if not is_folder:
            self._files.add(key)
        if key in self._parents and not is_folder:
            verdict.add("name-file-and-folder", name)
        # A link that others pass through would lead them elsewhere.
        if not self._files.isdisjoint(_above(key)):
            verdict.add("name-file-and-folder", name, "its folder is a file or a link")


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _leaves(beside: str, link: str) -> bool:
    if link.startswith(("/", "\\")) or "\\" in link or ":" in link or "\0" in link:
        return True
    parts = link.split("/")
    up = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    # Behind a name, which may be another link, nobody can tell where ".." leads.
    return ".." in parts[up:] or up > len([*filter(None, beside.split("/"))])
