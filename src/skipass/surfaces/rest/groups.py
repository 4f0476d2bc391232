"""Groups over REST: who is in which, and putting people and agents in or out."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, Field, model_validator
from starlette.responses import Response

from skipass.gateway.groups import Member
from skipass.gateway.views import when
from skipass.nouns.groups import MemberKind
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.tools.fields import Name

router = routes(CallerRoute, "groups")


class GroupMember(Body):
    """Body of `POST /groups/add` and `…/remove`: either a user or an agent."""

    group: Name = Field(description="The group's name.", examples=["oncall"])
    user: Name | None = Field(default=None, description="A person, by name.", examples=["sam"])
    agent: Name | None = Field(default=None, description="An agent, by name.")

    @model_validator(mode="after")
    def _one(self) -> GroupMember:
        if (self.user is None) == (self.agent is None):
            raise ValueError("name either a user or an agent")
        return self

    @property
    def member(self) -> tuple[MemberKind, str]:
        """Who is meant."""
        return (MemberKind.USER, self.user) if self.user is not None else (MemberKind.AGENT, self.agent or "")


class Membership(shapes.Shape):
    """One person or agent in one group."""

    id: str = Field(examples=["mbr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    group: str = Field(description="Rules write it as `group:NAME`.", examples=["oncall"])
    kind: Literal["user", "agent"]
    member: str = Field(description="Their name.", examples=["sam"])
    member_id: str = Field(examples=["usr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    source: Literal["admin", "sign_in"] = Field(description="An admin, or the identity provider at sign-in.")
    by: str = Field(description="Who said so last.")
    at: AwareDatetime
    removed_at: AwareDatetime | None


@router.get("/groups", response_model=shapes.Page[Membership], summary="List who is in which group")
async def list_groups(
    gateway: TheGateway,
    caller: Caller,
    group: Annotated[str | None, Query(max_length=200, description="Only this group.")] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """List memberships, the oldest first."""
    after = paging.MEMBERSHIPS.after(cursor) or ""
    found = await gateway.groups.list(caller, group=group, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda one: one.membership.id, member_view))


@router.post("/groups/add", response_model=Membership, summary="Put a person or an agent into a group")
async def add_to_group(body: GroupMember, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Put somebody in; the group need not exist before. For the next thirty days it counts who did it."""
    kind, member = body.member
    add = partial(gateway.groups.add, caller, body.group, kind=kind, member=member)
    return await once(add, member_view, status=200)


@router.post("/groups/remove", response_model=Membership, summary="Take a person or an agent out of a group")
async def remove_from_group(body: GroupMember, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Take somebody out whom an admin put in; what the identity provider says is changed there."""
    kind, member = body.member
    remove = partial(gateway.groups.remove, caller, body.group, kind=kind, member=member)
    return await once(remove, member_view, status=200)


def member_view(one: Member) -> dict[str, object]:
    """Return a membership."""
    row = one.membership
    return {
        "id": row.id,
        "group": row.name,
        "kind": row.kind.value,
        "member": one.member,
        "member_id": row.member_id,
        "source": row.source.value,
        "by": row.by,
        "at": when(row.at),
        "removed_at": when(row.removed_at),
    }
