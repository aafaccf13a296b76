"""A lock whose wheels are made one by one, and judged."""

import dataclasses
from datetime import date
from pathlib import Path

from bootstrap.bundle.policy import BlacklistRule
from builder.lock.model import Lock
from builder.manifest import Exclusion, Manifest, Package, PackageGroup, Variant, VariantTarget
from builder.police import Case, Finding, judge_wheels, open_case
from builder.wheels import WheelFacts, read_wheel
from tests.support.made_locks import lock_wheels
from tests.support.small_stack import make_wheel

TORCHAO = BlacklistRule(name="torchao", modules=("torchao",), reason="It breaks imports.")
TODAY = date(2026, 6, 30)
LINUX = "cp311-cp311-linux_x86_64"


@dataclasses.dataclass(slots=True)
class Stack:
    """A lock of wheels that are made one by one."""

    folder: Path
    wheels: list[WheelFacts] = dataclasses.field(default_factory=list)
    rules: tuple[BlacklistRule, ...] = (TORCHAO,)
    cuda: str | None = "12.4"
    roots: tuple[str, ...] = ("demo",)
    exclude: tuple[Exclusion, ...] = ()
    today: date = TODAY

    def add(
        self,
        name: str,
        version: str = "1.0",
        files: dict[str, bytes] | None = None,
        *requires: str,
        tag: str = "py3-none-any",
    ) -> None:
        content = {f"{name}.py": b""} if files is None else files
        path = make_wheel(self.folder, name, version, content, requires, tag)
        self.wheels.append(read_wheel(path, path.name))

    @property
    def manifest(self) -> Manifest:
        packages = tuple(Package(order=n, name=name) for n, name in enumerate(self.roots, 1))
        settings = VariantTarget(pins={})
        return Manifest(
            product="P",
            version="1",
            company="c",
            python="3.11",
            groups=(PackageGroup(name="all", packages=packages),),
            variants={"v": Variant(cuda=self.cuda, targets={"linux_x86_64": settings})},
            exclude=self.exclude,
            blacklist=self.rules,
            checks=(),
        )

    @property
    def lock(self) -> Lock:
        return lock_wheels(self.wheels, self.folder, variant="v")

    def judge(self) -> list[Finding]:
        return judge_wheels(self.case)

    @property
    def case(self) -> Case:
        return open_case(self.lock, self.manifest, self.wheels, self.today)

    def rules_broken(self) -> list[str]:
        return [finding.rule for finding in self.judge()]
