"""How long results are kept, and that the account's memory of them is bounded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sandbox.client import Client, load_key, sign
from skipass.sandbox import statements
from skipass.sandbox.testing import RunningSandbox

DAY_S = 86_400


def _later(sandbox: RunningSandbox, seconds: int) -> Client:
    """Return the administrator after that many seconds of the account's clock."""
    sandbox.control.switches(clock_offset_s=seconds)
    file, now = sandbox.user("ADMIN"), int(time.time()) + seconds
    key = load_key(Path(file.private_key_path))
    return Client(sandbox.host, sign(key, sandbox.account.identifier, file.login_name, iat=now, exp=now + 3000))


def _held(sandbox: RunningSandbox) -> int:
    return sum(one.output is not None for one in sandbox.account.registry.everything())


def test_a_result_lives_for_a_day(fresh: RunningSandbox) -> None:
    """A result is there for 24 hours by the account's clock; then the handle is unknown and its rows are let go."""
    handle = Client.of(fresh, "ADMIN").submit("select 1")
    Client.of(fresh, "ADMIN").finished(handle)
    assert _later(fresh, DAY_S - 60).status(handle).rows == [["1"]]
    client = _later(fresh, DAY_S + 60)
    assert client.status(handle).code == "000709"
    assert client.sql(f"select * from table(result_scan('{handle}'))").code == "000710"
    assert fresh.account.registry.find(handle) is not None
    assert client.sql("select 2").status == 200
    assert _held(fresh) == 1


def test_the_history_outlives_the_rows(fresh: RunningSandbox) -> None:
    """QUERY_HISTORY still tells how many rows a statement had whose result is gone."""
    Client.of(fresh, "ADMIN").sql("select 1 union all select 2", parameters={"QUERY_TAG": "two"})
    text = "select rows_produced from table(ops_db.information_schema.query_history()) where query_tag = 'two'"
    assert _later(fresh, DAY_S + 60).sql(text).rows == [["2"]]


def test_memory_of_results_is_bounded(monkeypatch: pytest.MonkeyPatch, fresh: RunningSandbox) -> None:
    """Beyond the bytes that may be held the oldest results go first, and the newest stays."""
    client = Client.of(fresh, "ADMIN")
    first, second = (client.sql(f"select {one}").body["statementHandle"] for one in (1, 2))
    size = sum(one.output.size_bytes for one in fresh.account.registry.everything() if one.output is not None)
    monkeypatch.setattr(statements, "MAX_RESULT_BYTES", size - 1)
    last = client.sql("select 3").body["statementHandle"]
    assert client.status(first).code == "000709"
    assert client.status(second).rows == [["2"]]
    assert client.status(last).rows == [["3"]]


def test_memory_of_statements_is_bounded(monkeypatch: pytest.MonkeyPatch, fresh: RunningSandbox) -> None:
    """Beyond the number that is remembered the oldest statement is forgotten, with the request that sent it."""
    monkeypatch.setattr(statements, "MAX_STATEMENTS", 3)
    client = Client.of(fresh, "ADMIN")
    handles = [client.sql(f"select {one}").body["statementHandle"] for one in range(6)]
    known = [one.handle for one in fresh.account.registry.everything()]
    assert known == handles[-4:]
    assert client.status(handles[0]).code == "000709"


def test_a_retry_never_runs_again_what_is_gone(fresh: RunningSandbox) -> None:
    """A retry of a request whose result has expired is refused as unknown, and does not write twice."""
    client, request = Client.of(fresh, "ADMIN"), "7f5b0a7e-2f0c-4b59-9b39-6a3f4f6f2d11"
    client.sql("create table ops_db.ops.once (id int)")
    body = {"statement": "insert into ops_db.ops.once values (1)"}
    path = f"/api/v2/statements?requestId={request}&retry=true"
    assert client.call("POST", path, body).status == 200
    later = _later(fresh, DAY_S + 60)
    later.sql("select 1")
    assert later.call("POST", path, body).code == "000709"
    assert later.sql("select count(*) from ops_db.ops.once").rows == [["1"]]
