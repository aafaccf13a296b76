"""Bundles that were damaged or changed in some place, and what the installer makes of them."""
