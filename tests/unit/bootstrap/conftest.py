from pathlib import Path
from typing import cast

import pytest

from bootstrap.generation import Way
from tests.support.generations import pretend_junctions


@pytest.fixture(params=["symlink", "junction", "folder"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Each way that a generation goes live."""
    if request.param == "junction":
        pretend_junctions(monkeypatch)
    return cast("Way", request.param)


@pytest.fixture(autouse=True)
def _same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing an installation leaves its folder first, with the whole process."""
    monkeypatch.chdir(Path.cwd())
