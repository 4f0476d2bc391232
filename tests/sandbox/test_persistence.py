"""A data directory keeps what SQL and people did, over restarts and a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.client import Client, load_key, sign
from skipass.sandbox.catalog import Catalog, Grant, new_catalog
from skipass.sandbox.snapshot import dumped, loaded

pytestmark = pytest.mark.slow


@contextmanager
def process(folder: Path, end: int = signal.SIGTERM) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "skipass.sandbox", "serve", "--format", "json", "--scale", "0"]
    with subprocess.Popen([*command, "--data-dir", str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())
        finally:
            os.kill(child.pid, end)


def caller(said: dict[str, Any], user: str) -> Client:
    file = next(one for one in said["users"] if one["name"] == user)
    token = sign(load_key(Path(file["private_key_path"])), said["account"], file["login_name"])
    return Client(said["host"], token)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stop", "kill"])
def test_everything_answered_is_there_after_a_restart(tmp_path: Path, end: int) -> None:
    """Rows and their past, tables, users, grants, integrations, servers, tokens, keys outlast a stop and a kill."""
    folder = tmp_path / "kept"
    with process(folder, end) as said:
        admin = caller(said, "ADMIN")
        for text in (
            "create table ops_db.ops.mine (a number)",
            "insert into ops_db.ops.mine values (1), (2)",
            "delete from ops_db.ops.orders where order_id > 1010",
            "drop table ops_db.ops.tickets",
            "create role reporter",
            "grant role reporter to user dana",
            "create network policy p allowed_ip_list = ('127.0.0.1')",
            "alter user dana add delegated authorization of role agent_role to security integration skipass_oauth",
        ):
            reply = admin.sql(text)
            assert reply.status == 200, reply.body
        emptied = admin.sql("truncate table ops_db.ops.mine").body["statementHandle"]
        undo = f"insert overwrite into ops_db.ops.mine select * from ops_db.ops.mine before (statement => '{emptied}')"
        secret = admin.sql("alter user dana add pat t1 mins_to_bypass_network_policy_requirement = 60").rows[0][1]
    with process(folder) as again:
        admin = caller(again, "ADMIN")
        assert [admin.sql(text).status for text in (undo, "undrop table ops_db.ops.tickets")] == [200, 200]
        assert admin.sql("select count(*) > 0 from ops_db.ops.tickets").rows == [["true"]]
        assert admin.sql("select sum(a) from ops_db.ops.mine").rows == [["3"]]
        assert admin.sql("select count(*) from ops_db.ops.orders").rows == [["10"]]
        assert [row[1] for row in admin.sql("show delegated authorizations").rows] == ["DANA"]
        asked = Client(again["host"], secret or "", kind="PROGRAMMATIC_ACCESS_TOKEN")
        assert asked.sql("select current_role()", role="REPORTER").rows == [["REPORTER"]]
    for name in ("oauth_client", "mcp_server", "users"):
        assert said[name] == again[name]
    assert said["idp"]["client_secret"] == again["idp"]["client_secret"]


def test_second_process_is_refused(tmp_path: Path) -> None:
    """Two processes never serve one directory."""
    with process(tmp_path / "kept"):
        command = [
            sys.executable,
            "-m",
            "skipass.sandbox",
            "serve",
            "--scale",
            "0",
            "--data-dir",
            str(tmp_path / "kept"),
        ]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert "is in use" in other.stderr


def test_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """State, keys and passwords are readable by their owner and hold no token or password in the clear."""
    folder = tmp_path / "kept"
    with process(folder) as said:
        secret = caller(said, "ADMIN").sql("alter user dana add pat t1").rows[0][1] or ""
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.name in ("rows.duckdb", "rows.duckdb.wal")
    assert folder.stat().st_mode & 0o077 == 0
    state = (folder / "account.json").read_text()
    dana = next(one for one in said["users"] if one["name"] == "DANA")
    assert secret not in state
    assert dana["password"] not in state


@dataclass(slots=True)
class Leaf:
    a: int
    at: datetime
    names: set[str] = field(default_factory=set)
    more: tuple[str, ...] = ()
    maybe: str | None = None


@dataclass(slots=True)
class Tree:
    leaves: dict[tuple[str, str], Leaf]
    listed: list[Leaf]


LEAVES = st.builds(
    Leaf,
    st.integers(),
    st.datetimes(timezones=st.just(UTC)),
    st.sets(st.text()),
    st.lists(st.text()).map(tuple),
    st.none() | st.text(),
)


@given(st.builds(Tree, st.dictionaries(st.tuples(st.text(), st.text()), LEAVES), st.lists(LEAVES)))
def test_snapshot_gives_back_what_it_took(tree: Tree) -> None:
    """State through JSON text is equal to what it was."""
    assert loaded(Tree, json.loads(json.dumps(dumped(tree)))) == tree


def test_snapshot_refuses_what_does_not_fit() -> None:
    """Data of another shape is a ValueError, and a catalogue with grants comes back whole."""
    catalog = new_catalog(datetime.now(UTC))
    catalog.grants[Grant("USAGE", ("SCHEMA", "A", "B"), "PUBLIC")] = datetime.now(UTC)
    assert loaded(Catalog, json.loads(json.dumps(dumped(catalog)))) == catalog
    for wrong in ([], {"leaves": 1, "listed": []}, {"listed": []}, {"leaves": [], "listed": [{"a": "x"}]}):
        with pytest.raises(ValueError, match=r"is no|not a kept"):
            loaded(Tree, wrong)
