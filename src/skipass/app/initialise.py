"""The first start: keys, database, one tenant and its two founders, each with a one-time sign-in link."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from skipass.app.database import Database, database_of
from skipass.app.home import Home
from skipass.app.keysource import KeySettings
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import SystemClock
from skipass.errors import SkipassError
from skipass.gateway.deps import data_key_place
from skipass.gateway.people import add_link
from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.people import Tenant, User
from skipass.nouns.principal import Role
from skipass.secret import Secret
from skipass.vault.keys import new_signing_key
from skipass.vault.providers import KeyProvider, ring_of
from skipass.vault.seal import seal


@dataclass(frozen=True, slots=True)
class Founder:
    """One of the two people `init` names, and the token of the link that signs them in once."""

    user: User
    token: Secret[str]


@dataclass(frozen=True, slots=True)
class Initialised:
    """The first tenant and its founders: the admin, and the approver if one was named."""

    tenant_id: str
    founders: tuple[Founder, ...]


def sign_in_link(base_url: str, token: Secret[str]) -> str:
    """Return the link that `skipass login` takes; the token is in the fragment, which no server sees."""
    return f"{base_url}/sign-in#{token.reveal()}"


async def initialise(
    home: Home, admin: str, approver: str | None, tenant: str = "default", *, database_url: Secret[str] | None = None
) -> Initialised:
    """Create a gateway in `home`, with its rows in the database at that address or in a file of the home.

    Raises `already_initialised`, `invalid_request` when both people are one, and `database_unavailable`.
    """
    if approver is not None and approver == admin:
        hint = "Who asks never decides, so a team needs two people."
        raise SkipassError("invalid_request", "Admin and approver must be two people.", hint)
    home = replace(home, on_server=database_url is not None)
    provider = KeySettings().key_provider(home)
    database = database_of(home, database_url)
    with home.hold():
        if home.initialised:
            raise SkipassError("already_initialised", hint=f"It lives in {home.path}: skipass serve runs it.")
        if home.on_server and await database.initialised():
            hint = "Another home holds its keys; to run a second gateway on it, copy them: see the page on PostgreSQL."
            raise SkipassError("already_initialised", "The database holds a gateway already.", hint)
        await database.migrate()
        provider.create()
        new_signing_key(home.audit_key, home.audit_public_key)
        people = [(admin, (Role.ADMIN,))] + ([(approver, (Role.APPROVER,))] if approver else [])
        return await _first_rows(provider, database, tenant, people)


async def _first_rows(
    provider: KeyProvider, database: Database, name: str, people: Sequence[tuple[str, tuple[Role, ...]]]
) -> Initialised:
    clock, kek = SystemClock(), ring_of(provider, None)
    boot_id, tenant_id = new_id("boot", clock.now()), new_id("tenant", clock.now())
    data_key = seal(kek, secrets.token_bytes(32), data_key_place(tenant_id))
    journal = database.journal(boot_id, clock)
    await journal.start(Event(DEPLOYMENT, "gateway.started", boot_id, {"for": "init"}))

    async def create(unit: UnitOfWork) -> tuple[Founder, ...]:
        if await unit.setting("kek_fingerprint") is not None:
            raise SkipassError("already_initialised", "The database holds a gateway already.")
        await unit.insert(Tenant(tenant_id, name, data_key, unit.now))
        await unit.set("kek_fingerprint", kek.fingerprint)
        unit.emit(Event(tenant_id, "gateway.initialised", tenant_id, {"founders": [n for n, _ in people]}))
        return tuple([await _founder(unit, tenant_id, person, roles) for person, roles in people])

    try:
        return Initialised(tenant_id, await journal.write(create))
    finally:
        await journal.stop()


async def _founder(unit: UnitOfWork, tenant_id: str, name: str, roles: tuple[Role, ...]) -> Founder:
    user = User(new_id("user", unit.now), tenant_id, name, roles, unit.now, unit.now, founder=True)
    await unit.insert(user)
    unit.emit(Event(tenant_id, "user.created", user.id, {"name": name, "roles": roles, "by": "init"}))
    return Founder(user, await add_link(unit, user, "init"))
