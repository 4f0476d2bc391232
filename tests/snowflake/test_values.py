"""Cells and binds: the golden pairs, round trips of every type, refusals."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.snowflake import Bind, Column, InvalidBinding, ProtocolError, bind, bindings, json_text
from skipass.snowflake.sqlapi.answers import column_of
from skipass.snowflake.sqlapi.binds import nanos
from skipass.snowflake.sqlapi.values import (
    decode_cell,
    decode_rows,
    iso_date,
    iso_timestamp,
    nanos_of,
    offset_minutes_of,
    without_null_words,
)
from snowflake import golden

TYPES = {name: case for name, case in golden.cases("sqlapi-types").items() if "input" in case}
BINDS = {
    name: case for name, case in golden.cases("sqlapi-binds").items() if name.startswith("bind-") and "input" in case
}
TIMESTAMPS = ("timestamp_ntz", "timestamp_ltz", "timestamp_tz")


def iso(nanoseconds: int) -> str:
    """A time of day with nine fraction digits."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:09d}"


@pytest.mark.parametrize("name", TYPES)
def test_golden_cell(name: str) -> None:
    """Each golden cell decodes to its canonical value."""
    given_, wanted = TYPES[name]["input"], TYPES[name]["output"]
    column, cell, parameters = column_of({"name": "C", **given_}), given_["cell"], given_.get("parameters", {})
    if parameters.get("request_nullable") == "false":
        cell = without_null_words([column], [[cell]])[0][0]
    value = decode_cell(column, cell, parameters)
    check_value(column, cell, value, wanted)


def check_value(column: Column, cell: str | None, value: Any, wanted: dict[str, Any]) -> None:
    """Compare a Python value with a canonical one; exact nanoseconds are compared beside the Python value."""
    kind = wanted["kind"]
    if kind == "null":
        assert value is None
    elif kind in ("integer", "decimal", "decfloat"):
        assert type(value) is (int if kind == "integer" else Decimal)
        assert (format(value, "f") if kind == "decimal" else str(value).lower()) == wanted["value"]
    elif kind == "float":
        assert type(value) is float
        assert value == float(wanted["value"]) or (math.isnan(value) and wanted["value"] == "NaN")
    elif kind == "bytes":
        assert value.hex() == wanted["value"]
    elif kind == "ambiguous":
        assert value == "null"
    elif kind in ("date", "time", *TIMESTAMPS):
        check_moment(kind, cell or "", value, wanted)
    else:
        assert value == wanted["value"]


def check_moment(kind: str, cell: str, value: Any, wanted: dict[str, Any]) -> None:
    """A date or time agrees to the microsecond in Python and to the nanosecond in the exact reading."""
    if kind == "date":
        assert (value if isinstance(value, str) else value.isoformat()) == wanted["value"]
        assert iso_date(int(cell)) == wanted["value"]
    elif kind == "time":
        assert value.isoformat("microseconds") == wanted["value"][:-3]
        assert iso(nanos_of(cell)) == wanted["value"]
    else:
        offset = offset_minutes_of(cell) if kind == "timestamp_tz" else {"timestamp_ltz": 0}.get(kind)
        exact = wanted["value"].replace("Z", "+00:00")
        assert str(nanos_of(cell)) == wanted["epoch_nanos"]
        assert iso_timestamp(nanos_of(cell), offset) == exact
        assert value.isoformat(timespec="microseconds") == exact[:26] + exact[29:]
        assert offset is None or value.utcoffset() == timedelta(minutes=wanted.get("offset_minutes", 0))


@pytest.mark.parametrize("name", BINDS)
def test_golden_bind(name: str) -> None:
    """Each golden Python value is bound as its golden type and text."""
    given_, wanted = BINDS[name]["input"], BINDS[name]["output"]
    assert not golden.differences(wanted, bound(given_).as_dict(), {})


def bound(given_: dict[str, Any]) -> Bind:
    """Bind a canonical value; NULL and BINARY as text are written out, because a Python value has only one type."""
    kind, value, wanted = given_["kind"], given_["value"], given_["bind_as"]
    if kind == "null":
        return Bind(wanted, bind(None).value)
    if kind == "bytes":
        return Bind(wanted, bind(bytes.fromhex(value)).value)
    if kind in ("time", *TIMESTAMPS):
        return nanos(wanted, *exact_nanos(kind, value))
    convert: dict[str, Any] = {
        "integer": lambda: bind(int(value)),
        "decimal": lambda: bind(Decimal(value)),
        "decfloat": lambda: bind(Decimal(value)),
        "float": lambda: bind(float(value)),
        "date": lambda: bind(date.fromisoformat(value)),
        "json": lambda: json_text(value),
    }
    return convert.get(kind, lambda: bind(value))()


def exact_nanos(kind: str, value: str) -> tuple[int, int | None]:
    """Nanoseconds and offset of canonical text, by Python's own parser and the three digits beyond it."""
    beyond = int(value[value.index(".") + 7 : value.index(".") + 10])
    short = value.replace(value[value.index(".") + 7 : value.index(".") + 10], "", 1) if beyond else value
    if kind == "time":
        return int(bind(time.fromisoformat(value[:15])).value or 0) + beyond, None
    moment = datetime.fromisoformat(short)
    offset = moment.utcoffset()
    instant = moment if offset is not None else moment.replace(tzinfo=UTC)
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return micros * 1000 + beyond, None if offset is None else int(offset.total_seconds() // 60)


WALL = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - wall clocks are the point
ZONES = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_integers_round_trip(value: int) -> None:
    """Every integer of up to 38 digits is bound and decoded without loss."""
    bound_ = bind(value)
    assert bound_.type == "FIXED"
    assert decode_cell(Column("C", "fixed", scale=0), bound_.value) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**29), max_value=10**29, places=8))
