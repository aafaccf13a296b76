"""The files for the person with the stick: ``dist_templates/``, filled in."""

from pathlib import Path
from string import Template

from builder.errors import ManifestError

DEFAULT_FOLDER = Path(__file__).parent.parent / "dist_templates"


# Launchers are of use on one platform only; everything else goes along everywhere.
_LAUNCHERS = {".bat": "win_amd64", ".sh": "linux_x86_64"}


def render_documents(values: dict[str, str], folder: Path = DEFAULT_FOLDER) -> dict[str, bytes]:
    """File name to content of every template of the target, placeholders replaced.

    Args:
        values: placeholder to text; ``target`` also decides which launchers are taken.
        folder: where the templates lie.

    Raises:
        ManifestError: a template has a placeholder that nobody fills, or a lone ``$``.
    """
    documents = {}
    for path in sorted(folder.iterdir()):
        if _LAUNCHERS.get(path.suffix, values["target"]) != values["target"]:
            continue
        try:
            text = Template(path.read_text(encoding="utf-8")).substitute(values)
        except (KeyError, ValueError) as error:
            raise ManifestError(
                f"The template {path} cannot be filled in: {error}.",
                remedy="Correct the placeholder; a literal dollar sign is written as $$.",
            ) from error
        newline = "\r\n" if path.suffix == ".bat" else "\n"
        documents[path.name] = text.replace("\n", newline).encode()
    return documents
