"""Build time: turns a lock into one installer file. Run ``python -m builder --help``.

Of :mod:`bootstrap` only :mod:`bootstrap.bundle`, the file format, is imported.
"""

__version__ = "0.1.0"
