"""Composes the one file and proves it: contents → container → file → proof."""
