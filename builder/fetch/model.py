"""What is wanted, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """One file, by content.

    Attributes:
        project: the distribution, or whatever else it is called.
        filename: its proper name.
        sha256: hexadecimal; decides whether it is the right one.
        size: bytes; None where nobody has stated them.
        index: address of the package index that has it; None is pip's own.
        index_name: what the manifest calls that index; None is pip's own.
        url: its very address, for what lies on no index; goes before ``index``.
    """

    project: str
    filename: str
    sha256: str
    size: int | None
    index: str | None
    index_name: str | None = None
    url: str | None = None
