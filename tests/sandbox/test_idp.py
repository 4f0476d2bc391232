"""The identity provider, judged by Authlib as its client, and the account that trusts it."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.httpx_client import OAuth2Client
    from authlib.oidc.core import CodeIDToken

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.browser import Person
from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

REDIRECT = "http://127.0.0.1:9999/callback"
SCOPE = "openid profile email offline_access session:role:AGENT_ROLE"


class Site:
    """A web site that signs people in with the provider, built on Authlib."""

    def __init__(self, sandbox: RunningSandbox, scope: str = SCOPE, user: int = 0) -> None:
        said = sandbox.said["idp"]
        self.sandbox, self.issuer = sandbox, said["issuer"]
        self.meta = httpx.get(f"{self.issuer}/.well-known/openid-configuration").json()
        person = said["users"][user]
        self.person = Person(sandbox.host, person["login"], person["password"])
        self.client = OAuth2Client(
            said["client_id"], said["client_secret"], scope=scope, redirect_uri=REDIRECT, code_challenge_method="S256"
        )
        self.verifier = "v" * 64

    def authorize(self, **extra: Any) -> str:
        url, _ = self.client.create_authorization_url(
            self.meta["authorization_endpoint"], code_verifier=self.verifier, **extra
        )
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def tokens(self, **extra: Any) -> dict[str, Any]:
        page = self.person.through(self.authorize(**extra))
        assert page.location is not None, page.text
        found: dict[str, Any] = self.client.fetch_token(
            self.meta["token_endpoint"], authorization_response=page.location, code_verifier=self.verifier
        )
        return found

    def keys(self) -> KeySet:
        return KeySet.import_key_set(httpx.get(self.meta["jwks_uri"]).json())


Sites = Callable[..., Site]


@pytest.fixture
def sites() -> Iterator[Sites]:
    with ExitStack() as stack:

        def make(*given: Any, **named: Any) -> Site:
            made = Site(*given, **named)
            stack.callback(made.client.close)
            return made

        yield make


def test_authlib_signs_a_person_in(sites: Sites, sandbox: RunningSandbox) -> None:
    """Authlib gets a code, tokens and user info, and the ID token holds against keys, issuer, client and nonce."""
    site = sites(sandbox)
    found = site.tokens(nonce="n1")
    token = jwt.decode(found["id_token"], site.keys(), algorithms=["RS256"])
    claims = CodeIDToken(
        token.claims,
        token.header,
        {"iss": {"value": site.issuer}, "aud": {"value": site.client.client_id}},
        {"nonce": "n1", "client_id": site.client.client_id, "access_token": found["access_token"]},
    )
    claims.validate()
    assert claims["email"] == "dana@example.com"
    assert abs(claims["auth_time"] - time.time()) < 60
    info = site.client.get(site.meta["userinfo_endpoint"]).json()
    assert (info["sub"], info["email"]) == (claims["sub"], "dana@example.com")


def test_access_token_is_okta_shaped(sites: Sites, sandbox: RunningSandbox) -> None:
    """The access token has the server's audience, the login as its subject and `scp` as a list."""
    site = sites(sandbox)
    claims = jwt.decode(site.tokens()["access_token"], site.keys(), algorithms=["RS256"]).claims
    assert claims["iss"] == site.issuer
    assert claims["aud"] == "https://skipass-sandbox.snowflakecomputing.com"
    assert claims["sub"] == "dana@example.com"
    assert sorted(claims["scp"]) == sorted(SCOPE.split())


def test_access_policy_drops_a_scope_without_a_word(sites: Sites, sandbox: RunningSandbox) -> None:
    """A configured scope that no rule gives is left out of an answer that is otherwise fine."""
    site = sites(sandbox, "openid session:role:ACCOUNTADMIN session:role:AGENT_ROLE")
    assert site.tokens()["scope"].split() == ["openid", "session:role:AGENT_ROLE"]


def test_access_policy_is_the_tests_to_change(sites: Sites, fresh: RunningSandbox) -> None:
    """The first rule that fits decides by group, and what it does not give is missing from the token alone."""
    rules = [{"scopes": ["session:role:AGENT_ROLE"], "groups": ["owners"]}, ["session:role-any"]]
    fresh.control.provider("server", rules=rules, access_life_s=60)
    site = sites(fresh)
    found = site.tokens()
    assert (found["expires_in"], "session:role:AGENT_ROLE" in found["scope"].split()) == (60, False)
    fresh.control.provider("person", login="dana@example.com", groups=["owners"])
    claims = jwt.decode(site.tokens()["access_token"], site.keys(), algorithms=["RS256"]).claims
    assert "session:role:AGENT_ROLE" in claims["scp"]
    assert claims["groups"] == ["owners"]


