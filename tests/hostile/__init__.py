"""Hostile servers, wheels and bundles, and what must become of them."""
