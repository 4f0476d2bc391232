"""Lists a page at a time. A cursor is the place of the last item shown, so pages neither skip nor repeat what stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Query

from skipass.errors import SkipassError

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Cursor = Annotated[
    str | None, Query(max_length=255, description="`next_cursor` of the page before; leave it out for the first page.")
]


@dataclass(frozen=True, slots=True)
class Places:
    """What the cursors of one list look like."""

    form: re.Pattern[str]

    def after(self, cursor: str | None) -> str | None:
        """Return the cursor if it can be one of this list, or raise `invalid_request`."""
        if cursor is not None and not self.form.fullmatch(cursor):
            raise SkipassError(
                "invalid_request", "The cursor is not one of this list.", "Use next_cursor as it was given."
            )
        return cursor


def _id(prefix: str) -> Places:
    return Places(re.compile(rf"{prefix}_[0-9a-z]{{26}}", re.ASCII))


SESSIONS = _id("ses")
ACCOUNTS = _id("acc")
APPROVALS = _id("apr")
MEMBERSHIPS = _id("mbr")
REVIEWS = _id("rvw")
CLIENTS = _id("cli")
CONSENTS = _id("cns")
EVENTS = Places(re.compile(r"[0-9]{1,17}:[A-Za-z0-9_-]{1,64}:[0-9]{1,17}", re.ASCII))
USERS = Places(re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII))
CONNECTIONS = Places(re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII))
POLICIES = Places(re.compile(r"[0-9]{1,9}", re.ASCII))
SLUGS = Places(re.compile(r"[a-z0-9-]{1,40}", re.ASCII))
TOOLS = Places(re.compile(r"[a-z_]{1,64}", re.ASCII))
AGENTS = Places(re.compile(r"[^\x00-\x1f\x7f]{1,64}"))


def page(
    found: Sequence[T], limit: int, place: Callable[[T], str], view: Callable[[T], dict[str, Any]]
) -> dict[str, Any]:
    """Return `{"items", "next_cursor"}` of a list read one item past `limit`: that one says there is more."""
    shown = found[:limit]
    following = place(shown[-1]) if len(found) > limit else None
    return {"items": [view(one) for one in shown], "next_cursor": following}
