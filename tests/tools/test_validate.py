"""From raw arguments to a frozen input, or to an error that says how to mend the call."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from skipass.errors import SkipassError
from skipass.nouns.scope import Access, Metadata, Scope
from skipass.tools.catalogue import CATALOGUE
from skipass.tools.inputs import ExecuteQuery, RequestSession
from skipass.tools.validate import tool, validate

RUN = "snowflake_execute_query"
SESSION = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "count orders"}
MARK = "hunter2"


def refused(name: str, arguments: dict[str, Any]) -> SkipassError:
    with pytest.raises(SkipassError) as caught:
        validate(name, arguments)
    return caught.value


def test_a_query_with_everything() -> None:
    """Every documented member of a query arrives under its own name."""
    value = validate(
        RUN,
        {
            "statement": "SELECT ?",
            "async": True,
            "bindings": {"1": {"type": "FIXED", "value": "42"}},
            "database": "D",
            "schema": "S",
            "warehouse": "W",
            "role": "R",
            "nullable": False,
            "parameters": {"timezone": "UTC", "rows_per_resultset": 10},
            "request_id": "q-1",
            "retry": True,
            "timeout": 60,
            "session_id": "ses_1",
        },
    )
    assert isinstance(value, ExecuteQuery)
    assert (value.async_, value.database, value.schema_, value.nullable) == (True, "D", "S", False)
    assert value.bindings == {"1": {"type": "FIXED", "value": "42"}}
    assert (value.timeout, value.retry, value.request_id, value.session_id) == (60, True, "q-1", "ses_1")


def test_the_least_query() -> None:
    """A statement alone is enough; nothing else is assumed but the documented defaults."""
    value = validate(RUN, {"statement": "SELECT 1"})
    assert value == ExecuteQuery(statement="SELECT 1")
    assert (value.async_, value.nullable, value.retry, value.timeout) == (False, True, False, None)


def test_null_means_absent() -> None:
    """A model that sends null for what it does not use is understood."""
    assert validate(RUN, {"statement": "x", "database": None, "bindings": None, "timeout": None}) == ExecuteQuery(
        statement="x"
    )
    everything = dict.fromkeys(tool(RUN).input_schema["properties"])
    assert validate(RUN, everything | {"statement": "x"}) == ExecuteQuery(statement="x")
    for spec in CATALOGUE:
        required = set(spec.input_schema.get("required", ()))
        optional = {name: None for name in spec.input_schema["properties"] if name not in required}
        if not required:
            assert validate(spec.name, optional) == validate(spec.name, {})


def test_the_other_names_of_database_and_schema() -> None:
    """`database_name` and `schema_name` are the same as `database` and `schema`."""
    value = validate(RUN, {"statement": "x", "database_name": "D", "schema_name": "S", "schema": "S"})
    assert isinstance(value, ExecuteQuery)
    assert (value.database, value.schema_) == ("D", "S")


def test_two_names_with_two_values_are_refused() -> None:
    """The two names of one member may not differ."""
    assert refused(RUN, {"statement": "x", "database": "A", "database_name": "B"}).code == "invalid_request"


def test_a_session_request() -> None:
    """A session request carries the shared scope value and its budgets."""
    value = validate("skipass_request_session", SESSION | {"budgets": {"statements": 5}})
    assert isinstance(value, RequestSession)
    assert value.scope == Scope(("OPS_DB.OPS",), metadata=Metadata.SCHEMA, access=Access.READ)
    assert value.budgets is not None
    assert (value.budgets.statements, value.budgets.rows) == (5, None)


def test_an_input_is_frozen() -> None:
    """An input cannot be changed after it was checked."""
    value = validate(RUN, {"statement": "x"})
    with pytest.raises(ValidationError):
        value.statement = "y"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("statment", "statement"),
        ("sql", "statement"),
        ("query", "statement"),
        ("binds", "bindings"),
        ("time_out", "timeout"),
    ],
)
def test_a_misspelt_field_names_the_right_one(wrong: str, meant: str) -> None:
    """An unknown field is refused with the field that was meant, also by the names other tools use."""
    error = refused(RUN, {wrong: MARK})
    assert (error.code, error.hint, error.details["fields"]) == ("unknown_field", f"Did you mean {meant}?", [wrong])


def test_a_misspelt_inner_field_names_the_right_one() -> None:
    """The same holds inside budgets."""
    error = refused("skipass_request_session", SESSION | {"budgets": {"row": 1}})
    assert (error.code, error.hint) == ("unknown_field", "Did you mean rows?")


def test_a_field_like_no_other_gets_the_list() -> None:
    """A field that resembles none is answered with those there are."""
    assert "statement_handle" in refused("snowflake_get_query_status", {"zzz": 1, "statement_handle": "x"}).hint


@pytest.mark.parametrize("spec", CATALOGUE, ids=[spec.name for spec in CATALOGUE])
def test_missing_fields_are_named(spec: Any) -> None:
    """A call without arguments names every required field, or passes when there is none."""
    required = spec.input_schema.get("required", [])
    if required:
        error = refused(spec.name, {})
        assert (error.code, error.details["fields"]) == ("missing_field", required)
    else:
        assert validate(spec.name, {})


@pytest.mark.parametrize("name", ["snowflake_execute_querry", "execute_query", "snowflake-execute-query"])
def test_an_unknown_tool_names_the_nearest(name: str) -> None:
    """A tool that does not exist is refused with the one that was meant."""
    with pytest.raises(SkipassError) as caught:
        tool(name)
    assert (caught.value.code, caught.value.hint) == ("unknown_tool", "Did you mean snowflake_execute_query?")


@pytest.mark.parametrize(
    "arguments",
    [
        {"statement": 3},
        {"statement": " \n"},
        {"statement": ""},
        {"statement": None},
        {"async": "true"},
        {"async": 1},
        {"timeout": -1},
        {"timeout": 0},
        {"timeout": 1.5},
        {"timeout": True},
        {"timeout": 10**30},
        {"database": ""},
        {"database": " "},
        {"schema": "a\x00b"},
        {"warehouse": ["W"]},
        {"role": "x" * 256},
        {"parameters": []},
        {"parameters": {"a": 1.5}},
        {"parameters": {"a": None}},
        {"parameters": {str(i): 1 for i in range(51)}},
        {"request_id": ""},
        {"request_id": "x" * 129},
        {"session_id": "a\nb"},
    ],
)
def test_a_wrong_value_is_refused_by_its_field(arguments: dict[str, Any]) -> None:
    """A value of the wrong type or size is refused, never coerced, and the field is named."""
    error = refused(RUN, {"statement": "x"} | arguments)
    assert error.code == "invalid_request"
    assert next(iter(arguments)) in error.message


@pytest.mark.parametrize("partition", [-1, "1", 1.0, True, None])
def test_a_partition_is_a_count_from_zero(partition: Any) -> None:
    """A partition is a non-negative integer and nothing that looks like one."""
    assert refused("snowflake_get_query_partition", {"statement_handle": "x", "partition": partition})


@pytest.mark.parametrize(
    "bindings",
    [
        [],
        "x",
        {"0": {"type": "TEXT", "value": "a"}},
        {"2": {"type": "TEXT", "value": "a"}},
        {"01": {"type": "TEXT", "value": "a"}},
        {"1": "a"},
        {"1": {"type": "TEXT"}},
        {"1": {"type": "TEXT", "value": "a", "fmt": "x"}},
        {"1": {"type": "text", "value": "a"}},
        {"1": {"type": ["TEXT"], "value": "a"}},
        {"1": {"type": "FIXED", "value": 1}},
        {"1": {"type": "TEXT", "value": ["a"]}},
    ],
)
def test_bindings_of_another_shape(bindings: Any) -> None:
    """Binds are positions from 1 without a gap, each a known type and a string or null."""
    assert refused(RUN, {"statement": "x", "bindings": bindings}).code == "invalid_bindings"


@pytest.mark.parametrize(
    "scope", [None, [], {}, {"schemas": []}, {"schema": ["A.B"]}, {"schemas": ["A.B"], "access": "x"}]
)
def test_a_scope_of_another_shape(scope: Any) -> None:
    """A scope is checked by the one function that checks every scope."""
    assert refused("skipass_request_session", SESSION | {"scope": scope}).code == "invalid_scope"


@pytest.mark.parametrize(
    "change", [{"ttl_s": 0}, {"ttl_s": "300"}, {"reason": " "}, {"reason": "x" * 1001}, {"budgets": {"rows": 0}}]
)
def test_a_session_request_with_wrong_values(change: dict[str, Any]) -> None:
    """A session's time, reason and budgets are within their limits."""
    assert refused("skipass_request_session", SESSION | change).code == "invalid_request"


