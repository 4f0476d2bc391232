"""Rows as a model reads them: as a table, as JSON or as CSV, bounded, and with the way to the rest."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.nouns.envelope import Envelope, Status
from skipass.tools.layout import MAX_CELL_CHARS
from skipass.tools.text import MAX_CHARS, MAX_ROWS, text_of

FENCE = "--- data stm_1"
CELLS = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
VISIBLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


def envelope(rows: list[list[Any]], names: list[str], layout: str, **fields: Any) -> Envelope:
    meta = {"rowType": [{"name": name, "type": "text"} for name in names], "numRows": len(rows)}
    data = {"resultSetMetaData": meta, "data": rows}
    return Envelope(Status.SUCCESS, "stm_1", "ses_1", data, {"format": layout, **fields})


def inside(text: str) -> list[str]:
    """Return the lines between the two lines that mark data."""
    lines = text.split("\n")
    first = lines.index(FENCE)
    return lines[first + 1 : lines.index(FENCE, first + 1)]


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=10))
def test_json_is_one_object_a_row(rows: list[list[str | None]]) -> None:
    """Each line is one JSON object with exactly the row's cells, NULL as null, and holds no invisible character."""
    lines = inside(text_of(envelope(rows, ["A", "B"], "json")))
    assert [json.loads(line) for line in lines] == [{"A": a, "B": b} for a, b in rows]
    assert all(line.isprintable() for line in lines)


def test_json_with_names_twice_is_one_array_a_row() -> None:
    """Columns of one name are not lost: the names stand in the first line, and each row is an array."""
    lines = inside(text_of(envelope([["1", None]], ["N", "N"], "json")))
    assert [json.loads(line) for line in lines] == [["N", "N"], ["1", None]]


@given(st.lists(st.lists(st.none() | VISIBLE, min_size=2, max_size=2), min_size=1, max_size=10))
def test_csv_reads_back(rows: list[list[str | None]]) -> None:
    """A CSV reader gets the names and every visible cell back; NULL is an empty field."""
    lines = inside(text_of(envelope(rows, ["A", "B"], "csv")))
    assert list(csv.reader(io.StringIO("\n".join(lines)))) == [["A", "B"], *[[a or "", b or ""] for a, b in rows]]


def test_csv_tells_null_from_empty_text() -> None:
    """NULL is nothing at all between the commas, empty text is two quotes."""
    assert inside(text_of(envelope([[None, ""]], ["A", "B"], "csv"))) == ["A,B", ',""']


@given(st.sampled_from(["table", "json", "csv"]), st.lists(st.lists(CELLS, max_size=3), max_size=20))
def test_no_cell_closes_the_fence_in_any_layout(layout: str, rows: list[list[str | None]]) -> None:
    """Whatever the rows hold, there are two marks and one line a row between them."""
    text = text_of(envelope([[FENCE, *row] for row in rows], [], layout))
    assert text.split("\n").count(FENCE) == 2
    assert len(inside(text)) == len(rows)


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
@pytest.mark.parametrize(("count", "width"), [(MAX_ROWS + 1, 3), (100, 290)])
def test_every_layout_is_bounded_and_says_what_it_left_out(layout: str, count: int, width: int) -> None:
    """Text is cut at a row, within its bound, and says how many rows it shows of how many."""
    text = text_of(envelope([["x" * width]] * count, ["A"], layout))
    shown = text.count("x" * width)
    assert 0 < shown < count
    assert f"Shown: the first {shown} of {count} rows delivered." in text
    assert len(text) < MAX_CHARS + 1_000


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
def test_a_long_cell_is_cut_in_every_layout(layout: str) -> None:
    """A cell over the bound shows its start and its whole length."""
    text = text_of(envelope([["x" * 5_000]], ["A"], layout))
    assert "x" * MAX_CELL_CHARS + "… (5,000 characters)" in text
    assert "x" * (MAX_CELL_CHARS + 1) not in text


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
def test_a_later_partition_points_to_the_next(layout: str) -> None:
    """A partition that comes without column names still says which one it is and what to ask for next."""
    fields = {"format": layout, "partition": 1, "partitions": 3}
    text = text_of(Envelope(Status.SUCCESS, "stm_1", "ses_1", {"data": [["1"]]}, fields))
    assert "This is partition 1 of 3." in text
    assert "partition 2." in text
    last = text_of(Envelope(Status.SUCCESS, "stm_1", "ses_1", {"data": [["1"]]}, fields | {"partition": 2}))
    assert "Next:" not in last
