"""A gateway served over real HTTP, with an in-memory backend behind the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from serving import serving
from skipass.clock import SystemClock
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.app import create_mcp_app
from surfaces.mcp.fake import FakeAuthenticator, FakeBackend


class Slot:
    """The app of the test at hand: servers live as long as the run, apps as long as a test."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def slot() -> Slot:
    return Slot()


@pytest.fixture(scope="session")
def server(slot: Slot) -> Iterator[Callable[[str], str]]:
    with ExitStack() as stack:
        bases: dict[str, str] = {}

        def base(http: str) -> str:
            if http not in bases:
                bases[http] = stack.enter_context(serving(slot, http=http))
            return bases[http]

        yield base


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def settings() -> EdgeSettings:
    return EdgeSettings(max_body_bytes=100_000, body_deadline_s=1.0)


@pytest.fixture(params=["httptools"])
def http(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(
    server: Callable[[str], str], slot: Slot, backend: FakeBackend, settings: EdgeSettings, http: str
) -> Iterator[str]:
    slot.app = create_mcp_app(backend, FakeAuthenticator(), settings, SystemClock())
    yield f"{server(http)}/ops/mcp"
    backend.release.set()
