"""The OpenAPI document is open to everybody and says what the routes do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from surfaces.rest.house import House

pytestmark = pytest.mark.anyio


async def test_the_document_is_open_and_whole(at: House) -> None:
    """It is OpenAPI 3.1 with the bearer, and every reference in it leads somewhere."""
    told = (await at.get("/openapi.json", who=None)).body
    assert told["openapi"].startswith("3.1.")
    assert told["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    assert told["security"] == [{"bearer": []}]
    schemas = told["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(told)} <= set(schemas)
    assert "HTTPValidationError" not in schemas


async def test_every_operation_has_words_and_a_refusal(at: House) -> None:
    """Each operation has a summary, an id of its own and the shape of a refusal; only sign-in takes no bearer."""
    paths = (await at.get("/openapi.json", who=None)).body["paths"]
    operations = {f"{m} {p}": o for p, ops in paths.items() for m, o in ops.items()}
    assert all(o["summary"] and o["description"] and "default" in o["responses"] for o in operations.values())
    assert len({o["operationId"] for o in operations.values()}) == len(operations)
    assert [name for name, o in operations.items() if o.get("security") == []] == ["post /api/v1/sign-in"]
    assert not [path for path in paths if ":path" in path]


async def test_bodies_have_examples_and_refuse_more(at: House) -> None:
    """Every body schema refuses unknown members, and its required members have examples."""
    schemas = (await at.get("/openapi.json", who=None)).body["components"]["schemas"]
    for name in ("NewSession", "Execute", "NewUser", "NewAgent", "NewServer", "SignIn", "NewConnection", "Decide"):
        assert schemas[name]["additionalProperties"] is False
        assert "examples" in json.dumps(schemas[name]["properties"])
    for secret in ("private_key", "token", "client_secret", "client_private_key", "passphrase"):
        assert '"writeOnly": true' in json.dumps(schemas["NewConnection"]["properties"][secret])


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
