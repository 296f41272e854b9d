# SPDX-License-Identifier: Apache-2.0
"""openapi.py - GET /openapi.json as a test reads it: operations and their schemas

OpenAPI 3.0 says `nullable` where JSON Schema has another type, and muster `x-any-case`
of words: schema() translates, so that jsonschema can judge.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from host import Missing

# Debian's package openapi-specification has the schema of all such documents.
META = Path("/usr/share/openapi-specification/schemas/v3.0/schema.json")
JSON = "application/json"


def probe():
    """Raises Missing where documents cannot be checked."""
    try:
        __import__("jsonschema")
    except ImportError:
        raise Missing("python3-jsonschema is not installed") from None
    if not META.exists():
        raise Missing("openapi-specification is not installed")


def meta():
    return json.loads(META.read_text())


@dataclass
class Operation:
    method: str
    path: str
    states: list
    body: object     # the schema of the request's body; None: it has none
    replies: dict    # status: (media, schema), or None for no body

    def target(self, name="d"):
        return self.path.replace("{id}", name)

    def is_answered_at_once(self):
        """Others go on for as long as the client listens."""
        return not any(reply and "ndjson" in reply[0]
                       for reply in self.replies.values())

    def __str__(self):
        return f"{self.method} {self.path}"


def resolved(document, value):
    """`value`, with what it refers to in the places of the references."""
    if isinstance(value, list):
        return [resolved(document, item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        found = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolved(document, found)
    return {name: resolved(document, item) for name, item in value.items()}


def schema(value):
    """A resolved schema of OpenAPI 3.0 as JSON Schema."""
    if isinstance(value, list):
        return [schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: schema(item) for name, item in value.items() if name != "nullable"}
    if value.get("x-any-case") is True:
        words = [word for word in made.pop("enum") if word]
        made["pattern"] = f"(?i)^({'|'.join(words)})$"
        made["examples"] = words
    if value.get("nullable") is True:
        made["type"] = [value["type"], "null"]
    return made


def content(value):
    """(media, schema) of a request or a reply that is resolved, or None."""
    for media, inner in value.get("content", {}).items():
        return media, schema(inner["schema"])
    return None


def operations(document):
    return [Operation(method.upper(), path, row["x-states"],
                      (content(row.get("requestBody", {})) or (JSON, None))[1],
                      {int(status): content(reply)
                       for status, reply in row["responses"].items()})
            for path, item in resolved(document, document["paths"]).items()
            for method, row in item.items() if method != "parameters"]
