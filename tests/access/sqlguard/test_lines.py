"""`guard check` over lines of JSON."""

from __future__ import annotations

import json

import pytest

from skipass.access.sqlguard import check_lines
from skipass.errors import SkipassError

SCOPE = {"schemas": ["ops_db.ops"], "warehouse": "wh", "database": "ops_db", "schema": "ops"}


def test_each_line_is_answered_in_order() -> None:
    """Every request line gives one answer line of the documented shape; blank lines give none."""
    lines = ['{"id": 1, "sql": "SELECT * FROM orders"}\n', "\n", '{"id": "b", "sql": "DROP TABLE hr.core.x"}']
    first, second = (json.loads(line) for line in check_lines(lines, SCOPE))
    assert first == {
        "id": 1,
        "verdict": "allow",
        "kind": "read",
        "reads": ["OPS_DB.OPS.ORDERS"],
        "writes": [],
        "reasons": [],
    }
    assert (second["id"], second["verdict"], second["writes"]) == ("b", "deny", ["HR.CORE.X"])
    assert second["reasons"][0]["code"] == "out_of_scope"


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"id": 1}', '{"sql": "x"}', '{"id": 1, "sql": 2}'])
def test_a_malformed_line_is_named(line: str) -> None:
    """A line that is no request ends the reading with its number."""
    with pytest.raises(SkipassError, match="Line 1") as caught:
        list(check_lines([line], SCOPE))
    assert caught.value.code == "invalid_request"


@pytest.mark.parametrize("scope", [[], {"schemas": []}, {**SCOPE, "database": 3}, {**SCOPE, "more": 1}])
def test_a_malformed_scope_is_refused_before_any_line(scope: object) -> None:
    """A wrong scope is an error at once, not at the first line."""
    with pytest.raises(SkipassError) as caught:
        check_lines(iter(()), scope)
    assert caught.value.code == "invalid_scope"
