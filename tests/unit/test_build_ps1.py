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


def test_half_an_environment_does_not_stay() -> None:
    text = SCRIPT.read_text(encoding="ascii")
    ran = [command.partition(" ")[2] for command in commands(parse(SCRIPT.read_bytes()))]
    assert any(command.startswith("-Recurse -Force $venv") for command in ran)
    assert text.index("pip install") < text.index("-ne 0") < text.index("Remove-Item")
