"""Arbitrary bytes for whatever parses some, guided by the code that they reach."""
