"""One function per command of ``python -m builder``: parsed options in, exit code out."""

from builder.commands.building import build, freeze
from builder.commands.finished import inspect, verify
from builder.commands.judging import check, graph
from builder.commands.keys import keygen
from builder.commands.locking import lock

__all__ = ["build", "check", "freeze", "graph", "inspect", "keygen", "lock", "verify"]
