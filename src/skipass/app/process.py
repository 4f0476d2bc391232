"""One gateway process: opens what `home` holds, refuses to start on the wrong key, runs the jobs, closes in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from skipass import __version__
from skipass.access.sqlguard.pool import GuardPool
from skipass.app.checkpoints import Checkpoints, KeptCheckpoints
from skipass.app.database import database_of
from skipass.app.effective import effective_here
from skipass.app.noticing import channels
from skipass.app.restored import check_restored
from skipass.app.settings import Settings
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock, SystemClock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway, build
from skipass.gateway.deps import Deps
from skipass.gateway.egress import Egress
from skipass.gateway.upstream import Upstream
from skipass.ids import new_id
from skipass.vault.keys import signing_key
from skipass.vault.providers import ring_of


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
        provider, key = settings.key_provider(home), signing_key(home.audit_key)
        kek = ring_of(provider, None)
        await database.migrate()
        policy_file = read_policy(settings.policy_file) if settings.policy_file else None
        boot_id = new_id("boot", clock.now())
        journal = database.journal(boot_id, clock)
        guard = GuardPool()
        egress = Egress(settings.sandbox, frozenset(settings.egress_allow))
        upstream, told = Upstream(egress, kek, clock), channels(settings, egress, clock)
        deps = Deps(journal, clock, kek, guard, upstream, base_url, settings.sandbox, policy_file, channels=told)
        deps = replace(deps, signed=KeptCheckpoints(home.checkpoints, key.public_key()))
        deps = replace(deps, key_provider=provider, resend_ambiguous=settings.resend_ambiguous)
        deps = replace(deps, settings=effective_here(settings, base_url))
        gateway = build(replace(deps, provider=settings.identity_provider(), mcp_clients=settings.client_rules()))
        await journal.start(Event(DEPLOYMENT, "gateway.started", boot_id, {"version": __version__}))
        checkpoints = Checkpoints(journal, key, home.checkpoints)
        try:
            await gateway.vaulting.start()
            await check_restored(gateway, journal, home.checkpoints, key.public_key())
            await gateway.policies.adopt_file()
            gateway.jobs.start()
            checkpoints.start()
            await gateway.notices.start()
            yield gateway
        finally:
            await gateway.notices.stop()
            await gateway.jobs.stop()
            await gateway.runner.stop()
            await gateway.refresher.stop()
            await gateway.vaulting.stop()
            await upstream.aclose()
            guard.close()
            await checkpoints.stop()
            await journal.stop()


def read_policy(path: Path) -> str:
    """Return the text of a policy file, or raise `invalid_policy`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SkipassError("invalid_policy", f"{path} cannot be read: {why}.") from None
