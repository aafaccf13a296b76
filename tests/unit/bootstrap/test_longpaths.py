from pathlib import Path

import pytest

from bootstrap.longpaths import extended, lengthen, plain


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("C:\\LLM\\.venv", "\\\\?\\C:\\LLM\\.venv"),
        ("\\\\server\\share\\LLM", "\\\\?\\UNC\\server\\share\\LLM"),
    ],
)
def test_the_system_gets_a_prefix_that_people_do_not_see(path: str, long: str) -> None:
    assert extended(path) == long
    assert extended(long) == long
    assert plain(long) == path
    assert plain(path) == path


@pytest.mark.parametrize("path", ["generations\\1\\venv", "C:relative", "\\rooted", ""])
def test_what_depends_on_the_present_folder_gets_none(path: str) -> None:
    assert extended(path) == path


@pytest.mark.parametrize("path", ["Volume{0c14a1b0}\\llm", "GLOBALROOT\\Device\\x", "UNC"])
def test_what_goes_by_no_other_name_keeps_the_prefix(path: str) -> None:
    assert plain(f"\\\\?\\{path}") == f"\\\\?\\{path}"


def test_elsewhere_a_path_is_a_path() -> None:
    assert lengthen(Path("/opt/llm")) == Path("/opt/llm")
    assert plain("/opt/llm") == "/opt/llm"
