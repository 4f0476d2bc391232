"""`SELECT <db>.<schema>.generate_token_test()`: a token of the outside issuer for whoever asks, through the SQL API.

People who try External OAuth make such a function with a key of their own; here the provider beside the account mints
it. There is none for a role that may not use the schema, or without an integration for that provider.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.sandbox import failures
from skipass.sandbox.account import Account
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName
from skipass.sandbox.oauth.model import EXTERNAL
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session

NAME = "GENERATE_TOKEN_TEST"


def statement(reader: Reader, account: Account, session: Session) -> Callable[[], Result] | None:
    """Return the work of exactly that SELECT, None for every other one."""
    if (reader.peek(5), reader.peek(6), reader.peek(7)) != (NAME, "(", ")") or reader.peek(8):
        return None

    def work() -> Result:
        reader.take("SELECT")
        path = reader.path()
        reader.take("(", ")")
        reader.finish()
        return _answer(account, session, SchemaName(path[0], path[1]))

    return work


def _answer(account: Account, session: Session, schema: SchemaName) -> Result:
    mint = account.mint
    ready = any(one.kind == EXTERNAL and one.enabled for one in account.sign_in.integrations.values())
    if mint is None or not ready or not session.rights(account.catalog).uses_schema(schema):
        raise failures.unknown_function(f"{schema}.{NAME}")
    name = f"{schema}.{NAME}()"
    listing = Listing((name,))
    listing.add((mint(session.user.login_name, f"session:role:{session.role}", f"https://{account.host}"),))
    return listing.result()
