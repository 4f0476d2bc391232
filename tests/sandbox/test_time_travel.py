"""Rows of earlier times: AT, BEFORE, CLONE, UNDROP, and the texts that take a statement back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sandbox.client import Client, Reply, load_key, sign
from skipass.access import previews
from skipass.sandbox import undrop, versions
from skipass.sandbox.testing import RunningSandbox, running_sandbox

pytestmark = pytest.mark.slow

TABLE = "OPS_DB.OPS.PAST"


@dataclass
class Caller:
    """An administrator who says what went wrong."""

    client: Client

    def run(self, text: str) -> Reply:
        reply = self.client.sql(text)
        assert reply.status == 200, (text, reply.body)
        return reply

    def handle(self, text: str) -> str:
        return str(self.run(text).body["statementHandle"])

    def rows(self, text: str) -> list[list[str | None]]:
        return self.run(text).rows

    def refused(self, text: str) -> str:
        reply = self.client.sql(text)
        assert reply.status == 422, reply.body
        return reply.code


@pytest.fixture
def caller(fresh: RunningSandbox) -> Caller:
    made = Caller(Client.of(fresh, "ADMIN"))
    made.run(f"create table {TABLE} (id number not null, name varchar(20))")
    made.run(f"insert into {TABLE} values (1, 'one'), (2, 'two'), (3, null)")
    return made


BEFORE = [["1", "one"], ["2", "two"], ["3", None]]
CHANGES = {
    "insert": f"insert into {TABLE} values (4, 'four')",
    "overwrite": f"insert overwrite into {TABLE} select id + 10, name from {TABLE}",
    "update": f"update {TABLE} set name = 'x' where id < 3",
    "delete": f"delete from {TABLE} where id = 2",
    "merge": f"merge into {TABLE} t using (select 1 as id) s on t.id = s.id when matched then delete",
    "truncate": f"truncate table {TABLE}",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_printed_undo_restores_the_rows(caller: Caller, change: str) -> None:
    """The text that the gateway prints as the undo of a DML statement runs as it is and restores every row."""
    handle = caller.handle(change)
    caller.run(f"insert into {TABLE} values (9, 'later')")
    undo = previews.undo(change, [TABLE], handle).text
    assert undo is not None
    caller.run(undo)
    assert caller.rows(f"select * from {TABLE} order by id") == BEFORE


@pytest.mark.parametrize(
    ("kind", "name"), [("table", TABLE), ("schema", "OPS_DB.OPS"), ("database", "OPS_DB")], ids=["t", "s", "d"]
)
def test_the_printed_undrop_restores_what_was_dropped(caller: Caller, kind: str, name: str) -> None:
    """The text that the gateway prints as the undo of a DROP restores the object, its rows and its privileges."""
    caller.run(f"grant select on table {TABLE} to role agent_role")
    change = f"drop {kind} {name}"
    caller.run(change)
    assert caller.refused(f"select * from {TABLE}") == "002003"
    undo = previews.undo(change, [name], None).text
    assert undo is not None
    caller.run(undo)
    assert caller.rows(f"select * from {TABLE} order by id") == BEFORE
    grants = caller.run(f"show grants on table {TABLE}")
    held = {(row[grants.names.index("privilege")], row[grants.names.index("grantee_name")]) for row in grants.rows}
    assert ("SELECT", "AGENT_ROLE") in held


def test_before_and_at_a_statement_differ_by_its_change(caller: Caller) -> None:
    """BEFORE(STATEMENT) leaves the statement's changes out, AT(STATEMENT) has them, whatever came after."""
    first = caller.handle(f"update {TABLE} set name = 'a' where id = 1")
    caller.run(f"update {TABLE} set name = 'b' where id = 1")
    names = {
        clause: caller.rows(f"select p.name from {TABLE} {clause} (statement => '{first}') p where id = 1")
        for clause in ("before", "at")
    }
    assert names == {"before": [["one"]], "at": [["a"]]}


def test_a_select_marks_a_moment_too(caller: Caller) -> None:
    """A statement that changed nothing stands for the time at which it ran."""
    seen = caller.handle(f"select 1 from {TABLE}")
    caller.run(f"delete from {TABLE}")
    assert caller.rows(f"select count(*) from {TABLE} at (statement => '{seen}')") == [["3"]]


