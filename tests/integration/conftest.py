"""The small stack, built once by the real builder, for every test that needs a bundle."""

import signal

import pytest

from tests.support.commands import run_builder
from tests.support.small_stack import VARIANT, SmallBundle, lock_small_stack


@pytest.fixture(scope="session", autouse=True)
def _usual_signals() -> None:
    """Also where the tests are started by nohup or in the background of a shell's script."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """``SmallStack-cpu.run`` and all that it was made from. Look, do not touch."""
    folder = tmp_path_factory.mktemp("small")
    manifest = lock_small_stack(folder)
    bundle = SmallBundle(manifest=manifest, cache=folder / "cache", output=folder / "dist")
    done = run_builder(
        *("--cuda", VARIANT, "--runtime", "host"),
        *("--manifest", manifest, "--cache", bundle.cache, "--output", bundle.output),
    )
    assert done.returncode == 0, done.stderr
    return bundle
