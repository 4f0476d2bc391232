"""The policy in force, to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skipass.nouns.policy import PolicySource, PolicyVersion
from skipass.surfaces.console.card_views import MINUTE
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked


class PolicyPage:
    """`/console/policy`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show the policy in force; nothing is changed from here."""
        by = await self._frame.caller(asked)
        found = await self._gateway.policies.list(by.principal, limit=1)
        people = {one.id: one.name for one in await self._gateway.people.list(by.principal)} if found else {}
        return self._frame.page(
            "policy.html", by, here=asked.path, version=_values(found[0], people) if found else None
        )


def _values(version: PolicyVersion, people: Mapping[str, str]) -> dict[str, Any]:
    return {
        "number": version.number,
        "at": version.applied_at.strftime(MINUTE),
        "file": version.source is PolicySource.FILE,
        "by": people.get(version.applied_by or "", "somebody who is gone"),
        "text": version.text,
    }
