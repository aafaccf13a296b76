"""Plan, results and machine in words; shared by console and log."""

from collections.abc import Iterator

from bootstrap.belongings import FOLDER_NAME
from bootstrap.bundle.evidence import describe_evidence
from bootstrap.bundle.model import Index
from bootstrap.bundle.units import human_size
from bootstrap.host.model import Host
from bootstrap.plan import InstallPlan
from bootstrap.wishes import Old

_FATES: dict[Old, str] = {
    "remove": "stays until the new one is verified",
    "repair": "stays until the new one is verified",
    "keep": "is kept for --rollback",
    "discard": "goes first: if the installation fails, none is left",
}


def describe_bundle(index: Index) -> str:
    """One line: what this bundle is."""
    return f"{index.product} {index.version} ({index.variant}, {index.target}, {index.bundle_id})"


def describe_host(host: Host, *, gpus: bool) -> Iterator[str]:
    """What this machine is, a line each; of its GPUs only where they matter."""
    glibc = f", glibc {host.glibc[0]}.{host.glibc[1]}" if host.glibc else ""
    yield f"machine   {host.release}, {host.machine}{glibc}"
    if not gpus:
        return
    report = host.gpu
    if report.driver:
        cuda = f", CUDA up to {report.cuda[0]}.{report.cuda[1]}" if report.cuda else ""
        yield f"driver    NVIDIA {report.driver_text}{cuda}"
    else:
        what = "none" if report.state == "no_library" else "does not answer"
        yield f"driver    {what} ({report.detail})"
    for gpu in report.gpus:
        capability = ".".join(map(str, gpu.compute_capability))
        yield f"GPU {gpu.index}     {gpu.name}, {human_size(gpu.memory)}, capability {capability}"


def describe_plan(plan: InstallPlan) -> Iterator[str]:
    """What would be done, a line each."""
    index = plan.index
    yield f"bundle    {describe_bundle(index)}"
    yield from describe_host(plan.host, gpus=index.cuda is not None)
    yield f"target    {plan.generation.root}"
    yield f"space     {human_size(plan.space_needed)} needed, {human_size(plan.disk.free)} free"
    count = len(index.wheels)
    yield f"install   CPython {index.runtime.version} and {count} packages, no network is used"
    if plan.replaces:
        yield (
            f"replaces  {plan.replaces.product} {plan.replaces.version} "
            f"({plan.replaces.bundle_id}), which {_FATES[plan.wishes.old]}"
        )
    if plan.drops:
        yield (
            f"drops     {plan.drops.product} {plan.drops.version} ({plan.drops.bundle_id}), which "
            "was kept for --rollback"
        )
    if plan.extras:
        listed = ", ".join(map(str, plan.extras))
        fate = (
            "come along as far as they fit"
            if plan.wishes.keep_extras
            else f"are moved to {FOLDER_NAME}, unless you add --keep-extras"
        )
        yield f"yours     {listed}: not of the bundle, so they {fate}"


def list_bundle(index: Index) -> Iterator[str]:
    """Everything inside, a line each."""
    yield describe_bundle(index)
    yield (
        f"CPython {index.runtime.version} ({index.runtime.source}: {index.runtime.build}), "
        f"{human_size(index.runtime.installed_size)}"
    )
    for group in index.groups:
        yield f"[{group.name}]"
        for wheel in group.wheels:
            size = human_size(wheel.size)
            yield f"  {wheel.name:<32} {wheel.version:<18} {size:>9}  {wheel.filename}"
    yield f"evidence: {describe_evidence(index.evidence)}"
    yield (
        f"{len(index.wheels)} packages, {human_size(sum(wheel.size for wheel in index.wheels))}; "
        f"installed {human_size(index.disk_need)}"
    )
