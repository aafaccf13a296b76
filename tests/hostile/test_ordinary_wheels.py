"""Wheels of much-used projects are not refused: a share of them, and that there are enough."""

from pathlib import Path

import pytest

from tests.hostile.ordinary import count_ordinary, fetch, wanted

# Small and pure; the whole list is for ``python -m tests.hostile``.
_SHARE = (
    *("attrs", "certifi", "charset-normalizer", "click", "colorama", "filelock", "flask", "idna"),
    *("iniconfig", "itsdangerous", "jinja2", "markdown-it-py", "mdurl", "packaging", "pluggy"),
    *("pygments", "pytest", "python-dateutil", "pytz", "requests", "rich", "six", "toml"),
    *("tomli", "tqdm", "typing-extensions", "urllib3", "werkzeug", "wheel", "zipp"),
)


def test_the_list_is_long_and_exact() -> None:
    listed = wanted()
    assert len(listed) == len(set(listed)) >= 1000
    assert all(line.count("==") == 1 for line in listed)
    assert listed == sorted(listed, key=lambda line: line.split("=="))


@pytest.mark.slow
def test_a_share_of_them_is_not_refused(tmp_path: Path) -> None:
    newest = {line.partition("==")[0]: line for line in wanted()}
    share = [newest[name] for name in _SHARE]
    fetch(share, tmp_path)
    counts = count_ordinary(((path, path.name) for path in tmp_path.iterdir()), share)
    assert counts.refused == {}
    assert counts.startup == {}
    assert counts.vetted == len(share)
