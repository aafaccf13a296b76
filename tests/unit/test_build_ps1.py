"""``build.ps1`` is PowerShell, as far as a parser can tell; it runs on Windows only."""

from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

SCRIPT = Path(__file__).parents[2] / "build.ps1"


def parse(source: bytes) -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(source).root_node


def commands(node: Node) -> list[str]:
    found = [(node.text or b"").decode()] if node.type == "command" else []
    return found + [text for child in node.children for text in commands(child)]


def test_it_parses() -> None:
    assert not parse(SCRIPT.read_bytes()).has_error


@pytest.mark.parametrize("broken", [b"if ($x { exit 1 }", b"& $python -m builder @args }", b"'"])
def test_the_parser_sees_mistakes(broken: bytes) -> None:
    assert parse(broken).has_error


def test_it_runs_the_builder_with_the_arguments_and_passes_its_code_back() -> None:
    ran = commands(parse(SCRIPT.read_bytes()))
    assert "& $python -m builder @args" in ran
    assert SCRIPT.read_text(encoding="ascii").endswith(
        "& $python -m builder @args\nexit $LASTEXITCODE\n"
    )


def test_every_step_is_checked() -> None:
    """Without a check the next step would run after one that failed."""
    lines = SCRIPT.read_text(encoding="ascii").splitlines()
    started = [place for place, line in enumerate(lines) if line.strip().startswith("& ")]
    assert len(started) == 3
    assert all("exit $LASTEXITCODE" in lines[place + 1] for place in started)
