"""What is told of a connected account: where it stands now, why, and what its owner does about it. Never a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skipass.access.sqlguard.words import visible
from skipass.gateway.account_status import HINTS
from skipass.gateway.ports import Reader
from skipass.gateway.way_out import connect_url
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection
from skipass.nouns.notice import Notice
from skipass.nouns.people import User


@dataclass(frozen=True, slots=True)
class AccountMessage:
    """One notice about a connected account, the same for every channel; `state` is what it had come to."""

    id: str
    kind: str
    account_id: str
    state: str
    reason: str | None
    connection: str
    user: str
    hint: str
    url: str
    to: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of a webhook."""
        about = {"id": self.account_id, "state": self.state, "reason": self.reason}
        named = {"connection": self.connection, "user": self.user, "hint": self.hint, "url": self.url}
        return {"id": self.id, "kind": self.kind, "account": about | named}

    def subject(self) -> str:
        """Return one line."""
        return f"The account of {self.user} on {self.connection} is {self.state}"

    def text(self) -> str:
        """Return a few lines for people."""
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.subject()}{why}.\n{self.hint}\n{self.url}".replace("\n\n", "\n")


async def account_message(reader: Reader, notice: Notice, base_url: str) -> AccountMessage | None:
    """Return what a notice about an account says, None where the account is no longer there."""
    account = await reader.get(ConnectedAccount, notice.account_id, tenant_id=notice.tenant_id)
    connection = await reader.get(Connection, account.connection_id) if account else None
    user = await reader.get(User, account.user_id) if account else None
    if account is None or connection is None:
        return None
    state, _, reason = notice.about.partition(":")
    return AccountMessage(
        id=notice.id,
        kind=f"account.{state.lower()}",
        account_id=account.id,
        state=account.state.value if state == "changed" else state,
        reason=reason or None,
        connection=connection.name,
        user=visible(user.name if user else "a user")[:200],
        hint=HINTS.get(reason, ""),
        url=connect_url(connection, None, base_url),
    )
