"""The stub: the package ``bootstrap`` frozen by PyInstaller, without any payload."""

from builder.stub.freeze import freeze_stub, require_freezing, require_stub, stub_files
from builder.stub.identity import Identity, identity_of
from builder.stub.model import Stub, open_stub
from builder.stub.parts import read_parts

__all__ = [
    "Identity",
    "Stub",
    "freeze_stub",
    "identity_of",
    "open_stub",
    "read_parts",
    "require_freezing",
    "require_stub",
    "stub_files",
]
