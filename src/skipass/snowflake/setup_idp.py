"""What an admin does in an identity provider, so that its tokens open Snowflake: as steps to follow, pure text.

Source: https://docs.snowflake.com/en/user-guide/oauth-okta , https://docs.snowflake.com/en/user-guide/oauth-azure
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from skipass.snowflake.errors import SnowflakeConfigError

_TENANT = re.compile(r"https://(?:sts\.windows\.net|login\.microsoftonline\.com)/([0-9A-Za-z.-]+)(?:/v2\.0)?/?")


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider's tokens are read: EXTERNAL_OAUTH_TYPE and the claim that names the user by default."""

    kind: str
    user_claim: str

    def keys_url(self, issuer: str) -> str:
        """Return where an issuer's keys are, or raise `SnowflakeConfigError` where only its own documents tell."""
        tenant = _TENANT.fullmatch(issuer)
        if self.kind == "OKTA":
            return f"{issuer.rstrip('/')}/v1/keys"
        if self.kind == "AZURE" and tenant is not None:
            return f"https://login.microsoftonline.com/{tenant[1]}/discovery/v2.0/keys"
        hint = "Its discovery document calls it jwks_uri: pass --keys-url."
        raise SnowflakeConfigError(f"Where the keys of {issuer} are is not known.", hint=hint)


_PROVIDERS = {
    "okta": Provider("OKTA", "sub"),
    "azure": Provider("AZURE", "upn"),
    "ping_federate": Provider("PING_FEDERATE", "username"),
    "custom": Provider("CUSTOM", "sub"),
}


def provider(text: str) -> Provider:
    """Return the provider of a name, or raise `SnowflakeConfigError`."""
    found = _PROVIDERS.get(text.lower())
    if found is None:
        raise SnowflakeConfigError(f"{text!r} is no provider.", hint=f"One of {', '.join(_PROVIDERS)}.")
    return found


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps name: our `callback`, the account's URL, the `scope` as it is asked for, and the role."""

    callback: str
    account_url: str
    scope: str
    role: str


def okta_steps(steps: Steps) -> list[str]:
    """Return the steps for an Okta custom authorization server."""
    roles = _role_scopes(steps.scope) or [f"session:role:{steps.role}"]
    named = ", ".join(roles)
    return [
        "1. Applications > Create App Integration > OIDC, Web Application. Grant types: Authorization Code and",
        "   Refresh Token. Require PKCE. Sign-in redirect URI, exactly:",
        f"     {steps.callback}",
        "   Assign the people who connect an account. Keep the client id and secret for `oauth_metadata`.",
        "2. Security > API > Authorization Servers > Add (the org's own server will not do). Audience, exactly:",
        f"     {steps.account_url}",
        f"3. In that server, Scopes > Add Scope, letter by letter: {named}",
        '   Missing, sign-in stops in Okta: "One or more scopes are not configured".',
        "4. In that server, Access Policies > Add Policy for the app, then Add Rule: grant type Authorization Code,",
        f"   and these scopes: {named}, offline_access",
        "   A scope that the rule leaves out is dropped without a word: the token then has no role, and Snowflake",
        "   answers 390317. The gateway compares what was granted with what was asked for, and says so.",
        "5. Claims: `sub` must be the LOGIN_NAME (or EMAIL) of the Snowflake user; change it there if not.",
        "6. In `oauth_metadata`: issuer is the server's Issuer URI, letter by letter, with a slash at its end only if",
        f'   it is shown so; scope is "{steps.scope}".',
    ]


def entra_steps(steps: Steps) -> list[str]:
    """Return the steps for Microsoft Entra ID."""
    roles = _role_scopes(steps.scope) or [f"session:role:{steps.role}"]
    scopes = ", ".join(one.rpartition("/")[2].replace("session:role:", "session:scope:") for one in roles)
    return [
        "1. App registrations > New registration, for Snowflake as the resource. Expose an API > Application ID URI:",
        "     api://<application id>",
        f"   Add a scope, letter by letter: {scopes}",
        "   Missing, sign-in stops in Entra with AADSTS65001 or AADSTS70011.",
        "2. App registrations > New registration, for skipass as the client. Web redirect URI, exactly:",
        f"     {steps.callback}",
        "   Certificates & secrets > New client secret. API permissions > My APIs > the resource > the scope; grant",
        "   admin consent.",
        "3. In `oauth_metadata`: issuer https://login.microsoftonline.com/<tenant id>/v2.0 for version 2 tokens, or",
        "   https://sts.windows.net/<tenant id>/ (with its slash) for version 1: it must be the token's `iss` exactly.",
        f'   scope is "api://<application id>/{scopes.split(", ")[0]} offline_access".',
        "4. In Snowflake the audience is the Application ID URI, not the account's URL: print the script with",
        "     skipass connection setup-sql NAME --idp azure --audience api://<application id>",
        "   A wrong one shows as 390303 when the account is connected.",
        "5. The claim `upn` must be the LOGIN_NAME of the Snowflake user; --user-claim names another.",
    ]


def _role_scopes(scope: str) -> list[str]:
    return [one for one in scope.split() if "session:" in one.lower()]
