"""What was built, in numbers and words: the summary and the values for the templates."""

from collections.abc import Mapping

from bootstrap.bundle.evidence import describe_evidence
from bootstrap.bundle.model import CudaTerms, Index
from bootstrap.bundle.provenance import Provenance
from bootstrap.bundle.units import human_size
from builder.pack.contents import Contents, disk_need


def driver_line(cuda: CudaTerms | None) -> str:
    """One sentence on what GPU and driver are needed."""
    if cuda is None:
        return "No GPU is needed."
    return (
        f"Needs an NVIDIA GPU of compute capability {', '.join(cuda.architectures)} (or a higher "
        f"minor of the same major) and driver {cuda.minimum_driver} or newer."
    )


def package_table(contents: Contents) -> str:
    """One line per distribution: group, name, version."""
    rows = [
        f"{group:<14} {name:<34} {contents.wheels[name].version}"
        for group, members in contents.groups.items()
        for name in members
    ]
    return "\n".join(rows)


def carry_lines(contents: Contents) -> str:
    """What the person with the stick must carry."""
    if contents.volume_size is None:
        return "Carry this one file; it needs no other."
    return (
        "Most of it lies in its volumes. Carry all of them, in one folder\n"
        f"  with it:\n\n      {contents.archive_name}.001, .002 and so on"
    )


def template_values(contents: Contents) -> dict[str, str]:
    """Placeholder to text for the files in ``dist_templates``."""
    wheels = list(contents.wheels.values())
    return {
        "product": contents.manifest.product,
        "version": contents.manifest.version,
        "variant": contents.lock.variant,
        "company": contents.manifest.company,
        "installer": contents.installer_name,
        "carry": carry_lines(contents),
        "target": contents.lock.target,
        "disk_need": human_size(disk_need(wheels, contents.runtime)),
        "driver_line": driver_line(contents.cuda),
        "glibc": contents.minimum_glibc or "none (not Linux)",
        "package_table": package_table(contents),
    }


def summarize(index: Index, contents: Contents, *, size: int) -> str:
    """The text beside the bundle: of the same content, the same words.

    Args:
        index: of the finished bundle.
        contents: what it was made of.
        size: bytes of the finished installer.
    """
    stub, made = contents.stub, index.runtime
    runtime = f"{made.version} ({made.source}: {made.build})"
    lines = [
        f"{contents.installer_name}: {index.product} {index.version}, {index.bundle_id}",
        "",
        f"installer        {human_size(size)}",
        *_volume_lines(index),
        f"  stub           {human_size(stub.path.stat().st_size)}",
        f"  runtime        {human_size(index.runtime.entry.size)}, CPython {runtime}",
        f"  {wheels_line(index)}",
        f"evidence         {describe_evidence(index.evidence)}",
        f"revision         {_revision(index.provenance)}",
        f"disk need        {human_size(index.disk_need)}",
        f"minimum glibc    {index.minimum_glibc or 'none'}",
        f"GPU and driver   {driver_line(index.cuda)}",
        f"longest path     {index.longest_path.length} characters: {index.longest_path.path}",
    ]
    if index.runtime.warning:
        lines.append(f"warning          {index.runtime.warning}")
    lines += [f"concession       {remark}" for remark in contents.concessions.remarks()]
    return "\n".join([*lines, "", package_table(contents), ""])


def longest_step(seconds: Mapping[str, float]) -> str:
    """What took most of the time, by the seconds of each step; at least one."""
    longest = max(seconds, key=lambda step: seconds[step])
    return f"longest step     {longest}, {seconds[longest]:.1f} s of {sum(seconds.values()):.1f} s"


def _revision(provenance: Provenance) -> str:
    if provenance.revision is None:
        return "unknown: the builder runs from no checkout"
    return provenance.revision + (", changed" if provenance.dirty else "")


def wheels_line(index: Index) -> str:
    """How many wheels there are, and how large they are stored."""
    stored = human_size(sum(wheel.entry.size for wheel in index.wheels))
    original = human_size(sum(wheel.size for wheel in index.wheels))
    size = f"{stored} ({index.compression}), {index.ratio:.3f} of {original}"
    return f"{len(index.wheels)} wheels".ljust(15) + (
        original if index.compression == "store" else size
    )


def _volume_lines(index: Index) -> list[str]:
    if not index.volumes:
        return []
    size = human_size(sum(volume.size for volume in index.volumes))
    names = f"{index.volumes[0].name} to {index.volumes[-1].name}"
    return [f"volumes          {size}, {len(index.volumes)} files: {names}"]
