"""Times: TIMESTAMP_TZ with an offset of its own, and the zone that a request, a user or the account is in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

TABLE = "OPS_DB.OPS.TIMES"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEW_YORK = {"TIMEZONE": "America/New_York"}


def _cell(client: Client, expression: str, **parameters: str) -> str | None:
    return client.sql(f"select {expression}", parameters=parameters).rows[0][0]


def _run(client: Client, *texts: str) -> None:
    for text in texts:
        reply = client.sql(text)
        assert reply.status == 200, (text, reply.body)


def _tz(moment: datetime) -> str:
    offset = moment.utcoffset() or timedelta()
    micros = round((moment - EPOCH) / timedelta(microseconds=1))
    whole, part = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}000 {1440 + int(offset.total_seconds()) // 60}"


OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.builds(
    lambda micros, zone: (EPOCH + timedelta(microseconds=micros)).astimezone(zone),
    st.integers(-(2 * 10**15), 7 * 10**15),
    OFFSETS,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=MOMENTS)
def test_an_offset_stays_with_its_value(admin: Client, moment: datetime) -> None:
    """A literal and a binding keep instant and offset, and their local clock is what functions read."""
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f %z")
    offset = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    nanos = (moment - EPOCH) // timedelta(microseconds=1) * 1000
    binding = {"1": {"type": "TIMESTAMP_TZ", "value": f"{nanos} {1440 + offset}"}}
    reply = admin.sql(f"select '{text}'::timestamp_tz as t, ?, hour(t), t::timestamp_ntz::varchar", bindings=binding)
    assert reply.rows[0][:3] == [_tz(moment), _tz(moment), str(moment.hour)]
    assert (reply.rows[0][3] or "")[:19] == moment.strftime("%Y-%m-%d %H:%M:%S").zfill(19)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{tz}::varchar", "2024-07-01 10:00:00.000 -0800"),
        ("{tz} || ''", "2024-07-01 10:00:00.000 -0800"),
        ("to_char({tz}, 'HH24:MI TZHTZM')", "10:00 -0800"),
        ("to_char({tz}, 'HH24:MI TZH:TZM')", "10:00 -08:00"),
        ("{tz} = '2024-07-01 18:00:00 +0000'::timestamp_tz", "true"),
        ("{tz} < '2024-07-01 19:59:00 +0200'::timestamp_tz", "false"),
        ("dateadd(day, 1, {tz})", "1719943200.000000000 960"),
        ("date_trunc('day', {tz})", "1719820800.000000000 960"),
        ("{tz}::date", "19905"),
        ("{tz}::time", "36000.000000000"),
        ("{tz}::timestamp_ltz", "1719856800.000000000"),
        ("coalesce({tz}, '2024-07-01 18:00:00 +0000'::timestamp_ltz)", "1719856800.000000000 960"),
        ("coalesce(null::timestamp_tz, '2024-07-01'::date)", "1719792000.000000000 1440"),
        ("convert_timezone('Asia/Kolkata', {tz})", "1719856800.000000000 1770"),
        ("convert_timezone('Asia/Kolkata', 'UTC', '2024-07-01 05:30:00'::timestamp_ntz)", "1719792000.000000000"),
        ("to_timestamp_tz('2024-07-01 10:00:00 -0800')", "1719856800.000000000 960"),
        ("to_timestamp_tz('01.07.2024', 'DD.MM.YYYY')", "1719792000.000000000 1440"),
        ("timestamp_tz_from_parts(2024, 7, 1, 10, 0, 0, 0, 'America/Los_Angeles')", "1719853200.000000000 1020"),
        ("datediff(hour, {tz}, '2024-07-01 20:00:00 +0000'::timestamp_tz)", "2"),
        ("try_to_timestamp_tz('soon')", None),
        ("object_construct('at', {tz}):at::varchar", "2024-07-01 10:00:00.000 -0800"),
        ("max({tz})", "1719856800.000000000 960"),
    ],
)
def test_functions_of_zoned_values(admin: Client, expression: str, expected: str | None) -> None:
    """Functions take a zoned value's local clock, comparisons its instant, and results keep its offset."""
    assert _cell(admin, expression.format(tz="'2024-07-01 10:00:00 -0800'::timestamp_tz")) == expected


