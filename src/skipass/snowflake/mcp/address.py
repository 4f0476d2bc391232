"""The address of a managed MCP server, as people paste it: read whole, and refused where it could mean two things.

Pure. Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from skipass.snowflake.account import Target, target_of
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.mcp.messages import ServerName

_PATH = re.compile(
    r"(?P<prefix>.*?)/api/v2/databases/(?P<database>[^/]+)/schemas/(?P<schema>[^/]+)/mcp-servers/(?P<name>[^/]+)"
)
_PART = re.compile(r'[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"\x00-\x1f]|"")+"')
_FORM = "https://ACCOUNT_HOST/api/v2/databases/DATABASE/schemas/SCHEMA/mcp-servers/NAME"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a managed server is. `rewritten`: its host had underscores, which no certificate covers."""

    target: Target
    server: ServerName
    rewritten: bool = False

    @property
    def url(self) -> str:
        """The address in its one form."""
        return self.target.base_url + self.server.path


def parse_server_url(text: str) -> Address:
    """Return the account and the server that an address names; raises `SnowflakeConfigError` for any other form.

    Underscores in an account's host become hyphens. A name that needs quotes carries them, encoded.
    """
    given = text.strip()
    if len(given) > 2000 or not given.isascii() or not given.isprintable() or " " in given:
        raise _refused()
    try:
        parts = urlsplit(given)
    except ValueError:
        raise _refused() from None
    match = _PATH.fullmatch(parts.path)
    if match is None or parts.query or parts.fragment or "@" in parts.netloc or not parts.scheme:
        raise _refused()
    names = [unquote(match[part]) for part in ("database", "schema", "name")]
    if not all(_PART.fullmatch(name) and len(name) <= 300 for name in names):
        raise _refused()
    target = target_of(None, f"{parts.scheme}://{parts.netloc}{match['prefix']}")
    return Address(target, ServerName(*map(_folded, names)), (parts.hostname or "") != target.host)


def _folded(name: str) -> str:
    """Return a plain name as it is stored; one in quotes is as it is."""
    return name if name.startswith('"') else name.upper()


def _refused() -> SnowflakeConfigError:
    return SnowflakeConfigError("That is not the address of a managed MCP server.", hint=f"It looks like {_FORM}")