def test_offset_and_timestamp_look_back(fresh: RunningSandbox, caller: Caller) -> None:
    """OFFSET counts seconds back from now; TIMESTAMP is a time, read as UTC if it says no zone."""
    moment = caller.rows("select to_char(current_timestamp(), 'YYYY-MM-DD HH24:MI:SS.FF6')")[0][0]
    fresh.control.switches(clock_offset_s=100)
    caller.run(f"delete from {TABLE} where id = 3")
    assert caller.rows(f"select count(*) from {TABLE} at(offset => -60)") == [["3"]]
    assert caller.rows(f"select count(*) from {TABLE} at(timestamp => '{moment}')") == [["3"]]
    assert caller.rows(f"select count(*) from {TABLE} at(timestamp => '{moment}'::timestamp_ltz)") == [["3"]]
    back = "dateadd(minute, -1, current_timestamp())"
    assert caller.rows(f"select count(*) from {TABLE} before(timestamp => {back})") == [["3"]]
    assert caller.rows(f"select count(*) from {TABLE} at(offset => 0)") == [["2"]]


def test_a_clone_of_the_past_is_a_table_of_its_own(caller: Caller) -> None:
    """CREATE TABLE … CLONE … BEFORE makes a table with the rows of that time, which then goes its own way."""
    handle = caller.handle(f"delete from {TABLE} where id = 1")
    caller.run(f"create table ops_db.ops.copied clone {TABLE} before (statement => '{handle}')")
    caller.run(f"delete from {TABLE}")
    assert caller.rows("select * from ops_db.ops.copied order by id") == BEFORE


def test_a_table_can_be_replaced_by_its_own_past(caller: Caller) -> None:
    """CREATE OR REPLACE TABLE t CLONE t BEFORE … puts the rows back."""
    handle = caller.handle(f"truncate table {TABLE}")
    caller.run(f"create or replace table {TABLE} clone {TABLE} before (statement => '{handle}')")
    assert caller.rows(f"select * from {TABLE} order by id") == BEFORE


def test_the_past_has_its_own_columns(caller: Caller) -> None:
    """A column that was dropped since is there again in the past."""
    dropped = caller.handle(f"alter table {TABLE} drop column name")
    caller.run(f"alter table {TABLE} add column size number")
    before = caller.run(f"select * from {TABLE} before (statement => '{dropped}') order by id")
    assert (before.names, before.rows) == (["ID", "NAME"], BEFORE)
    assert caller.run(f"select * from {TABLE}").names == ["ID", "SIZE"]


def test_a_view_shows_the_past_of_its_tables(caller: Caller) -> None:
    """AT on a view looks back in every table under it, at the tables' own clauses where they have one."""
    caller.run(f"create view ops_db.ops.seen as select count(*) as n from {TABLE}")
    handle = caller.handle(f"delete from {TABLE}")
    assert caller.rows(f"select n from ops_db.ops.seen before (statement => '{handle}')") == [["3"]]
    assert caller.rows("select n from ops_db.ops.seen") == [["0"]]


def test_past_and_present_join(caller: Caller) -> None:
    """A query may read a table twice, now and then."""
    handle = caller.handle(f"delete from {TABLE} where id = 2")
    text = f"""select old.id from {TABLE} before (statement => '{handle}') old
        left join {TABLE} new on new.id = old.id where new.id is null"""
    assert caller.rows(text) == [["2"]]


def test_what_a_transaction_took_back_never_was(caller: Caller) -> None:
    """A change that was rolled back leaves no version; one that was committed leaves its own."""
    for ending, left in (("rollback", "3"), ("commit", "0")):
        text = f"begin; delete from {TABLE}; {ending}"
        reply = caller.client.sql(text, parameters={"MULTI_STATEMENT_COUNT": "0"})
        handle = reply.body["statementHandles"][1]
        assert caller.rows(f"select count(*) from {TABLE} before (statement => '{handle}')") == [["3"]]
        assert caller.rows(f"select count(*) from {TABLE} at (statement => '{handle}')") == [[left]]


