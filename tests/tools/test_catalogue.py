"""The catalogue: names, schemas a client can trust, and words for the model."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from skipass.nouns.envelope import Envelope, Status
from skipass.tools.catalogue import CATALOGUE, ToolSpec
from skipass.tools.inputs import ToolInput
from skipass.tools.validate import tool, validate
from skipass.tools.wire import wire_tool

each_tool = pytest.mark.parametrize("spec", CATALOGUE, ids=[spec.name for spec in CATALOGUE])
INPUTS = {
    "skipass_request_session": "scope* ttl_s* reason* budgets break_glass connection request_id",
    "skipass_show_session": "session_id wait_s",
    "skipass_extend_session": "session_id* ttl_s* reason* scope budgets request_id",
    "skipass_close_session": "session_id*",
    "snowflake_execute_query": (
        "statement* session_id async bindings database schema warehouse role nullable parameters request_id retry "
        "timeout format"
    ),
    "snowflake_get_query_status": "statement_handle* wait_s session_id request_id format",
    "snowflake_get_query_partition": "statement_handle* partition* from_row session_id request_id format",
    "snowflake_cancel_query": "statement_handle* session_id request_id",
    "snowflake_show_databases_schemas": "object_type* database_name like_pattern role warehouse session_id format",
    "snowflake_get_schemata": "database* schema_like limit role warehouse session_id format",
    "snowflake_get_tables": "database* schema table_name_like limit role warehouse session_id format",
    "snowflake_get_columns": "database* schema table column_name_like limit role warehouse session_id format",
    "snowflake_get_table_constraints": (
        "database* constraint_type schema table limit role warehouse session_id format"
    ),
    "snowflake_get_referential_constraints": "database* schema table limit role warehouse session_id format",
    "snowflake_show_primary_keys": "database_name schema_name table_name role warehouse session_id format",
    "snowflake_show_imported_exported_keys": (
        "key_direction* table_name* database_name schema_name role warehouse session_id format"
    ),
    "snowflake_show_warehouses": "like_pattern role warehouse session_id format",
    "snowflake_show_grants": (
        "grant_view* role_name user_name object_type object_name role warehouse session_id format"
    ),
    "snowflake_describe_object": "object_name* object_type database schema role warehouse session_id format",
    "snowflake_sample_table": "table* database schema columns limit role warehouse session_id format",
    "snowflake_explain": "statement* bindings database schema role warehouse session_id format",
    "snowflake_query_history": "session_id limit format",
}


def test_the_tools_and_their_inputs() -> None:
    """The catalogue holds exactly these tools, with exactly these members, a star for the required ones."""
    found = {
        spec.name: " ".join(
            f"{name}*" if name in spec.input_schema.get("required", ()) else name
            for name in spec.input_schema["properties"]
        )
        for spec in CATALOGUE
    }
    assert found == INPUTS


@each_tool
def test_names_are_names_every_client_takes(spec: ToolSpec) -> None:
    """A name is of the characters that every revision and every model provider allows."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", spec.name)
    assert tool(spec.name) is spec


@each_tool
def test_schemas_are_closed_objects_without_references(spec: ToolSpec) -> None:
    """Input and output schemas are valid, self-contained objects; the input schema refuses unknown members too."""
    for schema in (dict(spec.input_schema), dict(spec.output_schema)):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert "$ref" not in json.dumps(schema)
        assert "x-mcp-header" not in json.dumps(schema)
    assert spec.input_schema["additionalProperties"] is False


def test_the_list_is_small_enough_to_be_read() -> None:
    """The whole list, as a client puts it before a model, weighs no more than 68 kB."""
    assert len(json.dumps([wire_tool(spec) for spec in CATALOGUE], default=dict, separators=(",", ":"))) < 68_000


@each_tool
def test_every_member_is_described(spec: ToolSpec) -> None:
    """Every input member says what it is for, and the tool itself in more than a name."""
    assert all(member.get("description") for member in spec.input_schema["properties"].values())
    assert len(spec.description) > 80


@each_tool
def test_examples_fit_their_own_schema(spec: ToolSpec) -> None:
    """Each example in an input schema is valid under the schema it stands in."""
    for member in spec.input_schema["properties"].values():
        for example in member.get("examples", ()):
            Draft202012Validator(member).validate(example)


@each_tool
def test_hints_are_consistent(spec: ToolSpec) -> None:
    """A tool that only reads is not called destructive, and the four hints are all given."""
    assert set(spec.annotations) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    assert not (spec.annotations["readOnlyHint"] and spec.annotations["destructiveHint"])


def test_only_execute_and_cancel_may_destroy() -> None:
    """Running SQL and cancelling are the tools a client should ask about."""
    destructive = {spec.name for spec in CATALOGUE if spec.annotations["destructiveHint"]}
    assert destructive == {"snowflake_execute_query", "snowflake_cancel_query"}


@each_tool
@pytest.mark.parametrize("status", list(Status))
def test_every_envelope_fits_the_output_schema(spec: ToolSpec, status: Status) -> None:
    """An envelope of any status, full or bare, is valid under each tool's output schema."""
    fields: dict[str, Any] = {"code": "x", "hint": "", "reasons": [{}], "request": {}, "approval": {}, "url": "u"}
    full = Envelope(status, "stm_1", "ses_1", {"data": [["1", None]], "resultSetMetaData": {}}, fields)
    for envelope in (full, Envelope(status, "req_1")):
        Draft202012Validator(dict(spec.output_schema)).validate(envelope.as_dict())


def example_of(spec: ToolSpec) -> dict[str, Any]:
    given = {"statement_handle": "stm_1", "session_id": "ses_1", "partition": 0}
    members = spec.input_schema["properties"].items()
    return {
        name: m["examples"][0] if m.get("examples") else given.get(name)
        for name, m in members
        if name in given or m.get("examples")
    }


@each_tool
def test_a_call_made_of_the_examples_is_accepted(spec: ToolSpec) -> None:
    """What the schema offers as examples is a valid call, by the schema and by the catalogue."""
    arguments = example_of(spec)
    Draft202012Validator(dict(spec.input_schema)).validate(arguments)
    assert isinstance(validate(spec.name, arguments), ToolInput)
