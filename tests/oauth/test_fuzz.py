"""Whatever is sent to the authorization server, it answers as one, never with a failure of its own."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauth.program import AUTHORIZE, REGISTER, REVOKE, TOKEN, Program, Quarter
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAMES = st.sampled_from(
    (
        *("grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token"),
        *("scope", "state", "response_type", "code_challenge", "code_challenge_method", "prompt", "token", "resource"),
    )
)
VALUES = st.one_of(
    TEXTS,
    st.sampled_from(
        (
            *("authorization_code", "refresh_token", "client_credentials", "code", "S256", "tools:read", "skipass-cli"),
            *("http://127.0.0.1:1/callback", "https://x.example.com/", "cursor://x", "none", "consent", "a" * 43),
        )
    ),
)
FORMS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
MEMBERS = st.sampled_from(
    ["redirect_uris", "client_name", "grant_types", "response_types", "token_endpoint_auth_method", "scope", "x"]
)
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(form=FORMS)
@FEW
async def test_programs_are_answered_in_json(quarter: Quarter, form: list[tuple[str, str]]) -> None:
    """The token endpoint refuses with an error that programs know; the revocation endpoint refuses or says nothing."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{quarter.url}{TOKEN}", data=form) as said:
            assert (said.status in (400, 401, 429), "error" in await said.json()) == (True, True)
        async with http.post(f"{quarter.url}{REVOKE}", data=form) as said:
            assert said.status in (200, 400, 401)


@given(body=st.one_of(JSONS, st.dictionaries(MEMBERS, JSONS, max_size=5)))
@FEW
async def test_a_registration_is_made_or_refused(quarter: Quarter, body: Any) -> None:
    """What is no client's metadata is refused in the known words."""
    sent = {"content-type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=sent) as http,
        http.post(f"{quarter.url}{REGISTER}", data=json.dumps(body)) as said,
    ):
        told = await said.json()
        assert (said.status in (201, 400, 429), "error" in told or "client_id" in told) == (True, True)


@given(form=FORMS)
@FEW
async def test_a_browser_stays_or_goes_to_the_client(
    quarter: Quarter, sam: Browser, editor: Program, form: list[tuple[str, str]]
) -> None:
    """Wherever a request leads, it is a page of ours, our own sign-in, or the client's registered address."""
    for query in (urlencode(form), f"{editor.request().partition('?')[2]}&{urlencode(form)}"):
        page = await sam.get(f"{AUTHORIZE}?{query}", allow_redirects=False)
        assert page.status in (200, 303, 400)
        to = page.headers.get("location", "/")
        assert to.startswith((f"{editor.back}?", "/", "http://127.0.0.1:1/callback?"))


@pytest.fixture
async def editor(quarter: Quarter) -> Program:
    return await quarter.program()
