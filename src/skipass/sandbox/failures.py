"""What the account answers when it refuses: code, sqlState, message and HTTP status, in the vendor's words.

Knows nothing of SQL or of HTTP frameworks; it only builds `Failure` values, so that no other module spells a code.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-errors and the drivers' error tables.
"""

from __future__ import annotations

COMPILATION = "SQL compilation error:\n"


class Failure(Exception):
    """A refusal with a six-digit `code`; `status` is the HTTP status of the answer."""

    def __init__(self, code: str, sqlstate: str, message: str, status: int = 422) -> None:
        super().__init__(f"{code} ({sqlstate}): {message}")
        self.code = code
        self.sqlstate = sqlstate
        self.message = message
        self.status = status


def compilation(code: str, sqlstate: str, text: str) -> Failure:
    """Return a failure of compilation: the text follows the vendor's fixed first line."""
    return Failure(code, sqlstate, COMPILATION + text)


def syntax(line: int, position: int, unexpected: str) -> Failure:
    """Return 001003 for an unexpected token; `line` counts from one, `position` from zero."""
    return compilation("001003", "42000", f"syntax error line {line} at position {position} unexpected '{unexpected}'.")


def unsupported(feature: str) -> Failure:
    """Return 000002: this account does not offer the feature."""
    return Failure("000002", "0A000", f"Unsupported feature '{feature}'.")


def unsupported_statement(kind: str) -> Failure:
    """Return 391911: the API does not take this kind of statement."""
    return Failure("391911", "0A000", f"Unsupported statement type '{kind}'.")


def missing(name: str, kind: str = "Object", *, table: bool = True) -> Failure:
    """Return 002003: the object does not exist or the role may not see it; the two are never told apart."""
    state = "42S02" if table else "02000"
    return compilation("002003", state, f"{kind} '{name}' does not exist or not authorized.")


def not_performed() -> Failure:
    """Return 002043: the object of a DROP, SHOW or USE is not there for this role."""
    return compilation("002043", "02000", "Object does not exist, or operation cannot be performed.")


def exists(name: str) -> Failure:
    """Return 002002: the name is taken."""
    return compilation("002002", "42710", f"Object '{name}' already exists.")


def insufficient(kind: str, name: str) -> Failure:
    """Return 003001: the role sees the object and lacks the privilege."""
    return Failure(
        "003001",
        "42501",
        f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'.",
    )


def invalid_identifier(name: str, line: int = 1, position: int = 0) -> Failure:
    """Return 000904: no such column; `line` counts from one, `position` from zero."""
    return compilation("000904", "42000", f"error line {line} at position {position}\ninvalid identifier '{name}'")


def unknown_function(name: str) -> Failure:
    """Return 002139: no such function."""
    return compilation("002139", "42601", f"Unknown function {name}.")


def too_many_arguments(expected: int, given: int) -> Failure:
    """Return 000939: a function was given more arguments than it takes."""
    return compilation("000939", "22023", f"too many arguments for function expected {expected}, got {given}")


def no_current(kind: str, action: str) -> Failure:
    """Return 090105 or 090106: the statement needs a current database or schema and has none."""
    code = "090105" if kind == "database" else "090106"
    return Failure(
        code,
        "22000",
        f"Cannot perform {action}. This session does not have a current {kind}. "
        f"Call 'USE {kind.upper()}', or use a qualified name.",
    )


def no_warehouse() -> Failure:
    """Return 000606: the statement needs a warehouse and none is selected and usable."""
    return Failure(
        "000606",
        "57P03",
        "No active warehouse selected in the current session. "
        "Select an active warehouse with the 'use warehouse' command.",
    )


def beyond_retention(table: str) -> Failure:
    """Return 000707: what the table held then is gone, or it was not there yet."""
    text = (
        f"Time travel data is not available for table {table}. "
        "The requested time is either beyond the allowed time travel period or before the object creation time."
    )
    return Failure("000707", "02000", text)


def cancelled() -> Failure:
    """Return 000604: somebody cancelled the statement."""
    return Failure("000604", "57014", "SQL execution canceled")


def timed_out(seconds: int) -> Failure:
    """Return 000630: the statement ran into its own timeout, in seconds; HTTP 408."""
    text = f"Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled."
    return Failure("000630", "57014", text, 408)


def unknown_handle(handle: str) -> Failure:
    """Return 000709: no such statement for this user, or its result has expired."""
    return Failure("000709", "02000", f"Statement {handle} not found")


def expired_result(handle: str) -> Failure:
    """Return 000710: the statement is known, its result is no longer kept."""
    return Failure("000710", "02000", f"Result for query {handle} has expired")


def statement_count(actual: int, desired: int) -> Failure:
    """Return 000008: the text holds another number of statements than the request says."""
    text = f"Actual statement count {actual} did not match the desired statement count {desired}."
    return Failure("000008", "0A000", text)


def payload() -> Failure:
    """Return 390142: the body is not a request."""
    return Failure("390142", "08004", "Incoming request does not contain a valid payload.", 400)


def token_rejected(login_id: str) -> Failure:
    """Return 390303: no such OAuth or access token."""
    return Failure("390303", "08004", f"Invalid OAuth access token. [{login_id}]", 401)


def token_expired(login_id: str) -> Failure:
    """Return 390318: the access token is past its life."""
    return Failure("390318", "08001", f"OAuth access token expired. [{login_id}]", 401)


def jwt_rejected(login_id: str) -> Failure:
    """Return 390144: the key-pair token fails; why is told only under its id."""
    return Failure("390144", "08004", f"JWT token is invalid. [{login_id}]", 401)


def role_not_granted(role: str) -> Failure:
    """Return 390186: the role exists and the user or the token does not carry it."""
    text = f"Role '{role}' specified in the connect string is not granted to this user."
    return Failure("390186", "08004", text + " Contact your local system administrator.", 401)


def role_unknown(role: str) -> Failure:
    """Return 390189: no such role."""
    text = f"Role '{role}' specified in the connect string does not exist or not authorized."
    hint = " Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."
    return Failure("390189", "08004", text + hint, 401)
