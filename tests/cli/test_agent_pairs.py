"""Agents with a key pair, on the command line: registered, signed in with, rotated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skipass.snowflake import SnowflakeClient

SQL = "SELECT order_id FROM OPS_DB.OPS.ORDERS WHERE order_id = 1003"


def test_an_agent_signs_in_with_the_pair_that_was_registered(
    run: Any, sandboxed: dict[str, Any], tmp_path: Path
) -> None:
    """`--public-key` takes either half; the pair signs in to the SQL API, and so does the next after a rotation."""
    admin = {"SKIPASS_URL": sandboxed["url"], "SKIPASS_API_KEY": sandboxed["admin"]["api_key"]}
    keys = [tmp_path / "one.p8", tmp_path / "two.p8"]
    for key in keys:
        assert run("key", "new", "--out", key).status == 0
    made = run("agent", "create", "paired", "--connection", "snowflake", "--public-key", keys[0], **admin)
    assert made.status == 0, made.err
    assert rows(sandboxed["url"], keys[0]) == [(1003,)]
    turned = run("agent", "rotate", "paired", "--public-key", keys[1], **admin)
    assert turned.status == 0, turned.err
    assert [rows(sandboxed["url"], key) for key in keys] == [[(1003,)]] * 2
    again = run("agent", "rotate", "paired", "--public-key", keys[1], **admin)
    assert (again.status, again.err.partition(":")[0]) == (1, "conflict")


def rows(url: str, key: Path) -> list[tuple[Any, ...]]:
    """Return what the project's client reads with a key pair, the connection's name as its account."""
    with SnowflakeClient(account="snowflake", user="paired", private_key_path=key, host=url) as client:
        return client.query(SQL).rows()
