"""The gateway as the issuer a Snowflake account trusts: run from the printed script to a governed row."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.issuer import audience_of, issuer_url
from skipass.gateway.standing import standing
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.envelope import Status
from skipass.nouns.people import User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession
from skipass.sandbox.testing import RunningSandbox
from skipass.snowflake import SnowflakeClient
from skipass.snowflake.auth.vouched import USER_CLAIM
from skipass.snowflake.setup_sql import (
    Access,
    ExternalOAuth,
    Integration,
    external_oauth_script,
    integration_name,
    set_issuer_key,
)
from skipass.storage.export import records

pytestmark = pytest.mark.anyio
READ = "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS"


def as_admin(sandbox: RunningSandbox, script: str) -> None:
    """Paste a script into a worksheet of the account's admin."""
    admin = sandbox.users[0]
    login = {"user": admin.login_name, "private_key_path": admin.private_key_path}
    with SnowflakeClient(account="SKIPASS-SANDBOX", host=sandbox.url, **login) as client:
        client.query(script, parameters={"MULTI_STATEMENT_COUNT": "0"}, role="ACCOUNTADMIN")


class House:
    """A stage with an issuer connection that its account trusts, and an agent that may use it for sam."""

    def __init__(self, at: Stage, admin: Principal, connection: Connection, agent: Principal) -> None:
        self.at, self.admin, self.connection, self.agent = at, admin, connection, agent

    async def paste(self, **changes: object) -> None:
        """Run the printed script."""
        _, keys = await self.at.gateway.issuing.keys(self.admin, self.connection.name)
        trusted = {"kind": "CUSTOM", "issuer": issuer_url(self.at.gateway.deps.base_url, self.connection)}
        trusted |= {"user_claim": USER_CLAIM, "keys": tuple(one.public_key for one in keys)} | changes
        access = Access("AGENT_ROLE", "AGENT_WH", (("OPS_DB", "OPS"),), users=('"DANA"',))
        owner = Integration(integration_name(self.connection.name), access, ("AGENT_ROLE",))
        as_admin(self.at.sandbox, external_oauth_script(owner, ExternalOAuth(**trusted)))

    async def sign_in(self, name: str = "sam") -> None:
        """Let a person sign in with us."""
        _, link = await self.at.gateway.people.link(self.admin, name)
        await self.at.gateway.sign_ins.open(link.reveal())

    async def read(self) -> tuple[Status, object]:
        """Return status and rows of a statement in a fresh session."""
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test", "connection": "vouch"}
        opened = await self.at.call("skipass_request_session", wish, slug="vouch")
        if opened.status is not Status.SUCCESS:
            return opened.status, opened.fields
        found = await self.at.query(READ, slug="vouch", arguments={"session_id": opened.session_id})
        return found.status, found.data if found.status is Status.SUCCESS else found.fields


@pytest.fixture
async def house(at: Stage) -> AsyncIterator[House]:
    admin = await at.principal("admin")
    request = ConnectionRequest(
        name="vouch",
        account="SKIPASS-SANDBOX",
        host=at.sandbox.url,
        role="AGENT_ROLE",
        warehouse="AGENT_WH",
        database="OPS_DB",
        schema="OPS",
        auth_method=AuthMethod.EXTERNAL_OAUTH_ISSUER,
        settings={"login_claim": "email"},
    )
    connection = (await at.gateway.connections.add(admin, request)).connection
    agent, issued = await at.gateway.agents.create(admin, "voucher", owner="sam", users=[], connections=["vouch"])
    at.keys["agent"] = {"id": agent.id, "api_key": issued.text.reveal()}
    yield House(at, admin, connection, await at.principal("agent"))
    as_admin(at.sandbox, f'DROP INTEGRATION IF EXISTS "{integration_name("vouch")}"')


async def test_from_the_script_to_a_row(house: House) -> None:
    """Script pasted, login mapped, person signed in: the statement runs as that login; the making is on record."""
    await house.paste()
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "dana@example.com")
    await house.sign_in()
    status, data = await house.read()
    assert status is Status.SUCCESS
    assert int(data["data"][0][0]) > 0
    (sent,) = house.at.sent(READ)
    assert sent["user"] == "DANA"


async def test_without_a_mapped_login_or_a_fresh_sign_in_nothing_is_minted(house: House) -> None:
    """A user nobody mapped, and a mapped one who has not signed in with us, get `consent_required`; nothing is sent."""
    await house.paste()
    await house.sign_in()
    assert (await house.read())[0] is Status.CONSENT_REQUIRED
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "dana@example.com")
    assert (await house.read())[0] is Status.SUCCESS
    await house.at.gateway.mappings.remove(house.admin, "vouch", "sam")
    assert (await house.read())[0] is Status.CONSENT_REQUIRED
    assert len(house.at.sent(READ)) == 1


