"""An index that cannot be true is refused before anything that it names is opened or written."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bootstrap.bundle import layout
from bootstrap.bundle.errors import ExitCode
from bootstrap.bundle.model import Check, Directory, Index, Volume
from bootstrap.bundle.policy import Allowance, BlacklistRule
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.vetting.findings import VettingError
from tests.support.tiny_bundle import tiny_bundle, tiny_index

SHA = "ab" * 32
Change = Callable[[Index], Index]


def with_(**fields: Any) -> Change:
    return lambda index: msgspec.structs.replace(index, **fields)


def wheel(**fields: Any) -> Change:
    def change(index: Index) -> Index:
        demo = msgspec.structs.replace(index.wheels[0], **fields)
        group = msgspec.structs.replace(index.groups[0], wheels=(demo,))
        return msgspec.structs.replace(index, groups=(group,))

    return change


def entry(which: str, **fields: Any) -> Change:
    def change(index: Index) -> Index:
        if which == "wheel":
            moved = msgspec.structs.replace(index.wheels[0].entry, **fields)
            return wheel(entry=moved)(index)
        if which == "runtime":
            moved = msgspec.structs.replace(index.runtime.entry, **fields)
            return runtime(entry=moved)(index)
        moved = msgspec.structs.replace(index.documents[0], **fields)
        return msgspec.structs.replace(index, documents=(moved,))

    return change


def runtime(**fields: Any) -> Change:
    return lambda index: msgspec.structs.replace(
        index, runtime=msgspec.structs.replace(index.runtime, **fields)
    )


def twice(index: Index) -> Index:
    group = msgspec.structs.replace(index.groups[0], wheels=index.wheels * 2)
    return msgspec.structs.replace(index, groups=(group,))


def twice_by_name(index: Index) -> Index:
    demo = index.wheels[0]
    filename = "demo-2.0-py3-none-any.whl"
    other = msgspec.structs.replace(
        demo,
        version="2.0",
        filename=filename,
        entry=msgspec.structs.replace(demo.entry, name=f"wheels/{filename}"),
    )
    group = msgspec.structs.replace(index.groups[0], wheels=(demo, other))
    return msgspec.structs.replace(index, groups=(group,))


def allowance(**fields: Any) -> Change:
    told = {"filename": "demo-1.0-py3-none-any.whl", "sha256": SHA, "reason": "r", **fields}
    return with_(allowances=(Allowance(**told),))


def volumes(*names: str) -> Change:
    size = sum(e.size for e in tiny_index().entries) + layout.SIGNATURE_HEADER_SIZE
    return with_(
        volumes=tuple(Volume(name=n, size=size, sha256=SHA, head_sha256=SHA) for n in names)
    )


def check(probe: str, id_: str = "x") -> Change:
    return with_(checks=(Check(id=id_, probe=probe),))


def endless_check(index: Index) -> Index:
    return with_(checks=(Check(id="x", probe="imports", timeout=1 << 40),))(index)


def of_another_size(index: Index) -> Index:
    (demo,) = index.wheels
    return wheel(size=demo.size + 1)(index)


def cuda(**fields: Any) -> Change:
    def change(index: Index) -> Index:
        assert index.cuda
        return msgspec.structs.replace(index, cuda=msgspec.structs.replace(index.cuda, **fields))

    return change


def rule(specifier: str) -> Change:
    return with_(blacklist=(BlacklistRule(name="x", specifier=specifier, reason="r"),))


def evidence(*names: str) -> Change:
    def change(index: Index) -> Index:
        (only,) = index.evidence
        named = tuple(msgspec.structs.replace(only, name=name) for name in names)
        return msgspec.structs.replace(index, evidence=named)

    return change


def documents(*names: str) -> Change:
    def change(index: Index) -> Index:
        (only,) = index.documents
        named = tuple(msgspec.structs.replace(only, name=name) for name in names)
        return msgspec.structs.replace(index, documents=named)

    return change


VERSIONS: list[tuple[str, Change]] = [
    ("of the product", with_(version="newest")),
    ("of Python", with_(python="3.11/../..")),
    ("of the runtime", runtime(version="new")),
    ("of glibc", with_(minimum_glibc="2")),
    ("of the runtime's glibc", runtime(minimum_glibc="x.y")),
    ("of Visual C++", with_(minimum_vc_runtime="v14")),
    ("of CUDA", cuda(version="none")),
    ("of the driver", cuda(minimum_driver="new")),
    ("of the other driver", cuda(recommended_driver="1.2.3.4.5")),
    ("of an architecture", cuda(architectures=("9.0", "sm_90"))),
    ("of what is banned", rule("?")),
]


def bad_texts() -> Iterator[tuple[str, str, Change]]:
    unfit = {
        "escape": "a\x1b[2J",
        "newline": "a\nb",
        "right to left": "a\u202eb",
        "zero width": "a\u200bb",
        "NUL": "a\0",
    }
    for trick, text in unfit.items():
        for field in ("product", "version", "variant", "bundle_id", "company", "created_by"):
            yield f"{field} with {trick}", "index-text", with_(**{field: text})
        yield f"runtime.warning with {trick}", "index-text", runtime(warning=text)
        yield f"check with {trick}", "index-text", check("imports", text)
        yield (
            f"blacklist with {trick}",
            "index-text",
            with_(blacklist=(BlacklistRule(name="x", reason=text),)),
        )
    paths = (
        "",
        "..",
        "../outside",
        "/outside",
        "C:x",
        "a\\b",
        "con",
        "a.",
        "a b ",
        "x" * 200,
        "a:b",
    )
    for text in paths:
        for field in ("product", "version", "variant", "bundle_id"):
            yield f"{field} {text[:20]!r}", "index-text", with_(**{field: text})
    for text in ("../python", "/bin/sh", "C:/python.exe", "bin\\python", "bin/python\n", ""):
        yield f"executable {text!r}", "index-text", runtime(executable=text)
    for text in ("../x", "a/b", "", "x.py", "-m"):
        yield f"probe {text!r}", "index-text", check(text)


CASES: list[tuple[str, str, Change]] = [
    ("a wheel twice", "index-duplicate", twice),
    ("a distribution twice", "index-duplicate", twice_by_name),
    ("a document twice", "index-duplicate", documents("docs/README.txt", "docs/README.txt")),
    ("a document in two cases", "index-duplicate", documents("docs/README.txt", "docs/readme.TXT")),
    *(
        (f"{which} {trick}", rule, entry(which, **fields))
        for which in ("wheel", "runtime", "document")
        for trick, rule, fields in (
            ("behind the end", "index-outside", {"offset": 1 << 40}),
            ("before the beginning", "index-outside", {"offset": -1}),
            ("in the signature", "index-outside", {"offset": 0}),
            ("of negative size", "index-outside", {"size": -5}),
            ("of endless size", "index-outside", {"size": 1 << 60}),
            ("moved", "index-unlisted", {"offset": 33}),
            ("too short", "index-unlisted", {"size": 1}),
            ("named otherwise", "", {"name": "outside"}),
            ("traversing", "", {"name": "../outside"}),
            ("with no hash", "index-hash", {"sha256": ""}),
            ("with a hash in capitals", "index-hash", {"sha256": "AB" * 32}),
        )
    ),
    ("overlap", "index-overlap", entry("runtime", offset=40)),
    ("over the index", "index-overlap", entry("document", size=60)),
    *(
        (f"document {name!r}", "index-document", documents(name))
        for name in (
            "docs/",
            "docs/a/b",
            "docs/..",
            "docs/con",
            "docs/a.",
            "README.txt",
            "docs/a:b",
        )
    ),
    ("another name", "index-wheel-name", wheel(name="other")),
    ("another version", "index-wheel-name", wheel(version="2.0")),
    ("a name not normalized", "index-wheel-name", wheel(name="Demo")),
    ("a version that is none", "index-wheel-name", wheel(version="x y")),
    ("a file name that is none", "wheel-name", wheel(filename="demo.whl")),
    ("a traversing file name", "wheel-name", wheel(filename="../demo-1.0-py3-none-any.whl")),
    ("a negative size", "index-numbers", wheel(size=-1)),
    ("an endless size", "index-numbers", wheel(size=1 << 60)),
    ("a negative installed size", "index-numbers", wheel(installed_size=-1)),
    ("an original of another size", "index-numbers", of_another_size),
    ("an endless check", "index-numbers", endless_check),
    ("a bomb", "index-numbers", wheel(installed_size=1 << 40)),
    ("negative files", "index-numbers", wheel(file_count=-1)),
    ("endless files", "index-numbers", wheel(file_count=1 << 40)),
    ("a negative runtime", "index-numbers", runtime(installed_size=-1)),
    ("an endless runtime", "index-numbers", runtime(file_count=1 << 40)),
    ("a negative need", "index-numbers", with_(disk_need=-1)),
    ("an endless need", "index-numbers", with_(disk_need=1 << 60)),
    ("no hash", "index-hash", wheel(sha256="")),
    ("no hash of RECORD", "index-hash", wheel(record_sha256="x")),
    ("no hash of a directory", "index-hash", wheel(directory=Directory(offset=0, sha256=""))),
    ("an unknown rule allowed", "index-allowance", allowance(rules=("no-such",))),
    ("a firm rule allowed", "index-allowance", allowance(rules=("name-traversal",))),
    ("all startup code allowed", "index-allowance", allowance(rules=("startup-code",))),
    ("nothing allowed", "index-allowance", allowance()),
    ("volumes from 2 on", "index-volumes", volumes("tiny.7z.002")),
    ("volumes in another order", "index-volumes", volumes("tiny.7z.002", "tiny.7z.001")),
    ("a volume twice", "index-volumes", volumes("tiny.7z.001", "tiny.7z.001")),
    ("volumes of two names", "index-volumes", volumes("tiny.7z.001", "other.7z.002")),
    ("volumes with a gap", "index-volumes", volumes("tiny.7z.001", "tiny.7z.003")),
    ("a volume named as a device", "index-volumes", volumes("con.7z.001")),
    *((f"the version {which}", "index-version", change) for which, change in VERSIONS),
    *(
        (f"evidence {name!r}", "index-evidence", evidence(f"evidence/{name}"))
        for name in (
            "../x",
            "/etc/passwd",
            "..",
            "",
            "a\\b",
            "c:x",
            "x.",
            "a/../../x",
            "a/b/c",
            "con?",
            "nul",
            "Com1.txt",
            "aux/x",
            "licenses/prn.txt",
            "x" * 256,
        )
    ),
    (
        "evidence that is a file and a folder",
        "index-evidence",
        evidence("evidence/licenses/x", "evidence/Licenses"),
    ),
    ("evidence elsewhere", "index-evidence", evidence("docs/LICENSE")),
    ("a text too long", "index-text", with_(company="x" * 30_000)),
    *bad_texts(),
]

# What looks odd, and is not.
HONEST: list[tuple[str, Change]] = [
    ("a Python of one number", runtime(version="3")),
    ("a driver of one number", cuda(minimum_driver="580")),
    ("a company with an accent", with_(company="Müller & Söhne")),
]


@pytest.mark.parametrize(
    ("rule", "change"), [c[1:] for c in CASES], ids=[ascii(c[0]) for c in CASES]
)
def test_it_is_refused(tmp_path: Path, rule: str, change: Change) -> None:
    path = tiny_bundle(tmp_path, change(tiny_index()))
    with pytest.raises(VettingError) as caught:
        BundleReader.open(path)
    assert caught.value.exit_code is ExitCode.REFUSED_CONTENT
    rules = {finding.rule for finding in caught.value.findings}
    assert rule in rules or (rule == "" and rules & {"index-entry-name", "index-document"})
    assert [each for each in tmp_path.iterdir() if each != path] == []
    assert not any(ord(char) < 32 and char != "\n" for char in caught.value.message)


def test_an_honest_one_is_not(tmp_path: Path) -> None:
    assert BundleReader.open(tiny_bundle(tmp_path)).index == tiny_index()


@pytest.mark.parametrize("change", [c[1] for c in HONEST], ids=[c[0] for c in HONEST])
def test_nor_one_that_only_looks_odd(tmp_path: Path, change: Change) -> None:
    index = change(tiny_index())
    assert BundleReader.open(tiny_bundle(tmp_path, index)).index == index


def test_all_is_told_at_once(tmp_path: Path) -> None:
    index = with_(disk_need=-1, product="../x", company="a\x1bb")(tiny_index())
    with pytest.raises(VettingError) as caught:
        BundleReader.open(tiny_bundle(tmp_path, index))
    assert {f.member for f in caught.value.findings} >= {"product", "company", "disk_need"}
