"""The client that a registered connection has at its authorization server: given once it exists, or renewed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from skipass.cli.client import Gateway, gateway, segment
from skipass.cli.connection_options import (
    CLIENTS,
    ClientAuth,
    ClientAuthOption,
    ClientIdOption,
    ClientKeyOption,
    MetadataOption,
    NameArgument,
    SecretOption,
    client_body,
)
from skipass.cli.failures import Refusal
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, show_object


def client(
    name: NameArgument,
    *,
    client_id: ClientIdOption = None,
    client_secret_env: SecretOption = None,
    client_key: ClientKeyOption = None,
    client_auth: ClientAuthOption = None,
    oauth_metadata: MetadataOption = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Of a template: the account whose client it is.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Give a connection its client, once the integration or the provider has one, or a new secret.

    Its redirect URI stays the same.
    """
    door = gateway()
    known = _registration(door, name, account)
    auth = client_auth or (ClientAuth.PRIVATE_KEY_JWT if client_key else _auth(known))
    body = client_body(client_id, client_secret_env, client_key, auth, oauth_metadata, single_use=False)
    body.pop("single_use")
    made = door.post(f"/registrations/{segment(known['id'])}/client", body)
    show_object(made, form, CLIENTS)
    if form is Format.TABLE:
        for remark in made["remarks"]:
            note(remark)
        note(f"Next: skipass account link {name}, and connection test {name} once yours is linked.")


def _auth(known: Mapping[str, Any]) -> ClientAuth:
    """Return how the client proves itself when nothing is said: as before, and with a secret where it had a key."""
    before = ClientAuth(known["client_auth"])
    return ClientAuth.BASIC if before is ClientAuth.PRIVATE_KEY_JWT else before


def _registration(door: Gateway, name: str, account: str | None) -> Mapping[str, Any]:
    found: Sequence[Mapping[str, Any]] = door.get(f"/connections/{segment(name)}/registrations")["items"]
    enabled = [one for one in found if one["state"] == "enabled"]
    mine = [one for one in enabled if account is None or one["account"].upper() == account.upper()]
    if len(mine) != 1:
        known = ", ".join(one["account"] for one in enabled) or "none"
        hint = "Say which: --account." if enabled else "Connections by OAuth have one: see skipass connection show."
        raise Refusal("not_found", f"No one client of {name} is meant; accounts that have one: {known}.", hint)
    return mine[0]
