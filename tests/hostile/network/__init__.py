"""Servers that misbehave as their scripts say, and the real fetcher against each of them."""

from tests.hostile.network.play import Figures, run_scripts
from tests.hostile.network.scripts import all_scripts

__all__ = ["Figures", "all_scripts", "run_scripts"]