async def test_a_verified_claim_is_a_login_and_a_mapping_comes_before_it(house: House) -> None:
    """The claim that the connection names counts as the identity provider gave it, unless an admin said otherwise."""
    await house.paste()
    await house.sign_in()

    async def claim(unit):
        (sam,) = await unit.find(User, name="sam")
        await unit.change(sam, claims={"email": "dana@example.com"})

    await house.at.gateway.deps.journal.write(claim)
    assert (await house.read())[0] is Status.SUCCESS
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "nobody@example.com")
    status, fields = await house.read()
    assert status is not Status.SUCCESS
    assert "390304" in str(fields) or "login" in str(fields).lower()


async def test_the_token_says_who_for_how_long_and_for_whom_alone(house: House) -> None:
    """Issuer, audience, login, role and end are as decided, it verifies by the published keys, and it ends in time."""
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "dana@example.com")
    await house.sign_in()
    opened = await house.at.call(
        "skipass_request_session",
        {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "test"},
        slug="vouch",
    )
    here = await standing(house.at.gateway.deps, house.agent, name="vouch")
    (session,) = await house.at.every(AccessSession, id=opened.session_id)
    token = await house.at.gateway.deps.upstream.tokens(here.out(session)).token()
    discovery, keys = await house.at.gateway.issuing.documents(house.connection.id)
    claims = jwt.decode(token.value.reveal(), KeySet.import_key_set(keys), algorithms=["RS256"]).claims
    assert claims["iss"] == discovery["issuer"] == issuer_url(house.at.gateway.deps.base_url, house.connection)
    assert claims["aud"] == audience_of(house.connection) == "https://skipass-sandbox.snowflakecomputing.com"
    assert (claims["sub"], claims["scp"]) == ("dana@example.com", ["session:role:AGENT_ROLE"])
    assert claims["exp"] == int(session.expires_at.timestamp())
    assert not any("d" in key or "p" in key for key in keys["keys"])
    minted = [one for one in records(house.at.home.database) if one.kind == "token.minted"]
    assert [one.session_id for one in minted] == [session.id]
    assert token.value.reveal() not in minted[0].body


async def test_a_key_is_rotated_without_a_refusal(house: House) -> None:
    """The next key is published and trusted before it signs; statements run before, between and after."""
    await house.paste()
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "dana@example.com")
    await house.sign_in()
    issuing = house.at.gateway.issuing
    _, key = await issuing.prepare(house.admin, "vouch")
    with pytest.raises(SkipassError, match="published already"):
        await issuing.prepare(house.admin, "vouch")
    assert (await house.read())[0] is Status.SUCCESS
    as_admin(house.at.sandbox, set_issuer_key(integration_name("vouch"), key.public_key, second=True))
    await issuing.activate(house.admin, "vouch")
    assert (await house.read())[0] is Status.SUCCESS
    _, keys = await issuing.keys(house.admin, "vouch")
    assert [one.credential.state.value for one in keys] == ["active", "expired"]


async def test_revoked_keys_sign_nothing_and_leave_nothing(house: House) -> None:
    """Sessions end, the documents are empty, no key is left sealed, and the next call says what to do."""
    await house.paste()
    await house.at.gateway.mappings.set(house.admin, "vouch", "sam", "dana@example.com")
    await house.sign_in()
    assert (await house.read())[0] is Status.SUCCESS
    await house.at.gateway.issuing.revoke(house.admin, "vouch")
    assert (await house.at.gateway.issuing.documents(house.connection.id))[1] == {"keys": []}
    assert (await house.read())[0] is Status.CONSENT_REQUIRED
    assert len(house.at.sent(READ)) == 1


async def test_an_issuer_of_another_kind_or_name_is_not_there(house: House) -> None:
    """Documents exist for enabled issuer connections alone; keys and mappings for no other method."""
    for wrong in ("con_00000000000000000000000000", "x"):
        with pytest.raises(SkipassError, match="no such issuer"):
            await house.at.gateway.issuing.documents(wrong)
    with pytest.raises(SkipassError, match="signs nothing"):
        await house.at.gateway.issuing.keys(house.admin, "jit")
    with pytest.raises(SkipassError, match="does not vouch"):
        await house.at.gateway.mappings.set(house.admin, "jit", "sam", "X")
    with pytest.raises(SkipassError, match="needs a person"):
        await house.at.gateway.issuing.prepare(house.agent, "vouch")
