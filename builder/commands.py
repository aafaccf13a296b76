"""One function per command of ``python -m builder``: parsed options in, exit code out."""

import json
import tempfile
from argparse import Namespace
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.units import human_size
from builder import pipeline
from builder.allowances import idle_allowances
from builder.console import Console
from builder.disk import storing
from builder.errors import (
    DamagedBundleError,
    ExitCode,
    ManifestError,
    ReportedError,
    UsageError,
)
from builder.facts import CudaFacts, load_facts
from builder.fetch import Cache, adopt, size_at
from builder.graph import DependencyGraph, render_chain, render_tree
from builder.intake import Vetter, read_wheels
from builder.lock.checking import require_answering, require_trio, thin_evidence
from builder.lock.files import wanted_files
from builder.lock.known import load_known_wheels
from builder.lock.model import Lock, encode_lock, load_lock, lock_path
from builder.lock.resolve import resolve
from builder.manifest import Manifest, load_manifest
from builder.pack.proof import prove
from builder.police import judge_lock, judge_wheels, refuse
from builder.publish import SUMS_NAME, Bundle, replace_file, stated_sum
from builder.report import wheels_line
from builder.stub import freeze_stub, identity_of, open_stub, stub_files
from builder.targets import find_target
from builder.vetted import VettedContents
from builder.wheelhouse import read_wheelhouse
from builder.wheels import WheelFacts


def build(options: Namespace, console: Console) -> ExitCode:
    """Build one offline installer for each CUDA variant."""
    request = pipeline.BuildRequest(
        variants=tuple(dict.fromkeys(options.cuda)),
        target=find_target(options.target),
        manifest=options.manifest,
        output=options.output,
        cache=Cache(options.cache),
        offline=options.offline,
        wheel_folders=tuple(options.wheels),
        runtime=options.runtime,
        stub=options.stub,
        jobs=options.jobs,
        compression=options.compression,
        volume_size=options.volume_size,
        authenticode=options.authenticode,
    )
    outcomes = list[pipeline.Outcome]()
    for outcome in pipeline.build(request, console):
        outcomes.append(outcome)
        if outcome.error:
            console.failed(outcome.error)
        if outcome.bundle:
            made = outcome.bundle
            console.note(made.summary)
            console.result(
                _ready(made),
                variant=outcome.variant,
                path=str(made.path),
                size=made.size,
                sha256=made.sha256,
                volumes=[
                    {
                        "path": str(made.path.with_name(volume.name)),
                        "size": volume.size,
                        "sha256": volume.sha256,
                    }
                    for volume in made.index.volumes
                ],
            )
    return _verdict(outcomes, console)


def _ready(made: Bundle) -> str:
    volumes = made.index.volumes
    if not volumes:
        return f"{made.path} ({human_size(made.size)}) is ready."
    size = human_size(sum(volume.size for volume in volumes))
    names = f"{volumes[0].name} to {volumes[-1].name}" if len(volumes) > 1 else volumes[0].name
    return f"{made.path} ({human_size(made.size)}) is ready; with it goes {names} ({size})."


def _verdict(outcomes: list[pipeline.Outcome], console: Console) -> ExitCode:
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed and len(outcomes) > 1:
        names = ", ".join(outcome.variant for outcome in failed)
        console.warn(f"{len(failed)} of {len(outcomes)} variants were not built: {names}.")
    return failed[0].error.exit_code if failed and failed[0].error else ExitCode.DONE


