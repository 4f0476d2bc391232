"""Settings of the company's identity provider, checked with all the others, and the provider they name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from skipass.identity.provider import Create, IdentityProvider
from skipass.nouns.principal import Role
from skipass.secret import Secret

_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class SignInSettings(BaseSettings):
    """How people sign in: by one-time links until an identity provider is named."""

    model_config = SettingsConfigDict(env_prefix="SKIPASS_", extra="ignore", frozen=True, hide_input_in_errors=True)

    oidc_issuer: str | None = Field(None, description="Issuer of the identity provider that people sign in with.")
    oidc_client_id: str | None = Field(None, description="The gateway's client there.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret.")
    oidc_scopes: str = Field("openid profile email", description="Scopes to ask for; openid is one of them.")
    oidc_username_claim: str = Field("preferred_username", description="Claim that holds a person's name.")
    oidc_groups_claim: str = Field("groups", description="Claim that lists a person's groups.")
    oidc_role_map: str | None = Field(
        None, description="GROUP=admin, approver, auditor or member, by commas; then groups give roles, nobody else."
    )
    oidc_create: Create = Field(
        Create.MAPPED, description="mapped: a group with a role lets somebody new in. member: all as members. never."
    )
    oidc_name: str | None = Field(None, description="What people read on the page of signing in; the issuer's host.")

    @model_validator(mode="after")
    def _known_provider(self) -> SignInSettings:
        if self.oidc_issuer is None:
            if self.oidc_client_id or self.oidc_client_secret:
                raise ValueError("oidc_client_id and oidc_client_secret go with oidc_issuer")
            return self
        parts = urlsplit(self.oidc_issuer)
        plain = parts.scheme == "http" and parts.hostname in _HERE
        if not parts.hostname or parts.query or parts.fragment or not (plain or parts.scheme == "https"):
            raise ValueError("oidc_issuer must be an https address; plain http is for loopback")
        if not self.oidc_client_id:
            raise ValueError("oidc_issuer needs oidc_client_id")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("oidc_scopes must hold openid")
        _roles(self.oidc_role_map or "")
        return self

    def identity_provider(self) -> IdentityProvider | None:
        """Return the provider that the settings name, None while people sign in by one-time links."""
        if self.oidc_issuer is None:
            return None
        secret = self.oidc_client_secret
        return IdentityProvider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id or "",
            client_secret=Secret(secret.get_secret_value()) if secret else None,
            scopes=tuple(self.oidc_scopes.split()),
            groups_claim=self.oidc_groups_claim,
            username_claim=self.oidc_username_claim,
            roles=_roles(self.oidc_role_map or ""),
            create=self.oidc_create,
            label=self.oidc_name or urlsplit(self.oidc_issuer).netloc,
        )


def _roles(text: str) -> Mapping[str, tuple[Role, ...]]:
    """Return what each group gives; a group's name may hold an equals sign, but no comma."""
    found: dict[str, tuple[Role, ...]] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        group, sign, role = (one.strip() for one in part.rpartition("="))
        if not sign or not group or role not in {one.value for one in Role}:
            raise ValueError("oidc_role_map is GROUP=ROLE by commas; a role is admin, approver, auditor or member")
        found[group] = (*found.get(group, ()), Role(role))
    return found
