"""`key new`: a key pair for a Snowflake user that signs in by key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skipass.cli.credentials import write_owner_only
from skipass.cli.failures import Refusal
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, say, show_object
from skipass.secret import Secret

app = typer.Typer(help="Key pairs.", no_args_is_help=True)


@app.callback()
def key() -> None:
    """Key pairs."""


@app.command()
def new(
    out: Annotated[Path, typer.Option("--out", help="File of the private key; it must not exist.")] = Path(
        "snowflake_key.p8"
    ),
    login: Annotated[str, typer.Option("--login", help="The Snowflake user that will sign in.")] = "SKIPASS_AGENT",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a passphrase and encrypt the file.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make an RSA key pair: the private key in a file of its owner alone, the public one as SQL to paste."""
    from skipass.snowflake.auth.keys import generate_key_pair
    from skipass.snowflake.setup_sql import set_public_key

    passphrase = Secret(str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True))) if encrypt else None
    pair = generate_key_pair(passphrase)
    alter = set_public_key(login, pair.public_key)
    _write(out, pair.private_pem)
    if form is not Format.TABLE:
        shape = {"private_key_path": str(out), "public_key": pair.public_key, "fingerprint": pair.fingerprint}
        show_object({**shape, "sql": alter}, form)
        return
    say(f"The private key is in {out}; keep it secret. Its public half, for whoever may alter the user:\n")
    say(f"{alter}\n")
    say(f"Afterwards DESCRIBE USER shows RSA_PUBLIC_KEY_FP = {pair.fingerprint}")


def _write(path: Path, pem: Secret[bytes]) -> None:
    try:
        write_owner_only(path, (pem.reveal(),))
    except FileExistsError:
        raise Refusal("conflict", f"{path} exists already.", "Name another file with --out.") from None
    except OSError as error:
        raise Refusal("invalid_request", f"{path} cannot be written: {error.strerror}.") from None
