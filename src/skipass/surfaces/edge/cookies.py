"""The browser's side of a sign-in: a cookie that only this origin and no script gets, and the forms' token.

Source: RFC 6265bis 4.1.3.2 (`__Host-` names), 5.6.7.1 (SameSite); the OWASP cheat sheet on cross-site request forgery.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.surfaces.edge.headers import Headers

LIFE_S = 30 * 60


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and writes one cookie; `secure` wherever the gateway is reached by https, which it is beyond loopback.

    A `same_site` of Lax is for a cookie that has to come along when another site sends the browser back here.
    """

    secure: bool
    called: str = "skipass"
    same_site: str = "Strict"
    life_s: int = LIFE_S

    @property
    def name(self) -> str:
        """The cookie's name; a `__Host-` one cannot be set by another host or over plain http."""
        return f"__Host-{self.called}" if self.secure else self.called

    def read(self, headers: Headers) -> Secret[str] | None:
        """Return the cookie's text, None where there is none; sent twice it is nobody's."""
        pairs = (pair.strip().partition("=") for line in headers.all("cookie") for pair in line.split(";"))
        found = [value for name, _, value in pairs if name == self.name]
        return Secret(found[0]) if len(found) == 1 and 0 < len(found[0]) <= 100 else None

    def keep(self, text: Secret[str]) -> str:
        """Return the Set-Cookie value that keeps a text for its time."""
        return self._set(text.reveal(), self.life_s)

    def drop(self) -> str:
        """Return the Set-Cookie value that forgets it."""
        return self._set("", 0)

    def _set(self, value: str, age_s: int) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite={self.same_site}{secure}"


def form_token(cookie: Secret[str], purpose: str) -> str:
    """Return the token that a form of this sign-in for this purpose must carry."""
    return hmac.new(cookie.reveal().encode(), f"form/1\0{purpose}".encode(), hashlib.sha256).hexdigest()


def check_form(cookie: Secret[str], purpose: str, given: str) -> None:
    """Pass when the form was ours, made for this sign-in and purpose, else raise `forbidden`."""
    if not hmac.compare_digest(form_token(cookie, purpose).encode(), given.encode("utf-8", "replace")):
        raise SkipassError("forbidden", "The form is not of this sign-in.", "Open the page again; nothing was changed.")
