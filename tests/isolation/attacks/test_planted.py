"""Secrets of every kind go through everything, failures included; none is found where it could be read."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from accounts.walk import Walk
from isolation.attacks.script import application, carried, part
from skipass.app import log
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.vault.seal import unseal
from skipass.vault.tokens import unpack

pytestmark = pytest.mark.anyio
PAT = "pat-Plant3dTr34sure-0123456789abcdefghij"
WRONG = "wrong-Plant3dTr34sure-secret"
READ = (
    "/connections",
    "/connected-accounts",
    "/connections/own/registrations",
    "/agents",
    "/users",
    "/whoami",
    "/vault",
)


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Log everything, as JSON, and return what was printed so far."""
    before = structlog.get_config()
    log.configure("json", "debug")
    structlog.get_logger("control").debug("control")
    read: list[str] = []

    def printed() -> str:
        read.extend(capsys.readouterr())
        assert '"control"' in "".join(read)
        return "".join(read)

    yield printed
    structlog.configure(**before)


def leaks(where: str | bytes, secrets: dict[str, str]) -> list[str]:
    """Return the names of the secrets that are in there as they are, in hexadecimal, base 64, JSON or a URL."""
    text = where.encode() if isinstance(where, str) else where
    found = []
    for name, secret in secrets.items():
        plain = secret.encode()
        forms = [plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"="), json.dumps(secret)[1:-1].encode()]
        if any(form in text for form in (*forms, quote(secret, safe="").encode())):
            found.append(name)
    return found


async def tokens(walk: Walk) -> dict[str, str]:
    """Return what is sealed for every account now."""
    found: dict[str, str] = {}
    for one in await walk.usable():
        opened = unpack(unseal(walk.gateway.deps.kek, one.sealed, credential_place(one)))
        found[f"access token {one.id} {one.generation}"] = opened.access_token.reveal()
        if opened.refresh_token:
            found[f"refresh token {one.id} {one.generation}"] = opened.refresh_token.reveal()
    return found


async def failure(work: Any, shown: list[str]) -> None:
    """Have something fail, and keep all that could be printed of it."""
    with pytest.raises(SkipassError) as caught:
        await work
    shown.append("".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value.as_dict()))


async def whole_life(walk: Walk, secrets: dict[str, str], shown: list[str]) -> None:
    """Link, fail, link again, refresh, query, verify and give up, with every secret on the way noted."""
    said, control = walk.stage.sandbox.said, walk.stage.sandbox.control
    secrets["client secret"] = said["oauth_client"]["client_secret"]
    secrets["provider's client secret"] = said["idp"]["client_secret"]
    await walk.by_snowflake()
    await walk.by_provider()
    secrets["agent key"] = key = await walk.agent()
    agent = await walk.of(key)
    async with walk.signed_in() as sam:
        secrets["browser sign-in"] = next(one.value for one in sam.http.cookie_jar if one.key == "skipass")
        for number, fault in enumerate(
            ("invalid_client", "invalid_grant", "wrong_json", "error_html", "cut_after", "")
        ):
            secrets[f"link {number}"] = token = await walk.invite(agent)
            gone = await walk.to_the_sign_in(sam, token)
            secrets[f"cookie {number}"] = next(one.value for one in sam.http.cookie_jar if "link" in one.key)
            back = await walk.agree(gone)
            secrets[f"code {number}"] = part(back, "code")
            if fault:
                control.faults({"path": "/oauth/token-request", "kind": fault})
            shown.append((await walk.land(sam, back)).html)
            control.reset()
    secrets |= await tokens(walk)
    await walk.query(key)
    secrets["application key"] = shop = await application(walk)
    customer = await walk.of(shop, "customer-7")
    async with walk.browser() as browser:
        code = carried(await walk.linked(browser, await walk.invite(customer)))
    secrets["one-time code"] = code["code"]
    await failure(walk.gateway.landing.verify(customer, code["account"], "x" + code["code"]), shown)
    await walk.gateway.landing.verify(customer, code["account"], code["code"])
    secrets |= await tokens(walk)
    await walk.gateway.disconnecting.disconnect(customer, code["account"])


