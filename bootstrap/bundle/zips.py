"""Zip archives with Zstandard members: Python's own from 3.14 on, before that its backport.

The backport is a copy of Python's later module, so it has its own ``BadZipFile``, too.
"""

import struct
import sys
import zlib

if sys.version_info >= (3, 14):
    import zipfile

    from compression import zstd
else:
    from backports import zstd
    from backports.zstd import zipfile

__all__ = ["UNREADABLE", "zipfile", "zstd"]

# What is raised for damaged and for unusual archives. OSError: it seeks where it is sent.
UNREADABLE = (
    *(zipfile.BadZipFile, zstd.ZstdError, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, struct.error),
)
