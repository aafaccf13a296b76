"""Looks at locks and wheels without packing any: ``check`` and ``graph``."""

from argparse import Namespace

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from builder.allowances import idle_allowances
from builder.console import Console
from builder.errors import ExitCode, ManifestError
from builder.facts import load_facts
from builder.fetch import Cache
from builder.graph import DependencyGraph, render_chain, render_tree
from builder.intake import Vetter, read_wheels
from builder.lock.checking import require_answering, thin_evidence
from builder.lock.files import wanted_files
from builder.lock.model import Lock, load_lock, lock_path
from builder.manifest import Exclusion, Manifest, load_manifest
from builder.police import concessions_of, judge_lock, judge_wheels, open_case, refuse
from builder.targets import find_target
from builder.today import today
from builder.verdicts import policy_rows, render_table
from builder.vetted import VettedContents
from builder.wheelhouse import read_wheelhouse
from builder.wheels import WheelFacts


def check(options: Namespace, console: Console) -> ExitCode:
    """Judge a lock, or any folder of wheels, by the policy; packs nothing."""
    manifest = load_manifest(options.manifest)
    manifest.variant_target(options.cuda, options.target)
    if options.wheelhouse:
        locked, wheels = read_wheelhouse(
            *(options.wheelhouse, options.cuda, options.target, manifest.python),
            manifest.allowances,
        )
    else:
        vetter = Vetter(manifest.allowances, VettedContents(Cache(options.cache)))
        locked, wheels = _cached_wheels(options, manifest, vetter)
    case = open_case(locked, manifest, wheels, today())
    if options.policy:
        rows = policy_rows(case)
        console.table(render_table(rows), "policy", map(msgspec.to_builtins, rows))
    if not options.wheelhouse:
        _warn_of_idle_allowances(options, manifest, console)
        require_answering(locked, manifest, load_facts())
        if thin := thin_evidence(locked):
            console.warn(thin)
    where = str(options.wheelhouse or locked.path.name)
    refuse(judge_wheels(case) if case.is_complete else judge_lock(case), where)
    if case.is_complete:
        for remark in concessions_of(case).remarks():
            console.warn(remark)
    else:
        console.warn(
            f"Only {len(wheels)} of {len(locked.wheels)} wheels are in the cache; what is inside "
            "them was not judged. A build fetches and judges them all."
        )
    console.result(f"{where}: {len(locked.wheels)} wheels, nothing to object to.")
    return ExitCode.DONE


def _warn_of_idle_allowances(options: Namespace, manifest: Manifest, console: Console) -> None:
    for allowance in idle_allowances(manifest, options.manifest):
        console.warn(
            f"The allowance for {allowance.filename} ({allowance.sha256[:12]}…) matches nothing in "
            "any lock of the manifest; remove it."
        )


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
    left_out = manifest.excluded(target.name)
    if options.why:
        name = canonicalize_name(options.why)
        console.result(_why(name, dependencies, present, left_out.get(name)))
    else:
        console.result("\n".join(render_tree(dependencies, present, left_out=left_out.keys())))
    return ExitCode.DONE


def _why(
    name: NormalizedName,
    graph: DependencyGraph,
    roots: list[NormalizedName],
    exclusion: Exclusion | None,
) -> str:
    if name not in graph.wheels and exclusion is None:
        return f"{name} is not in the lock."
    chain = graph.chain(name, roots)
    if exclusion and name not in graph.wheels:
        reason = f"left out by the manifest: {exclusion.reason}"
    elif name in roots:
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
