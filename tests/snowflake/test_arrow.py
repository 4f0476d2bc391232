"""Cells as Arrow: every type exactly, the same values as typed rows, and typed errors for the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.snowflake import Column, OutOfRangeError, ProtocolError, SnowflakeError
from skipass.snowflake.arrow import frames
from skipass.snowflake.arrow.batches import Batches
from skipass.snowflake.arrow.schema import ArrowTypes
from skipass.snowflake.sqlapi.binds import bind
from skipass.snowflake.sqlapi.values import decode_rows
from snowflake import golden

CELLS = {n: c for n, c in golden.cases("sqlapi-types").items() if "cell" in c.get("input", {})}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def batch_of(columns: list[Column], rows: list[list[str | None]], **types: Any) -> pa.RecordBatch:
    """The batch of these rows."""
    formats = types.pop("formats", {})
    return Batches(columns, formats, ArrowTypes(**types)).of_body(json.dumps({"data": rows}).encode())


def one(kind: str, cell: str | None, *, scale: int | None = None, precision: int | None = None, **types: Any) -> Any:
    """One cell as an Arrow scalar."""
    column = Column("C", kind, precision=precision, scale=scale)
    return batch_of([column], [[cell]], **types).column(0)[0]


@pytest.mark.parametrize(
    ("kind", "cell", "wanted"),
    [
        ("date", "2932897", pa.scalar(2932897, pa.int32()).cast(pa.date32())),
        ("date", "-800000", pa.scalar(-800000, pa.int32()).cast(pa.date32())),
        ("time", "86399.999999999", pa.scalar(86399999999999, pa.int64()).cast(pa.time64("ns"))),
        ("timestamp_ntz", "1611871777.123456789", pa.scalar(1611871777123456789, pa.timestamp("ns"))),
        ("timestamp_ntz", "1611871777123456789", pa.scalar(1611871777123456789, pa.timestamp("ns"))),
        ("timestamp_ntz", "-1.500000001", pa.scalar(-1500000001, pa.timestamp("ns"))),
        ("timestamp_ltz", "5", pa.scalar(5_000_000_000, pa.timestamp("ns", "UTC"))),
        ("timestamp_tz", "1616173619.000000000 1500", pa.scalar(1616173619 * 10**9, pa.timestamp("ns", "UTC"))),
        ("real", "-inf", pa.scalar(float("-inf"))),
        ("boolean", "1", pa.scalar(True)),
        ("binary", "48656C6c6F", pa.scalar(b"Hello", pa.binary())),
        ("variant", '{\n  "a": "\\u00e9"\n}', pa.scalar('{\n  "a": "\\u00e9"\n}')),
        ("geography", '{"coordinates":[1,2],"type":"Point"}', pa.scalar('{"coordinates":[1,2],"type":"Point"}')),
        ("vector", "[1.0,2.0]", pa.scalar("[1.0,2.0]")),
        ("decfloat", "1.23e-40", pa.scalar("1.23e-40")),
        ("text", "", pa.scalar("")),
        ("text", "null", pa.scalar("null")),
    ],
)
def test_types(kind: str, cell: str, wanted: pa.Scalar) -> None:
    """Each type becomes its Arrow type, to the last digit; NULL is null and an empty text is a text."""
    found = one(kind, cell)
    assert (found.type, found) == (wanted.type, wanted)
    assert not one(kind, None).is_valid


def test_numbers_keep_every_digit() -> None:
    """NUMBER(38,s) is a decimal without loss; whole numbers of up to 18 digits are 64-bit integers."""
    assert one("fixed", "9" * 38, precision=38, scale=0).as_py() == Decimal("9" * 38)
    assert one("fixed", "-0." + "9" * 37, precision=38, scale=37).as_py() == Decimal("-0." + "9" * 37)
    assert one("fixed", "9" * 18, precision=18, scale=0).type == pa.int64()


def test_offsets_are_kept_when_asked() -> None:
    """TIMESTAMP_TZ can keep its offset beside the instant, and is null as a whole."""
    column = Column("C", "timestamp_tz")
    batch = batch_of([column], [["0.5 960"], [None], ["-1.000000000 2160"]], timestamp_unit="us", keep_offsets=True)
    assert batch.column(0).to_pylist() == [
        {"instant": EPOCH + timedelta(seconds=0.5), "offset_minutes": -480},
        None,
        {"instant": EPOCH - timedelta(seconds=1), "offset_minutes": 720},
    ]


def test_far_timestamps_need_microseconds() -> None:
    """A year that 64-bit nanoseconds cannot hold is an error with the way out, never another year."""
    with pytest.raises(OutOfRangeError) as caught:
        one("timestamp_ntz", "253402300799.999999999")
    assert "timestamp_unit='us'" in caught.value.hint
    found = one("timestamp_ntz", "253402300799.999999999", timestamp_unit="us")
    assert found.as_py() == datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001
    assert one("timestamp_ntz", "-0.000000001", timestamp_unit="us").value == -1


def test_asked_formats() -> None:
    """What the request asked for as formatted text stays text, and base 64 is read as bytes."""
    assert one("date", "31.01.2026", formats={"DATE_OUTPUT_FORMAT": "DD.MM.YYYY"}).as_py() == "31.01.2026"
    assert one("binary", "SGVsbG8=", formats={"binary_output_format": "base64"}).as_py() == b"Hello"


def test_schema_is_of_the_columns() -> None:
    """Repeated names, nullability and Snowflake's own type are kept; an empty partition has the same schema."""
    columns = [Column("ID", "fixed", nullable=False, precision=38, scale=2), Column("ID", "variant")]
    batches = Batches(columns, {}, ArrowTypes())
    empty, full = batches.of_body(b'{"data":[]}'), batches.of_body(b'[["1.50","{}"],["0.00",null]]')
    assert (empty.num_rows, full.num_rows, empty.schema) == (0, 2, full.schema)
    assert full.schema.names == ["ID", "ID"]
    assert [field.nullable for field in full.schema] == [False, True]
    assert full.schema.field(0).metadata == {b"snowflake_type": b"fixed", b"precision": b"38", b"scale": b"2"}
    assert batches.table([empty, full]).num_rows == 2


