"""One function per command of ``python -m builder``: parsed options in, exit code out."""

import json
import os
import tempfile
from argparse import Namespace
from pathlib import Path

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from bootstrap.bundle.evidence import describe_evidence
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import INDEX_NAMESPACE, Judge, Signature, objection
from bootstrap.bundle.units import human_size
from builder import pipeline
from builder.allowances import idle_allowances
from builder.console import Console
from builder.disk import replace_file, storing
from builder.errors import (
    DamagedBundleError,
    ExitCode,
    ManifestError,
    NotTrustedError,
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
from builder.manifest import Exclusion, Manifest, load_manifest
from builder.pack.proof import prove
from builder.police import (
    Concessions,
    concessions_of,
    judge_lock,
    judge_wheels,
    open_case,
    refuse,
)
from builder.publish import Bundle
from builder.report import wheels_line
from builder.signing import PASSWORD_VARIABLE, make_key, public_path, read_terms, read_trusted
from builder.stub import freeze_stub, identity_of, open_stub, stub_files
from builder.sums import SUMS_NAME, stated_sum
from builder.targets import find_target
from builder.today import today
from builder.verdicts import policy_rows, render_table
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
        today=today(),
        compression=options.compression,
        volume_size=options.volume_size,
        authenticode=options.authenticode,
        signing=read_terms(options.sign, options.trust, required=options.require_signature),
    )
    signer = request.signing.signer
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
                signed_by=signer.key.fingerprint if signer else None,
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
        path = lock_path(options.manifest, variant, target.name)
        made = resolve(
            *(manifest, options.manifest, variant, target.name, console),
            known=known,
            keep=load_lock(path) if options.keep else None,
            size_of=size_at,
        )
        require_trio(made, facts)
        _warn_of_thin_evidence(made, console)
        for finding in judge_lock(made, manifest, today=today()):
            console.warn(f"{finding.message} A build will refuse it, and tell the whole chain.")
        with storing(made.path.parent, option="--manifest"):
            made.path.parent.mkdir(exist_ok=True)
            replace_file(made.path, encode_lock(made))
        console.result(
            f"{made.path}: {len(made.wheels)} wheels, {_total(made)}."
            + (f" Left out: {', '.join(made.excluded)}." if made.excluded else ""),
            path=str(made.path),
            wheels=len(made.wheels),
            excluded=list(made.excluded),
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
    manifest, day = load_manifest(options.manifest), today()
    manifest.variant_target(options.cuda, options.target)
    if options.wheelhouse:
        locked, wheels = read_wheelhouse(
            *(options.wheelhouse, options.cuda, options.target, manifest.python),
            manifest.allowances,
        )
    else:
        vetter = Vetter(manifest.allowances, VettedContents(Cache(options.cache)))
        locked, wheels = _cached_wheels(options, manifest, vetter)
    case = open_case(locked, manifest, wheels, day)
    if options.policy:
        rows = policy_rows(case)
        console.table(render_table(rows), "policy", map(msgspec.to_builtins, rows))
    if not options.wheelhouse:
        _warn_of_idle_allowances(options, manifest, console)
        require_answering(locked, manifest, load_facts())
        _warn_of_thin_evidence(locked, console)
    where = str(options.wheelhouse or locked.path.name)
    judge = judge_wheels if case.is_complete else judge_lock
    refuse(judge(locked, manifest, wheels, today=day), where)
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


def inspect(options: Namespace, console: Console) -> ExitCode:
    """Show the index of a finished installer."""
    reader = BundleReader.open(_existing(options.file))
    text = reader.index_bytes.decode().rstrip()
    console.note(wheels_line(reader.index))
    index = reader.index
    for remark in Concessions(waived=index.waived, excluded=index.excluded).remarks():
        console.note(remark)
    console.note(f"evidence: {describe_evidence(reader.index.evidence)}")
    console.note(_signed(reader))
    console.result(
        text,
        index=json.loads(text),
        ratio=round(reader.index.ratio, 4),
        signed_by=_signer_of(reader),
    )
    return ExitCode.DONE


def verify(options: Namespace, console: Console) -> ExitCode:
    """Check every byte of a finished installer, and its sum in SHA256SUMS beside it."""
    judge = _trusting(options.file, options.trust)
    reader = BundleReader.open(_existing(options.file), judge)
    index, sha256 = prove(options.file, console, judge)
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
        f"{options.file} is intact: {len(index.entries)} members{split} and the program. "
        f"{_signed(reader)}{rest}",
        sha256=sha256,
        signed_by=_signer_of(reader),
        trusted=bool(options.trust),
    )
    return ExitCode.DONE


def _trusting(file: Path, trust: list[Path]) -> Judge | None:
    """Refuses what none of these keys has signed; None where there are none."""
    keys = read_trusted(trust)

    def judge(index_bytes: bytes, signature: Signature | None) -> None:
        if why := objection(index_bytes, signature, keys):
            raise NotTrustedError(f"{file} {why}.", remedy="Do not use it, and ask its maker.")

    return judge if keys else None


def _signer_of(reader: BundleReader) -> str | None:
    """The fingerprint of whoever has signed the index; None if nobody has."""
    signature = reader.signature
    if signature is None or not signature.fits(reader.index_bytes, INDEX_NAMESPACE):
        return None
    return signature.key.fingerprint


def _signed(reader: BundleReader) -> str:
    if signer := _signer_of(reader):
        return f"It is signed by {signer}."
    return "Its signature does not fit." if reader.signature else "It is not signed."


def keygen(options: Namespace, console: Console) -> ExitCode:
    """Make a key to sign with: FILE, and FILE.pub for those who check."""
    key = make_key(options.file)
    if not os.environ.get(PASSWORD_VARIABLE):
        console.warn(
            f"No password protects {options.file}: whoever reads it can sign. {PASSWORD_VARIABLE} "
            "gives one."
        )
    console.result(
        f"{options.file} and {public_path(options.file)} are ready: {key}.",
        path=str(options.file),
        public=str(public_path(options.file)),
        fingerprint=key.fingerprint,
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
    trusted = read_trusted(options.trust)
    with tempfile.TemporaryDirectory(prefix="llmsetup-") as work:
        stub = freeze_stub(
            target,
            identity_of(manifest, trusted),
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
