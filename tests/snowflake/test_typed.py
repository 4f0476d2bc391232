"""Typed rows of long results: by Arrow or by Python's own reader the same values, whole pieces, few at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.snowflake import Column, ProtocolError
from skipass.snowflake.arrow.batches import texts_of_body
from skipass.snowflake.arrow.pieces import in_pieces, pieces
from skipass.snowflake.prefetch import Turns
from skipass.snowflake.sqlapi.answers import rows_of
from skipass.snowflake.sqlapi.columns import whole_column
from skipass.snowflake.sqlapi.values import decode_rows
from skipass.snowflake.typed import TypedReader

KINDS = [
    "fixed", "real", "boolean", "date", "time", "timestamp_ntz", "timestamp_ltz", "timestamp_tz", "text", "binary",
    "variant", "decfloat",
]  # fmt: skip
SPELLINGS = st.sampled_from([
    "0", "-1", "007", "+5", "1.5", "1e5", "1e400", "0x1F", "nan", "NaN", "-inf", "nan(1)", "true", "TRUE", "1",
    "2932896", "2932897", "-719163", "1.000000001", "-0.5", "1700000000.123456789", "1700000000.123456789 1440",
    "1600000000.000000001 960", "1700000000.5 2000", "1700000000123456789", "48656C6C6F", "[1, {}]", "", "ä", "x",
    "9" * 19, "9" * 38, "86400", " 1", "1_0",
])  # fmt: skip
CELLS = st.none() | SPELLINGS | st.text("0123456789.-+eE x", max_size=12) | st.integers(-(10**20), 10**20).map(str)

FORMATS: list[dict[str, object]] = [
    {},
    {"timestamp_output_format": "X", "date_output_format": "X"},
    {"binary_output_format": "BASE64"},
]


def read_by(how: str, column: Column, cells: list[str | None], formats: dict[str, object]) -> list[Any]:
    """The values of a column's cells, read in one of the two ways."""
    typed = TypedReader([column], formats, pause_collector=False, is_long=how == "arrow")
    part = typed.reader().read(json.dumps([[cell] for cell in cells]).encode())
    assert part.num_rows == len(cells)
    return [value for rows in part.slices for (value,) in rows]


@given(
    st.sampled_from(KINDS),
    st.lists(CELLS, min_size=1, max_size=20),
    st.sampled_from([0, 2]),
    st.sampled_from(
        [{}, {"timestamp_output_format": "X", "date_output_format": "X"}, {"binary_output_format": "BASE64"}]
    ),
)
def test_both_readers_agree(kind: str, cells: list[str | None], scale: int, formats: dict[str, object]) -> None:
    """Any cells of any type are the same values, of the same types, or refused, whichever reader has them."""
    column = Column("C", kind, scale=scale)
    found: list[Any] = []
    for how in ("arrow", "rows"):
        try:
            values = read_by(how, column, cells, formats)
        except ProtocolError:
            found.append(None)
        else:
            found.append([(type(value), repr(value)) for value in values])
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["timestamp_ntz", "timestamp_ltz", "timestamp_tz"])
@given(
    st.lists(st.tuples(st.integers(0, 99_999_999_999), st.integers(0, 999_999_999)), min_size=1),
    st.lists(st.sampled_from(["1440", "960", "0960", "2160", "720"]), min_size=1),
)
def test_timestamps_by_column(kind: str, times: list[tuple[int, int]], offsets: list[str]) -> None:
    """Seconds of one length or of several, offsets alike or not: a column has the values of its cells one by one."""
    texts = [f"{seconds}.{nanos:09d}" for seconds, nanos in times]
    if kind == "timestamp_tz":
        texts = [f"{text} {offsets[index % len(offsets)]}" for index, text in enumerate(texts)]
    column = Column("C", kind)
    whole = whole_column(kind, texts)
    assert whole is not None
    # A negative one beside it has every cell read by itself.
    odd = "-1.5 1440" if kind == "timestamp_tz" else "-1.5"
    alone = [decode_rows([column], [[text], [odd]], {})[0][0] for text in texts]
    assert whole == alone
    assert [value.utcoffset() for value in whole] == [value.utcoffset() for value in alone]


def test_timestamps_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without numpy, columns of timestamps have the same values."""
    texts = ["1700000000.123456789 1440", "1700000001.000000001 960"]
    wanted = whole_column("timestamp_tz", texts)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert whole_column("timestamp_tz", texts) == wanted


TEXTS = st.none() | st.text(max_size=6) | st.sampled_from(['"],["', "],[", '"', "\\", ",", "]]", "[[", '{"data":'])


@given(
    st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1)),
    st.integers(0, 40),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
)
def test_pieces_are_the_whole(rows: list[list[str | None]], size: int, separators: Any, framed: bool) -> None:
    """Wherever a partition is cut, and whatever its cells hold, its pieces have its rows in order."""
    body = json.dumps({"data": rows} if framed else rows, separators=separators).encode()

    def read(piece: bytes) -> list[list[str | None]]:
        return rows_of(piece, len(rows[0]))

    assert [row for part in _cut(body, size, read) for row in part] == rows


def _cut(body: bytes, size: int, read: Callable[[bytes], Any]) -> list[Any]:
    try:
        return [read(piece) for piece in pieces(body, size)]
    except ProtocolError:
        return in_pieces(body, read)


def test_a_long_partition_is_cut() -> None:
    """A partition of several megabytes is read in several pieces, and one that breaks off is refused."""
    rows = [[str(number), "a text of some length to fill the partition"] for number in range(60_000)]
    body = json.dumps({"data": rows}, separators=(",", ":")).encode()
    parts = texts_of_body(body, 2)
    assert len(parts) > 2
    assert [cell for numbers, _ in parts for cell in numbers.to_pylist()] == [number for number, _ in rows]
    for broken in (body[:-1], body[: len(body) // 2], body.replace(b"]]}", b'],["1"]]}')):
        with pytest.raises(ProtocolError):
            texts_of_body(broken, 2)


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow a long result is read by Python's own reader."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    typed = TypedReader([Column("C", "text")], {}, pause_collector=True, is_long=True)
    rows = [[str(number)] for number in range(10_000)]
    part = typed.reader().read(json.dumps(rows).encode())
    assert [row for rows in part.slices for row in rows] == [(text,) for (text,) in rows]


def test_turns_keep_order() -> None:
    """Those that wait pass in order of their numbers, so many ahead of those that are done."""

    async def run() -> list[list[int]]:
        turns, passed, seen = Turns(1), list[int](), []

        async def one(number: int) -> None:
            await turns.of(number)
            passed.append(number)

        tasks = [asyncio.create_task(one(number)) for number in (3, 2, 1, 0)]
        for _ in range(3):
            for _ in range(10):
                await asyncio.sleep(0)
            seen.append(sorted(passed))
            await turns.done()
        await asyncio.gather(*tasks)
        return seen

    assert asyncio.run(run()) == [[0, 1], [0, 1, 2], [0, 1, 2, 3]]
