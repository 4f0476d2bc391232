"""What an admin does outside the gateway: the script for a Snowflake account, the steps in an identity provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import gateway, segment
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import fingerprint_of, public_key_of
from skipass.cli.output import note, say

if TYPE_CHECKING:
    from skipass.snowflake.setup_sql import Access, ExternalOAuth, Integration

METHODS = ("key_pair", "pat", "snowflake_oauth", "external_oauth", "external_oauth_issuer")

UsersOption = Annotated[
    list[str] | None, typer.Option("--user", help="Snowflake user who gets the role, as they connect; repeatable.")
]


def setup_sql(
    *,
    name: Annotated[str | None, typer.Argument(help="A registered connection to take the names from.")] = None,
    login: Annotated[str | None, typer.Option("--login", help="The service user to make.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="The role to make.")] = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse", help="The warehouse to make.")] = None,
    schema: Annotated[
        list[str] | None, typer.Option("--schema", metavar="DB.SCHEMA", help="What the role may read; repeatable.")
    ] = None,
    user: UsersOption = None,
    public_key: Annotated[Path | None, typer.Option("--public-key", help="File of the user's public key.")] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="File of the private key, to take the public half from.")
    ] = None,
    passphrase_env: Annotated[
        str | None, typer.Option("--passphrase-env", metavar="VAR", help="Variable that holds the key's passphrase.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", metavar="NAME", help="Make a programmatic access token instead of a key.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Let the role insert, update and delete as well.")] = False,
    egress_ip: Annotated[
        list[str] | None,
        typer.Option("--egress-ip", metavar="IP", help="Let in from the gateway's address alone; repeatable."),
    ] = None,
    idp: Annotated[
        str, typer.Option("--idp", help="With external_oauth: okta, azure, ping_federate or custom.")
    ] = "custom",
    user_claim: Annotated[
        str | None, typer.Option("--user-claim", help="With external_oauth: the claim that names the user.")
    ] = None,
    keys_url: Annotated[
        str | None, typer.Option("--keys-url", help="Where the issuer's keys are; of the gateway's own: 'gateway'.")
    ] = None,
    audience: Annotated[
        list[str] | None, typer.Option("--audience", help="Further audience to accept; repeatable.")
    ] = None,
    integration: Annotated[str | None, typer.Option("--integration", help="Name of the integration.")] = None,
    statement_timeout: Annotated[
        int, typer.Option("--statement-timeout", min=1, max=604_800, help="Seconds a statement of this user may take.")
    ] = 3600,
) -> None:
    """Print what an admin of the account pastes into a worksheet, for the connection's way of signing in."""
    from skipass.snowflake import setup_sql as sql

    known = gateway().get(f"/connections/{segment(name)}") if name is not None else {}
    method = str(known.get("auth_method") or ("pat" if token else "key_pair"))
    access = sql.Access(
        role=_folded(role) or _needed(known, "role"),
        warehouse=_folded(warehouse) or known.get("warehouse"),
        schemas=_schemas(schema, known),
        write=write,
        users=tuple(user or ()),
    )
    if method in ("key_pair", "pat"):
        key = None if method == "pat" else _public_key(public_key, private_key, passphrase_env, known)
        made = (token or "SKIPASS") if method == "pat" else None
        who = login or _needed(known, "login")
        service = sql.Service(who, access, key, made, tuple(egress_ip or ()), statement_timeout)
        say(sql.service_script(service).rstrip("\n"))
        if key is None and made is None:
            note("No key in it: pass --private-key or --public-key, or run the ALTER USER of skipass key new later.")
        return
    owner = _integration(known, access, integration, egress_ip)
    if method == "snowflake_oauth":
        say(sql.snowflake_oauth_script(owner, _snowflake(known)).rstrip("\n"))
    elif method == "external_oauth":
        say(sql.external_oauth_script(owner, _external(known, idp, user_claim, keys_url, audience)).rstrip("\n"))
    else:
        say(sql.external_oauth_script(owner, _vouching(known, keys_url, audience)).rstrip("\n"))
    if not access.users:
        note("Nobody has the role yet: pass --user for each Snowflake user who connects, or grant it by hand.")


def setup_idp(
    name: Annotated[str, typer.Argument(help="The connection, of method external_oauth.")],
    okta: Annotated[bool, typer.Option("--okta", help="Steps for Okta.")] = False,
    entra: Annotated[bool, typer.Option("--entra", help="Steps for Microsoft Entra ID.")] = False,
) -> None:
    """Print the steps on the identity provider's side: our callback, the audience, and the scope letter by letter."""
    from skipass.snowflake.setup_idp import Steps, entra_steps, okta_steps

    if okta is entra:
        raise typer.BadParameter("say which: --okta or --entra", param_hint="--okta")
    known = gateway().get(f"/connections/{segment(name)}")
    client = _client(known)
    steps = Steps(
        callback=client["redirect_uri"],
        account_url=_account_url(known, client),
        scope=str(client["metadata"].get("scope", f"session:role:{known['role']} offline_access")),
        role=known["role"],
    )
    say("\n".join(okta_steps(steps) if okta else entra_steps(steps)))


