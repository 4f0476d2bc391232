"""What attack scripts share: a name for each, the parts of an answer they bend, and that nothing came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from accounts.walk import RETURN, Walk
from skipass.nouns.account import ConnectedAccount
from surfaces.console.browser import Page

Attack: TypeAlias = Callable[[Walk], Awaitable[None]]


def collected(into: list[Attack]) -> Callable[[Attack], Attack]:
    """Return a decorator that puts an attack on a list."""

    def add(attack: Attack) -> Attack:
        into.append(attack)
        return attack

    return add


def part(address: str, name: str) -> str:
    """Return one value of an address's query."""
    return parse_qs(urlsplit(address).query)[name][0]


def exchanges(walk: Walk) -> int:
    """Return how many codes reached the account's token endpoint."""
    calls = walk.stage.sandbox.control.calls()
    return sum(call["path"] == "/oauth/token-request" for call in calls)


async def nothing_linked(walk: Walk) -> None:
    """Hold that no account has a credential, and none is usable."""
    assert await walk.every_credential() == []
    assert {one.state.value for one in await walk.stage.every(ConnectedAccount)} <= {
        "PENDING_AUTH",
        "PENDING_VERIFICATION",
    }


def carried(page: Page) -> dict[str, str]:
    """Return what a browser would carry to the application that a page sends it back to."""
    address = page.html.partition('href="https://app.example.com')[2].partition('"')[0].replace("&amp;", "&")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def application(walk: Walk, name: str = "shop") -> str:
    """Return the key of an application's agent."""
    return await walk.agent(name, end_users=True, return_urls=[RETURN])
