"""What each act of an administrator does to a connection that was good: to its access token, and to its refresh."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.client import Client
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox

INTEGRATION = "security integration skipass_oauth"
AGAIN = (
    f"create or replace {INTEGRATION} type = oauth oauth_client = custom oauth_client_type = 'CONFIDENTIAL' "
    "oauth_redirect_uri = 'http://127.0.0.1:8787/oauth/callback' oauth_allow_non_tls_redirect_uri = true"
)
OFFICE = "create network policy office allowed_ip_list = ('10.0.0.0/8')"
CASES: dict[str, tuple[list[str], str, str]] = {
    # The acts, the code that the access token then meets, and how a refresh ends.
    "user disabled": (["alter user dana set disabled = true"], "390303", "invalid_grant"),
    "user dropped": (["drop user dana"], "390303", "invalid_grant"),
    "role revoked": (["revoke role agent_role from user dana"], "390186", ""),
    "role dropped": (["drop role agent_role"], "390189", ""),
    "role blocked": ([f"alter {INTEGRATION} set blocked_roles_list = ('AGENT_ROLE')"], "390186", ""),
    "role no longer allowed": ([f"alter {INTEGRATION} set allowed_roles_list = ('SYSADMIN')"], "390186", ""),
    "integration disabled": ([f"alter {INTEGRATION} set enabled = false"], "390303", "invalid_client"),
    "integration dropped": ([f"drop {INTEGRATION}"], "390303", "invalid_client"),
    "integration made again": ([AGAIN], "390303", "invalid_client"),
    "secrets rotated": (
        [f"alter {INTEGRATION} refresh oauth_client_secret", f"alter {INTEGRATION} refresh oauth_client_secret_2"],
        "",
        "invalid_client",
    ),
    "consent for the role withdrawn": (
        [f"alter user dana remove delegated authorization of role agent_role from {INTEGRATION}"],
        "390303",
        "invalid_grant",
    ),
    "every consent withdrawn": (
        [f"alter user dana remove delegated authorizations from {INTEGRATION}"],
        "390303",
        "invalid_grant",
    ),
    "network policy of the integration": (
        [OFFICE, f"alter {INTEGRATION} set network_policy = 'OFFICE'"],
        "390422",
        "invalid_client",
    ),
    "network policy of the user": ([OFFICE, "alter user dana set network_policy = OFFICE"], "390422", ""),
    "network policy of the account": (
        [OFFICE, "alter account set network_policy = 'OFFICE'"],
        "390422",
        "invalid_client",
    ),
    "warehouse missing": (["alter user dana unset default_warehouse"], "000606", ""),
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    """The client's credentials as a gateway keeps them: nothing here follows what the account changes later."""

    app: App
    client: dict[str, str]
    tokens: dict[str, Any]

    def use(self) -> str:
        reply = self.app.caller(self.tokens["access_token"]).sql("select count(*) from orders")
        return "" if reply.status == 200 else reply.code

    def refresh(self) -> str:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        reply = self.app.post({"Content-Type": "application/x-www-form-urlencoded"}, form | self.client)
        return "" if reply.status == 200 else str(reply.body["error"])


def held(sandbox: RunningSandbox) -> Held:
    app = App.of(sandbox)
    return Held(app, app.client, app.tokens())


@pytest.mark.parametrize("name", CASES)
def test_what_an_act_does_to_a_connection(fresh: RunningSandbox, name: str) -> None:
    """The next call and the next refresh after each act are answered with the documented code."""
    acts, used, refreshed = CASES[name]
    mine, root = held(fresh), Client.of(fresh, "ADMIN")
    assert mine.use() == ""
    for text in acts:
        reply = root.sql(text)
        assert reply.status == 200, reply.body
    assert (mine.use(), mine.refresh()) == (used, refreshed)