def lock(options: Namespace, console: Console) -> ExitCode:
    """Resolve the manifest and freeze the result, or say whether it still answers."""
    manifest, facts = load_manifest(options.manifest), load_facts()
    target = find_target(options.target)
    for variant in options.cuda:
        manifest.variant_target(variant, target.name)
    if options.check:
        return _check_locks(options, manifest, facts, console)
    known = load_known_wheels()
    for variant in options.cuda:
        made = resolve(
            *(manifest, options.manifest, variant, target.name, console),
            known=known,
            size_of=size_at,
        )
        require_trio(made, facts)
        _warn_of_thin_evidence(made, console)
        for finding in judge_lock(made, manifest):
            console.warn(f"{finding.message} A build will refuse it, and tell the whole chain.")
        with storing(made.path.parent, option="--manifest"):
            made.path.parent.mkdir(exist_ok=True)
            replace_file(made.path, encode_lock(made))
        console.result(
            f"{made.path}: {len(made.wheels)} wheels, {_total(made)}.",
            path=str(made.path),
            wheels=len(made.wheels),
        )
    return ExitCode.DONE


def _total(locked: Lock) -> str:
    sizes = [wheel.size for wheel in locked.wheels if wheel.size is not None]
    unstated = len(locked.wheels) - len(sizes)
    rest = f" and {unstated} of unstated size" if unstated else ""
    return human_size(sum(sizes)) + rest


def _warn_of_thin_evidence(locked: Lock, console: Console) -> None:
    if thin := thin_evidence(locked):
        console.warn(thin)


def _check_locks(
    options: Namespace, manifest: Manifest, facts: CudaFacts, console: Console
) -> ExitCode:
    code = ExitCode.DONE
    for variant in options.cuda:
        path = lock_path(options.manifest, variant, options.target)
        try:
            locked = load_lock(path)
            require_answering(locked, manifest, facts)
            _warn_of_thin_evidence(locked, console)
            console.result(f"{path} answers the manifest.", path=str(path))
        except ReportedError as error:
            console.failed(error)
            code = code or error.exit_code
    return code


def check(options: Namespace, console: Console) -> ExitCode:
    """Judge a lock, or any folder of wheels, by the policy; packs nothing."""
    manifest = load_manifest(options.manifest)
    manifest.variant_target(options.cuda, options.target)
    if options.wheelhouse:
        locked, wheels = read_wheelhouse(
            *(options.wheelhouse, options.cuda, options.target, manifest.python),
            manifest.allowances,
        )
        refuse(judge_wheels(locked, manifest, wheels), str(options.wheelhouse))
        console.result(f"{options.wheelhouse}: {len(wheels)} wheels, nothing to object to.")
        return ExitCode.DONE
    vetter = Vetter(manifest.allowances, VettedContents(Cache(options.cache)))
    locked, wheels = _cached_wheels(options, manifest, vetter)
    for allowance in idle_allowances(manifest, options.manifest):
        console.warn(
            f"The allowance for {allowance.filename} ({allowance.sha256[:12]}…) matches nothing in "
            "any lock of the manifest; remove it."
        )
    require_answering(locked, manifest, load_facts())
    _warn_of_thin_evidence(locked, console)
    complete = len(wheels) == len(locked.wheels)
    findings = (judge_wheels if complete else judge_lock)(locked, manifest, wheels)
    refuse(findings, locked.path.name)
    if not complete:
        console.warn(
            f"Only {len(wheels)} of {len(locked.wheels)} wheels are in the cache; what is inside "
            "them was not judged. A build fetches and judges them all."
        )
    console.result(f"{locked.path.name}: {len(locked.wheels)} wheels, nothing to object to.")
    return ExitCode.DONE


def graph(options: Namespace, console: Console) -> ExitCode:
    """Show who pulls in whom, from the cached wheels of a lock."""
    manifest = load_manifest(options.manifest)
    manifest.variant_target(options.cuda, options.target)
    locked, wheels = _cached_wheels(options, manifest, Vetter(manifest.allowances))
    if len(wheels) < len(locked.wheels):
        missing = len(locked.wheels) - len(wheels)
        raise ManifestError(
            f"{missing} wheels of {locked.path.name} are not in the cache, so their "
            "dependencies are not known.",
            remedy="Build the variant once, or give the folder of another cache with --cache.",
        )
    target = find_target(options.target)
    dependencies = DependencyGraph(wheels, target.marker_environment(locked.python))
    roots = [canonicalize_name(name) for name in manifest.roots]
    present = [root for root in roots if root in dependencies.wheels]
    if options.why:
        console.result(_why(canonicalize_name(options.why), dependencies, present))
    else:
        console.result("\n".join(render_tree(dependencies, present)))
    return ExitCode.DONE


