"""A Debian of its own without Python and without network, to install into for real."""

import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import psutil
import pytest
from filelock import FileLock
from platformdirs import user_cache_path

from tests.support.debian import debian_mirror, require_debian, require_root

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
_START_TIMEOUT = 60
# Runs as process 1 of the new name spaces. The host's file system stays mounted in
# them, below which files to hand in are found, but everything runs inside a chroot.
_BOOT = """
lower=$1 upper=$2 work=$3 root=$4
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root" ||
    cp --archive --reflink=auto "$lower/." "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
# Only inside the chroot may it say so: whoever comes earlier enters the host's root.
# Orphans become children of process 1; ignoring their end buries them at once.
exec chroot "$root" /bin/sh -c 'echo ready; exec env --ignore-signal=CHLD cat'
"""


class MinimalRoot:
    """A running machine in name spaces of its own; see :func:`open_minimal_root`.

    Args:
        holder: ``unshare``, whose child is process 1 of the name spaces.
        mounted: where the root file system is mounted in them.
    """

    def __init__(self, holder: "subprocess.Popen[str]", mounted: Path) -> None:
        self._init = psutil.Process(holder.pid).children()[0].pid
        if self.path("/").samefile("/"):
            raise RuntimeError("The minimal root would be the host's own.")
        self._mounted = mounted
        self._runners: list[subprocess.Popen[str]] = []
        # Whole, since the environment of what runs inside need not have a path.
        nsenter = shutil.which("nsenter") or "nsenter"
        self._nsenter = [nsenter, f"--target={self._init}", "--mount"]

    def path(self, inside: str) -> Path:
        """Where a file of the root is found from outside; valid while the root is open.

        Links to absolute paths lead to the host's files from there, and ``Path.resolve``
        leads out of the root, so look at such links with ``Path.readlink`` only.
        """
        relative = PurePosixPath(inside).relative_to("/")
        return Path(f"/proc/{self._init}/root") / relative

    def copy_in(self, path: Path, inside: str) -> None:
        """Show a file or folder of the host inside, read-only, without copying a byte."""
        place = self.path(inside)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            place.mkdir()
        else:
            place.touch(exist_ok=False)
        target = self._mounted / PurePosixPath(inside).relative_to("/")
        subprocess.run(
            [*self._nsenter, "mount", "--bind", "--options", "ro", path.resolve(), target],
            check=True,
            timeout=_START_TIMEOUT,
        )

    def tmpfs(self, inside: str, size: int) -> None:
        """Mount an empty disk of ``size`` bytes on a folder, which is made if need be."""
        self.path(inside).mkdir(parents=True, exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", inside)

    def read_only(self, inside: str) -> None:
        """Make a folder refuse every write, even root's."""
        self._mount("--bind", "--options", "ro", inside, inside)

    def start(
        self,
        arguments: list[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> "subprocess.Popen[str]":
        """Start a program inside, its output and errors on pipes.

        Args:
            arguments: the program and its arguments, as they are called inside.
            environment: all of its environment; None gives a path, a home and UTF-8.
            user: number of the user and group to run as; None is root.

        Returns:
            The runner. It ends as the program ends, by the same code or signal. If the
            runner is killed, the program is killed, too.
        """
        # --wd without a value is the chroot's own; without it, the host's folder would stay open.
        others = ["--net", "--pid", "--root", "--wd"]
        become = ["/usr/bin/setpriv", "--pdeathsig", "KILL"]
        if user is not None:
            become += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        runner = subprocess.Popen(
            [*self._nsenter, *others, *become, "--", *arguments],
            env=_ENVIRONMENT if environment is None else environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self._runners.append(runner)
        return runner

    def run(
        self,
        arguments: list[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float,
        check: bool = False,
        user: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end; arguments as of :meth:`start`.

        Raises:
            subprocess.TimeoutExpired: it took more than ``timeout`` seconds and was
                killed with all that it had started.
            subprocess.CalledProcessError: ``check`` and it did not end with 0.
        """
        with self.start(arguments, environment=environment, user=user) as runner:
            try:
                output, errors = runner.communicate(timeout=timeout)
            except BaseException:
                _kill_family(runner)
                raise
        done = subprocess.CompletedProcess(arguments, runner.returncode, output, errors)
        if check:
            done.check_returncode()
        return done

    def stop(self) -> None:
        """Kill all that still runs inside and was started from here."""
        for runner in self._runners:
            _kill_family(runner)
            for pipe in (runner.stdout, runner.stderr):
                if pipe:
                    pipe.close()

    def _mount(self, *arguments: str) -> None:
        self.run(["mount", *arguments], timeout=_START_TIMEOUT, check=True)


def send_signal(runner: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal to the program that a runner of :meth:`MinimalRoot.start` runs.

    Wait for a sign of life of the program first: it may not have been started yet.
    """
    psutil.Process(runner.pid).children()[0].send_signal(number)


@contextmanager
def open_minimal_root(folder: Path) -> Iterator[MinimalRoot]:
    """A fresh root file system, running as long as the context lives.

    It is a Debian ``minbase``: no Python, no network interface that is up, nothing of
    the host visible. All mounts exist in name spaces of their own only, which end with
    this process, however it ends. Skips the test where there is no root or no Debian.

    Args:
        folder: an empty one for what is written inside; its content goes afterwards.
    """
    require_root()
    lower = _base_system()
    parts = [folder / name for name in ("upper", "work", "root")]
    for part in parts:
        part.mkdir()
    name_spaces = ["--mount", "--net", "--pid", "--fork", "--kill-child=KILL"]
    holder = subprocess.Popen(
        ["unshare", *name_spaces, "sh", "-euc", _BOOT, "sh", lower, *parts],
        # Process 1 reads from us and ends when we do.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"The minimal root could not be started: {holder.communicate()[1]}")
        root = MinimalRoot(holder, parts[-1])
        try:
            yield root
        finally:
            root.stop()
    finally:
        _kill_family(holder)
        holder.communicate()
        for part in parts:
            shutil.rmtree(part)


def _base_system() -> Path:
    """A folder with the unpacked system; made once per machine and release."""
    suite, mirror = debian_mirror()
    cache = user_cache_path("llmsetup-tests", ensure_exists=True)
    finished = cache / f"minimal-root-{suite}"
    with FileLock(cache / "minimal-root.lock"):
        if finished.is_dir():
            return finished
        require_debian("debootstrap")
        part = finished.with_name(f"{finished.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", suite, part, mirror],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if made.returncode != 0:
            pytest.skip(f"debootstrap failed: {' '.join(made.stdout.splitlines()[-1:])}")
        shutil.rmtree(part / "var/cache/apt/archives")
        part.replace(finished)
    return finished


def _kill_family(process: "subprocess.Popen[str]") -> None:
    """Kill all that a process has started; it ends when its child has, and so buries it."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    process.kill()
