"""Where figures go while and after they are measured."""

import sys
from pathlib import Path

import msgspec


def tell(message: str) -> None:
    """What is going on, for who waits."""
    print(message, file=sys.stderr, flush=True)


def write_figures(figures: msgspec.Struct, output: Path, name: str, report: str) -> None:
    """As JSON and as a report.

    Args:
        figures: all of them.
        output: a folder; made where it is not there.
        name: of the files, without suffix.
        report: Markdown.
    """
    output.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(figures), indent=2)
    (output / f"{name}.json").write_bytes(encoded + b"\n")
    (output / f"{name}.md").write_text(f"{report}\n", encoding="utf-8")
