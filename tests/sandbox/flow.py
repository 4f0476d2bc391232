"""The OAuth legs of a client of the tests' own, so that the sandbox is not judged by the library it judges."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.browser import Page, Person
from sandbox.client import Client, Reply
from skipass.sandbox.testing import RunningSandbox

REDIRECT = "http://127.0.0.1:8787/oauth/callback"


@dataclass
class App:
    """A confidential client of the demo's integration; `person` is who signs in."""

    sandbox: RunningSandbox
    person: Person
    redirect: str = REDIRECT
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @classmethod
    def of(cls, sandbox: RunningSandbox, user: str = "DANA") -> App:
        file = sandbox.user(user)
        return cls(sandbox, Person(sandbox.host, file.login_name, file.password))

    @property
    def client(self) -> dict[str, str]:
        """The client's id and secret as the account has them now."""
        one = self.sandbox.account.sign_in.integrations["SKIPASS_OAUTH"]
        return {"client_id": one.client_id, "client_secret": one.secret}

    def target(self, scope: str = "refresh_token session:role:AGENT_ROLE", **changes: str) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": self.client["client_id"],
            "response_type": "code",
            "redirect_uri": self.redirect,
            "state": "s1",
            "scope": scope,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return "/oauth/authorize?" + urlencode(query | changes)

    def consented(self, **changes: str) -> Page:
        return self.person.through(self.target(**changes))

    def code(self, **changes: str) -> str:
        page = self.consented(**changes)
        assert page.status == 302, page.text
        return page.answer["code"]

    def ask(self, *, timeout: float = 30, **form: str) -> Reply:
        """Post a token request with the client's own secret."""
        client = self.client
        basic = f"{quote(client['client_id'], safe='')}:{quote(client['client_secret'], safe='')}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(basic.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.post(headers, form, timeout)

    def post(self, headers: dict[str, str], form: dict[str, str], timeout: float = 30) -> Reply:
        connection = HTTPConnection(self.sandbox.host, timeout=timeout)
        try:
            connection.request("POST", "/oauth/token-request", urlencode(form), headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        return Reply(answer.status, json.loads(raw), dict(answer.getheaders()))

    def exchange(self, code: str, **form: str) -> Reply:
        fixed = {"grant_type": "authorization_code", "redirect_uri": self.redirect, "code_verifier": self.verifier}
        return self.ask(**fixed | {"code": code} | form)

    def tokens(self, **changes: str) -> dict[str, Any]:
        reply = self.exchange(self.code(**changes))
        assert reply.status == 200, reply.body
        found: dict[str, Any] = reply.body
        return found

    def refresh(self, token: str, timeout: float = 30) -> Reply:
        return self.ask(timeout=timeout, grant_type="refresh_token", refresh_token=token)

    def caller(self, token: str) -> Client:
        return Client(self.sandbox.host, token, kind="OAUTH")
