"""The manifest, ``metadata/dependencies.json``: what people want in a bundle.

It is checked twice on loading: against the JSON Schema that lies beside it (all
faults at once, each with its place) and against these types. The schema is made
from the types, so that editors and the builder agree::

    python -m builder.manifest > metadata/dependencies.schema.json
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bootstrap.bundle.model import Check
from bootstrap.bundle.policy import Allowance, BlacklistRule, Reason, Waiver
from bootstrap.bundle.value import Target, Value
from bootstrap.bundle.versions import read_version
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.index import judge_allowances, judge_parts_of_paths
from bootstrap.bundle.vetting.texts import printable
from bootstrap.bundle.vetting.values import judge_values
from builder.errors import ManifestError, UsageError
from builder.schemas import render_schema, schema_of

_ROOT = Path(__file__).parents[1]
DEFAULT_PATH = _ROOT / "metadata" / "dependencies.json"
# What stubs are frozen with, and made of.
FREEZER_PATH = DEFAULT_PATH.parent / "freezer" / DEFAULT_PATH.name
# Scripts that go along as data; the installed Python runs them.
PROBES = _ROOT / "bootstrap" / "probes"

NormalizedName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
FileStem = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
VersionText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9a-z]+)*(\+[a-z0-9.]+)?$")]


class Package(Value, frozen=True, kw_only=True):
    """A distribution that is wanted.

    Attributes:
        order: place in the installation, ascending over the whole manifest.
        specifier: PEP 440 versions that will do; empty means any.
    """

    order: int
    name: NormalizedName
    specifier: str = ""


class PackageGroup(Value, frozen=True, kw_only=True):
    """Packages installed together, after all groups before it."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    packages: Annotated[tuple[Package, ...], msgspec.Meta(min_length=1)]


class VariantTarget(Value, frozen=True, kw_only=True):
    """What a variant is on one target.

    Attributes:
        pins: distribution to exact version, local build included.
        indexes: distribution to the name of its index; the others come from pip's own.
    """

    pins: dict[NormalizedName, VersionText]
    indexes: dict[NormalizedName, str] = msgspec.field(default_factory=dict)


class Variant(Value, frozen=True, kw_only=True):
    """One CUDA build of the stack; ``cuda`` is the toolkit, None for CPU only."""

    cuda: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\.[0-9]+$")] | None
    targets: Annotated[dict[Target, VariantTarget], msgspec.Meta(min_length=1)]


class Exclusion(Value, frozen=True, kw_only=True):
    """A distribution that is left out although others ask for it.

    Attributes:
        targets: where it is left out; empty means everywhere.
        reason: why that does no harm, for the person who reads the report.
    """

    name: NormalizedName
    targets: tuple[Target, ...] = ()
    reason: Reason

    def holds_on(self, target: Target) -> bool:
        """Whether it is left out on that target."""
        return not self.targets or target in self.targets


class Manifest(Value, frozen=True, kw_only=True):
    """The whole manifest.

    Attributes:
        python: ``major.minor`` of the CPython that goes along.
        indexes: name to address of package indexes beside pip's own.
        variants: by name, such as ``cu124``.
        exclude: what the resolver leaves out, whoever asks for it.
        allowances: wheels that may break rules of vetting.
    """

    schema: str = msgspec.field(name="$schema", default="dependencies.schema.json")
    product: FileStem
    version: VersionText
    company: str
    python: Annotated[str, msgspec.Meta(pattern=r"^3\.[0-9]+$")]
    indexes: dict[str, Annotated[str, msgspec.Meta(pattern=r"^https?://")]] = msgspec.field(
        default_factory=dict
    )
    groups: Annotated[tuple[PackageGroup, ...], msgspec.Meta(min_length=1)]
    variants: Annotated[dict[FileStem, Variant], msgspec.Meta(min_length=1)]
    exclude: tuple[Exclusion, ...] = ()
    blacklist: tuple[BlacklistRule, ...]
    checks: tuple[Check, ...]
    allowances: tuple[Allowance, ...] = ()

    @property
    def roots(self) -> tuple[str, ...]:
        """Names of all packages that are asked for, in order of installation."""
        return tuple(package.name for group in self.groups for package in group.packages)

    def excluded(self, target: Target) -> dict[str, Exclusion]:
        """By name, what is left out on that target."""
        return {item.name: item for item in self.exclude if item.holds_on(target)}

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            UsageError: there is none; the known ones are listed.
        """
        if name not in self.variants:
            raise UsageError(
                f"There is no variant {name!r} in the manifest.",
                remedy=f"Choose from: {', '.join(self.variants)}.",
            )
        return self.variants[name]

    def variant_target(self, name: str, target: Target) -> VariantTarget:
        """What variant ``name`` is on ``target``.

        Raises:
            UsageError: the variant, or that target of it, is not in the manifest.
        """
        targets = self.variant(name).targets
        if target not in targets:
            raise UsageError(
                f"Variant {name} is not defined for {target}.",
                remedy=f"Build it for {', '.join(targets)}, or add the target to the manifest.",
            )
        return targets[target]


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the manifest."""
    return schema_of(Manifest)