def test_one_secret_can_be_rotated_after_the_other(fresh: RunningSandbox) -> None:
    """While one secret is replaced the other goes on working, so that a client need not stop."""
    mine, root = held(fresh), Client.of(fresh, "ADMIN")
    shown = root.sql("select system$show_oauth_client_secrets('SKIPASS_OAUTH')").rows[0][0] or ""
    second = {"client_id": mine.client["client_id"], "client_secret": json.loads(shown)["OAUTH_CLIENT_SECRET_2"]}
    assert root.sql(f"alter {INTEGRATION} refresh oauth_client_secret").status == 200
    assert mine.refresh() == "invalid_client"
    assert Held(mine.app, second, mine.tokens).refresh() == ""


def test_policy_that_is_not_there_is_refused(fresh: RunningSandbox) -> None:
    """A user cannot be put behind a network policy that does not exist."""
    root = Client.of(fresh, "ADMIN")
    assert root.sql("alter user dana set network_policy = 'NOWHERE'").code == "002003"
    assert root.sql("create user zoe network_policy = nowhere").code == "002003"


def test_role_of_an_access_token_dropped(fresh: RunningSandbox) -> None:
    """A programmatic access token whose role is gone is 394400."""
    root = Client.of(fresh, "ADMIN")
    text = "role_restriction = 'AGENT_ROLE' mins_to_bypass_network_policy_requirement = 5"
    secret = root.sql(f"alter user dana add pat t1 {text}").rows[0][1] or ""
    caller = Client(fresh.host, secret, kind="PROGRAMMATIC_ACCESS_TOKEN")
    assert caller.sql("select 1").status == 200
    assert root.sql("drop role agent_role").status == 200
    assert caller.sql("select 1").code == "394400"


ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS = [RSAKey.generate_key(2048, private=True) for _ in range(2)]


def assertion(sandbox: RunningSandbox, key: RSAKey, **changes: Any) -> dict[str, str]:
    """Return the form members of a client that signs; `changes` replace claims."""
    client_id, now = App.of(sandbox).client["client_id"], int(time.time())
    url = f"https://{sandbox.account.host}/oauth/token-request"
    claims = {"iss": client_id, "sub": client_id, "aud": url, "iat": now, "exp": now + 300} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return {"client_assertion_type": ASSERTION, "client_assertion": jwt.encode({"alg": "RS256"}, kept, key)}


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        (lambda _: {}, "invalid_grant"),
        (lambda _: {"iat": None}, "invalid_grant"),
        (lambda _: {"aud": "https://else.example.com/oauth/token-request"}, "invalid_client"),
        (lambda _: {"sub": "somebody"}, "invalid_client"),
        (lambda now: {"exp": now + 7200}, "invalid_client"),
        (lambda _: {"exp": 1}, "invalid_client"),
        (lambda now: {"iat": now - 700}, "invalid_client"),
    ],
)
def test_client_signs_instead_of_telling_a_secret(
    fresh: RunningSandbox, wrong: Callable[[int], dict[str, Any]], answer: str
) -> None:
    """A signed assertion proves the client by either registered key, for this endpoint, for an hour at most."""
    changes = wrong(int(time.time()))
    root = Client.of(fresh, "ADMIN")
    for name, key in zip(("OAUTH_CLIENT_RSA_PUBLIC_KEY", "OAUTH_CLIENT_RSA_PUBLIC_KEY_2"), KEYS, strict=True):
        body = "".join(key.as_pem(private=False).decode().splitlines()[1:-1])
        assert root.sql(f"alter {INTEGRATION} set {name} = '{body}'").status == 200
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = {"grant_type": "refresh_token", "refresh_token": "nothing"}
    app = App.of(fresh)
    for key in KEYS:
        assert app.post(headers, form | assertion(fresh, key, **changes)).body["error"] == answer
    stranger = RSAKey.generate_key(2048, private=True)
    assert app.post(headers, form | assertion(fresh, stranger, **changes)).body["error"] == "invalid_client"
