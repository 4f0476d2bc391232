"""What the use cases are given: the journal, keys, the guard, the way out, and the deployment's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skipass.access.policy import Policy
from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.oauth_rules import ClientRules
from skipass.gateway.ports import Journal, Reader
from skipass.gateway.signed import SignedHeads
from skipass.gateway.upstream import Upstream
from skipass.gateway.written import Written
from skipass.identity.provider import IdentityProvider
from skipass.nouns.people import Tenant
from skipass.nouns.scope import Scope
from skipass.nouns.setting import EffectiveSetting
from skipass.nouns.verdict import Verdict
from skipass.vault.keys import KeyRing
from skipass.vault.providers import KeyProvider
from skipass.vault.seal import Place, TextKey, unseal


class Guard(Protocol):
    """The statement guard, wherever it runs."""

    async def check(self, sql: str, scope: Scope, *, database: str | None, schema: str | None) -> Verdict:
        """Return the verdict for one text; never raises for anything in the text."""
        ...


class Channel(Protocol):
    """One way to tell people something outside the gateway."""

    async def send(self, message: Written) -> None:
        """Deliver one notice, or raise `skipass.gateway.webhooks.NotDelivered`."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Shared by all use cases of one process. `sandbox` is true under `serve --sandbox` only.

    `policy_file` is the text of the deployment's policy file where it has one. `policies` keeps versions parsed, by id.
    `key_provider` gives the vault's keys. `resend_ambiguous`: whether a refresh token is sent again after its answer
    was lost. `provider` is the company's identity provider, None while people sign in by one-time links. `mcp_clients`
    says how MCP clients may come. `signed` are the checkpoints that this process keeps, `settings` what it runs with as
    people may read it, without a secret.
    """

    journal: Journal
    clock: Clock
    kek: KeyRing
    guard: Guard
    upstream: Upstream
    base_url: str
    sandbox: bool = False
    policy_file: str | None = None
    policies: dict[str, Policy] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    resend_ambiguous: bool = True
    key_provider: KeyProvider | None = None
    provider: IdentityProvider | None = None
    mcp_clients: ClientRules = field(default_factory=ClientRules)
    settings: Sequence[EffectiveSetting] = ()
    signed: SignedHeads | None = None
    _texts: dict[str, TextKey] = field(default_factory=dict)

    async def texts(self, tenant_id: str) -> TextKey:
        """Return the key of a tenant's statement texts."""
        if tenant_id not in self._texts:

            async def load(reader: Reader) -> Tenant | None:
                return await reader.get(Tenant, tenant_id)

            tenant = await self.journal.read(load)
            if tenant is None:
                raise SkipassError("not_found", "No such tenant.")
            self._texts[tenant_id] = TextKey(unseal(self.kek, tenant.data_key, data_key_place(tenant_id)))
        return self._texts[tenant_id]


def data_key_place(tenant_id: str) -> Place:
    """Return where a tenant's data key is sealed to."""
    return Place(tenant_id, "tenants.data_key", tenant_id)
