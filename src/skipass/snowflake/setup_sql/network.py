"""A network policy that lets one integration or one service user in from the gateway's addresses alone.

Never on the account: there it would shut out everybody else.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-network-policy
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql.text import literals, name


def policy_name(owner: str) -> str:
    """Return the name of the policy of an integration or a user."""
    return f"{owner}_EGRESS"


def network_policy(owner: str, addresses: tuple[str, ...]) -> Iterator[str]:
    """Yield what makes the policy, and brings an earlier one up to date; nothing without addresses."""
    if not addresses:
        return
    policy, allowed = name(policy_name(owner)), literals(tuple(_address(one) for one in addresses))
    yield f"CREATE NETWORK POLICY IF NOT EXISTS {policy} ALLOWED_IP_LIST = {allowed};"
    yield f"ALTER NETWORK POLICY {policy} SET ALLOWED_IP_LIST = {allowed};"


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=True)).removesuffix("/32")
    except ValueError:
        hint = "The address the gateway is seen from: 203.0.113.7, or a range as 203.0.113.0/28."
        raise SnowflakeConfigError(f"{text!r} is no IP address.", hint=hint) from None