def test_a_column_keeps_what_was_written(fresh: RunningSandbox) -> None:
    """INSERT, DEFAULT, UPDATE and MERGE write instant and offset, from text as from other timestamps."""
    admin = Client.of(fresh, "ADMIN")
    _run(
        admin,
        f"create table {TABLE} (id int, at timestamp_tz default '2020-01-01 00:00:00 +0100')",
        f"insert into {TABLE} values (1, '2024-01-01 10:00:00 +0200'), (2, null)",
        f"insert into {TABLE} (at, id) select '2024-01-01'::timestamp_ntz, 3",
        f"insert into {TABLE} (id) values (4)",
        f"update {TABLE} set at = '2025-01-01 00:00:00 +09:00' where id = 2",
        f"""merge into {TABLE} t using (select 3 as id union all select 5) s on t.id = s.id
            when matched then update set at = '2030-01-01 00:00:00 -0500'
            when not matched then insert (id, at) values (s.id, '2031-01-01 00:00:00 -0500')""",
    )
    reply = admin.sql(f"select at from {TABLE} order by id")
    assert [column["type"] for column in reply.body["resultSetMetaData"]["rowType"]] == ["timestamp_tz"]
    assert reply.rows == [
        ["1704096000.000000000 1560"],
        ["1735657200.000000000 1980"],
        ["1893474000.000000000 1140"],
        ["1577833200.000000000 1500"],
        ["1925010000.000000000 1140"],
    ]
    kept = admin.sql(f"select id from {TABLE} where at > '2029-12-31'::timestamp_ltz order by at desc").rows
    assert kept == [["5"], ["3"]]
    scan = "select * from table(result_scan(last_query_id()))"
    many = admin.sql(f"select at from {TABLE} where id = 1; {scan}", parameters={"MULTI_STATEMENT_COUNT": "2"})
    assert admin.status(many.body["statementHandles"][1]).rows == [["1704096000.000000000 1560"]]


def test_the_requests_zone_reads_and_shows_local_times(admin: Client) -> None:
    """TIMEZONE of a request decides what text without a zone means and what clock TIMESTAMP_LTZ shows."""
    at = "'2024-07-01 10:00:00'::timestamp_ltz"
    assert _cell(admin, at) == "1719828000.000000000"
    assert _cell(admin, at, **NEW_YORK) == "1719842400.000000000"
    assert _cell(admin, f"{at}::varchar", **NEW_YORK) == "2024-07-01 10:00:00.000 -0400"
    assert _cell(admin, f"to_char({at}, 'HH24 TZHTZM')", **NEW_YORK) == "10 -0400"
    assert _cell(admin, "hour('2024-07-01 10:00:00 +0000'::timestamp_ltz)", **NEW_YORK) == "6"
    assert _cell(admin, f"{at}::timestamp_tz", **NEW_YORK) == "1719842400.000000000 1200"
    assert _cell(admin, "'2024-07-01 10:00:00'::timestamp_ntz", **NEW_YORK) == "1719828000.000000000"
    shown = NEW_YORK | {"TIMESTAMP_LTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI TZH:TZM"}
    assert _cell(admin, "'2024-07-01 10:00:00Z'::timestamp_ltz", **shown) == "2024-07-01 06:00 -04:00"
    shown = NEW_YORK | {"TIMESTAMP_TZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI TZHTZM"}
    assert _cell(admin, "'2024-07-01 10:00:00 +0530'::timestamp_tz", **shown) == "2024-07-01 10:00 +0530"


