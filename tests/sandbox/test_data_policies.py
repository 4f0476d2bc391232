"""Masking and row access policies: what a read shows, who may set them, and that nothing goes round them."""

from __future__ import annotations

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

TABLE = "OPS_DB.OPS.PEOPLE"
SETUP = (
    f"create table {TABLE} (id number, email varchar(50), region varchar(10))",
    f"insert into {TABLE} values (1, 'a@x.io', 'EMEA'), (2, 'b@x.io', 'AMER'), (3, null, 'EMEA')",
    "create table ops_db.ops.allowed (who varchar, region varchar)",
    "revoke all privileges on table ops_db.ops.allowed from role agent_role",
    "insert into ops_db.ops.allowed values ('AGENT_ROLE', 'EMEA'), ('ACCOUNTADMIN', 'EMEA'), ('ACCOUNTADMIN', 'AMER')",
    """create masking policy ops_db.ops.hide as (v varchar) returns varchar ->
        case when current_role() = 'ACCOUNTADMIN' then v else '***' end""",
    """create row access policy ops_db.ops.own as (r varchar) returns boolean ->
        exists (select 1 from ops_db.ops.allowed a where a.who = current_role() and a.region = r)""",
)
MASK = f"alter table {TABLE} modify column email set masking policy ops_db.ops.hide"
ROWS = f"alter table {TABLE} add row access policy ops_db.ops.own on (region)"


@pytest.fixture
def admin(fresh: RunningSandbox) -> Client:
    client = Client.of(fresh, "ADMIN")
    _run(client, *SETUP, MASK, ROWS)
    return client


@pytest.fixture
def agent(fresh: RunningSandbox) -> Client:
    return Client.of(fresh, "SKIPASS_SVC")


def _run(client: Client, *texts: str) -> None:
    for text in texts:
        reply = client.sql(text)
        assert reply.status == 200, (text, reply.body)


READS = {
    "plain": f"select id, email from {TABLE} order by id",
    "star": f"select * exclude region from {TABLE} p order by id",
    "view": "select id, email from ops_db.ops.seen order by id",
    "cte": f"with c as (select * from {TABLE}) select id, email from c order by id",
    "join": f"select p.id, p.email from ops_db.ops.orders o right join {TABLE} p on o.order_id = -p.id order by p.id",
    "subquery": f"select id, (select max(email) from {TABLE} i where i.id = o.id) from {TABLE} o order by id",
    "past": f"select id, email from {TABLE} at (statement => '{{handle}}') order by id",
    "clone": "select id, email from ops_db.ops.copied order by id",
}


@pytest.mark.parametrize("text", READS.values(), ids=READS)
def test_every_way_to_read_shows_what_the_policy_shows(admin: Client, agent: Client, text: str) -> None:
    """A masked column is masked and hidden rows are hidden, by whatever way the role reads the table."""
    handle = str(admin.sql(f"select 1 from {TABLE}").body["statementHandle"])
    _run(
        admin,
        f"create view ops_db.ops.seen as select id, email from {TABLE}",
        "grant select on view ops_db.ops.seen to role agent_role",
        f"create table ops_db.ops.copied clone {TABLE}",
    )
    whole = [["1", "a@x.io"], ["2", "b@x.io"], ["3", None]]
    assert admin.sql(text.format(handle=handle)).rows == whole
    assert agent.sql(text.format(handle=handle)).rows == [["1", "***"], ["3", "***"]]


def test_a_filter_sees_the_masked_value(admin: Client, agent: Client) -> None:
    """A condition on a masked column compares what the role may see, so that it cannot be guessed."""
    text = f"select count(*) from {TABLE} where email = 'a@x.io'"
    assert [one.sql(text).rows for one in (admin, agent)] == [[["1"]], [["0"]]]


def test_what_is_copied_is_what_was_seen(admin: Client, agent: Client) -> None:
    """A table made of a protected one by a role holds what that role could see."""
    _run(
        admin,
        "grant create table on schema ops_db.ops to role agent_role",
    )
    _run(agent, f"create table ops_db.ops.taken as select id, email from {TABLE}")
    assert admin.sql("select id, email from ops_db.ops.taken order by id").rows == [["1", "***"], ["3", "***"]]


