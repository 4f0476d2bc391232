"""Redirect addresses of MCP clients: which may be registered, which one a request may name, and what people are told.

Pure. Source: RFC 6749 §3.1.2; RFC 8252 §7 and §8.4; RFC 9700 §2.1 and §4.1.3
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlencode, urlsplit

from skipass.errors import SkipassError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST = 1000
_PLAIN = re.compile(r"[!#-&(-;=?-\[\]_a-z~]+")
"""Printable ASCII that an address needs: no blank, quote, angle bracket, backslash, caret, backtick or brace."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII)
_PORT = re.compile(r"(?::[0-9]{1,5})?$", re.ASCII)


def check_address(uri: str, schemes: Collection[str]) -> None:
    """Pass for https, for http to this machine, and for a listed scheme of a program's own; else raise.

    Nothing that two readers could take for two addresses passes: no fragment, no user, no odd character.
    """
    scheme, sign, rest = uri.partition(":")
    if len(uri) > _MOST or not sign or not _PLAIN.fullmatch(uri) or "#" in uri or scheme != scheme.lower():
        raise _refused(uri)
    if scheme in ("https", "http"):
        _check_host(uri, scheme)
    elif scheme not in schemes or not rest.strip("/"):
        raise _refused(uri)


def _check_host(uri: str, scheme: str) -> None:
    authority = uri.removeprefix(f"{scheme}://").partition("/")[0].partition("?")[0]
    host = _PORT.sub("", authority)
    if not uri.startswith(f"{scheme}://") or not _HOST.fullmatch(host):
        raise _refused(uri)
    try:
        port = urlsplit(uri).port
    except ValueError:
        port = 0
    if port == 0 or (scheme == "http" and host.strip("[]") not in LOOPBACK):
        raise _refused(uri)


def is_loopback(uri: str) -> bool:
    """Return whether an address leads to this machine: whichever program listens there would get the answer."""
    parts = urlsplit(uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def allowed(uri: str, registered: Collection[str]) -> bool:
    """Return whether a request's address is a registered one, character by character; of loopback whatever the port."""
    if uri in registered:
        return True
    if not is_loopback(uri):
        return False
    return _portless(uri) in {_portless(one) for one in registered if is_loopback(one)}


def _portless(uri: str) -> tuple[str, str]:
    """Return a loopback address without its port, cut where it is written and not where it was understood."""
    authority, slash, rest = uri.removeprefix("http://").partition("/")
    authority, sign, query = authority.partition("?")
    return _PORT.sub("", authority), f"{slash}{rest}{sign}{query}"


def origin_of(uri: str) -> str:
    """Return what a person is shown of an address, and a browser's policy lets a form lead to: origin or scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("https", "http") else f"{parts.scheme}:"


def answered(uri: str, answer: Mapping[str, str]) -> str:
    """Return the address with an answer added to its query. Source: RFC 6749 §4.1.2"""
    joint = "&" if "?" in uri else "?"
    return f"{uri}{joint}{urlencode(answer)}"


def _refused(uri: str) -> SkipassError:
    hint = "An https address, http://127.0.0.1 or http://localhost, or a scheme of SKIPASS_CLIENT_SCHEMES."
    return SkipassError("invalid_request", f"{uri[:200]!r} cannot be a redirect address.", hint)