def test_now_is_one_instant_in_every_zone(admin: Client) -> None:
    """CURRENT_TIMESTAMP is the instant; CURRENT_DATE and CURRENT_TIME are the zone's; SYSDATE is UTC."""
    text = "select current_timestamp(), current_date(), current_time(), sysdate(), localtimestamp()::varchar"
    reply = admin.sql(text, parameters={"TIMEZONE": "Asia/Tokyo"})
    instant, day, clock, utc, shown = (cell or "" for cell in reply.rows[0])
    local = datetime.fromtimestamp(float(instant), timezone(timedelta(hours=9)))
    assert int(day) == (local.date() - EPOCH.date()).days
    assert int(clock.partition(".")[0]) == local.hour * 3600 + local.minute * 60 + local.second
    assert utc == instant
    assert shown.endswith(" +0900")
    types = [column["type"] for column in reply.body["resultSetMetaData"]["rowType"]]
    assert types == ["timestamp_ltz", "date", "time", "timestamp_ntz", "text"]


def test_the_nearest_zone_wins(fresh: RunningSandbox) -> None:
    """The account's zone gives way to the user's, that to the request's, that to ALTER SESSION; SHOW tells which."""
    admin = Client.of(fresh, "ADMIN")

    def zone(**parameters: str) -> str | None:
        reply = admin.sql("show parameters like 'timezone'", parameters=parameters)
        return reply.rows[0][reply.names.index("value")]

    found = [zone()]
    _run(admin, "alter account set timezone = 'Asia/Tokyo'")
    found.append(zone())
    _run(admin, "alter user admin set timezone = 'europe/berlin'")
    found += [zone(), zone(**NEW_YORK)]
    _run(admin, "alter user admin unset timezone", "alter account unset timezone")
    assert [*found, zone()] == ["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "UTC"]
    many = admin.sql(
        "alter session set timezone = 'Asia/Tokyo'; select '2024-01-01'::timestamp_ltz",
        parameters={"MULTI_STATEMENT_COUNT": "2"} | NEW_YORK,
    )
    assert admin.status(many.body["statementHandles"][1]).rows == [["1704034800.000000000"]]


@pytest.mark.parametrize("text", ["alter user admin set timezone = '{}'", "alter account set timezone = '{}'"])
@pytest.mark.parametrize("zone", ["Nowhere", "UTC''; drop table x; --"])
def test_a_zone_that_does_not_exist_is_refused(admin: Client, text: str, zone: str) -> None:
    """An unknown zone is refused where it is set, and changes nothing."""
    assert admin.sql(text.format(zone)).code == "001008"
    assert admin.sql("select 1", parameters={"TIMEZONE": zone}).code == "001008"
    assert admin.sql("select '2024-07-01'::timestamp_ltz").rows == [["1719792000.000000000"]]


def test_one_requests_zone_is_not_anothers(admin: Client) -> None:
    """A request without a zone is in UTC whatever the one before it was in."""
    assert _cell(admin, "'2024-07-01'::timestamp_ltz", **NEW_YORK) == "1719806400.000000000"
    assert _cell(admin, "'2024-07-01'::timestamp_ltz") == "1719792000.000000000"


def test_a_time_travel_text_without_a_zone_is_utc(fresh: RunningSandbox) -> None:
    """AT(TIMESTAMP => 'text') means UTC in every zone, a cast says otherwise."""
    admin = Client.of(fresh, "ADMIN")
    _run(admin, f"create table {TABLE} (id int)", f"insert into {TABLE} values (1)")
    moment = _cell(admin, "to_char(sysdate(), 'YYYY-MM-DD HH24:MI:SS.FF6')")
    text = f"select count(*) from {TABLE} at (timestamp => '{moment}'{{}})"
    assert admin.sql(text.format(""), parameters=NEW_YORK).rows == [["1"]]
    assert admin.sql(text.format("::timestamp_ltz"), parameters=NEW_YORK).code == "000707"