@pytest.mark.parametrize(
    "text",
    [
        f"update {TABLE} set id = id + 10 where email = 'a@x.io'",
        f"delete from {TABLE} where region = 'AMER'",
        f"merge into {TABLE} t using (select 2 as id) s on t.id = s.id when matched then delete",
        f"merge into {TABLE} t using (select 'b@x.io' e) on email = e when not matched then insert (id) values (9)",
    ],
)
def test_changes_that_read_the_target_are_refused(admin: Client, agent: Client, text: str) -> None:
    """UPDATE, DELETE and MERGE on a protected table are not offered; INSERT is."""
    _run(admin, f"grant update, delete, insert on table {TABLE} to role agent_role")
    assert agent.sql(text).code == "000002"
    _run(agent, f"insert into {TABLE} values (4, 'd@x.io', 'EMEA')")
    assert admin.sql(f"select email from {TABLE} where id = 4").rows == [["d@x.io"]]


def test_policies_can_be_taken_away_by_owners_alone(admin: Client, agent: Client) -> None:
    """Only a role that owns the table and may apply the policy sets it or takes it away."""
    undo = (
        f"alter table {TABLE} modify email unset masking policy",
        f"alter table {TABLE} drop row access policy ops_db.ops.own",
    )
    assert [agent.sql(text).code for text in (MASK, ROWS, *undo)] == ["003001"] * 4
    _run(admin, *undo)
    assert agent.sql(f"select count(email), count(*) from {TABLE}").rows == [["2", "3"]]
    _run(admin, ROWS, f"alter table {TABLE} drop all row access policies", "drop masking policy ops_db.ops.hide")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MASK, "003001"),
        (ROWS, "003001"),
        ("drop masking policy ops_db.ops.hide", "003539"),
        ("drop row access policy ops_db.ops.own", "003539"),
        ("create or replace masking policy ops_db.ops.hide as (v varchar) returns varchar -> v", "003539"),
        ("create masking policy ops_db.ops.hide as (v varchar) returns varchar -> v", "002002"),
        ("create masking policy ops_db.ops.p as (v varchar) returns number -> 1", "001044"),
        ("create row access policy ops_db.ops.p as (v varchar) returns varchar -> v", "001044"),
        (f"alter table {TABLE} modify column id set masking policy ops_db.ops.hide", "001044"),
        (f"alter table {TABLE} modify column nothing set masking policy ops_db.ops.hide", "000904"),
        (f"alter table {TABLE} modify column region set masking policy ops_db.ops.nothing", "002003"),
        (f"alter table {TABLE} drop column email", "000002"),
    ],
)
def test_what_does_not_fit_is_refused(admin: Client, text: str, code: str) -> None:
    """A second policy, one of other types, one in use, or one that is not there is refused."""
    assert admin.sql(text).code == code


def test_a_copy_keeps_its_policies(admin: Client, agent: Client) -> None:
    """Whoever clones a protected table owns the copy, and still may not take its policies away."""
    _run(admin, "grant create table on schema ops_db.ops to role agent_role")
    _run(agent, f"create table ops_db.ops.mine clone {TABLE}")
    for change in ("modify email unset masking policy", "drop all row access policies"):
        assert agent.sql(f"alter table ops_db.ops.mine {change}").code in ("002003", "003001")
    assert agent.sql("select id, email from ops_db.ops.mine order by id").rows == [["1", "***"], ["3", "***"]]


def test_policies_are_shown_and_follow_a_renamed_column(admin: Client, agent: Client) -> None:
    """SHOW lists both kinds; a column keeps its mask under a new name."""
    for kind in ("masking", "row access"):
        shown = admin.sql(f"show {kind} policies in schema ops_db.ops")
        assert len(shown.rows) == 1
    _run(admin, f"alter table {TABLE} rename column email to mail")
    assert agent.sql(f"select mail from {TABLE} where id = 1").rows == [["***"]]