def _why(name: NormalizedName, graph: DependencyGraph, roots: list[NormalizedName]) -> str:
    if name not in graph.wheels:
        return f"{name} is not in the lock."
    chain = graph.chain(name, roots)
    if name in roots:
        reason = "asked for by the manifest itself"
    else:
        reason = render_chain(chain) if chain else "nothing in the lock needs it"
    tree = "\n".join(render_tree(graph, [name], reverse=True))
    return f"{reason}\n\nneeded by:\n{tree}"


def _cached_wheels(
    options: Namespace, manifest: Manifest, vetter: Vetter
) -> tuple[Lock, tuple[WheelFacts, ...]]:
    locked = load_lock(lock_path(options.manifest, options.cuda, options.target))
    files = Cache(options.cache).at_hand(wanted_files(locked, manifest))
    return locked, read_wheels(locked, files, vetter)


def inspect(options: Namespace, console: Console) -> ExitCode:
    """Show the index of a finished installer."""
    reader = BundleReader.open(_existing(options.file))
    text = reader.index_bytes.decode().rstrip()
    console.note(wheels_line(reader.index))
    console.result(text, index=json.loads(text), ratio=round(reader.index.ratio, 4))
    return ExitCode.DONE


def verify(options: Namespace, console: Console) -> ExitCode:
    """Check every byte of a finished installer, and its sum in SHA256SUMS beside it."""
    index, sha256 = prove(_existing(options.file), console)
    sums = {options.file: sha256}
    sums |= {options.file.with_name(volume.name): volume.sha256 for volume in index.volumes}
    for path, actual in sums.items():
        stated = stated_sum(path)
        if stated and stated != actual:
            raise DamagedBundleError(
                f"{path} is intact in itself, but has SHA-256 {actual}, and "
                f"{SUMS_NAME} beside it says {stated}.",
                remedy="Copy both again from their source.",
            )
    rest = f" It is what {SUMS_NAME} says." if stated_sum(options.file) else ""
    split = f" in {len(index.volumes)} volumes" if index.volumes else ""
    console.result(
        f"{options.file} is intact: {len(index.entries)} members{split} and the program.{rest}",
        sha256=sha256,
    )
    return ExitCode.DONE


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", remedy="Give the path of an installer.")
    return path


def freeze(options: Namespace, console: Console) -> ExitCode:
    """Freeze the bootstrap alone, to be reused with --stub."""
    target, manifest = find_target(options.target), load_manifest(options.manifest)
    output: Path = options.output
    # A device, such as /dev/null, must not be replaced either.
    if (output.exists() and not output.is_file()) or not output.parent.is_dir():
        raise UsageError(
            f"{output} cannot be the stub's name: it is no ordinary file, or lies in no folder.",
            remedy="Give the path of a file in an existing folder with --output.",
        )
    if output.is_file():
        try:
            open_stub(output, target)
        except ReportedError as error:
            raise UsageError(
                f"{output} is there, and is no stub.", remedy="Choose another name with --output."
            ) from error
    cache = Cache(options.cache)
    for folder in options.wheels:
        adopt(folder, stub_files(target), cache, console)
    with tempfile.TemporaryDirectory(prefix="llmsetup-") as work:
        stub = freeze_stub(
            target,
            identity_of(manifest),
            work=Path(work),
            cache=cache,
            offline=options.offline,
            progress=console,
        )
    with storing(output.parent, option="--output"):
        replace_file(output, stub.path.read_bytes())
        output.chmod(0o755)
    console.result(f"{output} ({human_size(output.stat().st_size)}) is ready.")
    return ExitCode.DONE
