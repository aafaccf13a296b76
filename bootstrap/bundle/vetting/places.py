"""Where a wheel's files land in an environment (binary distribution format, "Spreading")."""

SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")


def landing(path: str) -> str:
    """Where a member lands, relative to ``site-packages``.

    Files of a ``.data`` folder that go elsewhere keep a prefix that says which scheme they
    belong to: ``../scripts/demo``.
    """
    first, _, rest = path.partition("/")
    if not first.endswith(".data") or not rest:
        return path
    scheme, _, inner = rest.partition("/")
    return inner if scheme in ("purelib", "platlib") else f"../{rest}"


def script_place(name: str) -> str:
    """Where the script lands that is made from an entry point."""
    return f"../scripts/{name}"
