"""Builds an account and the key files of its users, in a directory that stays or in one that goes at the end."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from skipass.sandbox import demo
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User

DEFAULT_ACCOUNT = "SKIPASS-SANDBOX"
KeyFor = Callable[[str], rsa.RSAPrivateKey]


@dataclass(frozen=True, slots=True)
class UserFile:
    """A user of the account and where the private key lies, readable by its owner alone."""

    name: str
    login_name: str
    default_role: str
    private_key_path: Path

    def as_json(self) -> dict[str, str]:
        """Return the member of `users`."""
        return {
            "name": self.name,
            "login_name": self.login_name,
            "default_role": self.default_role,
            "private_key_path": str(self.private_key_path),
        }


def split_identifier(identifier: str) -> tuple[str, str]:
    """Return organisation and account name of `ORG-ACCOUNT`, in upper case; ValueError for anything else."""
    organization, _, name = identifier.upper().partition("-")
    if not organization.isalnum() or not name.replace("_", "").isalnum() or not name[0].isalpha():
        raise ValueError(f"{identifier!r} is not of the form ORG-ACCOUNT")
    return organization, name


def build_account(identifier: str = DEFAULT_ACCOUNT, *, bare: bool = False, scale: float = 0.01) -> Account:
    """Return an account in memory, its engine sealed. `scale` is TPC-H's; 0 leaves the sample data out."""
    organization, name = split_identifier(identifier)
    locator = "SB" + str(sum(map(ord, identifier.upper())) % 90_000 + 10_000)
    account = Account(organization, name, locator)
    demo.add_administrator(account)
    if not bare:
        demo.add_demo(account)
    if scale > 0:
        demo.add_sample_data(account, scale)
    account.engine.seal()
    return account


def new_key(_: str) -> rsa.RSAPrivateKey:
    """Return a fresh RSA key, whoever it is for."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_keys(account: Account, directory: Path, key_for: KeyFor = new_key) -> list[UserFile]:
    """Give every user a key pair and return where the private halves are; the administrator comes first.

    `key_for` makes the key of a user name; tests that start many accounts hand in one that remembers.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = account.catalog.users.values()
    return [_write_key(user, key_for(user.name), directory / f"{user.name.lower()}.p8") for user in users]


def _write_key(user: User, key: rsa.RSAPrivateKey, path: Path) -> UserFile:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    user.keys["RSA_PUBLIC_KEY"] = base64.b64encode(public).decode()
    return UserFile(user.name, user.login_name, user.options.get("DEFAULT_ROLE", "PUBLIC"), path)
