"""A served gateway in front of a real account and a real identity provider, and browsers that walk their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from accounts.walk import Walk
from gateways import Stage, served


@pytest.fixture
def at(at: Stage) -> Stage:
    """The stage, before anybody has agreed to anything at its account."""
    at.sandbox.account.sign_in.consents.clear()
    return at


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    async with served(at) as url:
        yield Walk(url, at)