def test_decimals_round_trip(value: Decimal) -> None:
    """Every decimal that fits NUMBER is bound without an exponent and decoded without loss."""
    bound_ = bind(value)
    assert bound_.type == "FIXED"
    assert "e" not in (bound_.value or "").lower()
    assert decode_cell(Column("C", "fixed", scale=8), bound_.value) == value


@given(st.floats())
def test_floats_round_trip(value: float) -> None:
    """Every double comes back as the same double."""
    back = decode_cell(Column("C", "real"), bind(value).value)
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.booleans(), st.dates())
def test_text_bytes_booleans_dates_round_trip(text: str, raw: bytes, truth: bool, day: date) -> None:
    """Text, bytes, truth values and dates come back equal, the date from its days."""
    assert decode_cell(Column("C", "text"), bind(text).value) == text
    assert decode_cell(Column("C", "binary"), bind(raw).value) == raw
    assert decode_cell(Column("C", "boolean"), bind(truth).value) is truth
    days = int(bind(day).value or "") // 86_400_000
    assert decode_cell(Column("C", "date"), str(days)) == day
    assert iso_date(days) == day.isoformat()


@given(WALL, ZONES, st.booleans())
def test_timestamps_round_trip(wall: datetime, zone: timezone, as_nanos: bool) -> None:
    """Naive and aware datetimes come back equal, in both spellings of a cell."""
    naive, aware = bind(wall), bind(wall.replace(tzinfo=zone))
    assert (naive.type, aware.type) == ("TIMESTAMP_NTZ", "TIMESTAMP_TZ")
    instant, _, offset = (aware.value or "").partition(" ")
    assert decode_cell(Column("C", "timestamp_ntz"), spelled(naive.value or "", as_nanos)) == wall
    back = decode_cell(Column("C", "timestamp_tz"), f"{spelled(instant, as_nanos)} {offset}")
    assert back == wall.replace(tzinfo=zone)
    assert back.utcoffset() == zone.utcoffset(None)


def spelled(nanoseconds: str, as_nanos: bool) -> str:
    """A cell's text for an instant: whole nanoseconds where they are long enough to be known as such, else seconds."""
    if as_nanos and len(nanoseconds.lstrip("-")) > 12:
        return nanoseconds
    sign = "-" if nanoseconds.startswith("-") else ""
    digits = nanoseconds.lstrip("-").zfill(10)
    return f"{sign}{digits[:-9]}.{digits[-9:]}"


@given(st.times())
def test_times_round_trip(value: time) -> None:
    """A time of day comes back equal."""
    assert decode_cell(Column("C", "time"), spelled(bind(value).value or "", False)) == value


@given(st.integers(-(10**21), 10**21))
def test_far_timestamps_become_text(value: int) -> None:
    """An instant beyond Python's years is ISO text of the same instant, never another one."""
    found = decode_cell(Column("C", "timestamp_ntz"), spelled(str(value), False))
    exact = iso_timestamp(value)
    assert found == exact if isinstance(found, str) else found.isoformat(timespec="microseconds") == exact[:26]


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        {"a": 1},
        object(),
        10**38,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1" * 39),
        "\ud800",
        time(1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(seconds=61))),
    ],
)
def test_values_that_are_not_bound(value: object) -> None:
    """A value without an exact binding is refused before anything is sent."""
    with pytest.raises(InvalidBinding):
        bind(value)


def test_positions_and_ready_binds() -> None:
    """Binds are numbered from 1; a ready `Bind` passes; no binds are none; a text is not a list of binds."""
    made = bindings([1, None, Bind("DECFLOAT", "1e3")])
    assert made == {
        "1": {"type": "FIXED", "value": "1"},
        "2": {"type": "TEXT", "value": None},
        "3": {"type": "DECFLOAT", "value": "1e3"},
    }
    assert bindings([]) is None
    with pytest.raises(InvalidBinding):
        bindings("abc")


KINDS = ("fixed", "real", "decfloat", "binary", "boolean", "date", "time", *TIMESTAMPS, "variant", "text", "geography")


@given(st.sampled_from(KINDS), st.one_of(st.text(max_size=30), st.integers(), st.lists(st.integers()), st.booleans()))
def test_any_cell_is_a_value_or_a_protocol_error(kind: str, cell: Any) -> None:
    """Whatever stands in a cell, it decodes or is a `ProtocolError`."""
    try:
        decode_cell(Column("C", kind, scale=2), cell)
    except ProtocolError:
        return
    assert isinstance(cell, str)


def test_rows_of_another_width_are_refused() -> None:
    """A row with a cell too many or too few is a `ProtocolError`."""
    columns = [Column("A", "text"), Column("B", "text")]
    for rows in ([["1"]], [["1", "2", "3"]], [["1", "2"], ["3"]]):
        with pytest.raises(ProtocolError):
            decode_rows(columns, rows, {})
    assert decode_rows(columns, [], {}) == []
