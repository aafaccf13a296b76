"""Numbers in words, the same in both programs."""


def human_size(size: int) -> str:
    """``3.50 GB``, ``76.2 MB``, ``12 kB``: decimal units, as disks are sold."""
    if size >= 1e9:  # noqa: PLR2004 (the unit itself)
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"  # noqa: PLR2004
