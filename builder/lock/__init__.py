"""Locks: every wheel of one variant on one target, by content. PEP 751 files."""
