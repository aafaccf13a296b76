"""A fresh lock says what indexes have of attestations."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from builder.fetch import WantedFile
from builder.lock.attested import add_attestations
from builder.progress import Progress
from tests.support.made_stack import Stack


def test_only_who_was_asked_for_a_hash_is_asked(tmp_path: Path) -> None:
    stack, asked = Stack(tmp_path), list[str]()
    for name in ("demo", "plain", "published"):
        stack.add(name)

    def ask(files: Iterable[WantedFile], progress: Progress) -> dict[str, str]:
        del progress
        found = list(files)
        asked.extend(file.filename for file in found)
        return {found[0].sha256: "b" * 64}

    lock = stack.lock
    wheels = (*lock.wheels[:2], replace(lock.wheels[2], publishers=3))
    made = add_attestations(replace(lock, wheels=wheels), stack.manifest, Progress(), ask)
    assert asked == ["demo-1.0-py3-none-any.whl", "plain-1.0-py3-none-any.whl"]
    assert [wheel.attestation for wheel in made.wheels] == ["b" * 64, None, None]


def test_what_an_index_has_no_more_is_forgotten(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.add("demo")
    lock = stack.lock
    old = replace(lock, wheels=(replace(lock.wheels[0], attestation="b" * 64),))
    assert add_attestations(old, stack.manifest, Progress(), lambda _files, _to: {}) == lock
