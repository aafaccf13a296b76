"""What README.md promises to run is what runs."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command_lines(markdown: str) -> set[str]:
    """Lines of all shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", markdown, flags=re.MULTILINE | re.DOTALL)
    return {line for block in blocks for line in block.splitlines()}


def test_the_test_command_is_the_same_everywhere() -> None:
    commands = [line for line in read(".ci/run").splitlines() if "pytest" in line]
    assert len(commands) == 1
    assert commands[0] in command_lines(read("README.md"))


def test_the_test_command_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_other_commands_of_a_readme_are_not_taken_for_it() -> None:
    assert command_lines("```sh\na\nb\n```\nc\n```\nd\n```\n") == {"a", "b"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
