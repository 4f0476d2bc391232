"""Tables, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from skipass.cli.output import Format, cell, show_object, show_rows

ROWS = [
    {"name": "ops", "roles": ["A", "B"], "note": None, "scope": {"schemas": ["D.S"]}, "on": True},
    {"name": "a\x1b[31mb", "roles": [], "note": 'x,"y"', "scope": {}, "on": False},
]


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON prints every object whole, whatever the columns, and nothing else."""
    show_rows(ROWS, ("name",), Format.JSON)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS


def test_csv_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    """CSV has a header and one row each, quoted so that a CSV reader gives the cells back."""
    show_rows(ROWS, ("name", "roles", "note"), Format.CSV)
    found = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert found == [["name", "roles", "note"], ["ops", "A, B", ""], ["a⟨U+001B⟩[31mb", "", 'x,"y"']]


def test_a_table_in_a_pipe_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A value wider than any terminal stays whole and on one line where the output is not a terminal."""
    show_rows([{"name": "x" * 500, "state": "open"}], ("name", "state"), Format.TABLE)
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "state"]
    assert row.split() == ["x" * 500, "open"]


def test_markup_in_a_value_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in a value are printed, not obeyed."""
    show_rows([{"name": "[bold]x[/bold]"}], ("name",), Format.TABLE)
    assert capsys.readouterr().out.splitlines()[1] == "[bold]x[/bold]"


def test_an_object_is_listed_member_by_member(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table one object is a member a line; an absent value is nothing."""
    show_object({"id": "ses_1", "end_reason": None}, Format.TABLE)
    assert capsys.readouterr().out == "id          ses_1\nend_reason\n"


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "yes"), (None, ""), (["a", "b"], "a, b"), ({"a": 1}, '{"a":1}'), (7, "7"), ([1], "[1]")]
)
def test_a_cell_is_text(value: object, shown: str) -> None:
    """Each kind of JSON value has one form in a cell."""
    assert cell(value) == shown
