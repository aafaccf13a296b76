"""JSON Schemas made from types, so that editors, scripts and the builder agree."""

import inspect
import json
from typing import Any

import msgspec


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a type."""
    described = msgspec.json.schema(kind)
    for definition in described["$defs"].values():
        # Python 3.13 strips docstrings itself; the file must not depend on who made it.
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}


def render_schema(kind: type[msgspec.Struct]) -> str:
    """The same as the text of a file."""
    return json.dumps(schema_of(kind), indent=2, sort_keys=True) + "\n"
