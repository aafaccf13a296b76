"""docs/vetting.md says what the rules and the manifests say."""

from pathlib import Path

from bootstrap.bundle.vetting.rules import RULES
from builder.manifest import DEFAULT_PATH, load_manifest

_TEXT = (Path(__file__).parents[2] / "docs" / "vetting.md").read_text(encoding="utf-8")


def test_every_rule_has_its_row() -> None:
    rows = [line for line in _TEXT.splitlines() if line.startswith("| `") and line.count("|") == 4]
    expected = [
        f"| `{name}` | {rule.why} | {'by hash' if rule.allowable else 'never'} |"
        for name, rule in RULES.items()
    ]
    assert rows[-len(expected) :] == expected


def test_every_allowance_has_its_row() -> None:
    for path in DEFAULT_PATH.parent.rglob(DEFAULT_PATH.name):
        for allowance in load_manifest(path).allowances:
            for member in allowance.members:
                assert f"| `{member}` |" in _TEXT
