"""Archives that know Zstandard: Python's own from 3.14 on, before that their backport.

The backport is a copy of Python's later modules, so it has its own ``BadZipFile`` and ``TarError``.
"""

import struct
import sys
import zlib

if sys.version_info >= (3, 14):
    import tarfile
    import zipfile

    from compression import zstd
else:
    from backports import zstd
    from backports.zstd import tarfile, zipfile

__all__ = ["UNREADABLE", "tarfile", "zipfile", "zstd"]

# What is raised for damaged and for unusual archives. OSError: it seeks where it is sent.
UNREADABLE = (
    *(zipfile.BadZipFile, zstd.ZstdError, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, struct.error),
)
