"""An index that nobody damaged is refused all the same if what it says is of no good."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bootstrap.bundle.errors import DamagedBundleError, RefusedContentError
from bootstrap.bundle.model import decode_index, encode_index
from tests.support.tiny_bundle import tiny_index

Plain = dict[str, Any]
# A field of the index, by its path, to what it becomes and what is said of it.
CASES: list[tuple[str, object, str | None]] = [
    ("bundle_id", "../../x", "bundle_id is '../../x'"),
    ("bundle_id", "1.0-cpu.", "bundle_id is"),
    ("product", "../x", "product is '../x'"),
    ("product", "a\x1b[2Jb", r"product has the character U\+001B"),
    ("company", "\u202egpj", r"company has the character U\+202E"),
    ("company", "x" * 30_000, "company has 30,000 characters"),
    ("variant", "", "variant is ''"),
    ("version", "newest", "version is 'newest'"),
    ("python", "3.11/../..", "python is '3.11/../..'"),
    ("minimum_glibc", "2", "minimum_glibc is '2'"),
    ("cuda.version", "none", "cuda.version is 'none'"),
    ("cuda.minimum_driver", "new", "cuda.minimum_driver is 'new'"),
    ("cuda.architectures", ["sm_90"], "an architecture of cuda is 'sm_90'"),
    ("disk_need", -1, "disk_need is -1"),
    ("disk_need", 1 << 60, "disk_need is"),
    ("runtime.version", "3", None),
    ("cuda.minimum_driver", "580", None),
    ("runtime.executable", "/bin/sh", "runtime.executable is '/bin/sh'"),
    ("runtime.entry.size", -5, r"runtime.entry.size is -5"),
    ("groups.0.wheels.0.filename", "../x-1.0-py3-none-any.whl", "the name of a wheel is"),
    ("groups.0.wheels.0.filename", "demo.whl", "'demo.whl' is no wheel"),
    ("groups.0.wheels.0.filename", "other-1.0-py3-none-any.whl", "is said to be 'demo' '1.0'"),
    ("documents.0.name", "docs/../x", "the name of a member is 'docs/../x'"),
    ("documents.0.name", "docs/", "the name of a member is 'docs/'"),
    ("documents.0.name", "docs/a:b", "the name of a member is 'docs/a:b'"),
    ("documents.0.name", "docs/a\\b", "the name of a member is"),
    ("documents.0.name", "Runtime/python.tar.zst", "is there 2 times"),
    ("blacklist", [{"name": "x", "specifier": "?", "reason": "r"}], "a rule for 'x'"),
    ("checks", [{"id": "x", "probe": "../x"}], "the name of a probe is '../x'"),
]


def changed(path: str, value: object) -> bytes:
    index: Any = json.loads(encode_index(tiny_index()))
    *way, last = path.split(".")
    place = index
    for part in way:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = value
    return json.dumps(index).encode()


@pytest.mark.parametrize(("path", "value", "told"), CASES)
def test_what_it_says_is_refused(path: str, value: object, told: str | None) -> None:
    data = changed(path, value)
    if told is None:
        decode_index(data)
        return
    with pytest.raises(RefusedContentError, match=told):
        decode_index(data)


def test_not_more_than_a_few_faults_are_told() -> None:
    data = changed("cuda.architectures", ["x"] * 20)
    with pytest.raises(RefusedContentError, match="and 15 more"):
        decode_index(data)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"LLMSetup", b"LLM\xb2etup"),
        lambda data: data.replace(b"{", b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b",", 1),
        lambda data: data.replace(b'"LLMSetup"', b'"\\ud800"'),
        lambda _: b"",
    ],
    ids=["no UTF-8", "deep", "half a pair", "empty"],
)
def test_no_json_at_all_is_damage(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedBundleError, match="is not a valid index"):
        decode_index(spoil(encode_index(tiny_index())))
