"""Freezes what a manifest resolves to: ``lock``."""

from argparse import Namespace

from bootstrap.bundle.units import human_size
from builder.console import Console
from builder.disk import replace_file, storing
from builder.errors import ExitCode, ReportedError
from builder.facts import CudaFacts, load_facts
from builder.fetch import size_at
from builder.lock.attested import add_attestations
from builder.lock.checking import require_answering, require_trio, thin_evidence
from builder.lock.known import load_known_wheels
from builder.lock.model import Lock, encode_lock, load_lock, lock_path
from builder.lock.resolve import resolve
from builder.manifest import Manifest, load_manifest
from builder.police import judge_lock, open_case
from builder.targets import find_target
from builder.today import today


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
        made = add_attestations(made, manifest, console)
        _warn_of_thin_evidence(made, console)
        for finding in judge_lock(open_case(made, manifest, (), today())):
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
