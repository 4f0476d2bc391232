"""Where the gateway may connect to. Resolved once, checked, pinned: what was checked is what is dialled."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skipass.errors import SkipassError

if TYPE_CHECKING:
    import aiohttp

PRIVATELINK = ".privatelink.snowflakecomputing."


@dataclass(frozen=True, slots=True)
class Egress:
    """Loopback is reached only under `--sandbox` or for a host:port that the operator named; so are private ranges,
    except for PrivateLink names where `private_link` lets them. Link-local and metadata addresses are never reached.
    """

    sandbox: bool = False
    allow: frozenset[str] = frozenset()
    private_link: bool = True

    def check(self, host: str, port: int, address: str) -> None:
        """Raise `snowflake_misconfigured` if this address of this host may not be dialled."""
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if getattr(ip, "sixtofour", None) or getattr(ip, "teredo", None):
            raise _refused(host, "it resolves to an address that carries another one")
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
            raise _refused(host, "it resolves to an address that is never reached")
        named = bool({host, f"{host}:{port}"} & self.allow)
        if ip.is_loopback and not (self.sandbox or f"{host}:{port}" in self.allow):
            raise _refused(host, "it resolves to this machine")
        private_link = self.private_link and PRIVATELINK in f".{host}"
        if not ip.is_global and not ip.is_loopback and not (named or private_link):
            raise _refused(host, "it resolves to a private address")

    def check_literal(self, host: str, port: int) -> None:
        """Check a host that is an address already: no resolver is asked about those.

        Numbers that are no address as we write one are refused: others read `127.1` and `2130706433` as one.
        """
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if ":" in host or host.replace(".", "").isdigit():
                raise _refused(host, "it is a number that others could read as an address") from None
            return
        self.check(host, port, host)

    def connector(self) -> aiohttp.BaseConnector:
        """Return a connector that dials only what was resolved and checked; needs a running event loop."""
        import aiohttp

        egress = self

        class Pinned(aiohttp.ThreadedResolver):
            """Checks every address it resolves."""

            async def resolve(
                self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
            ) -> list[aiohttp.abc.ResolveResult]:
                """Return the addresses, or raise before any of them is dialled."""
                found = await super().resolve(host, port, family)
                for one in found:
                    egress.check(host, port, one["host"])
                return found

        return aiohttp.TCPConnector(resolver=Pinned(), limit=0, use_dns_cache=False)


def _refused(host: str, why: str) -> SkipassError:
    hint = "Private and loopback targets need SKIPASS_EGRESS_ALLOW=host:port, set by the operator."
    return SkipassError("snowflake_misconfigured", f"The gateway does not connect to {host}: {why}.", hint)
