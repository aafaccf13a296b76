"""One function per command of ``python -m builder``: parsed options in, exit code out."""

import shutil
import tempfile
from argparse import Namespace
from pathlib import Path

from packaging.utils import canonicalize_name

from bootstrap.bundle.reader import BundleReader
from builder import pipeline
from builder.console import Console
from builder.errors import ExitCode, ManifestError
from builder.facts import load_facts
from builder.fetch import Cache, size_at
from builder.graph import DependencyGraph, render_chain, render_tree
from builder.lock.checking import check_lock
from builder.lock.model import Lock, encode_lock, load_lock, lock_path
from builder.lock.resolve import resolve
from builder.manifest import load_manifest
from builder.pack.proof import prove
from builder.police import judge_lock, judge_wheels, refuse
from builder.publish import replace_file
from builder.report import human_size
from builder.stub import freeze_stub
from builder.targets import find_target, host_target
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
    )
    outcomes = list[pipeline.Outcome]()
    for outcome in pipeline.build(request, console):
        outcomes.append(outcome)
        if outcome.error:
            console.failed(outcome.error)
        if outcome.bundle:
            made = outcome.bundle
            console.result(
                f"{made.summary}\n{made.path} ({human_size(made.size)}) is ready.",
                variant=outcome.variant,
                path=str(made.path),
                size=made.size,
                sha256=made.sha256,
            )
    return _verdict(outcomes, console)


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
        path = lock_path(options.manifest, variant, target.name)
        if options.check:
            faults = check_lock(load_lock(path), manifest, facts)
            if faults:
                raise ManifestError(
                    f"{path} no longer answers the manifest: {'; '.join(faults)}.",
                    remedy=f"Run python -m builder lock --cuda {variant} --target {target.name}.",
                )
            console.result(f"{path} answers the manifest.", path=str(path))
            continue
        made = resolve(manifest, options.manifest, variant, target.name, console, size_of=size_at)
        path.parent.mkdir(exist_ok=True)
        replace_file(path, encode_lock(made))
        total = human_size(sum(wheel.size for wheel in made.wheels))
        console.result(
            f"{path}: {len(made.wheels)} wheels, {total}.", path=str(path), wheels=len(made.wheels)
        )
    return ExitCode.DONE


def check(options: Namespace, console: Console) -> ExitCode:
    """Judge a lock, or any folder of wheels, by the policy; packs nothing."""
    manifest = load_manifest(options.manifest)
    manifest.variant_target(options.cuda, options.target)
    if options.wheelhouse:
        locked, wheels = read_wheelhouse(
            options.wheelhouse, options.cuda, options.target, manifest.python
        )
        refuse(judge_wheels(locked, manifest, wheels), str(options.wheelhouse))
        console.result(f"{options.wheelhouse}: {len(wheels)} wheels, nothing to object to.")
        return ExitCode.DONE
    locked, wheels = _cached_wheels(options)
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
    locked, wheels = _cached_wheels(options)
    if len(wheels) < len(locked.wheels):
        missing = len(locked.wheels) - len(wheels)
        raise ManifestError(
            f"{missing} wheels of {locked.path.name} are not in the cache, so their "
            "dependencies are not known.",
            remedy="Build the variant once, or give the folder of another cache with --cache.",
        )
    target = find_target(options.target)
    dependencies = DependencyGraph(wheels, target.marker_environment(locked.python))
    roots = [canonicalize_name(p.name) for g in manifest.groups for p in g.packages]
    present = [root for root in roots if root in dependencies.wheels]
    if options.why:
        name = canonicalize_name(options.why)
        if name not in dependencies.wheels:
            console.result(f"{name} is not in {locked.path.name}.")
            return ExitCode.DONE
        chain = () if name in present else dependencies.chain(name, present)
        tree = "\n".join(render_tree(dependencies, [name], reverse=True))
        console.result(f"{render_chain(chain)}\n\nneeded by:\n{tree}")
        return ExitCode.DONE
    console.result("\n".join(render_tree(dependencies, present)))
    return ExitCode.DONE


def _cached_wheels(options: Namespace) -> tuple[Lock, tuple[WheelFacts, ...]]:
    locked = load_lock(lock_path(options.manifest, options.cuda, options.target))
    cache = Cache(options.cache)
    wanted = pipeline.wanted_files(locked, load_manifest(options.manifest))
    files = {file.sha256: path for file in wanted if (path := cache.find(file))}
    return locked, pipeline.read_wheels(locked, files)


def inspect(options: Namespace, console: Console) -> ExitCode:
    """Show the index of a finished installer."""
    reader = BundleReader.open(options.file)
    console.result(reader.index_bytes.decode().rstrip())
    return ExitCode.DONE


def verify(options: Namespace, console: Console) -> ExitCode:
    """Check every byte of a finished installer."""
    index, sha256 = prove(options.file, console)
    console.result(
        f"{options.file}: all {len(index.entries)} members are intact. SHA-256 of the file: "
        f"{sha256}",
        sha256=sha256,
    )
    return ExitCode.DONE


def freeze(options: Namespace, console: Console) -> ExitCode:
    """Freeze the bootstrap alone, to be reused with --stub."""
    target = host_target() or find_target("this machine")
    with tempfile.TemporaryDirectory(prefix="llmsetup-") as work:
        stub = freeze_stub(target, work=Path(work), cache_root=options.cache, progress=console)
        shutil.copy2(stub.path, options.output)
    console.result(f"{options.output} ({human_size(options.output.stat().st_size)}) is ready.")
    return ExitCode.DONE