async def refusals(walk: Walk, secrets: dict[str, str], shown: list[str]) -> None:
    """Hand in secrets where they are wrong, or in the wrong field, and keep what is said."""
    secrets |= {"PAT": PAT, "wrong secret": WRONG}
    admin, gateway = await walk.admin(), walk.gateway
    registration = (await walk.stage.every(Registration))[0]
    await failure(gateway.connections.add(admin, request_by_key()), shown)
    await failure(gateway.connections.add(admin, request_by_metadata()), shown)
    bad = ClientRequest(client_id="x", private_key=Secret(PAT), secret=Secret(WRONG))
    await failure(gateway.registrations.set_client(admin, registration.id, bad), shown)
    for secret in secrets.values():
        await failure(gateway.authenticator.authenticate(f"x{secret}"), shown)
        await failure(gateway.linking.opened(f"x{secret}", None), shown)
        await failure(gateway.sign_ins.principal(f"x{secret}"), shown)


def request_by_key() -> ConnectionRequest:
    return ConnectionRequest("p", "ACME-PROD", "SVC", "R", Secret(PAT), Secret(WRONG))


def request_by_metadata() -> ConnectionRequest:
    metadata = {"client_id": "x", "client_secret": WRONG, "scope": "openid", "issuer": "https://idp.example.com"}
    client = ClientRequest(oauth_metadata=metadata)
    return ConnectionRequest(
        name="p", account="ACME-PROD", role="R", auth_method=AuthMethod.EXTERNAL_OAUTH, client=client
    )


async def test_no_planted_secret_is_found_anywhere(walk: Walk, logs: Any) -> None:
    """Not in logs, files, record, answers, pages, errors with their causes, or arguments of any of our processes."""
    secrets: dict[str, str] = {}
    shown: list[str] = []
    await whole_life(walk, secrets, shown)
    await refusals(walk, secrets, shown)
    bearer = {"authorization": f"Bearer {walk.stage.keys['admin']['api_key']}"}
    async with walk.browser() as reader:
        answers = {path: await reader.get(f"/api/v1{path}", headers=bearer) for path in (*READ, "/events?limit=200")}
    assert {page.status for page in answers.values()} == {200}
    held = {walk.stage.home.vault_key.name, walk.stage.home.audit_key.name}
    files = [one for one in walk.stage.home.path.rglob("*") if one.is_file() and one.name not in held]
    assert walk.stage.home.database in files
    places: dict[str, str | bytes] = {f"GET {path}": page.html for path, page in answers.items()}
    places |= {"logs": logs(), "shown": "\n".join(shown), "files": b"".join(one.read_bytes() for one in files)}
    events = await walk.gateway.events.list(await walk.admin(), after=None, limit=1000)
    places |= {"record": repr(events), "arguments": b"".join(arguments())}
    places |= {
        "reprs": repr([*await walk.stage.every(Registration), *await walk.every_credential(), *await walk.attempts()])
    }
    assert len(secrets) >= 25
    assert {name: found for name, text in places.items() if (found := leaks(text, secrets))} == {}


def arguments() -> list[bytes]:
    """Return the command lines and environments of this process and everything it has started."""
    mine = Path("/proc/self")
    children = [one for task in mine.glob("task/*/children") for one in task.read_text().split()]
    found = [mine, *(Path("/proc") / one for one in children)]
    return [(one / name).read_bytes() for one in found for name in ("cmdline", "environ") if (one / name).exists()]


def test_the_search_finds_what_is_there() -> None:
    """A secret that is printed, hex, base 64, JSON or in a URL is found: the search above could fail."""
    secret = 'a"b/c d+e-0123456789'
    forms = [
        secret,
        secret.encode().hex(),
        base64.b64encode(secret.encode()).decode(),
        json.dumps(secret),
        quote(secret, safe=""),
    ]
    assert [leaks(f"…{form}…", {"it": secret}) for form in forms] == [["it"]] * 5
    assert leaks("nothing", {"it": secret}) == []
