"""The options of security integrations: what there is, what each takes, and what it is when nobody set it.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-security-integration-oauth-snowflake and
.../create-security-integration-oauth-external.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skipass.sandbox import refusals
from skipass.sandbox.grammar import Reader, literal
from skipass.sandbox.names import stored
from skipass.sandbox.oauth.model import EXTERNAL, SNOWFLAKE
from skipass.sandbox.quantities import whole

PRIVILEGED = ("ACCOUNTADMIN", "ORGADMIN", "GLOBALORGADMIN", "SECURITYADMIN")
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|\Z)")
Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its `kind` (flag, text, name, names, texts, number, choice, key, redirect), default and bounds."""

    kind: str
    default: str = ""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0


_FLAG_OFF, _FLAG_ON = Option("flag", "FALSE"), Option("flag", "TRUE")
_ANY_ROLE = Option("choice", "DISABLE", ("DISABLE", "ENABLE", "ENABLE_FOR_PRIVILEGE", "ENABLE_FOR_LOGIN"))
_COMMON = {"COMMENT": Option("text"), "NETWORK_POLICY": Option("name"), "IS_AGENTIC": _FLAG_OFF}
OPTIONS: Mapping[str, Mapping[str, Option]] = {
    SNOWFLAKE: {
        "OAUTH_CLIENT": Option("choice", "", ("CUSTOM",)),
        "OAUTH_CLIENT_TYPE": Option("choice", "", ("CONFIDENTIAL", "PUBLIC")),
        "OAUTH_REDIRECT_URI": Option("redirect"),
        "OAUTH_ALTERNATE_REDIRECT_URIS": Option("texts"),
        "OAUTH_ALLOW_NON_TLS_REDIRECT_URI": _FLAG_OFF,
        "ENABLED": _FLAG_ON,
        "OAUTH_ENFORCE_PKCE": _FLAG_OFF,
        "OAUTH_ISSUE_REFRESH_TOKENS": _FLAG_ON,
        "OAUTH_ACCESS_TOKEN_VALIDITY": Option("number", "600", low=60, high=3600),
        "OAUTH_REFRESH_TOKEN_VALIDITY": Option("number", "7776000", low=86_400, high=7_776_000),
        "OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED": _FLAG_OFF,
        "OAUTH_USE_SECONDARY_ROLES": Option("choice", "NONE", ("NONE", "IMPLICIT")),
        "PRE_AUTHORIZED_ROLES_LIST": Option("names"),
        "BLOCKED_ROLES_LIST": Option("names", ",".join(PRIVILEGED)),
        "ALLOWED_ROLES_LIST": Option("names"),
        "OAUTH_ANY_ROLE_MODE": _ANY_ROLE,
        "OAUTH_ENABLE_ROLE_SELECTION": _FLAG_OFF,
        "OAUTH_CLIENT_RSA_PUBLIC_KEY": Option("key"),
        "OAUTH_CLIENT_RSA_PUBLIC_KEY_2": Option("key"),
        "USE_PRIVATELINK_FOR_AUTHORIZATION_ENDPOINT": _FLAG_OFF,
        **_COMMON,
    },
    EXTERNAL: {
        "ENABLED": Option("flag"),
        "EXTERNAL_OAUTH_TYPE": Option("choice", "", ("OKTA", "AZURE", "PING_FEDERATE", "CUSTOM")),
        "EXTERNAL_OAUTH_ISSUER": Option("text"),
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM": Option("texts"),
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE": Option("choice", "", ("LOGIN_NAME", "EMAIL_ADDRESS")),
        "EXTERNAL_OAUTH_JWS_KEYS_URL": Option("texts"),
        "EXTERNAL_OAUTH_RSA_PUBLIC_KEY": Option("key"),
        "EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2": Option("key"),
        "EXTERNAL_OAUTH_AUDIENCE_LIST": Option("texts"),
        "EXTERNAL_OAUTH_ANY_ROLE_MODE": _ANY_ROLE,
        "EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE": Option("choice", "scp", ("scp", "scope")),
        "EXTERNAL_OAUTH_SCOPE_DELIMITER": Option("text", ","),
        "EXTERNAL_OAUTH_BLOCKED_ROLES_LIST": Option("names", ",".join(PRIVILEGED)),
        "EXTERNAL_OAUTH_ALLOWED_ROLES_LIST": Option("names"),
        **_COMMON,
    },
}
_REQUIRED = {
    SNOWFLAKE: ("OAUTH_CLIENT", "OAUTH_CLIENT_TYPE", "OAUTH_REDIRECT_URI"),
    EXTERNAL: (
        "ENABLED",
        "EXTERNAL_OAUTH_TYPE",
        "EXTERNAL_OAUTH_ISSUER",
        "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM",
        "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE",
    ),
}


def read(reader: Reader) -> Values:
    """Read `KEY = value` and `KEY = (value, …)` to the end; strings keep their case, names are as stored."""
    found: Values = {}
    while not reader.done:
        reader.accept(",")
        name = reader.identifier()
        reader.take("=")
        found[name] = _values(reader)
    return found


def _values(reader: Reader) -> tuple[str, ...]:
    if not reader.accept("("):
        return (_value(reader),)
    found: list[str] = []
    while not reader.accept(")"):
        if found:
            reader.take(",")
        found.append(_value(reader))
    return tuple(found)