def load_manifest(path: Path = DEFAULT_PATH) -> Manifest:
    """Read and check a manifest.

    Raises:
        ManifestError: it is missing, is not JSON, or breaks the schema or a rule
            between fields; every fault is named with its place.
    """
    data = _read_json(path)
    faults = [
        f"{fault.json_path}: {fault.message}"
        for fault in map(_innermost, Draft202012Validator(schema()).iter_errors(data))
    ]
    if faults:
        raise _invalid(path, faults)
    try:
        manifest = msgspec.convert(data, Manifest)
    except msgspec.ValidationError as error:
        # The schema cannot say which names a target may have.
        raise _invalid(path, [str(error)]) from error
    faults = [
        *_version_faults(manifest),
        *_package_faults(manifest),
        *_variant_faults(manifest),
        *_exclusion_faults(manifest),
        *_specifier_faults(manifest),
        *_check_faults(manifest),
        *_vetting_faults(manifest),
    ]
    if faults:
        raise _invalid(path, faults)
    return manifest


def _innermost(fault: ValidationError) -> ValidationError:
    """Where one of several types may stand: what the one that was meant lacks."""
    return best_match([fault]) or fault


def _invalid(path: Path, faults: list[str]) -> ManifestError:
    listed = "".join(f"\n  {fault}" for fault in sorted(faults))
    return ManifestError(
        f"The manifest {path} is not valid:{listed}", remedy="Correct the named places."
    )


def _read_json(path: Path) -> Any:  # noqa: ANN401 (what JSON holds is known after validation)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(
            f"The manifest {path} cannot be read: {error.strerror}.",
            remedy="Give the right file with --manifest.",
        ) from error
    except ValueError as error:
        raise ManifestError(
            f"The manifest {path} is not JSON: {error}.", remedy="Correct the named place."
        ) from error


def _version_faults(manifest: Manifest) -> Iterator[str]:
    if read_version(manifest.version) is None:
        yield f"$.version: {manifest.version!r} is not a version (PEP 440)"


def _package_faults(manifest: Manifest) -> Iterator[str]:
    seen, names, last = set[str](), set[str](), 0
    for position, group in enumerate(manifest.groups):
        if group.name in names:
            yield f"$.groups[{position}].name: there are two groups {group.name!r}"
        names.add(group.name)
        for place, package in enumerate(group.packages):
            where = f"$.groups[{position}].packages[{place}]"
            if package.order <= last:
                yield f"{where}.order: {package.order} does not come after {last}"
            if package.name in seen:
                yield f"{where}.name: {package.name} is listed twice"
            seen.add(package.name)
            last = package.order


def _variant_faults(manifest: Manifest) -> Iterator[str]:
    wanted = set(manifest.roots)
    for name, variant in manifest.variants.items():
        for target, settings in variant.targets.items():
            where = f"$.variants.{name}.targets.{target}"
            for index in sorted(set(settings.indexes.values()) - set(manifest.indexes)):
                yield f"{where}.indexes: there is no index {index!r}"
            # The resolver gives indexes to what is asked for by name, never to the rest.
            for package in sorted((settings.pins.keys() | settings.indexes.keys()) - wanted):
                place = "pins" if package in settings.pins else "indexes"
                yield f"{where}.{place}: {package} is in no group"


def _exclusion_faults(manifest: Manifest) -> Iterator[str]:
    seen = set[tuple[str, Target]]()
    for place, exclusion in enumerate(manifest.exclude):
        where = f"$.exclude[{place}].name"
        if exclusion.name in manifest.roots:
            yield f"{where}: {exclusion.name} is left out, and asked for in a group"
        own = {(exclusion.name, name) for name in get_args(Target) if exclusion.holds_on(name)}
        if own & seen:
            yield f"{where}: {exclusion.name} is left out twice"
        seen |= own


def _specifier_faults(manifest: Manifest) -> Iterator[str]:
    stated: dict[str, str | None] = {
        f"$.groups[{position}].packages[{place}].specifier": package.specifier
        for position, group in enumerate(manifest.groups)
        for place, package in enumerate(group.packages)
    }
    for place, rule in enumerate(manifest.blacklist):
        stated[f"$.blacklist[{place}].specifier"] = rule.specifier
        for number, waiver in enumerate(rule.waivers):
            which = "" if isinstance(rule.waiver, Waiver) else f"[{number}]"
            stated[f"$.blacklist[{place}].waiver{which}.versions"] = waiver.versions
    for where, specifier in stated.items():
        try:
            SpecifierSet(specifier or "")
        except InvalidSpecifier:
            yield f"{where}: {specifier!r} is not a version specifier"


def _check_faults(manifest: Manifest) -> Iterator[str]:
    for name, count in Counter(check.id for check in manifest.checks).items():
        if count > 1:
            yield f"$.checks: {name} is the id of {count} checks"
    probes = {path.stem for path in PROBES.glob("*.py") if not path.stem.startswith("_")}
    for place, check in enumerate(manifest.checks):
        if check.probe not in probes:
            known = ", ".join(sorted(probes))
            yield f"$.checks[{place}].probe: there is no probe {check.probe!r}, only {known}"


def _vetting_faults(manifest: Manifest) -> Iterator[str]:
    """What would make a bad index is better told now than when all is packed."""
    verdict = Verdict("manifest")
    judge_values(msgspec.to_builtins(manifest), "$", verdict)
    judge_parts_of_paths(
        {
            "$.product": manifest.product,
            "$.version": manifest.version,
            **{f"$.variants.{name}": name for name in manifest.variants},
        },
        verdict,
    )
    judge_allowances(manifest.allowances, verdict)
    for finding in verdict.findings:
        where = "$.allowances: " if finding.rule == "index-allowance" else ""
        yield f"{where}{printable(finding.member)}: {printable(finding.detail)}"


if __name__ == "__main__":
    sys.stdout.write(render_schema(Manifest))
