"""Network policies: which addresses an integration, a user or the account lets in.

The integration's policy comes before the user's, the user's before the account's.
Source: https://docs.snowflake.com/en/user-guide/network-policies.
"""

from __future__ import annotations

import ipaddress

from skipass.sandbox import failures, refusals, results
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import shown
from skipass.sandbox.oauth import options
from skipass.sandbox.oauth.model import NetworkPolicy
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session
from skipass.sandbox.showscope import Filter, end_filter, limited

_KEYS = {"ALLOWED_IP_LIST", "BLOCKED_IP_LIST", "COMMENT"}


def policy_for(account: Account, user: User, integration: str | None) -> NetworkPolicy | None:
    """Return the policy that decides for this user behind this integration, or None."""
    one = account.sign_in.integrations.get(integration or "")
    wanted = one.text("NETWORK_POLICY") if one is not None else ""
    wanted = wanted or user.options.get("NETWORK_POLICY", "").upper() or account.sign_in.account_policy
    return account.sign_in.policies.get(wanted)


def check_named(reader: Reader, account: Account) -> None:
    """Raise 002003 if a statement about a user sets a policy that is not there: it would let every address in."""
    ahead = next((ahead for ahead in range(3, 200) if reader.peek(ahead) == "NETWORK_POLICY"), None)
    if ahead is None or reader.peek(ahead + 1) != "=":
        return
    name = reader.peek(ahead + 2).strip("'\"")
    if name not in account.sign_in.policies:
        raise failures.missing(shown(name), "Network policy", table=False)


def admits(policy: NetworkPolicy | None, address: str) -> bool:
    """Tell whether the address may come in; without a policy every address may."""
    if policy is None:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    inside = not policy.allowed or _within(found, policy.allowed)
    return inside and not _within(found, policy.blocked)


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: tuple[str, ...]) -> bool:
    return any(address in ipaddress.ip_network(one, strict=False) for one in networks)


def run(reader: Reader, account: Account, session: Session, verb: str, *, replace: bool) -> Result:
    """Carry out CREATE, ALTER or DROP NETWORK POLICY; needs SECURITYADMIN or CREATE NETWORK POLICY."""
    rights = session.rights(account.catalog)
    if not (rights.owns("SECURITYADMIN") or rights.on_account("CREATE NETWORK POLICY")):
        raise failures.insufficient("account", account.identifier)
    lenient = reader.if_exists() if verb != "CREATE" else reader.if_not_exists()
    name = reader.identifier()
    known = account.sign_in.policies
    if verb == "CREATE":
        if name in known and not replace:
            if lenient:
                return results.status(f"{name} already exists, statement succeeded.")
            raise failures.exists(name)
        known[name] = _changed(NetworkPolicy(name, session.now, session.role), reader)
        return results.status(f"Network policy {name} successfully created.")
    if name not in known:
        if lenient:
            return results.status("Statement executed successfully.")
        raise failures.missing(shown(name), "Network policy", table=False)
    if verb == "DROP":
        return _drop(reader, account, name)
    reader.take("SET")
    known[name] = _changed(known[name], reader)
    return results.status("Statement executed successfully.")


def _drop(reader: Reader, account: Account, name: str) -> Result:
    reader.finish()
    users = [user.options.get("NETWORK_POLICY", "").upper() for user in account.catalog.users.values()]
    integrations = [one.text("NETWORK_POLICY") for one in account.sign_in.integrations.values()]
    if name in (*users, *integrations, account.sign_in.account_policy):
        raise failures.compilation("001492", "42601", f"Cannot drop network policy {name}: it is still in use.")
    del account.sign_in.policies[name]
    return results.status(f"{name} successfully dropped.")


def _changed(policy: NetworkPolicy, reader: Reader) -> NetworkPolicy:
    given = options.read(reader)
    for key in given:
        if key not in _KEYS:
            raise refusals.bad_property(key, "NETWORK_POLICY")
    for key in ("ALLOWED_IP_LIST", "BLOCKED_IP_LIST"):
        for one in given.get(key, ()):
            _check_network(key, one)
    return NetworkPolicy(
        policy.name,
        policy.created,
        policy.owner,
        given.get("ALLOWED_IP_LIST", policy.allowed),
        given.get("BLOCKED_IP_LIST", policy.blocked),
        given.get("COMMENT", (policy.comment,))[0],
    )


def _check_network(key: str, text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise refusals.bad_value(key, text) from None


def show(reader: Reader, account: Account, session: Session) -> Result:
    """Answer SHOW NETWORK POLICIES."""
    names = Filter()
    end_filter(reader, names)
    listing = Listing(
        ("t:created_on", "name", "comment", "n:entries_in_allowed_ip_list", "n:entries_in_blocked_ip_list")
    )
    if session.rights(account.catalog).owns("SECURITYADMIN"):
        for name, one in sorted(account.sign_in.policies.items()):
            if names.passes(name):
                listing.add((one.created, name, one.comment, len(one.allowed), len(one.blocked)))
    return limited(listing, names)


def describe(reader: Reader, account: Account, session: Session) -> Result:
    """Answer DESCRIBE NETWORK POLICY: one row for each list of addresses."""
    name = reader.identifier()
    reader.finish()
    one = account.sign_in.policies.get(name)
    if one is None or not session.rights(account.catalog).owns("SECURITYADMIN"):
        raise failures.missing(shown(name), "Network policy", table=False)
    listing = Listing(("name", "value"))
    for key, addresses in (("ALLOWED_IP_LIST", one.allowed), ("BLOCKED_IP_LIST", one.blocked)):
        if addresses:
            listing.add((key, ",".join(addresses)))
    return listing.result()
