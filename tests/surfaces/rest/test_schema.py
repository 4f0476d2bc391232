"""Every operation of the OpenAPI document, asked whatever its own schemas allow and whatever they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckContext
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from skipass.errors import KINDS, Kind
from skipass.tools.catalogue import CATALOGUE
from skipass.tools.spec import ToolSpec
from surfaces.rest.house import House, session_request
from surfaces.rest.table import APART, TABLE, Row, a_connection

pytestmark = pytest.mark.anyio


def nothing_unforeseen(context: CheckContext, answer: Response, case: Case) -> None:
    """Hold a 5xx to be a refusal that says what is not to be had: nothing in the gateway itself failed."""
    if answer.status_code >= 500:
        code = answer.json()["error"]["code"]
        assert (answer.status_code, KINDS[code]) == (503, Kind.UNAVAILABLE), code


CHECKS = [
    nothing_unforeseen,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROWS = {row.route: row for row in TABLE} | {route: Row(route, ()) for route in sorted(APART)}
ROWS["POST /connections/{name}/credential"] = Row("POST /connections/{name}/credential", (), needs=a_connection)
PATIENT = settings(
    max_examples=16,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def operation(document: Mapping[str, Any], route: str) -> APIOperation:
    """Return the operation of a route as the document describes it."""
    method, _, path = route.partition(" ")
    return schemathesis.openapi.from_dict(dict(document))[f"/api/v1{path}"][method]


def sent(at: House, case: Case, who: str | None) -> None:
    """Send one generated request and hold its answer to the document."""
    headers = {"authorization": f"Bearer {at.keys[who]}"} if who else {}
    if isinstance(case.query.get("wait_s"), int) and 0 < case.query["wait_s"] <= 50:
        case.query["wait_s"] = 1  # as valid as before, and over sooner
    answer = case.call(base_url=at.url, headers=headers)
    # Every refusal is one; what must not be is that a request which the document forbids is accepted.
    checks = CHECKS if answer.status_code >= 400 else [*CHECKS, negative_data_rejection]
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as found:
        pytest.fail("\n".join(str(one) for one in found.exceptions))


@pytest.mark.parametrize("route", ROWS)
async def test_an_operation_keeps_to_its_schema(at: House, route: str) -> None:
    """Asked by those who may, about things that exist or do not, it answers in the documented shape and never fails."""
    row = ROWS[route]
    document = (await at.get("/openapi.json", who=None)).body
    asked = operation(document, route.replace("snowflake_execute_query", "{tool_name}"))
    who = await caller(at, route)
    made = await row.needs(at) if row.needs else {}
    path = {name: value for name, value in made.items() if f"{{{name}}}" in route} or None
    wishes = st.one_of(
        asked.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=path),
        asked.as_strategy(generation_mode=GenerationMode.POSITIVE),
        asked.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=path),
    )

    @PATIENT
    @given(case=wishes)
    def ask(case: Case) -> None:
        sent(at, case, who)

    await asyncio.to_thread(ask)


async def caller(at: House, route: str) -> str | None:
    """Return who asks: one who may, and whose own credential the request ends where it ends one."""
    if route == "POST /sign-in":
        return None
    if route == "POST /sign-out":
        return await at.person("member")
    return "agent" if route.startswith(("POST /sessions", "POST /tools")) else "admin"


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
async def test_a_tool_keeps_to_its_schema(at: House, spec: ToolSpec) -> None:
    """Called with what its input schema allows, and with what it does not, a tool answers as its output schema says."""
    document = (await at.get("/openapi.json", who=None)).body
    wide = session_request(scope={"schemas": ["OPS_DB.OPS"], "metadata": "account"})
    session = (await at.post("/sessions", wide, who="agent")).body
    await at.post(f"/approvals/{session['approval']['id']}/approve", {"reason": "yes"}, who="approver")
    place = {"connection_name": {"const": "jit"}, "session_id": {"const": session["id"]}}
    whole = about(document, spec, {"tool_input": dict(spec.input_schema)})
    named = about(document, spec, {**place, "tool_input": plausible(spec.input_schema)})
    wishes = st.one_of(
        whole.as_strategy(generation_mode=GenerationMode.POSITIVE),
        whole.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        named.as_strategy(generation_mode=GenerationMode.POSITIVE),
    )

    @PATIENT
    @given(case=wishes)
    def ask(case: Case) -> None:
        sent(at, case, "agent")

    await asyncio.to_thread(ask)


def about(document: Mapping[str, Any], spec: ToolSpec, members: Mapping[str, Any]) -> APIOperation:
    """Return the operation that calls one tool with a body of these members."""
    body = {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema": dict(spec.output_schema)}}},
            "default": document["paths"]["/api/v1/tools"]["get"]["responses"]["default"],
        },
    }
    path = f"/api/v1/tools/{spec.name}/execute"
    alone = {**document, "paths": {path: {"post": operation}}, "security": []}
    return schemathesis.openapi.from_dict(alone)[path]["POST"]


def plausible(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's input schema with no other texts than the examples and the words it offers."""
    properties = {
        name: {"enum": one["examples"]} if "examples" in one and one.get("type") == "string" else one
        for name, one in wanted["properties"].items()
        if name != "session_id" and (one.get("type") != "string" or "examples" in one or "enum" in one)
    }
    required = [name for name in wanted.get("required", ()) if name in properties]
    return {**wanted, "properties": properties, "required": required}
