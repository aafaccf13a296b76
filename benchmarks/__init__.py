"""Figures: this installer beside other ways, on a real stack, and how both programs scale.

How to repeat them, and what they mean: docs/benchmarks.md.
"""
