"""CREATE, ALTER, DROP, SHOW and DESCRIBE of security integrations.

Only ACCOUNTADMIN, or a role with CREATE INTEGRATION, makes one; its owner changes it.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-security-integration.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable

from skipass.sandbox import failures, refusals, results
from skipass.sandbox.account import Account
from skipass.sandbox.accounts import fingerprint
from skipass.sandbox.catalog import User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.identity import RoleRule
from skipass.sandbox.names import shown
from skipass.sandbox.oauth import options, parameters
from skipass.sandbox.oauth.model import EXTERNAL, SNOWFLAKE, Integration
from skipass.sandbox.privileges import Rights, available_roles
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session
from skipass.sandbox.showscope import Filter, end_filter, limited

_TYPES = {"flag": "Boolean", "number": "Integer", "texts": "List", "names": "List"}
_OK = "Statement executed successfully."


def create(reader: Reader, account: Account, session: Session, *, replace: bool) -> Result:
    """Make an integration; a replaced one loses its client id, its secrets and every token."""
    rights = session.rights(account.catalog)
    lenient = reader.if_not_exists()
    name = reader.identifier()
    given = options.read(reader)
    kind = ",".join(given.pop("TYPE", ("",))).upper()
    if kind not in options.OPTIONS:
        raise failures.unsupported(f"SECURITY INTEGRATION TYPE {kind}")
    if not (rights.owns("ACCOUNTADMIN") or rights.on_account("CREATE INTEGRATION")):
        raise failures.insufficient("account", account.identifier)
    old = account.sign_in.integrations.get(name)
    if old is not None and not replace:
        if lenient:
            return results.status(f"{shown(name)} already exists, statement succeeded.")
        raise failures.exists(name)
    kept = options.checked(kind, given)
    options.check_whole(kind, kept, scope_attribute=account.switches.scope_attribute)
    _check_issuer(account, name, kind, kept)
    _forget(account, name)
    account.sign_in.integrations[name] = _new(name, kind, session, kept)
    return results.status(f"Integration {name} successfully created.")


def _new(name: str, kind: str, session: Session, kept: options.Values) -> Integration:
    made = Integration(name, kind, session.now, session.role, kept)
    if kind == SNOWFLAKE:
        made.client_id = _random(20)
        if made.confidential:
            made.secret, made.secret_2 = _random(32), _random(32)
    return made


def _random(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode()


def _check_issuer(account: Account, name: str, kind: str, kept: options.Values) -> None:
    """Two enabled integrations of one issuer could disagree about a token, so there is at most one."""
    if kind != EXTERNAL:
        return
    other = account.sign_in.issuer(kept["EXTERNAL_OAUTH_ISSUER"][0])
    if other is not None and other.name != name:
        raise failures.compilation("003041", "42710", f"An integration with the issuer of {name} already exists.")


def _forget(account: Account, name: str) -> None:
    account.sign_in.integrations.pop(name, None)
    account.catalog.forget(("INTEGRATION", name))
    account.sign_in.end_matching(integration=name)
    kept = {key: at for key, at in account.sign_in.consents.items() if key[2] != name}
    account.sign_in.consents = kept


def found(account: Account, rights: Rights, name: str) -> Integration:
    """Return an integration that the role may see; 002003 for every other."""
    one = account.sign_in.integrations.get(name)
    if one is None or not (rights.owns(one.owner) or rights.held(("INTEGRATION", name))):
        raise failures.missing(shown(name), "Integration", table=False)
    return one


def _owned(account: Account, rights: Rights, name: str) -> Integration:
    one = found(account, rights, name)
    if not rights.owns(one.owner):
        raise failures.insufficient("integration", name)
    return one


def alter(reader: Reader, account: Account, session: Session) -> Result:
    """Set or unset options; what was issued stays, and fails while the integration is disabled."""
    lenient = reader.if_exists()
    name = reader.identifier()
    if lenient and name not in account.sign_in.integrations:
        return results.status(_OK)
    one = _owned(account, session.rights(account.catalog), name)
    verb = reader.choose("SET", "UNSET", "REFRESH")
    if verb == "SET":
        changed = one.options | options.checked(one.kind, options.read(reader))
    elif verb == "UNSET":
        gone = _names(reader)
        changed = {key: values for key, values in one.options.items() if key not in gone}
    elif verb == "REFRESH":
        return _refresh(reader, one)
    else:
        raise reader.unexpected()
    options.check_whole(one.kind, changed, scope_attribute=account.switches.scope_attribute)
    _check_issuer(account, name, one.kind, changed)
    one.options = changed
    return results.status(_OK)


def _names(reader: Reader) -> list[str]:
    names = [reader.identifier()]
    while reader.accept(","):
        names.append(reader.identifier())
    reader.finish()
    return names


def _refresh(reader: Reader, one: Integration) -> Result:
    """REFRESH OAUTH_CLIENT_SECRET or …_2 replaces that secret; the other one goes on working."""
    which = reader.choose("OAUTH_CLIENT_SECRET", "OAUTH_CLIENT_SECRET_2")
    reader.finish()
    if which is None or not one.confidential or one.kind != SNOWFLAKE:
        raise refusals.bad_property(which or "", "INTEGRATION")
    if which == "OAUTH_CLIENT_SECRET":
        one.secret = _random(32)
    else:
        one.secret_2 = _random(32)
    return results.status(_OK)


def drop(reader: Reader, account: Account, session: Session) -> Result:
    """Remove an integration and with it everything it issued."""
    lenient = reader.if_exists()
    name = reader.identifier()
    reader.finish()
    if lenient and name not in account.sign_in.integrations:
        return results.status(f"Drop statement executed successfully ({name} already dropped).")
    _owned(account, session.rights(account.catalog), name)
    _forget(account, name)
    return results.status(f"{name} successfully dropped.")


def show(reader: Reader, account: Account, session: Session) -> Result:
    """Answer SHOW [SECURITY] INTEGRATIONS."""
    names = Filter()
    end_filter(reader, names)
    rights = session.rights(account.catalog)
    listing = Listing(("name", "type", "category", "enabled", "comment", "t:created_on"))
    for name, one in sorted(account.sign_in.integrations.items()):
        visible = rights.owns(one.owner) or rights.held(("INTEGRATION", name))
        if visible and names.passes(name):
            kind = "OAUTH - CUSTOM" if one.kind == SNOWFLAKE else f"EXTERNAL_OAUTH - {one.text('EXTERNAL_OAUTH_TYPE')}"
            listing.add((name, kind, "SECURITY", str(one.enabled).lower(), one.text("COMMENT"), one.created))
    return limited(listing, names)


def describe(reader: Reader, account: Account, session: Session) -> Result:
    """Answer DESCRIBE [SECURITY] INTEGRATION: one row a property; secrets are not among them."""
    name = reader.identifier()
    reader.finish()
    one = found(account, session.rights(account.catalog), name)
    listing = Listing(("property", "property_type", "property_value", "property_default"))
    for key, option in options.OPTIONS[one.kind].items():
        value = ",".join(one.values(key, (option.default,)))
        shape = _TYPES.get(option.kind, "String")
        listing.add((key, shape, _shown(value, shape), _shown(option.default, shape)))
    for key, value in _derived(account, one):
        listing.add((key, "String", value, ""))
    return listing.result()


def _shown(value: str, shape: str) -> str:
    if shape == "Boolean":
        return value.lower()
    return f"[{value}]" if shape == "List" else value


def _derived(account: Account, one: Integration) -> Iterable[tuple[str, str]]:
    if one.kind != SNOWFLAKE:
        return
    yield "OAUTH_CLIENT_ID", one.client_id
    yield "OAUTH_AUTHORIZATION_ENDPOINT", f"https://{account.host}/oauth/authorize"
    yield "OAUTH_TOKEN_ENDPOINT", f"https://{account.host}/oauth/token-request"
    yield "OAUTH_ALLOWED_AUTHORIZATION_ENDPOINTS", f"https://{account.host}/oauth/authorize"
    yield "OAUTH_ALLOWED_TOKEN_ENDPOINTS", f"https://{account.host}/oauth/token-request"
    for key in ("OAUTH_CLIENT_RSA_PUBLIC_KEY", "OAUTH_CLIENT_RSA_PUBLIC_KEY_2"):
        if one.text(key):
            yield f"{key}_FP", fingerprint(one.text(key))


def role_rule(account: Account, one: Integration) -> RoleRule:
    """Return which primary roles the integration lets through; unless the account says otherwise no privileged one."""
    outside = one.kind == EXTERNAL
    prefix = "EXTERNAL_OAUTH_" if outside else ""
    always = parameters.blocks_privileged(account, parameters.EXTERNAL_BLOCKED if outside else parameters.BLOCKED)
    blocked = frozenset(one.values(f"{prefix}BLOCKED_ROLES_LIST")) | frozenset(options.PRIVILEGED if always else ())
    return RoleRule(frozenset(one.values(f"{prefix}ALLOWED_ROLES_LIST")), blocked)


def any_role(account: Account, one: Integration, user: User) -> bool:
    """Tell whether a token of this user may be good for any role.

    Where the integration asks for the privilege, one of the user's roles holds USE_ANY_ROLE on it.
    """
    mode = one.text("EXTERNAL_OAUTH_ANY_ROLE_MODE" if one.kind == EXTERNAL else "OAUTH_ANY_ROLE_MODE", "DISABLE")
    if mode in ("DISABLE", "ENABLE"):
        return mode == "ENABLE"
    on, roles = ("INTEGRATION", one.name), available_roles(account.catalog, user)
    grants = list(account.catalog.grants)
    return any((grant.privilege, grant.on) == ("USE_ANY_ROLE", on) and grant.role in roles for grant in grants)
