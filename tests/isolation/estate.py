"""Two tenants in one gateway, and how an answer about what is another's is held against one about nothing at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skipass.nouns.account import ConnectedAccount, LinkAttempt, Registration
from skipass.nouns.approval import Approval
from skipass.nouns.connection import Connection, Credential
from skipass.nouns.people import Agent, Tenant, User
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement
from skipass.storage.export import records
from surfaces.rest.house import House, Told, fresh, new_connection

KINDS = (User, Agent, Connection, Credential, ConnectedAccount, Registration, LinkAttempt)
RUNNING = (AccessSession, Statement, Approval)
WORDS = ("reporting-agent",)
"""What only the first tenant has a thing of the name of."""
_REQUEST = re.compile(r"req_[0-9a-z]+")
_CALL = re.compile(r"(exe|stm|evt)_[0-9a-z]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Estate:
    """The served gateway; `tenant_id` is the first tenant's, of whom everybody else is to learn nothing."""

    house: House
    tenant_id: str

    async def marks(self) -> frozenset[str]:
        """Return the ids of everything the first tenant has, and words that only its things contain."""
        found = [one.id for kind in (*KINDS, *RUNNING) for one in await self._every(kind)]
        return frozenset({*found, self.tenant_id, *WORDS})

    async def _every(self, kind: type[Any]) -> list[Any]:
        return await self.house.stage.every(kind, tenant_id=self.tenant_id)

    async def leaked(self, told: Told, *known: str) -> list[str]:
        """Return what an answer says of the first tenant beyond what the question said itself."""
        text = json.dumps(told.body)
        return sorted(mark for mark in await self.marks() if mark in text and not any(mark in one for one in known))

    def facts(self) -> list[tuple[str, str]]:
        """Return the kind and subject of everything that has happened in the first tenant."""
        found = records(self.house.stage.home.database)
        return [(one.kind, one.subject) for one in found if one.tenant_id == self.tenant_id]


def said(told: Told, *named: str) -> tuple[int, str]:
    """Return an answer without what the question named and without what is different in every answer."""
    text = json.dumps(told.body, sort_keys=True)
    for name in sorted(named, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "…", text)
    return told.status, _CALL.sub("…", _REQUEST.sub("…", text))


def nothing_like(made: Mapping[str, str]) -> dict[str, str]:
    """Return names of the same form as these, of things that do not exist."""
    return {name: _changed(value) for name, value in made.items()}


def _changed(value: str) -> str:
    head, mark, tail = value.partition("_")
    return f"{head}_{tail[::-1]}" if mark and len(tail) == 26 and tail[::-1] != tail else fresh("nothing")


async def settled(house: House) -> Estate:
    """Put a second tenant with an admin and an agent of its own, and another user and agent of the first, beside it."""
    (first,) = await house.stage.every(Tenant)
    await house.stranger()
    made = await house.post("/connections", new_connection(house, "theirs"), who="stranger")
    assert made.status == 201, made.body
    agent = await house.post("/agents", {"name": "visitor", "connections": ["theirs"]}, who="stranger")
    assert agent.status == 201, agent.body
    house.keys["visitor"] = agent.body["api_key"]
    house.keys["colleague"] = house.keys[await house.person("member")]
    house.keys["other agent"] = house.keys[await house.agent(owner="sam")]
    return Estate(house, first.id)
