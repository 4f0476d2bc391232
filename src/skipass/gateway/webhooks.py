"""Webhooks: one signed POST, and the shape that Slack and its like take. Bounded in time, along no redirect."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.egress import Egress
from skipass.gateway.written import Written
from skipass.secret import Secret

SEND_S = 5.0


class NotDelivered(Exception):
    """The other side did not take a notice; the text holds no address and no credential."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts a notice as JSON, signed: whoever has the secret can tell that we sent it, and when.

    `Skipass-Signature` is `v1=` and the hex HMAC-SHA256 of `Skipass-Timestamp`, a full stop and the body. A notice may
    come twice; its id is in the body. Any answer but 2xx within five seconds is tried again later.
    """

    url: Secret[str]
    secret: Secret[str]
    egress: Egress
    clock: Clock

    async def send(self, message: Written) -> None:
        """Deliver one notice, or raise `NotDelivered`."""
        body = orjson.dumps(message.as_dict())
        timestamp = str(int(self.clock.now().timestamp()))
        signature = signed(self.secret, timestamp, body)
        await _post(self.egress, self.url, body, {"Skipass-Timestamp": timestamp, "Skipass-Signature": signature})


def signed(secret: Secret[str], timestamp: str, body: bytes) -> str:
    """Return the value of `Skipass-Signature` for a body at a time."""
    mac = hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts a notice as a text message; the address itself is the credential.

    Source: https://api.slack.com/messaging/webhooks (body), …/reference/surfaces/formatting (the three escapes).
    """

    url: Secret[str]
    egress: Egress

    async def send(self, message: Written) -> None:
        """Deliver one notice, or raise `NotDelivered`."""
        text = message.text().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        await _post(self.egress, self.url, orjson.dumps({"text": text, "mrkdwn": False}), {})


async def _post(egress: Egress, url: Secret[str], body: bytes, headers: Mapping[str, str]) -> None:
    import aiohttp

    where = urlsplit(url.reveal())
    sent = {"Content-Type": "application/json", "User-Agent": "skipass", **headers}
    timeout = aiohttp.ClientTimeout(total=SEND_S)
    try:
        egress.check_literal(where.hostname or "", where.port or (443 if where.scheme == "https" else 80))
        async with (
            aiohttp.ClientSession(
                connector=egress.connector(), timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as http,
            http.post(url.reveal(), data=body, headers=sent, allow_redirects=False) as answer,
        ):
            status = answer.status  # its body is never read: it is nobody's business here, and could be endless
    except SkipassError as refused:
        raise NotDelivered(refused.message) from None
    except TimeoutError:
        raise NotDelivered(f"no answer within {SEND_S:.0f} seconds") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NotDelivered(f"not reachable: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise NotDelivered(f"it answered {status}")
