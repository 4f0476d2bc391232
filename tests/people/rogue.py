"""An identity provider that does as it is told: right answers until a test has it give another one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "skipass"
Answer = tuple[int, str, bytes]


def document(body: Any, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(body).encode()


@dataclass
class Rogue:
    """An ASGI app; `answers` replace what a path gives, `asked` counts how often each was asked."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: _key("one"))
    published: list[RSAKey] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        body = (await receive()).get("body", b"")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append((scope["path"], form))
        answer = self.answers.get(scope["path"]) or self._right(scope["path"])
        if answer == "never":
            await asyncio.Event().wait()
        status, kind, content = answer
        headers = [(b"content-type", kind.encode())]
        if status == 302:
            headers = [(b"location", content)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def count(self, path: str) -> int:
        return sum(one == path for one, _ in self.asked)

    def discovery(self, **changes: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **changes,
        }

    def _right(self, path: str) -> Answer:
        if path == "/.well-known/openid-configuration":
            return document(self.discovery())
        if path == "/keys":
            return document({"keys": [one.as_dict(private=False) for one in self.published or [self.key]]})
        if path == "/token":
            token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, self.claims, self.key)
            return document({"access_token": "a", "token_type": "Bearer", "id_token": token})
        return document({"error": "not found"}, 404)


def _key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)


def another(kid: str) -> RSAKey:
    """Return a further key."""
    return _key(kid)
