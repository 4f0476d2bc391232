"""Tools and connected accounts: each call one request, each answer a mapping with attributes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from skipass.sdk.answer import Answer, ToolAnswer
from skipass.sdk.transport import Transport, change, once, read, segment

_ACCOUNTS = "/connected-accounts"


class AsyncActions:
    """What an application does for its users, whom it names by `identifier`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def execute_tool(
        self,
        *,
        tool_name: str,
        tool_input: Mapping[str, Any] | None = None,
        identifier: str | None = None,
        connection_name: str | None = None,
        session_id: str | None = None,
    ) -> ToolAnswer:
        """Return what a tool call came to, refusals included: `status` says which.

        Sent again after a lost answer it is the same call: nothing runs twice. Raises `GatewayError` only for what is
        no call at all, such as an unknown argument, and where no gateway answers.
        """
        body = {
            "tool_input": dict(tool_input or {}),
            "identifier": identifier,
            "connection_name": connection_name,
            "session_id": session_id,
        }
        return ToolAnswer(await self._transport.send(once(f"/tools/{segment(tool_name)}/execute", body)))

    async def get_or_create_connected_account(self, *, connection_name: str, identifier: str | None = None) -> Answer:
        """Return `connected_account` of a user on a connection, the same one however often it is asked for."""
        body = {"connection_name": connection_name}
        if identifier is not None:
            body["identifier"] = identifier
        return Answer({"connected_account": await self._transport.send(change("POST", _ACCOUNTS, body))})

    async def get_authorization_link(
        self,
        *,
        connection_name: str,
        identifier: str | None = None,
        role: str | None = None,
        return_url: str | None = None,
    ) -> Answer:
        """Return the one-time `link` by which the user agrees to a role; it voids the links before it."""
        made = await self.get_or_create_connected_account(connection_name=connection_name, identifier=identifier)
        body = {name: value for name, value in (("role", role), ("return_url", return_url)) if value is not None}
        path = f"{_place(made.connected_account.id)}/authorization-link"
        # Without a key: a repeated key would be answered without the link, and a second link only voids the first.
        return Answer(await self._transport.send(change("POST", path, body, identifier)))

    async def get_connected_account(self, account_id: str, *, identifier: str | None = None) -> Answer:
        """Return `connected_account`; raises `NotFound`."""
        return Answer({"connected_account": await self._transport.send(read(_place(account_id), identifier))})

    async def list_connected_accounts(
        self, *, connection_name: str | None = None, identifier: str | None = None
    ) -> list[Answer]:
        """Return every account of the user acted for, page after page to the last."""
        pages = followed(self._transport, _ACCOUNTS, identifier, connection_name=connection_name)
        return [Answer(one) async for one in pages]

    async def verify_connected_account(self, account_id: str, *, code: str, identifier: str | None = None) -> Answer:
        """Put an end user's sign-in in force by the `code` that their browser brought back."""
        path = f"{_place(account_id)}/verify"
        return Answer(
            {"connected_account": await self._transport.send(change("POST", path, {"code": code}, identifier))}
        )

    async def disconnect_connected_account(self, account_id: str, *, identifier: str | None = None) -> Answer:
        """Cancel what runs for an account and destroy its tokens."""
        path = f"{_place(account_id)}/disconnect"
        return Answer({"connected_account": await self._transport.send(change("POST", path, {}, identifier))})

    async def delete_connected_account(self, account_id: str, *, identifier: str | None = None) -> None:
        """Disconnect an account and forget its defaults."""
        await self._transport.send(change("DELETE", _place(account_id), None, identifier))


def _place(account_id: str) -> str:
    return f"{_ACCOUNTS}/{segment(account_id)}"


async def followed(
    transport: Transport, path: str, identifier: str | None = None, **query: str | None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield every item of a list, page after page to the last."""
    cursor: str | None = None
    while True:
        page = await transport.send(read(path, identifier, limit=200, cursor=cursor, **query))
        for item in page["items"]:
            yield item
        cursor = page.get("next_cursor")
        if not cursor:
            return