def test_refresh_tokens_can_rotate(sites: Sites, fresh: RunningSandbox) -> None:
    """A provider set to rotate gives a new refresh token at each use, and the old one is worth nothing."""
    fresh.control.provider("server", refresh_rotates=True)
    site = sites(fresh)
    first = site.tokens()["refresh_token"]
    again = site.client.refresh_token(site.meta["token_endpoint"], refresh_token=first)
    assert again["refresh_token"] != first
    calls = [one for one in fresh.control.calls() if one["path"] == urlsplit(site.meta["token_endpoint"]).path]
    assert [one["grant_type"] for one in calls] == ["authorization_code", "refresh_token"]
    assert len({one["spent"] for one in calls}) == 2
    with pytest.raises(OAuthError, match="invalid_grant"):
        site.client.refresh_token(site.meta["token_endpoint"], refresh_token=first)
    renewed = site.client.refresh_token(site.meta["token_endpoint"], refresh_token=again["refresh_token"])
    assert Client(fresh.host, renewed["access_token"], kind="OAUTH").sql("select 1").status == 200


def test_second_issuer_and_public_client(fresh: RunningSandbox) -> None:
    """A second authorization server has an issuer of its own, and a client without a secret gets in by PKCE alone."""
    made = fresh.control.provider("server", id="other", audience="api://other")
    assert made["issuer"] == fresh.said["idp"]["issuer"].replace("default", "other")
    fresh.control.provider("client", id="0oapublic", redirect_uris=[REDIRECT])
    meta = httpx.get(f"{made['issuer']}/.well-known/openid-configuration").json()
    assert meta["issuer"] == made["issuer"]
    given = fresh.said["idp"]["users"][0]
    with OAuth2Client("0oapublic", scope="openid", redirect_uri=REDIRECT, code_challenge_method="S256") as client:
        url, _ = client.create_authorization_url(meta["authorization_endpoint"], code_verifier="v" * 64)
        page = Person(fresh.host, given["login"], given["password"]).through(url.partition(fresh.host)[2])
        found = client.fetch_token(meta["token_endpoint"], authorization_response=page.location, code_verifier="v" * 64)
    claims = json.loads(base64.urlsafe_b64decode(found["access_token"].split(".")[1] + "=="))
    assert (claims["iss"], claims["aud"]) == (made["issuer"], "api://other")
    stranger = fresh.control.provider("mint", server="other", login=given["login"], scope="session:role:AGENT_ROLE")
    assert Client(fresh.host, stranger["token"], kind="OAUTH").sql("select 1").code == "390303"


def test_person_made_by_a_test_signs_in(sites: Sites, fresh: RunningSandbox) -> None:
    """A person added through the control endpoint signs in with the password and groups that were given."""
    password = "correct horse"
    fresh.control.provider("person", login="Zoe@Example.com", password=password, groups=["admins"])
    site = sites(fresh, "openid groups")
    site.person.username, site.person.password = "zoe@example.com", password
    token = jwt.decode(site.tokens()["id_token"], site.keys(), algorithms=["RS256"])
    assert token.claims["groups"] == ["admins"]


@pytest.mark.parametrize(
    "wish",
    [{"action": "server", "colour": 1}, {"action": "server", "scp": "set"}, {"action": "nothing"},
     {"action": "person", "login": "x", "colour": 1}, {"action": "client", "id": "x", "colour": 1},
     {"action": "server", "id": "../x"}, {"action": "disable", "login": "nobody"}],
)  # fmt: skip
def test_wishes_that_are_not_understood_are_refused(sandbox: RunningSandbox, wish: dict[str, Any]) -> None:
    """The control endpoint answers 400 to what it does not know of the provider."""
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        sandbox.control.provider(**wish)
    caught.value.close()


def test_unknown_scope_fails_the_request(sites: Sites, sandbox: RunningSandbox) -> None:
    """A scope that the server does not have fails the whole request."""
    site = sites(sandbox, "openid session:role:NOBODY")
    answer = site.person.get(site.authorize()).answer
    assert answer["error"] == "invalid_scope"
    assert answer["error_description"].startswith("One or more scopes are not configured")


