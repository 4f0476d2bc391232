"""`guard check` over a pipe, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SCOPE = {"schemas": ["OPS_DB.OPS"], "database": "OPS_DB", "schema": "OPS"}


def scope_file(path: Path, scope: object = SCOPE) -> Path:
    """Return a scope file."""
    file = path / "scope.json"
    file.write_text(json.dumps(scope))
    return file


def ask(run, path: Path, *texts: str, options: tuple[str, ...] = ()):
    """Return the outcome for these texts, numbered from 1."""
    lines = "".join(json.dumps({"id": number, "sql": text}) + "\n" for number, text in enumerate(texts, 1))
    return run("guard", "check", "--scope", scope_file(path), *options, stdin=lines)


def test_each_line_gets_its_verdict_in_order(run, tmp_path: Path) -> None:
    """A read inside is allowed, a write is for review, a read outside is denied; names come out qualified."""
    found = ask(run, tmp_path, "SELECT id FROM orders", "DELETE FROM orders", "SELECT 1 FROM finance_db.hr.salaries")
    assert found.status == 0
    assert [(one["id"], one["verdict"]) for one in found.lines] == [(1, "allow"), (2, "review"), (3, "deny")]
    assert found.lines[0]["reads"] == ["OPS_DB.OPS.ORDERS"]
    assert found.lines[1]["writes"] == ["OPS_DB.OPS.ORDERS"]
    assert set(found.lines[2]) == {"id", "verdict", "kind", "reads", "writes", "reasons"}


def test_the_current_schema_can_be_given(run, tmp_path: Path) -> None:
    """--database and --schema come before what the file says."""
    found = ask(run, tmp_path, "SELECT 1 FROM salaries", options=("--database", "FINANCE_DB", "--schema", "HR"))
    assert found.json["verdict"] == "deny"
    assert found.json["reads"] == ["FINANCE_DB.HR.SALARIES"]


@pytest.mark.parametrize("scope", [[], {"schemas": []}, {"schemas": ["A.B"], "colour": "red"}, {"schemas": ["A..B.C"]}])
def test_a_scope_that_is_not_understood_is_refused(run, tmp_path: Path, scope: object) -> None:
    """Nothing is judged under a scope with a fault in it."""
    found = run("guard", "check", "--scope", scope_file(tmp_path, scope), stdin='{"id": 1, "sql": "SELECT 1"}\n')
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("invalid_scope: ")


def test_a_line_that_is_not_understood_ends_it(run, tmp_path: Path) -> None:
    """A malformed line is refused by its number; the lines before it have their verdicts."""
    found = run("guard", "check", "--scope", scope_file(tmp_path), stdin='{"id": 1, "sql": "SELECT 1"}\nSELECT 2\n')
    assert found.status == 1
    assert len(found.lines) == 1
    assert found.err.startswith("invalid_request: Line 2 ")


def test_a_missing_scope_file_is_named(run, tmp_path: Path) -> None:
    """The refusal says which file."""
    found = run("guard", "check", "--scope", tmp_path / "none.json", stdin="")
    assert found.status == 1
    assert "none.json" in found.err
