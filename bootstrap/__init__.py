"""Install time: what runs on the machine without Python and without network.

Frozen by PyInstaller into the stub of every bundle; also runs as
``python -m bootstrap --bundle FILE``. It never imports :mod:`builder`.
"""

__version__ = "0.1.0"
