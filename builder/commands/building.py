"""Makes installers and stubs: ``build`` and ``freeze``."""

import tempfile
from argparse import Namespace
from pathlib import Path

from bootstrap.bundle.units import human_size
from builder import pipeline
from builder.console import Console
from builder.disk import replace_file, storing
from builder.errors import ExitCode, ReportedError, UsageError
from builder.fetch import Cache, adopt
from builder.manifest import load_manifest
from builder.publish import Bundle
from builder.signing import read_terms, read_trusted
from builder.stub import freeze_stub, identity_of, open_stub, stub_files
from builder.targets import find_target
from builder.today import today


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