def test_an_open_transaction_sees_the_time_before_its_own_change(caller: Caller) -> None:
    """Inside a transaction, the time before it is within reach although nothing is committed."""
    text = (
        f"begin; delete from {TABLE}; insert into {TABLE} select * from {TABLE} before (statement => last_query_id())"
    )
    reply = caller.client.sql(text + "; commit", parameters={"MULTI_STATEMENT_COUNT": "0"})
    assert reply.status == 200, reply.body
    assert caller.rows(f"select * from {TABLE} order by id") == BEFORE


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("at (offset => -86000)", "000707"),
        ("at (offset => 60)", "000707"),
        ("at (timestamp => '2001-01-01'::timestamp_ntz)", "000707"),
        ("before (statement => '01b2c3d4-0000-0000-0000-000100020003')", "000709"),
        ("at (timestamp => 'yesterday')", "100035"),
        ("at (timestamp => null)", "000002"),
        ("at (offset => null)", "000002"),
        ("at (offset => id)", "000002"),
        ("at (offset => (select -1))", "000002"),
        ("at (stream => 's')", "000002"),
        ("changes (information => default) at (offset => 0)", "000002"),
    ],
)
def test_what_is_out_of_reach_is_refused(caller: Caller, clause: str, code: str) -> None:
    """A moment that was given up, never was, or is not understood is refused, never answered with other rows."""
    assert caller.refused(f"select * from {TABLE} {clause}") == code


@pytest.mark.parametrize(
    "text",
    [
        "with c as (select 1) select * from c at (offset => 0)",
        "select * from ops_db.information_schema.tables at (offset => 0)",
        f"delete from {TABLE} at (offset => 0)",
        f"insert into {TABLE} at (offset => 0) values (5, 'five')",
    ],
)
def test_only_the_past_of_tables_is_read(caller: Caller, text: str) -> None:
    """The past cannot be changed, and what is no table has none."""
    assert caller.refused(text) == "000002"
    assert caller.rows(f"select * from {TABLE} order by id") == BEFORE


def test_the_past_needs_the_privilege_of_the_present(fresh: RunningSandbox, caller: Caller) -> None:
    """A role without SELECT on the table does not get its past either."""
    handle = caller.handle(f"delete from {TABLE} where id = 1")
    agent, text = Client.of(fresh, "SKIPASS_SVC"), f"select * from {TABLE} before (statement => '{handle}')"
    assert len(agent.sql(text).rows) == 3
    caller.run(f"revoke all privileges on table {TABLE} from role agent_role")
    assert agent.sql(text).code == "002003"


@pytest.mark.parametrize("spelling", ["create", "alter"])
def test_a_table_without_retention_has_no_past(caller: Caller, spelling: str) -> None:
    """With DATA_RETENTION_TIME_IN_DAYS = 0 nothing is kept of a table, not even after DROP."""
    option = "data_retention_time_in_days = 0"
    if spelling == "create":
        caller.run(f"create or replace table {TABLE} (id number) {option}")
    else:
        caller.run(f"alter table {TABLE} set {option}")
    caller.run(f"insert into {TABLE} (id) values (1)")
    handle = caller.handle(f"delete from {TABLE}")
    assert caller.refused(f"select * from {TABLE} before (statement => '{handle}')") == "000707"
    shown = caller.run("show tables like 'PAST' in schema ops_db.ops")
    assert [row[shown.names.index("retention_time")] for row in shown.rows] == ["0"]


def test_retention_ends(fresh: RunningSandbox, caller: Caller) -> None:
    """A day later the past of a table and what was dropped are gone."""
    handle = caller.handle(f"delete from {TABLE}")
    caller.run("drop table ops_db.ops.tickets")
    fresh.control.switches(clock_offset_s=90_000)
    file, now = fresh.user("ADMIN"), int(time.time()) + 90_000
    token = sign(
        load_key(Path(file.private_key_path)), fresh.account.identifier, file.login_name, iat=now, exp=now + 3000
    )
    later = Caller(Client(fresh.host, token))
    assert later.refused(f"select * from {TABLE} before (statement => '{handle}')") == "000707"
    assert later.refused("undrop table ops_db.ops.tickets") == "002003"


def test_the_oldest_versions_go_first(monkeypatch: pytest.MonkeyPatch, fresh: RunningSandbox, caller: Caller) -> None:
    """Beyond the bound the oldest version goes, with its rows; what is left can still be read."""
    monkeypatch.setattr(versions, "MAX_VERSIONS", 3)
    handles = [caller.handle(f"update {TABLE} set name = '{index}' where id = 1") for index in range(5)]
    found = [
        caller.client.sql(f"select name from {TABLE} before (statement => '{one}') where id = 1") for one in handles
    ]
    assert [reply.code if reply.status == 422 else reply.rows[0][0] for reply in found] == [
        "000707", "000707", "1", "2", "3",
    ]  # fmt: skip
    assert _copies(fresh) == 3


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch, fresh: RunningSandbox, caller: Caller) -> None:
    """Copies beyond the account's bytes go, and a table larger than one copy may be keeps none."""
    first = caller.handle(f"update {TABLE} set name = 'a'")
    monkeypatch.setattr(versions, "MAX_VERSION_BYTES", 10)
    second = caller.handle(f"update {TABLE} set name = 'b'")
    for handle in (first, second):
        assert caller.refused(f"select * from {TABLE} before (statement => '{handle}')") == "000707"
    assert caller.rows(f"select min(name) from {TABLE} at (statement => '{second}')") == [["b"]]
    assert not [one for table in fresh.account.catalog.tables() if table.name.name == "PAST" for one in table.versions]


