"""Builds an account and the key files of its users, in a directory that stays or in one that goes at the end."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from skipass.sandbox import demo, demoaccess, passwords, store
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.engine import Engine
from skipass.sandbox.idp.model import Directory

DEFAULT_ACCOUNT = "SKIPASS-SANDBOX"
KeyFor = Callable[[str], rsa.RSAPrivateKey]


@dataclass(frozen=True, slots=True)
class UserFile:
    """A user of the account and where the private key lies, readable by its owner alone."""

    name: str
    login_name: str
    default_role: str
    private_key_path: Path
    password: str = field(default="", repr=False)

    def as_json(self) -> dict[str, str]:
        """Return the member of `users`; only people have a password, for the browser."""
        password = {"password": self.password} if self.password else {}
        return password | {
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


def build_account(
    identifier: str = DEFAULT_ACCOUNT,
    *,
    bare: bool = False,
    scale: float = 0.01,
    redirect_uris: tuple[str, ...] = (),
    rows: Path | None = None,
) -> Account:
    """Return a new account, its engine sealed; in memory unless `rows` says where rows are kept.

    `scale` is TPC-H's; 0 leaves the sample data out. `redirect_uris` are those of the demo's OAuth client.
    """
    organization, name = split_identifier(identifier)
    locator = "SB" + str(sum(map(ord, identifier.upper())) % 90_000 + 10_000)
    account = Account(organization, name, locator, engine=Engine(rows))
    demo.add_administrator(account)
    if not bare:
        demo.add_demo(account)
        demoaccess.add_access(account, redirect_uris)
    if scale > 0:
        demo.add_sample_data(account, scale)
    account.engine.seal()
    return account


def new_key(_: str) -> rsa.RSAPrivateKey:
    """Return a fresh RSA key, whoever it is for."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def open_account(folder: Path, make: Callable[[Path], Account]) -> tuple[Account, Directory]:
    """Return the account that a folder keeps, with the provider beside it; `make` builds it the first time.

    Every later change is kept before it is answered.
    """
    kept = store.read(folder)
    rows = folder / store.ROWS
    if kept is None:
        rows.unlink(missing_ok=True)  # left by a start that did not get as far as keeping its catalogue
        account = make(rows)
        directory = demoaccess.new_directory(account.host)
    else:
        organization, name, locator = kept.identity
        account = Account(organization, name, locator, engine=Engine(rows), catalog=kept.catalog, sign_in=kept.sign_in)
        directory = kept.directory
        store.reconcile(account)
        account.engine.seal()
    account.store = store.FileStore(folder, directory)
    return account, directory


def write_keys(account: Account, directory: Path, key_for: KeyFor = new_key) -> list[UserFile]:
    """Give users key pairs and people passwords, and return where they are; the administrator comes first.

    What lies there from an earlier start and still fits the user stays. Users who were made since have their own keys.
    `key_for` makes the key of a user name; tests that start many accounts hand in one that remembers.
    """
    again = directory.exists()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = list(account.catalog.users.values())
    chosen = [user for user in users if not again or (directory / f"{user.name.lower()}.p8").exists() or not user.keys]
    return [_user_file(user, key_for, directory) for user in chosen]


def _user_file(user: User, key_for: KeyFor, directory: Path) -> UserFile:
    path = directory / f"{user.name.lower()}.p8"
    if not _fits(user, path):
        _write_key(user, key_for(user.name), path)
    role = user.options.get("DEFAULT_ROLE", "PUBLIC")
    return UserFile(user.name, user.login_name, role, path, _password(user, path.with_suffix(".password")))


def _fits(user: User, path: Path) -> bool:
    if not path.exists() or not user.keys:
        return False
    key = load_pem_private_key(path.read_bytes(), None)
    return isinstance(key, rsa.RSAPrivateKey) and _public(key) in user.keys.values()


def _public(key: rsa.RSAPrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def _write_key(user: User, key: rsa.RSAPrivateKey, path: Path) -> None:
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    user.keys["RSA_PUBLIC_KEY"] = _public(key)


def _write(path: Path, body: bytes) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(body)


def _password(user: User, path: Path) -> str:
    """Return the password of a person, empty for a service or for who has chosen another one."""
    if not demoaccess.is_person(user):
        return ""
    if path.exists():
        found = path.read_text()
        return found if passwords.fits(found, user.options.get("PASSWORD", "")) else ""
    made = secrets.token_urlsafe(9)
    _write(path, made.encode())
    user.options["PASSWORD"] = passwords.sealed(made)
    return made


def admit(directory: Directory, users: list[UserFile]) -> list[dict[str, str]]:
    """Let people sign in at the provider with the password they have here; return the members of `idp.users`."""
    listed = []
    for user in users:
        login = user.login_name.lower()
        if user.password and "@" in login:
            demoaccess.add_person(directory, login, login.partition("@")[0].capitalize(), user.password)
            person = directory.people[login]
            listed.append({"login": login, "email": login, "name": person.name, "password": user.password})
    return listed