def _value(reader: Reader) -> str:
    token = reader.token()
    if token.kind == "string":
        return literal(token.text)
    if token.kind in ("word", "quoted"):
        return stored(token.text)
    if token.kind == "number":
        return token.text
    raise reader.unexpected()


def checked(kind: str, given: Values) -> Values:
    """Return the options as they are kept, or raise the failure of the first one that is unknown or unfit."""
    known = OPTIONS[kind]
    kept: Values = {}
    for name, values in given.items():
        if name not in known:
            raise refusals.bad_property(name, "INTEGRATION")
        kept[name] = _CHECKS[known[name].kind](name, known[name], values)
    return kept


def check_whole(kind: str, options: Values, *, scope_attribute: str) -> None:
    """Raise unless the options of one integration fit together: nothing required missing, redirects allowed.

    `scope_attribute` says whose tokens may carry scopes under another name: those of `custom` providers, or `every`.
    """
    missing = [name for name in _REQUIRED[kind] if not any(options.get(name, ()))]
    if kind == EXTERNAL and not {"EXTERNAL_OAUTH_JWS_KEYS_URL", "EXTERNAL_OAUTH_RSA_PUBLIC_KEY"} & set(options):
        missing.append("EXTERNAL_OAUTH_JWS_KEYS_URL or EXTERNAL_OAUTH_RSA_PUBLIC_KEY")
    if missing:
        raise refusals.missing_options(", ".join(missing))
    if kind == SNOWFLAKE:
        _check_redirects(options)
        _check_roles(options)
    else:
        _check_custom(options, scope_attribute == "every")


def _check_redirects(options: Values) -> None:
    plain = options.get("OAUTH_ALLOW_NON_TLS_REDIRECT_URI", ("FALSE",)) == ("TRUE",)
    for name in ("OAUTH_REDIRECT_URI", "OAUTH_ALTERNATE_REDIRECT_URIS"):
        for uri in options.get(name, ()):
            secure = uri.startswith("https://") or (plain and _LOOPBACK.match(uri) is not None)
            if not secure or "?" in uri or "#" in uri:
                raise refusals.bad_value(name, uri)


def _check_roles(options: Values) -> None:
    listed = options.get("PRE_AUTHORIZED_ROLES_LIST", ())
    if listed and options["OAUTH_CLIENT_TYPE"] != ("CONFIDENTIAL",):
        raise refusals.bad_value("PRE_AUTHORIZED_ROLES_LIST", ",".join(listed))
    for role in (*listed, *options.get("ALLOWED_ROLES_LIST", ())):
        if role in PRIVILEGED:
            raise refusals.bad_value("PRE_AUTHORIZED_ROLES_LIST", role)
    if options.get("ALLOWED_ROLES_LIST") and options.get("OAUTH_USE_SECONDARY_ROLES") == ("IMPLICIT",):
        raise refusals.bad_value("OAUTH_USE_SECONDARY_ROLES", "IMPLICIT")


def _check_custom(options: Values, renamed: bool) -> None:
    if options["EXTERNAL_OAUTH_TYPE"] == ("CUSTOM",):
        return
    for name in ("EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE", "EXTERNAL_OAUTH_SCOPE_DELIMITER"):
        if name in options and not renamed:
            raise refusals.bad_property(name, "INTEGRATION")
    if len(options.get("EXTERNAL_OAUTH_AUDIENCE_LIST", ())) > 1:
        raise refusals.bad_value("EXTERNAL_OAUTH_AUDIENCE_LIST", ",".join(options["EXTERNAL_OAUTH_AUDIENCE_LIST"]))


def _one(name: str, values: tuple[str, ...]) -> str:
    if len(values) != 1:
        raise refusals.bad_value(name, ",".join(values))
    return values[0]


def _flag(name: str, _: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    found = _one(name, values).upper()
    if found not in ("TRUE", "FALSE"):
        raise refusals.bad_value(name, found)
    return (found,)


def _text(name: str, _: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    found = _one(name, values)
    if name == "EXTERNAL_OAUTH_SCOPE_DELIMITER" and len(found) != 1:
        raise refusals.bad_value(name, found)
    return (found,)


def _choice(name: str, option: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    found = _one(name, values)
    for choice in option.choices:
        if found.upper() == choice.upper():
            return (choice,)
    raise refusals.bad_value(name, found)


def _number(name: str, option: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    found = _one(name, values)
    if not option.low <= (whole(found) or -1) <= option.high:
        raise refusals.bad_value(name, found)
    return (found,)


def _key(name: str, _: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    found = "".join(line.strip() for line in _one(name, values).splitlines() if "-----" not in line)
    try:
        key = load_der_public_key(base64.b64decode(found, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise refusals.bad_value(name, "…") from None
    if not isinstance(key, RSAPublicKey):
        raise refusals.bad_value(name, "…")
    return (found,)


def _upper(name: str, _: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    return (_one(name, values).upper(),)


def _as_given(_: str, __: Option, values: tuple[str, ...]) -> tuple[str, ...]:
    return values


_CHECKS = {
    "flag": _flag,
    "text": _text,
    "redirect": _text,
    "texts": _as_given,
    "names": _as_given,
    "name": _upper,
    "number": _number,
    "choice": _choice,
    "key": _key,
}
