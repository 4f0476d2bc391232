"""The undo of a card is SQL that works: run afterwards by the account's admin, it brings the rows back exactly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateways import Stage
from sandbox.client import Client
from skipass.nouns.envelope import Envelope, Status

pytestmark = pytest.mark.anyio
Rows = Sequence[Sequence[str | None]]


def rows(at: Stage) -> Rows:
    """Return the table as the account's admin reads it."""
    return admin(at, "select * from ops_db.ops.orders order by order_id, note, status")


def admin(at: Stage, text: str) -> Rows:
    """Run one text as the account's admin and return its rows."""
    reply = Client.of(at.sandbox, at.sandbox.users[0].name).sql(text, role="ACCOUNTADMIN", warehouse="AGENT_WH")
    assert reply.status == 200, reply.body
    return reply.rows


async def approved(at: Stage, statement: str) -> Envelope:
    """Have a write held, approved and run, and return how it ended."""
    held = await at.query(statement)
    assert held.status is Status.APPROVAL_REQUIRED, held
    await at.decide(held)
    done = await at.settled(held.fields["statementHandle"])
    assert done.status is Status.SUCCESS, done
    return held


async def undo(at: Stage, held: Envelope) -> str:
    """Return the text that the card prints once the statement has run."""
    card = await at.gateway.cards.show(await at.principal("approver"), held.fields["approval"]["id"])
    assert card.undo is not None
    assert card.undo.text is not None, card.undo.why
    return card.undo.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops.orders SET note = 'gone', status = upper(status) WHERE order_id >= 1003",
        "DELETE FROM ops.orders WHERE order_id > 1002",
        "DELETE FROM ops.orders",
        "INSERT INTO ops.orders SELECT * FROM ops.orders WHERE order_id < 1003",
    ],
)
async def test_the_printed_undo_restores_the_rows(at: Stage, statement: str) -> None:
    """What a held and approved write changed, inserted or deleted is as it was before, every row and value."""
    before = rows(at)
    assert len(before) > 3
    await at.session()
    held = await approved(at, statement)
    assert rows(at) != before
    for text in (await undo(at, held)).split("\n"):
        admin(at, text)
    assert rows(at) == before


async def test_of_two_writes_the_later_is_taken_back_alone(at: Stage) -> None:
    """The undo of the second write leaves what the first one did."""
    await at.session()
    await approved(at, "UPDATE ops.orders SET note = 'first' WHERE order_id = 1003")
    between = rows(at)
    held = await approved(at, "DELETE FROM ops.orders WHERE order_id = 1003")
    admin(at, await undo(at, held))
    assert rows(at) == between


async def test_before_it_ran_the_card_names_the_place_of_the_query_id(at: Stage) -> None:
    """While the statement waits its query id is not known, and the undo says where it will stand."""
    await at.session()
    held = await at.query("DELETE FROM ops.orders WHERE order_id = 1003")
    assert "'<query id>'" in await undo(at, held)
    await at.decide(held)
    await at.settled(held.fields["statementHandle"])
    assert "<query id>" not in await undo(at, held)