@pytest.mark.parametrize(
    "arguments", [{"statement": [MARK]}, {"statement": "x", "bindings": {"1": {"type": MARK, "value": MARK}}}]
)
def test_no_value_is_shown_back(arguments: dict[str, Any]) -> None:
    """What was sent as a value appears in no part of the error."""
    assert MARK not in str(refused(RUN, arguments).as_dict())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_arguments_are_accepted_or_refused(data: Any) -> None:
    """Whatever the arguments: a frozen input that the published schema allows too, or an error of the vocabulary."""
    spec = data.draw(st.sampled_from(CATALOGUE))
    names = st.sampled_from(list(spec.input_schema["properties"])) | st.text(max_size=5)
    arguments = data.draw(
        st.dictionaries(names, VALUES | st.sampled_from(["x", 1, True, {"schemas": ["A.B"]}]), max_size=6)
    )
    codes = {"unknown_field", "missing_field", "invalid_request", "invalid_scope", "invalid_bindings"}
    refusal: list[str] = []
    try:
        validate(spec.name, arguments)
    except SkipassError as error:
        refusal.append(error.code)
    present = {name: value for name, value in arguments.items() if value is not None}
    assert codes.issuperset(refusal)
    assert refusal or Draft202012Validator(dict(spec.input_schema)).is_valid(present)
