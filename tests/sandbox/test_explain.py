"""EXPLAIN of a change: what it would read, the privilege of the change itself, and nothing changed."""

from __future__ import annotations

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox


@pytest.mark.parametrize(
    "change",
    [
        "update ops_db.ops.orders set note = 'x' where order_id = 1003",
        "delete from ops_db.ops.orders where order_id = 1003",
    ],
)
def test_a_change_is_explained_and_not_made(fresh: RunningSandbox, change: str) -> None:
    """EXPLAIN of an UPDATE or DELETE names the table that would be scanned and leaves every row as it was."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.sql(f"explain {change}")
    assert reply.status == 200, reply.body
    assert any("OPS_DB.OPS.ORDERS" in (cell or "") for row in reply.rows for cell in row)
    left = agent.sql("select count(*) from ops_db.ops.orders where order_id = 1003 and note is distinct from 'x'")
    assert left.rows == [["1"]]


def test_explaining_a_change_needs_its_privilege(fresh: RunningSandbox) -> None:
    """A role that may read a table but not change it may not have the change explained."""
    admin, agent = Client.of(fresh, "ADMIN"), Client.of(fresh, "SKIPASS_SVC")
    assert admin.sql("revoke update on table ops_db.ops.orders from role agent_role").status == 200
    assert agent.sql("explain update ops_db.ops.orders set note = 'x'").code == "003001"
