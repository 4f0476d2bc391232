"""One gateway process: opens what `home` holds, refuses to start on the wrong key, runs the jobs, closes in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from skipass import __version__
from skipass.access.sqlguard.pool import GuardPool
from skipass.app.checkpoints import Checkpoints
from skipass.app.database import database_of
from skipass.app.noticing import channels
from skipass.app.settings import Settings
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock, SystemClock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway, build
from skipass.gateway.deps import Deps
from skipass.gateway.egress import Egress
from skipass.gateway.ports import Reader
from skipass.gateway.upstream import Upstream
from skipass.ids import new_id
from skipass.vault.keys import signing_key, vault_key


@asynccontextmanager
async def running(settings: Settings, base_url: str, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """Yield the gateway of `settings.home` with its jobs running.

    Raises `not_initialised`, `vault_key`, `gateway_running`, `invalid_policy`, `database_unavailable`.
    """
    home, clock = settings.place(), clock or SystemClock()
    database = database_of(home, settings.database())
    if not (home.initialised and await database.initialised()):
        raise SkipassError("not_initialised", hint="Run: skipass init")
    with home.hold():
        kek, key = vault_key(home.vault_key), signing_key(home.audit_key)
        await database.migrate()
        policy_file = read_policy(settings.policy_file) if settings.policy_file else None
        boot_id = new_id("boot", clock.now())
        journal = database.journal(boot_id, clock)
        guard = GuardPool()
        egress = Egress(settings.sandbox, frozenset(settings.egress_allow))
        upstream, told = Upstream(egress, kek, clock), channels(settings, egress, clock)
        deps = Deps(journal, clock, kek, guard, upstream, base_url, settings.sandbox, policy_file, channels=told)
        gateway = build(deps)
        await journal.start(Event(DEPLOYMENT, "gateway.started", boot_id, {"version": __version__}))
        checkpoints = Checkpoints(journal, key, home.checkpoints)
        try:
            await _same_key(gateway, kek.fingerprint)
            await gateway.policies.adopt_file()
            gateway.jobs.start()
            checkpoints.start()
            await gateway.notices.start()
            yield gateway
        finally:
            await gateway.notices.stop()
            await gateway.jobs.stop()
            await gateway.runner.stop()
            await upstream.aclose()
            guard.close()
            await checkpoints.stop()
            await journal.stop()


async def _same_key(gateway: Gateway, fingerprint: str) -> None:
    async def load(reader: Reader) -> str | None:
        return await reader.setting("kek_fingerprint")

    if await gateway.deps.journal.read(load) != fingerprint:
        hint = "Start with the vault.key that this database was made with."
        raise SkipassError("vault_key", "The vault key is not the one of this database.", hint)


def read_policy(path: Path) -> str:
    """Return the text of a policy file, or raise `invalid_policy`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SkipassError("invalid_policy", f"{path} cannot be read: {why}.") from None