def test_a_statement_that_changes_nothing_keeps_nothing(fresh: RunningSandbox, caller: Caller) -> None:
    """No copy is left of an UPDATE that matched no row."""
    before = _copies(fresh)
    caller.run(f"update {TABLE} set name = 'x' where id = 99")
    assert _copies(fresh) == before


def test_dropped_objects_are_bounded(monkeypatch: pytest.MonkeyPatch, fresh: RunningSandbox, caller: Caller) -> None:
    """Beyond the bound the object dropped first is gone for good, with its rows and its past."""
    monkeypatch.setattr(undrop, "MAX_DROPPED", 1)
    caller.run(f"drop table {TABLE}")
    caller.run("drop table ops_db.ops.tickets")
    assert caller.refused(f"undrop table {TABLE}") == "002003"
    known = {name for table in fresh.account.catalog.tables() for name in versions.stored_names(table)}
    gone = {
        name for one in fresh.account.catalog.gone for table in one.tables() for name in versions.stored_names(table)
    }
    assert _stored(fresh) == known | gone


def test_undrop_is_the_owners(fresh: RunningSandbox, caller: Caller) -> None:
    """Another role does not learn what was dropped, and a name that is taken again is kept."""
    caller.run(f"drop table {TABLE}")
    other = Client.of(fresh, "SKIPASS_SVC").sql(f"undrop table {TABLE}")
    assert other.code == "002003"
    caller.run(f"create table {TABLE} (other number)")
    assert caller.refused(f"undrop table {TABLE}") == "002002"


def _stored(sandbox: RunningSandbox) -> set[str]:
    run = sandbox.account.engine.open()
    try:
        return {str(row[0]) for row in run.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal")}
    finally:
        run.close()


def _copies(sandbox: RunningSandbox) -> int:
    return len([name for name in _stored(sandbox) if name.startswith("h")])


class Travels(RuleBasedStateMachine):
    """Random changes of one table; each moment of its life is compared with a list kept beside it."""

    start: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.manager = running_sandbox()
        self.caller = Caller(Client.of(self.manager.__enter__(), "ADMIN"))
        self.rows: list[int] = []
        self.moments: list[tuple[str, list[int], list[int]]] = []

    def teardown(self) -> None:
        self.manager.__exit__(None, None, None)

    @initialize()
    def create(self) -> None:
        self.caller.run(f"create table {TABLE} (id number)")

    def _change(self, text: str, rows: list[int]) -> None:
        handle = self.caller.handle(text)
        self.moments.append((handle, self.rows, rows))
        self.rows = rows

    @rule(value=st.integers(0, 5))
    def insert(self, value: int) -> None:
        self._change(f"insert into {TABLE} values ({value})", sorted([*self.rows, value]))

    @rule(value=st.integers(0, 5))
    def delete(self, value: int) -> None:
        self._change(f"delete from {TABLE} where id = {value}", [one for one in self.rows if one != value])

    @rule(value=st.integers(0, 5))
    def update(self, value: int) -> None:
        rows = sorted(value if one < value else one for one in self.rows)
        self._change(f"update {TABLE} set id = {value} where id < {value}", rows)

    @rule()
    def empty(self) -> None:
        self._change(f"truncate table {TABLE}", [])

    @rule()
    def drop_and_undrop(self) -> None:
        self.caller.run(f"drop table {TABLE}")
        self.caller.run(f"undrop table {TABLE}")

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        if self.moments:
            handle, before, _ = data.draw(st.sampled_from(self.moments))
            self._change(previews.undo("delete from t", [TABLE], handle).text or "", before)

    @invariant()
    def every_moment_is_as_it_was(self) -> None:
        for handle, before, after in self.moments[-4:]:
            for clause, rows in (("before", before), ("at", after)):
                text = f"select id from {TABLE} {clause} (statement => '{handle}') order by id"
                assert self.caller.rows(text) == [[str(one)] for one in rows], (clause, handle)


TestTravels = pytest.mark.filterwarnings("default")(Travels.TestCase)
TestTravels.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
