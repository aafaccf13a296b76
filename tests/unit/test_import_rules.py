"""The dependency rule of the house, read from the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("builder/**/*.py"), *ROOT.glob("bootstrap/**/*.py")])
STEPS = {f"bootstrap.install.{name}" for name in ("runtime", "wheels", "seal")}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaches(name: str, imported: str) -> str | None:
    package = name.partition(".")[0]
    installer = imported.startswith("bootstrap.") and not imported.startswith("bootstrap.bundle")
    if package == "builder" and installer:
        return "builder may import bootstrap.bundle only"
    if package == "bootstrap" and imported.startswith("builder"):
        return "bootstrap never imports builder"
    if name in STEPS and any(imported.startswith(step) for step in STEPS - {name}):
        return "steps do not import each other"
    if name.startswith("bootstrap.bundle") and installer:
        return "the format knows nothing of the installer"
    if name.startswith("bootstrap.ui") and imported.startswith("bootstrap.install"):
        return "ui does not know the steps"
    return None


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_nothing_imports_what_it_must_not(path: Path) -> None:
    name = module_name(path)
    found = [
        f"{imported}: {why}" for imported in imports(path) if (why := breaches(name, imported))
    ]
    assert not found


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_main_exits(path: Path) -> None:
    if path.name == "__main__.py" or path.parent.name == "probes":
        return
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sys.exit", "exit", "os._exit"}
    ]
    assert not calls


@pytest.mark.parametrize(
    ("allowed", "modules"),
    [
        (
            {"builder.fetch.transport", "builder.fetch.switch", "builder.fetch.deadline"},
            {"requests", "urllib3", "urllib.request", "http.client"},
        ),
        ({"builder.processes", "bootstrap.processes"}, {"subprocess"}),
        ({"bootstrap.host.gpu"}, {"pynvml"}),
        ({"builder.fetch.switch"}, {"socket"}),
    ],
)
def test_the_outside_world_has_one_door_each(allowed: set[str], modules: set[str]) -> None:
    users = {
        module_name(path)
        for path in SOURCES
        for imported in imports(path)
        if any(imported == module or imported.startswith(f"{module}.") for module in modules)
    }
    assert users <= allowed


def test_trees_are_deleted_in_one_place_of_the_installer() -> None:
    deleting = {
        module_name(path)
        for path in SOURCES
        if "rmtree" in path.read_text(encoding="utf-8") or "os.rmdir" in path.read_text("utf-8")
    }
    assert {name for name in deleting if name.startswith("bootstrap")} == {
        "bootstrap.removal.linux",
        "bootstrap.removal.windows",
    }


def test_the_rules_see_breaches() -> None:
    assert breaches("builder.pipeline", "bootstrap.session.Session")
    assert breaches("bootstrap.plan", "builder.errors")
    assert breaches("bootstrap.install.seal", "bootstrap.install.wheels.install_wheels")
    assert not breaches("builder.pipeline", "bootstrap.bundle.model.Index")


def test_bootstrap_reads_no_metadata() -> None:
    users = [path for path in SOURCES if "metadata/" in path.read_text(encoding="utf-8")]
    assert not [path for path in users if module_name(path).startswith("bootstrap")]
