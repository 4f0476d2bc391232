"""The account that the golden exchanges are written for, built from tests/wire/fixture-account.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.golden import WIRE
from skipass.sandbox.account import Account, Token
from skipass.sandbox.catalog import User
from skipass.sandbox.demo import add_administrator, run_script


def fixture_account() -> Account:
    """Return the account of tests/wire/fixture-account.json."""
    fixture: dict[str, Any] = json.loads((WIRE / "fixture-account.json").read_text())["fixture"]
    account = Account(fixture["organization"], fixture["account"], fixture["locator"], fixture["region"])
    add_administrator(account)
    run_script(account, "ADMIN", "; ".join(_script(fixture)))
    for one in fixture["users"]:
        user = User(one["login_name"], one["login_name"], datetime.now(UTC), roles=set(one["roles"]))
        user.options = {name.upper(): one[name] for name in one if name.startswith("default_") and one[name]}
        account.catalog.users[user.name] = user
    for one in fixture["tokens"]:
        if one.get("state") != "unknown to the account" and one["kind"] != "KEYPAIR_JWT":
            login, expired = one.get("user", "JDOE"), one.get("state") == "expired"
            account.tokens[one["text"]] = Token(one["kind"], login, one.get("role"), expired)
    account.engine.seal()
    return account


def _script(fixture: dict[str, Any]) -> Iterator[str]:
    for name in fixture["warehouses"]:
        yield f"CREATE WAREHOUSE {name}"
    yield "CREATE DATABASE SALES"
    yield "USE WAREHOUSE AGENT_WH"
    for table in fixture["tables"]:
        columns = ", ".join(f"{name} {kind} {null}" for name, kind, null in table["columns"])
        yield f"CREATE TABLE {table['name']} ({columns})"
        rows = ", ".join("(" + ", ".join(_literal(cell) for cell in row) + ")" for row in table["rows"])
        yield f"INSERT INTO {table['name']} VALUES {rows}"
    for role in fixture["roles"]:
        yield f"CREATE ROLE {role}"
    for role, grants in fixture["roles"].items():
        for grant in grants:
            if grant.startswith("everything "):
                yield f"GRANT ROLE {grant.split()[1]} TO ROLE {role}"
            elif "MCP SERVER" not in grant:
                yield f"GRANT {grant} TO ROLE {role}"


def _literal(cell: str | None) -> str:
    return "NULL" if cell is None else f"'{cell}'"
