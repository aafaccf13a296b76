"""The build, as a list of steps. One installer per variant, each whole or not at all.

::

    manifest → lock → stub → fetch → police → runtime → evidence → pack → prove → report
                              └── wheels are compressed ──┘
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from bootstrap.bundle.model import Compression, CudaTerms
from bootstrap.bundle.provenance import Provenance
from builder.disk import storing
from builder.documents import render_documents
from builder.errors import DownloadError, ReportedError
from builder.evidence import Revision, read_revision, state_provenance, write_evidence
from builder.facts import CudaFacts, load_facts
from builder.fetch import Cache, WantedFile, adopt, fetch
from builder.graph import DependencyGraph
from builder.grouping import assign_groups
from builder.intake import Intake, Vetter, blaming_cache, open_intake, read_witnesses
from builder.launching import Launcher
from builder.lock.checking import require_answering, thin_evidence
from builder.lock.files import wanted_files
from builder.lock.model import Lock, load_lock, lock_path
from builder.manifest import Manifest, load_manifest
from builder.pack.authenticode import require_signing, sign, try_key
from builder.pack.compose import compose, gone_if_it_fails
from builder.pack.contents import Contents
from builder.pack.proof import prove, prove_it_starts, prove_its_wheels
from builder.police import (
    Case,
    concessions_of,
    judge_lock,
    judge_wheels,
    open_case,
    refuse,
)
from builder.progress import Progress
from builder.publish import Bundle, Draft, publish, require_free_names, workplace
from builder.report import template_values
from builder.runtime import (
    PreparedRuntime,
    RuntimeChoice,
    prepare_runtime,
    require_runtime,
    runtime_files,
)
from builder.signing import SigningTerms
from builder.steps import Steps
from builder.stub import (
    Identity,
    Stub,
    freeze_stub,
    identity_of,
    open_stub,
    read_parts,
    require_stub,
    stub_files,
)
from builder.targets import TargetPlatform
from builder.vetted import VettedContents
from builder.wheels import StoredWheel, WheelFacts
from builder.wine import launcher_for


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What the command line asks for.

    Attributes:
        wheel_folders: folders with wheels fetched by hand, taken by hash.
        stub: a stub frozen before, instead of freezing one.
        jobs: parallel downloads.
        compression: what becomes of the wheels.
        authenticode: key to sign an installer for Windows with, PKCS#12; None does not sign.
        signing: who signs the bundles, and whom their installers trust.
        volume_size: bytes of a volume; None makes volumes only of what is too large for a file.
        today: in UTC; decides which waivers have expired.
    """

    variants: tuple[str, ...]
    target: TargetPlatform
    manifest: Path
    output: Path
    cache: Cache
    offline: bool
    wheel_folders: tuple[Path, ...]
    runtime: RuntimeChoice
    stub: Path | None
    jobs: int
    today: date
    compression: Compression = "fast"
    volume_size: int | None = None
    authenticode: Path | None = None
    signing: SigningTerms = field(default_factory=SigningTerms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one variant: a bundle, or the error that stopped it."""

    variant: str
    bundle: Bundle | None = None
    error: ReportedError | None = None


def build(request: BuildRequest, progress: Progress) -> Iterator[Outcome]:
    """Build every variant asked for; one that fails does not keep the others back.

    Raises:
        ManifestError: manifest or facts are not valid, before anything is done.
        UsageError: a variant or target is not in the manifest, likewise.
        UnfitHostError: this machine lacks what freezing, or the runtime, needs.
        NotWritableError: the output folder cannot be made.
        BusyError: another build works in the output folder.
    """
    manifest, facts = load_manifest(request.manifest), load_facts()
    for variant in request.variants:
        manifest.variant_target(variant, request.target.name)
    with workplace(request.output) as scratch:
        workshop = _Workshop(request, manifest, facts, scratch, progress)
        workshop.require_tools()
        for variant in request.variants:
            try:
                yield Outcome(variant=variant, bundle=workshop.build(variant))
            except ReportedError as error:
                yield Outcome(variant=variant, error=error)


class _Workshop:
    """One run of the builder; what all variants share is made once."""

    def __init__(
        self,
        request: BuildRequest,
        manifest: Manifest,
        facts: CudaFacts,
        scratch: Path,
        progress: Progress,
    ) -> None:
        self._request = request
        self._manifest = manifest
        self._facts = facts
        self._scratch = scratch
        self._progress = progress
        self._steps = Steps(progress)
        self._vetter = Vetter(manifest.allowances, VettedContents(request.cache))

    def require_tools(self) -> None:
        """What can be known to be missing is said before anything long begins."""
        request = self._request
        if request.authenticode:
            require_signing(request.authenticode, request.target)
        require_runtime(request.runtime, python=self._manifest.python, target=request.target)
        if request.stub:
            open_stub(request.stub, request.target, self._identity)
            read_parts(request.stub)
        else:
            require_stub(request.target, self._identity, request.cache)
        if request.signing.signer and not request.signing.trusted:
            self._progress.warn(
                "The installers will not check signatures by themselves; give --trust for that."
            )

    def build(self, variant: str) -> Bundle:
        """The job."""
        self._steps.restart(variant)
        lock = self._load_lock(variant)
        request = self._request
        # Freezing takes as much memory as all the rest, so it comes before that.
        stub = self._stub
        # From the moment a wheel has come until it must be there, it is compressed meanwhile.
        with open_intake(
            lock, request.compression, request.cache, self._progress, self._vetter
        ) as intake:
            files = self._fetch(lock, intake.take)
            case = self._police(lock, files, intake.wheels)
            runtime = self._runtime
            stored = self._compress(intake)
        contents = self._gather(case, stored, runtime, stub)
        draft = self._pack(contents)
        return publish(draft, self._request.output, self._steps.finish(), self._progress)

    def _load_lock(self, variant: str) -> Lock:
        self._steps.begin("lock")
        lock = load_lock(lock_path(self._request.manifest, variant, self._request.target.name))
        require_answering(lock, self._manifest, self._facts)
        # Not needed yet, but they may fail.
        self._cuda_terms(lock)
        self._provenance(lock)
        today = self._request.today
        findings = judge_lock(open_case(lock, self._manifest, (), today))
        if any(finding.rule == "blacklist" for finding in findings):
            findings = judge_lock(open_case(lock, self._manifest, self._witnesses(lock), today))
        refuse(findings, lock.path.name)
        if thin := thin_evidence(lock):
            self._progress.warn(thin)
        return lock

    def _witnesses(self, lock: Lock) -> tuple[WheelFacts, ...]:
        """Wheels of a lock with something banned in it: they tell who pulled it in."""
        with suppress(DownloadError):
            self._fetch(lock)
        at_hand = self._request.cache.at_hand(wanted_files(lock, self._manifest))
        return read_witnesses(lock, at_hand, self._vetter)

    def _fetch(
        self,
        lock: Lock,
        arrived: Callable[[WantedFile, Path], None] = lambda _file, _path: None,
    ) -> dict[str, Path]:
        self._steps.begin("fetch")
        wanted = wanted_files(lock, self._manifest)
        by_hand = [
            *wanted,
            *runtime_files(
                self._request.runtime, python=self._manifest.python, target=self._request.target
            ),
            *stub_files(self._request.target),
        ]
        for folder in self._request.wheel_folders:
            adopt(folder, by_hand, self._request.cache, self._progress)
        return fetch(
            wanted,
            self._request.cache,
            offline=self._request.offline,
            jobs=self._request.jobs,
            progress=self._progress,
            arrived=arrived,
        )

    def _police(self, lock: Lock, files: dict[str, Path], wheels: tuple[WheelFacts, ...]) -> Case:
        self._steps.begin("police")
        case = open_case(lock, self._manifest, wheels, self._request.today)
        with blaming_cache(lock, files):
            findings = judge_wheels(case)
        refuse(findings, lock.path.name)
        for remark in concessions_of(case).remarks():
            self._progress.warn(remark)
        return case

    @cached_property
    def _runtime(self) -> PreparedRuntime:
        self._steps.begin("runtime")
        with storing(self._request.output, option="--output"):
            runtime = prepare_runtime(
                self._request.runtime,
                python=self._manifest.python,
                target=self._request.target,
                launcher=self._launcher,
                cache=self._request.cache,
                work=self._scratch,
                offline=self._request.offline,
                progress=self._progress,
            )
        if runtime.warning:
            self._progress.warn(runtime.warning)
        return runtime

    @property
    def _identity(self) -> Identity:
        return identity_of(self._manifest, self._request.signing.trusted)

    @cached_property
    def _stub(self) -> Stub:
        self._steps.begin("stub")
        if self._request.stub:
            return open_stub(self._request.stub, self._request.target, self._identity)
        return freeze_stub(
            self._request.target,
            self._identity,
            work=self._scratch,
            cache=self._request.cache,
            offline=self._request.offline,
            progress=self._progress,
        )

    @cached_property
    def _launcher(self) -> Launcher | None:
        request = self._request
        return launcher_for(
            request.target, request.cache, offline=request.offline, progress=self._progress
        )

    def _compress(self, intake: Intake) -> dict[NormalizedName, StoredWheel]:
        """Wait for what is still being compressed."""
        if self._request.compression != "store":
            self._steps.begin("compress")
        return intake.stored()

    def _gather(
        self,
        case: Case,
        stored: dict[NormalizedName, StoredWheel],
        runtime: PreparedRuntime,
        stub: Stub,
    ) -> Contents:
        lock, graph = case.lock, case.graph
        contents = Contents(
            manifest=self._manifest,
            lock=lock,
            target=self._request.target,
            cuda=self._cuda_terms(lock),
            minimum_vc_runtime=self._minimum_vc_runtime(lock),
            groups=assign_groups(self._manifest, graph),
            wheels=graph.wheels,
            compression=self._request.compression,
            stored=stored,
            runtime=runtime,
            stub=stub,
            documents={},
            concessions=concessions_of(case),
            provenance=self._provenance(lock),
            evidence={},
            asked_volume_size=self._request.volume_size,
            signer=self._request.signing.signer,
        )
        return replace(
            contents,
            documents=render_documents(template_values(contents)),
            evidence=self._write_evidence(contents, graph),
        )

    def _write_evidence(self, contents: Contents, graph: DependencyGraph) -> dict[str, Path]:
        self._steps.begin("evidence")
        folder = self._scratch / "evidence"
        shutil.rmtree(folder, ignore_errors=True)
        lock = contents.lock
        files = {wheel.sha256: graph.wheels[wheel.name].path for wheel in lock.wheels}
        with storing(self._request.output, option="--output"), blaming_cache(lock, files):
            return write_evidence(contents, graph, folder)

    def _provenance(self, lock: Lock) -> Provenance:
        return state_provenance(lock, self._request.manifest, self._revision)

    @cached_property
    def _revision(self) -> Revision | None:
        return read_revision()

    def _cuda_terms(self, lock: Lock) -> CudaTerms | None:
        cuda, torch = self._manifest.variant(lock.variant).cuda, _torch(lock)
        if cuda is None or torch is None:
            return None
        return self._facts.terms(cuda, lock.target, torch)

    def _minimum_vc_runtime(self, lock: Lock) -> str | None:
        torch = _torch(lock)
        return self._facts.vc_runtime(lock.target, torch) if torch else None

    def _pack(self, contents: Contents) -> Draft:
        self._steps.begin("pack")
        require_free_names(contents, self._request.output)
        path = self._scratch / f"{contents.installer_name}.part"
        if self._request.authenticode:
            try_key(self._request.authenticode, contents, self._scratch)
        compose(contents, path, self._progress)
        with gone_if_it_fails(path, contents):
            if self._request.authenticode:
                sign(path, self._request.authenticode)
            self._steps.begin("prove")
            index, sha256 = prove(path, self._progress)
            prove_its_wheels(path)
            if self._launcher:
                prove_it_starts(path, index, self._launcher)
            else:
                self._progress.warn(f"{contents.installer_name} cannot be started here.")
        return Draft(path=path, index=index, sha256=sha256, contents=contents)


def _torch(lock: Lock) -> Version | None:
    return next((wheel.version for wheel in lock.wheels if wheel.name == "torch"), None)
