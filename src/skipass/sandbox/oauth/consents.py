"""Delegated authorizations: what a person allowed an integration, and how it is taken back.

Taking back ends every token that rests on it, at once.
Source: https://docs.snowflake.com/en/user-guide/oauth-consent.
"""

from __future__ import annotations

from skipass.sandbox import failures, results
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import shown
from skipass.sandbox.oauth.model import SNOWFLAKE
from skipass.sandbox.privileges import available_roles
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session

ANY_ROLE = "ANY ROLE"


def alter(reader: Reader, account: Account, session: Session, user: User) -> Result:
    """Carry out ALTER USER … ADD or REMOVE DELEGATED AUTHORIZATION; on oneself, or as the user's owner."""
    rights = session.rights(account.catalog)
    if user is not session.user and not rights.owns(user.owner):
        raise failures.insufficient("user", user.name)
    verb = reader.choose("ADD", "REMOVE")
    reader.take("DELEGATED")
    everything = reader.choose("AUTHORIZATION", "AUTHORIZATIONS") == "AUTHORIZATIONS" and reader.peek() == "FROM"
    role = None if everything else _role(reader)
    reader.take("TO" if verb == "ADD" else "FROM")
    reader.take("SECURITY", "INTEGRATION")
    name = reader.identifier()
    reader.finish()
    one = account.sign_in.integrations.get(name)
    if one is None or one.kind != SNOWFLAKE:
        raise failures.missing(shown(name), "Integration", table=False)
    if verb == "ADD":
        _add(account, session, user, role or "", name)
    else:
        remove(account, user.name, role, name)
    return results.status("Statement executed successfully.")


def _role(reader: Reader) -> str:
    reader.take("OF")
    if reader.accept("ANY", "ROLE"):
        return ANY_ROLE
    reader.take("ROLE")
    return reader.identifier()


def _add(account: Account, session: Session, user: User, role: str, integration: str) -> None:
    if role != ANY_ROLE and role not in available_roles(account.catalog, user):
        raise failures.missing(shown(role), "Role", table=False)
    account.sign_in.consents[(user.name, role, integration)] = session.now


def remove(account: Account, user: str, role: str | None, integration: str) -> None:
    """Forget a user's consent for one role, or for all with None, and end the tokens that rest on it."""
    state = account.sign_in
    gone = [key for key in state.consents if key[0] == user and key[2] == integration and role in (None, key[1])]
    for key in gone:
        del state.consents[key]
    if role == ANY_ROLE:
        for family in [one for one in state.families.values() if one.any_role]:
            if (family.user, family.integration) == (user, integration):
                state.end_family(family.id)
    else:
        state.end_matching(integration=integration, user=user, role=role)


def show(reader: Reader, account: Account, session: Session) -> Result:
    """Answer SHOW DELEGATED AUTHORIZATIONS [BY USER u | TO SECURITY INTEGRATION i]: one's own, or all as an admin."""
    user = integration = None
    if reader.accept("BY", "USER"):
        user = reader.identifier()
    elif reader.accept("TO", "SECURITY", "INTEGRATION"):
        integration = reader.identifier()
    reader.finish()
    everyone = session.rights(account.catalog).owns("SECURITYADMIN")
    listing = Listing(("t:created_on", "user_name", "role_name", "integration_name", "integration_status"))
    for (name, role, target), at in sorted(account.sign_in.consents.items()):
        one = account.sign_in.integrations.get(target)
        if one is None or (not everyone and name != session.user.name):
            continue
        if user in (None, name) and integration in (None, target):
            listing.add((at, name, role, target, "ENABLED" if one.enabled else "DISABLED"))
    return listing.result()
