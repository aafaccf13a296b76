"""The files for the user can be read anywhere and say what is true."""

import argparse
import re
from pathlib import Path

import pytest

from bootstrap import modes
from bootstrap.bundle.errors import ExitCode
from builder.documents import DEFAULT_FOLDER, render_documents
from tests.support.documents import TEMPLATE_VALUES

TEMPLATES = sorted(DEFAULT_FOLDER.iterdir())
# Of the command line itself; modes.add_options adds the modes.
GENERAL = {"--target", "--silent", "--json", "--log", "--allow-no-gpu", "--watch-torch"}


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    return {name: data.decode() for name, data in render_documents(TEMPLATE_VALUES).items()}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_any_terminal_can_show_it(path: Path) -> None:
    text = path.read_bytes().decode("ascii")
    assert "\t" not in text
    if path.suffix == ".txt":
        assert not [line for line in text.splitlines() if len(line) > 72]


@pytest.mark.parametrize(("target", "suffix"), [("linux_x86_64", "sh"), ("win_amd64", "bat")])
def test_each_target_gets_its_own_launchers(target: str, suffix: str) -> None:
    documents = render_documents({**TEMPLATE_VALUES, "target": target})
    launchers = {f"python.{suffix}", f"shell.{suffix}"}
    assert set(documents) == {"README.txt", "LICENSES.txt"} | launchers


def test_every_value_is_used(documents: dict[str, str]) -> None:
    together = "\n".join(documents.values())
    assert not [name for name, value in TEMPLATE_VALUES.items() if value not in together]
    assert "$product" not in together


def test_launchers_for_windows_end_their_lines_as_it_wants() -> None:
    documents = render_documents({**TEMPLATE_VALUES, "target": "win_amd64"})
    for name in ("python.bat", "shell.bat"):
        assert documents[name].count(b"\r\n") == documents[name].count(b"\n") > 5


def test_every_exit_code_is_explained(documents: dict[str, str]) -> None:
    explained = re.findall(r"^ {1,4}(\d+)  [A-Z]", documents["README.txt"], flags=re.MULTILINE)
    # 255 is PyInstaller's own.
    assert [int(code) for code in explained] == [*map(int, ExitCode), 255]


def test_every_option_is_listed_and_no_other(documents: dict[str, str]) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    modes.add_options(parser)
    known = GENERAL | set(re.findall(r"--[a-z-]+", parser.format_help()))
    readme = documents["README.txt"]
    options = readme[readme.index("ALL OPTIONS") : readme.index("WHEN IT ENDS")]
    assert set(re.findall(r"--[a-z-]+", options)) == known
    elsewhere = {"--check", "--ignore-missing"}
    assert set(re.findall(r"--[a-z-]+", readme)) - known <= elsewhere


def test_our_own_licence_is_the_whole_one(documents: dict[str, str]) -> None:
    licence = (DEFAULT_FOLDER.parent / "LICENSE").read_text(encoding="utf-8").split()
    assert " ".join(licence) in " ".join(documents["LICENSES.txt"].split())