@pytest.mark.parametrize("name", sorted(CELLS))
def test_golden_cells(name: str) -> None:
    """Every golden cell is an Arrow value or a typed error, and equals the typed row's where Python has the type."""
    given = CELLS[name]["input"]
    shape = given.get("column") or given
    column = Column(
        "C", str(shape.get("type", "text")).lower(), precision=shape.get("precision"), scale=shape.get("scale")
    )
    try:
        found = batch_of([column], [[given["cell"]]], formats=given.get("parameters") or {}).column(0)[0]
    except SnowflakeError:
        return
    assert found.is_valid is (given["cell"] is not None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]x", b'{"data":null}', b'{"data":[["1"]]}', b'{"data":[["1","2","3"]]}', b"[[1,2]]",
        b'{"data":[["1","2"],null]}', b'{"data":[["1",["2"]]]}', b'[["1","\xff"]]', b'{"data":[]}{"data":[]}',
        b'{"rows":[]}', b'[["x","2"]]', b'[["1.5","2"]]', b'[["","2"]]',
    ],
)  # fmt: skip
def test_bodies_that_are_no_partition(body: bytes) -> None:
    """A body of another shape, width or encoding is a protocol error."""
    with pytest.raises(ProtocolError):
        Batches([Column("A", "fixed", precision=38, scale=0), Column("B", "text")], {}, ArrowTypes()).of_body(body)


KINDS = ["fixed", "real", "boolean", "date", "time", "timestamp_ntz", "timestamp_tz", "binary", "text", "variant"]


@given(st.sampled_from(KINDS), st.lists(st.one_of(st.none(), st.text(), st.from_regex(r"-?[0-9]{1,25}(\.[0-9]*)?"))))
def test_any_cells_are_values_or_a_typed_error(kind: str, cells: list[str | None]) -> None:
    """No text of a cell brings out anything but a batch of as many rows, or an error of this library."""
    try:
        batch = batch_of([Column("C", kind, precision=38, scale=0)], [[cell] for cell in cells])
    except SnowflakeError:
        return
    assert batch.num_rows == len(cells)
    batch.validate(full=True)


@pytest.mark.parametrize("cell", ["-1", "86400", "-0.000000001"])
def test_times_beyond_a_day_are_refused(cell: str) -> None:
    """A TIME that no day has is an error in Arrow as in typed rows."""
    with pytest.raises(ProtocolError):
        one("time", cell)
    with pytest.raises(ProtocolError):
        decode_rows([Column("C", "time")], [[cell]], {})


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_values_or_a_typed_error(noise: bytes, framed: bool) -> None:
    """No body brings out anything but a batch or an error of this library."""
    body = b'{"data":[["' + noise + b'"]]}' if framed else noise
    try:
        Batches([Column("C", "text")], {}, ArrowTypes()).of_body(body).validate(full=True)
    except SnowflakeError:
        return


