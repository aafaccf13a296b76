"""What a decision needs to know of the machine. Values only; asking is done elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from packaging.version import Version

# Of the Microsoft Visual C++ runtime, what torch's own libraries load from the system.
VC_LIBRARIES = ("msvcp140.dll", "vcruntime140.dll")

GpuState = Literal["ok", "no_library", "no_driver", "broken", "no_gpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One NVIDIA GPU.

    Attributes:
        index: NVML's number, by PCI address; CUDA may count otherwise.
        memory: bytes; 0 where NVML does not tell (unified memory, MIG without permission).
        compute_capability: ``(major, minor)``.
        uuid: empty where NVML does not tell.
    """

    index: int
    name: str
    memory: int
    compute_capability: tuple[int, int]
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReport:
    """What NVML said.

    Attributes:
        state: ``ok`` means a driver that answers and at least one GPU that can be read;
            ``no_library`` no driver is installed; ``no_driver`` it is installed but not
            loaded; ``broken`` it is there and does not work; ``no_gpu`` it has no GPU.
        driver: None where the driver did not tell.
        cuda: highest ``(major, minor)`` CUDA version that the driver supports.
        detail: what went wrong, also for single GPUs when the state is ``ok``; may be empty.
    """

    state: GpuState
    driver: Version | None
    cuda: tuple[int, int] | None
    gpus: tuple[Gpu, ...]
    detail: str

    @property
    def driver_text(self) -> str:
        """The driver as NVIDIA writes it, ``580.65.06``, where ``Version`` drops the zero."""
        if self.driver is None:
            return "unknown"
        *first, last = self.driver.release
        return ".".join([*map(str, first), f"{last:02}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemLibrary:
    """A library of the system that matters; ``version`` is None where it states none."""

    name: str
    version: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """The operating system, as one module per system finds out.

    Attributes:
        system: ``Linux`` or ``Windows``.
        release: its name for people, such as ``Debian GNU/Linux 12 (bookworm)``.
        machine: ``x86_64``, ``AMD64``, ``aarch64`` and so on.
        glibc: ``(major, minor)``; None where there is none.
        long_paths: any program may open paths of more than 259 characters.
        synced_folders: what a cloud service keeps a copy of.
        vc_libraries: those of the Microsoft Visual C++ runtime that are there.
    """

    system: str
    release: str
    machine: str
    glibc: tuple[int, int] | None
    long_paths: bool = True
    synced_folders: tuple[Path, ...] = ()
    vc_libraries: tuple[SystemLibrary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(SystemFacts):
    """This machine: its system and its GPUs.

    Attributes:
        time: by its own clock; None where nobody has looked.
    """

    gpu: GpuReport
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """A file system, as one module per system finds out.

    Attributes:
        filesystem: its type, such as ``ext4`` or ``NTFS``; None where it cannot be told.
        noexec: programs on it are not run.
    """

    filesystem: str | None
    noexec: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where a folder lies or would lie.

    Attributes:
        path: the folder itself or its nearest ancestor that exists.
        free: bytes that this user may still write.
        writable: a file could really be made in ``path``.
        filesystem: its type, such as ``ext4`` or ``NTFS``; None where it cannot be told.
        noexec: programs on it are not run.
    """

    path: Path
    free: int
    writable: bool
    filesystem: str | None
    noexec: bool
