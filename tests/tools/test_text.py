"""Rows as a model reads them: as a table, as JSON or as CSV, bounded, and with the way to the rest."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.nouns.envelope import Envelope, Status
from skipass.tools.layout import MAX_CELL_CHARS
from skipass.tools.text import MAX_CHARS, MAX_ROWS, MAX_TEXT_CHARS, text_of

MARK = "5f3a9c0e7b21d846"
FENCE = f"--- data {MARK}"
EMPTY = '""'
CELLS = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
VISIBLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


def told(envelope: Envelope) -> str:
    """Return what a model reads, with a mark that the test knows."""
    return text_of(envelope, MARK)


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
    lines = inside(told(envelope(rows, ["A", "B"], "json")))
    assert [json.loads(line) for line in lines] == [{"A": a, "B": b} for a, b in rows]
    assert all(line.isprintable() for line in lines)


def test_json_with_names_twice_is_one_array_a_row() -> None:
    """Columns of one name are not lost: the names stand in the first line, and each row is an array."""
    lines = inside(told(envelope([["1", None]], ["N", "N"], "json")))
    assert [json.loads(line) for line in lines] == [["N", "N"], ["1", None]]


@given(st.lists(st.lists(st.none() | VISIBLE, min_size=2, max_size=2), min_size=1, max_size=10))
def test_csv_reads_back(rows: list[list[str | None]]) -> None:
    """A CSV reader gets the names and every visible cell back; NULL is an empty field."""
    lines = inside(told(envelope(rows, ["A", "B"], "csv")))
    assert list(csv.reader(io.StringIO("\n".join(lines)))) == [["A", "B"], *[[a or "", b or ""] for a, b in rows]]


def test_csv_tells_null_from_empty_text() -> None:
    """NULL is nothing at all between the commas, empty text is two quotes."""
    assert inside(told(envelope([[None, ""]], ["A", "B"], "csv"))) == ["A,B", ',""']


@given(st.sampled_from(["table", "json", "csv"]), st.lists(st.lists(CELLS, max_size=3), max_size=20))
def test_no_cell_closes_the_fence_in_any_layout(layout: str, rows: list[list[str | None]]) -> None:
    """Whatever the rows hold, there are two marks and one line a row between them."""
    text = told(envelope([[FENCE, *row] for row in rows], [], layout))
    assert text.split("\n").count(FENCE) == 2
    assert len(inside(text)) == len(rows)


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
@pytest.mark.parametrize(("count", "width"), [(MAX_ROWS + 1, 3), (100, 290)])
def test_every_layout_is_bounded_and_says_what_it_left_out(layout: str, count: int, width: int) -> None:
    """Text is cut at a row, within its bound, and says how many rows it shows of how many."""
    text = told(envelope([["x" * width]] * count, ["A"], layout))
    shown = text.count("x" * width)
    assert 0 < shown < count
    assert f"Shown: the first {shown} of {count} rows delivered." in text
    assert len(text) < MAX_CHARS + 1_000


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
def test_a_long_cell_is_cut_in_every_layout(layout: str) -> None:
    """A cell over the bound shows its start and its whole length."""
    text = told(envelope([["x" * 5_000]], ["A"], layout))
    assert "x" * MAX_CELL_CHARS + "… (5,000 characters)" in text
    assert "x" * (MAX_CELL_CHARS + 1) not in text


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
def test_a_later_partition_points_to_the_next(layout: str) -> None:
    """A partition that comes without column names still says which one it is and what to ask for next."""
    fields = {"format": layout, "partition": 1, "partitions": 3, "statementHandle": "stm_2"}
    text = told(Envelope(Status.SUCCESS, "stm_1", "ses_1", {"data": [["1"]]}, fields))
    assert "This is partition 1 of 3." in text
    assert "The columns are those of partition 0" in text
    assert 'snowflake_get_query_partition {"statement_handle": "stm_2", "partition": 2}.' in text
    last = told(Envelope(Status.SUCCESS, "stm_1", "ses_1", {"data": [["1"]]}, fields | {"partition": 2}))
    assert "Next:" not in last


def typed(kinds: list[str], *rows: list[str | None]) -> list[str]:
    """Return the rows of a table with columns of these types, as they are shown."""
    meta = {"rowType": [{"name": kind, "type": kind} for kind in kinds]}
    return inside(told(Envelope(Status.SUCCESS, "stm_1", "ses_1", {"resultSetMetaData": meta, "data": [*rows]})))[1:]


def test_dates_and_times_are_written_as_people_write_them() -> None:
    """Days and seconds since 1970 are turned into dates and times, exactly; numbers stay digit for digit."""
    kinds = ["date", "time", "timestamp_ntz", "timestamp_ltz", "timestamp_tz", "fixed"]
    seconds = "1611871901.120000000"
    assert typed(kinds, ["20484", "36000.000000000", seconds, seconds, f"{seconds} 1500", "1.10"]) == [
        "2026-01-31 | 10:00:00 | 2021-01-28 22:11:41.12 | 2021-01-28 22:11:41.12Z | 2021-01-28 23:11:41.12+01:00 | 1.10"
    ]
    assert typed(["timestamp_tz", "date"], ["1616173619000000000 960", "-1"]) == [
        "2021-03-19 09:06:59-08:00 | 1969-12-31"
    ]
    assert typed(["fixed", "real"], ["9" * 38, "1e-300"]) == [f"{'9' * 38} | 1e-300"]


@pytest.mark.parametrize("cell", ["2026-01-31", "20260131", "01022026", "", "x", "١", "1.5", "12 13 14", "9" * 30])
def test_what_is_no_count_of_days_or_seconds_stays(cell: str) -> None:
    """A date that the caller had written by a format of their own is shown as it came."""
    for kind in ("date", "time", "timestamp_ntz", "timestamp_ltz", "timestamp_tz"):
        assert typed([kind, "text"], [cell, "."]) == [f"{cell or EMPTY} | ."]


def test_null_is_told_from_empty_text_and_from_the_word() -> None:
    """NULL, nothing, the word NULL, blanks at an end and text in quotes are five different cells of a table."""
    assert typed(["text"] * 5, [None, "", "NULL", " a ", '"a"']) == ['NULL | "" | "NULL" | " a " | ""a""']


def test_the_mark_is_drawn_for_each_text() -> None:
    """Two texts of one answer have two marks, neither of which stands anywhere else in them."""
    texts = [text_of(envelope([["a"]], ["A"], "table")) for _ in range(2)]
    marks = [re.findall(r"^--- data ([0-9a-f]{16})$", text, re.MULTILINE) for text in texts]
    assert [len(found) for found in marks] == [2, 2]
    assert len({*marks[0], *marks[1]}) == 2
    assert "stm_1" not in texts[0]


@pytest.mark.parametrize(
    "hidden", ["\u3164", "\u2800", "\u034f", "\ufe01", "\U000e0101", "\U000e0041", "\u200d", "\u2028", "\xa0", "\x00"]
)
@pytest.mark.parametrize("layout", ["table", "json", "csv"])
def test_nothing_that_cannot_be_seen_stays(hidden: str, layout: str) -> None:
    """Fillers, blanks by shape, selectors, tags and separators are written as escapes, in names as well as in cells."""
    text = told(envelope([[f"a{hidden}{hidden}b"]], [f"n{hidden}"], layout))
    assert hidden not in text
    assert f"{ord(hidden):x}"[-4:].lstrip("0") in text.lower() or hidden == "\x00"


def test_an_emoji_keeps_its_style_and_no_more() -> None:
    """One selector after a sign that shows is how emoji are written; a run of them could carry a text."""
    assert typed(["text"], ["\u2764\ufe0f"]) == ["\u2764\ufe0f"]
    assert typed(["text"], ["\u2764\ufe0f\ufe0f"]) == ["\u2764\ufe0f\\u{fe0f}"]


@pytest.mark.parametrize("layout", ["table", "json", "csv"])
@pytest.mark.parametrize("letter", ["x", "|", '"', "\u202e", "\U000e0041", "漢", "\\"])
def test_two_hundred_columns_still_show_a_row(layout: str, letter: str) -> None:
    """However wide and long everything is, something of a first row is shown and the next call gets on from there."""
    rows, names = [[letter * 2_000] * 1_000] * 30, [letter * 255] * 1_000
    text = told(envelope(rows, names, layout, statementHandle="stm_1"))
    assert len(text) <= MAX_TEXT_CHARS
    assert "Shown: the first 200 of 1,000 columns." in text
    assert '"from_row": ' in text
    assert '"from_row": 0' not in text


@given(
    st.lists(st.lists(CELLS | st.text(min_size=300, max_size=400), max_size=30), max_size=30),
    st.sampled_from(["table", "json", "csv"]),
    st.lists(st.text(max_size=2_000), max_size=30),
)
def test_no_answer_is_longer_than_is_said(rows: list[list[str | None]], layout: str, reasons: list[str]) -> None:
    """Whatever an envelope holds, its text has at most the characters that are documented."""
    long = "y" * 100_000
    fields = {"code": "denied", "message": long, "hint": long, "reasons": reasons * 10, "request": {"x": long}}
    assert len(told(envelope(rows, [long, "B"], layout, **fields, url=long, approval=long))) <= MAX_TEXT_CHARS
    members = {f"m{at}": long for at in range(100)}
    text = told(Envelope(Status.SUCCESS, "stm_1", "ses_1", members, fields))
    assert len(text) <= MAX_TEXT_CHARS
    assert "of 100 members" in text


def test_rows_go_on_from_where_they_were_cut() -> None:
    """Following the calls that the text names shows every row once, in order."""
    rows, seen, start = [[str(number), "x" * 290] for number in range(500)], [], 0
    for _ in range(100):
        text = told(envelope(rows, ["N", "T"], "table", statementHandle="stm_1", from_row=start))
        seen += [line.partition(" | ")[0] for line in inside(text)[1:]]
        following = re.search(r"get_query_partition (\{.*?\})", text)
        if following is None:
            break
        start = json.loads(following[1])["from_row"]
    assert seen == [str(number) for number in range(500)]


def test_past_the_last_row_nothing_is_made_up() -> None:
    """A first row beyond the last one is told to be so."""
    text = told(envelope([["1"]], ["A"], "table", statementHandle="stm_1", from_row=7))
    assert inside(text) == ["A"]
    assert "There are only 1 rows here." in text


def test_columns_with_names_need_no_word_about_them() -> None:
    """Nothing is said of columns that stand above their rows, nor of a result without rows."""
    assert "partition 0" not in told(envelope([["1"]], ["A"], "table"))
    assert "partition 0" not in told(envelope([], [], "table"))