ROW = st.tuples(
    st.none() | st.integers(-(10**38) + 1, 10**38 - 1),
    st.none() | st.text(st.characters(codec="utf-8")),
    st.none() | st.booleans(),
    st.none() | st.binary(),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.dates(),
    st.none() | st.times(),
    st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
COLUMNS = [
    Column(kind.upper(), kind, precision=38 if kind == "fixed" else None, scale=0 if kind == "fixed" else None)
    for kind in ("fixed", "text", "boolean", "binary", "real", "date", "time", "timestamp_ntz", "timestamp_tz")
]


def cell_of(value: object, kind: str) -> str | None:
    """The cell in which Snowflake would send a value; its encodings differ from those of binds for dates and times."""
    if value is None:
        return None
    text = bind(value).value or ""
    if kind == "date":
        return str(int(text) // 86_400_000)
    if kind in ("time", "timestamp_ntz", "timestamp_tz"):
        nanos, _, offset = text.partition(" ")
        sign, digits = ("-", nanos[1:]) if nanos.startswith("-") else ("", nanos)
        whole, fraction = divmod(int(digits), 10**9)
        return f"{sign}{whole}.{fraction:09d}{' ' + offset if offset else ''}"
    return text


@given(st.lists(ROW, min_size=1, max_size=30))
def test_arrow_equals_typed_rows(rows: list[tuple[Any, ...]]) -> None:
    """Rows of every type come out of Arrow and out of the typed reader as the values that went in."""
    cells = [[cell_of(value, column.type) for value, column in zip(row, COLUMNS, strict=True)] for row in rows]
    assert decode_rows(COLUMNS, cells, {}) == rows
    batch = batch_of(COLUMNS, cells, timestamp_unit="us")
    found = [tuple(record.values()) for record in batch.to_pylist()]
    assert [tuple(map(plain, row)) for row in found] == [tuple(map(plain, row)) for row in rows]


def plain(value: Any) -> Any:
    """A value in a form that both sides share."""
    if isinstance(value, Decimal):
        return int(value)
    return value


@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(5000, 1, 1)), min_size=1),  # noqa: DTZ001
    st.integers(-720, 720),
)
def test_whole_columns_equal_single_cells(walls: list[datetime], minutes: int) -> None:
    """A column in the usual spelling, read as a whole, has the values of its cells read one by one."""
    zone = timezone(timedelta(minutes=minutes)) if minutes else UTC
    zoned = [wall.replace(tzinfo=zone) for wall in walls if wall.year > 1970 or minutes <= 0]
    for kind, values in (("timestamp_ntz", walls), ("timestamp_tz", zoned)):
        cells = [cell_of(value, kind) for value in values]
        column = Column("C", kind)
        whole = decode_rows([column], [[cell] for cell in cells], {})
        alone = [
            decode_rows([column], [[cell], ["-1.5 1440"[: None if kind.endswith("tz") else 4]]], {})[0]
            for cell in cells
        ]
        assert whole == alone == [(value,) for value in values]
        assert [value.utcoffset() for (value,) in whole] == [value.utcoffset() for value in values]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(JSON, min_size=1))
def test_documents_round_trip(values: list[Any]) -> None:
    """VARIANT columns keep every number and text, whether read as a whole or cell by cell."""
    cells = [[json.dumps(value, indent=2)] for value in values]
    assert decode_rows([Column("C", "variant")], cells, {}) == [(value,) for value in values]


def test_documents_that_are_none_stay_text() -> None:
    """Cells that are not JSON, also such as would be together, come back as the text they are."""
    for texts in (["[1", "2]"], ["1,2", "3"], ["", "1"], ["[undefined]", "{}"], ["1],[2"]):
        found = decode_rows([Column("C", "variant")], [[text] for text in texts], {})
        assert found[0] == (texts[0],)


def test_frames() -> None:
    """Frames keep every value: whole numbers as integers where they fit, repeated names told apart for polars."""
    columns = [
        Column("N", "fixed", precision=38, scale=0),
        Column("BIG", "fixed", precision=38, scale=0),
        Column("D", "date"),
        Column("T", "timestamp_ntz"),
        Column("N", "text"),
    ]
    rows: list[list[str | None]] = [["1", "9" * 30, "2932897", "1.000000001", "a"], [None, "1", None, None, ""]]
    batch = batch_of(columns, rows)
    table = pa.Table.from_batches([batch])
    pandas, polars = frames.to_pandas(table), frames.to_polars(table)
    assert list(pandas.columns) == ["N", "BIG", "D", "T", "N"]
    assert pandas.iloc[0, 1] == Decimal("9" * 30)
    assert str(pandas.iloc[0, 2].year) == "10000"
    assert pandas.iloc[0, 3].nanosecond == 1
    assert polars.columns == ["N", "BIG", "D", "T", "N_2"]
    assert polars["N"].to_list() == [1, None]
    assert polars["N_2"].to_list() == ["a", ""]


def test_nothing_heavy_is_imported() -> None:
    """Reading a result as Arrow imports neither pandas nor polars."""
    program = (
        "import sys\nfrom skipass.snowflake.arrow.batches import Batches\n"
        "from skipass.snowflake.arrow.schema import ArrowTypes\nfrom skipass.snowflake import Column\n"
        "kinds = ['fixed', 'date', 'time', 'timestamp_ntz', 'timestamp_tz', 'boolean', 'real', 'text', 'binary']\n"
        "cells = ['1', '1', '1.5', '1.5', '1.5 1440', 'true', '1', 'a', '0a']\n"
        "import json\nbody = json.dumps([cells]).encode()\n"
        "Batches([Column('C', kind) for kind in kinds], {}, ArrowTypes()).of_body(body)\n"
        "print(sorted({'pandas', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_dates_of_python() -> None:
    """Dates and times within Python's range read the same from Arrow as from typed rows."""
    assert one("date", "0").as_py() == date(1970, 1, 1)
    assert one("time", "82919.000000000").cast(pa.time64("us")).as_py() == time(23, 1, 59)
