"""The one place of the installer that runs programs, and only Pythons of ours.

The environment that the user's shell hands over is hostile until proven otherwise: it may
point Python at other packages, the loader at other libraries, and everything at a proxy.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from bootstrap.errors import InstallError

if sys.platform == "win32":
    from bootstrap.process_group_windows import ProcessGroup
else:
    from bootstrap.process_group import ProcessGroup