def test_refresh_and_revocation(sites: Sites, fresh: RunningSandbox) -> None:
    """A refresh token works until it is revoked, and not for a person who was disabled."""
    site = sites(fresh)
    found = site.tokens()
    again = site.client.refresh_token(site.meta["token_endpoint"], refresh_token=found["refresh_token"])
    assert again["refresh_token"] == found["refresh_token"]
    fresh.control.provider("disable", login="dana@example.com")
    with pytest.raises(OAuthError, match="invalid_grant"):
        site.client.refresh_token(site.meta["token_endpoint"], refresh_token=found["refresh_token"])
    fresh.control.provider("enable", login="dana@example.com")
    site.client.revoke_token(site.meta["revocation_endpoint"], token=found["refresh_token"])
    with pytest.raises(OAuthError, match="invalid_grant"):
        site.client.refresh_token(site.meta["token_endpoint"], refresh_token=found["refresh_token"])


def test_session_saves_the_sign_in_unless_it_must_be_fresh(sites: Sites, fresh: RunningSandbox) -> None:
    """A signed-in browser goes straight back; `prompt=login` and an old `max_age` ask again, `none` never does."""
    site = sites(fresh)
    assert site.person.get(site.authorize(prompt="none")).answer["error"] == "login_required"
    site.tokens()
    assert site.person.get(site.authorize()).status == 302
    assert site.person.get(site.authorize(prompt="none")).answer["code"]
    assert 'name="password"' in site.person.get(site.authorize(prompt="login")).text
    fresh.control.switches(clock_offset_s=120)
    assert 'name="password"' in site.person.get(site.authorize(max_age=60)).text
    assert site.person.get(site.authorize(max_age=600)).status == 302


def test_code_is_good_once_for_its_verifier(sites: Sites, sandbox: RunningSandbox) -> None:
    """A code with another verifier, or a second time, is refused."""
    site = sites(sandbox)
    page = site.person.through(site.authorize())
    with pytest.raises(OAuthError, match="invalid_grant"):
        site.client.fetch_token(
            site.meta["token_endpoint"], authorization_response=page.location, code_verifier="w" * 64
        )
    with pytest.raises(OAuthError, match="invalid_grant"):
        site.client.fetch_token(
            site.meta["token_endpoint"], authorization_response=page.location, code_verifier=site.verifier
        )


def test_answers_go_nowhere_unregistered(sites: Sites, sandbox: RunningSandbox) -> None:
    """A redirect address off this machine, or an unknown client, stays in the browser."""
    site = sites(sandbox)
    target = site.authorize()
    for changed in (
        target.replace("http%3A%2F%2F127.0.0.1%3A9999", "https%3A%2F%2Fevil.example.com"),
        target.replace("http%3A%2F%2F127.0.0.1%3A9999", "http%3A%2F%2F127.0.0.1%3A9999%40evil.example.com"),
        target.replace(site.client.client_id, "0oastranger"),
    ):
        page = site.person.get(changed)
        assert (page.status, page.location) == (400, None)


def test_account_trusts_the_provider_through_a_key_rotation(sites: Sites, fresh: RunningSandbox) -> None:
    """The provider's token signs its person in at the account, by the old key and by a new one it had not seen."""
    site = sites(fresh)
    old = site.tokens()["access_token"]
    asked = "select current_user(), current_role()"
    assert Client(fresh.host, old, kind="OAUTH").sql(asked).rows == [["DANA", "AGENT_ROLE"]]
    kid = fresh.control.provider("rotate")["kid"]
    new = site.tokens()["access_token"]
    assert json.loads(base64.urlsafe_b64decode(new.split(".")[0] + "=="))["kid"] == kid
    assert Client(fresh.host, new, kind="OAUTH").sql(asked).rows == [["DANA", "AGENT_ROLE"]]
    assert Client(fresh.host, old, kind="OAUTH").sql(asked).status == 200
    fresh.control.provider("rotate", keep=0)
    assert {one["kid"] for one in httpx.get(site.meta["jwks_uri"]).json()["keys"]}.isdisjoint({kid})


def test_person_without_an_account_user_is_refused(sites: Sites, fresh: RunningSandbox) -> None:
    """A good token whose subject is nobody's login name is 390304."""
    token = sites(fresh, user=1).tokens()["access_token"]
    assert Client(fresh.host, token, kind="OAUTH").sql("select 1").status == 200
    Client.of(fresh, "ADMIN").sql("drop user erik")
    assert Client(fresh.host, token, kind="OAUTH").sql("select 1").code == "390304"


def test_token_shim_mints_for_the_caller(sandbox: RunningSandbox, agent: Client) -> None:
    """`generate_token_test()` gives a token that signs the caller in again, with the role it was asked under."""
    token = agent.sql("select ops_db.ops.generate_token_test()").rows[0][0] or ""
    caller = Client(sandbox.host, token, kind="OAUTH")
    assert caller.sql("select current_user(), current_role()").rows == [["SKIPASS_SVC", "AGENT_ROLE"]]
    assert agent.sql("select no_db.ops.generate_token_test()").code == "002139"