def _account_url(known: Mapping[str, Any], client: Mapping[str, Any]) -> str:
    from skipass.snowflake.account import parse_account

    return parse_account(str(client.get("account") or known["account"])).url


def _integration(
    known: Mapping[str, Any], access: Access, integration: str | None, egress_ip: Sequence[str] | None
) -> Integration:
    from skipass.snowflake.setup_sql import Integration, integration_name

    roles = tuple(dict.fromkeys((access.role, *known.get("allowed_roles", ()))))
    return Integration(integration or integration_name(str(known["name"])), access, roles, tuple(egress_ip or ()))


def _snowflake(known: Mapping[str, Any]) -> Any:
    from skipass.snowflake.setup_sql import SnowflakeOAuth

    client = _client(known)
    single_use = bool(client["metadata"].get("single_use_refresh_tokens"))
    return SnowflakeOAuth(client["redirect_uri"], single_use=single_use)


def _external(
    known: Mapping[str, Any],
    idp: str,
    user_claim: str | None,
    keys_url: str | None,
    audience: Sequence[str] | None,
) -> ExternalOAuth:
    from skipass.snowflake.setup_idp import provider
    from skipass.snowflake.setup_sql import ExternalOAuth

    metadata = _client(known)["metadata"]
    issuer, kind = str(metadata.get("issuer") or ""), provider(idp)
    if not issuer:
        hint = f"skipass connection client {known['name']} --oauth-metadata FILE gives it."
        raise Refusal("missing_field", "The connection's metadata has no issuer.", hint)
    return ExternalOAuth(
        kind=kind.kind,
        issuer=issuer,
        user_claim=user_claim or kind.user_claim,
        keys_url=keys_url or metadata.get("jwks_uri") or kind.keys_url(issuer),
        audiences=tuple(audience or ()),
        any_role="session:role-any" in str(metadata.get("scope", "")).lower(),
    )


def _vouching(known: Mapping[str, Any], keys_url: str | None, audience: Sequence[str] | None) -> ExternalOAuth:
    from skipass.snowflake.auth.vouched import USER_CLAIM
    from skipass.snowflake.setup_sql import ExternalOAuth

    told = gateway().get(f"/connections/{segment(str(known['name']))}/signing-keys")
    by_url = told["jwks_url"] if keys_url == "gateway" else keys_url
    keys = () if by_url else tuple(one["public_key"] for one in told["keys"][:2])
    audiences = tuple(audience or ())
    return ExternalOAuth("CUSTOM", told["issuer"], USER_CLAIM, by_url, keys, audiences)


def _client(known: Mapping[str, Any]) -> Mapping[str, Any]:
    clients: Sequence[Mapping[str, Any]] = known.get("registrations", ())
    if len(clients) != 1:
        hint = "A template has one for each account: its set-up link shows each customer their own script."
        raise Refusal("invalid_request", f"The connection has {len(clients)} registrations.", hint)
    return clients[0]


def _needed(known: Mapping[str, Any], member: str) -> str:
    if not known.get(member):
        raise typer.BadParameter("name a registered connection, or give it", param_hint=f"--{member}")
    return str(known[member])


def _folded(name: str | None) -> str | None:
    from skipass.snowflake.identifiers import body_field

    return body_field(name) if name else None


def _schemas(typed: Sequence[str] | None, known: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    from skipass.snowflake.setup_sql import schema_path

    if typed:
        return tuple(schema_path(one) for one in typed)
    if known.get("database") and known.get("schema"):
        return ((str(known["database"]), str(known["schema"])),)
    raise typer.BadParameter("say what the role may read", param_hint="--schema")


def _public_key(
    public: Path | None, private: Path | None, passphrase_env: str | None, known: Mapping[str, Any]
) -> str | None:
    if public is not None and private is not None:
        raise typer.BadParameter("give one of --public-key and --private-key", param_hint="--public-key")
    path = public or private
    if path is None:
        return None
    key = public_key_of(path, _passphrase(passphrase_env))
    kept = (known.get("credential") or {}).get("fingerprint")
    if kept is not None and fingerprint_of(key) != kept:
        raise Refusal("conflict", f"{path} is not the key of the connection.", f"Its fingerprint is {kept}.")
    return key


def _passphrase(variable: str | None) -> str | None:
    if variable is None:
        return None
    value = environment.variable(variable)
    if value is None:
        raise typer.BadParameter(f"the variable {variable} is not set", param_hint="--passphrase-env")
    return value
