"""Faults on purpose, thousands of them: what is live stays live. ``python -m tests.faults``."""
