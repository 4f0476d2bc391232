"""Several gateways on one PostgreSQL database, each with a home of its own that holds the same keys."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateways import BASE_URL, Stage, stage
from skipass.app.home import Home
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.clock import Clock
from skipass.sandbox.testing import RunningSandbox


def home_beside(home: Home, path: Path) -> Home:
    """Return a home for one more gateway: a copy of the keys, and nothing else."""
    path.mkdir(mode=0o700)
    for key in (home.vault_key, home.audit_key, home.audit_public_key):
        shutil.copy2(key, path / key.name)
    return Home(path, on_server=True)


@asynccontextmanager
async def beside(at: Stage, path: Path, url: str, clock: Clock | None = None) -> AsyncIterator[Stage]:
    """Yield one more gateway over the same database and the same Snowflake."""
    home = home_beside(at.home, path)
    async with running(Settings(home=path, sandbox=True, database_url=url), BASE_URL, clock) as gateway:
        yield Stage(gateway, home, at.sandbox, at.keys)


@asynccontextmanager
async def pair(sandbox: RunningSandbox, path: Path, *urls: str) -> AsyncIterator[tuple[Stage, Stage]]:
    """Yield two gateways; with two addresses each goes to the database its own way."""
    sandbox.control.reset()
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(stage(sandbox, path / "one", database_url=urls[0]))
        two = await stack.enter_async_context(beside(one, path / "two", urls[-1]))
        yield one, two
