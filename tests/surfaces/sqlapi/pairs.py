"""An agent that signs in with a key pair, and a connection made for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateways import Stage, account_of
from skipass.app.demo_seed import AUTOMATIC
from skipass.gateway.drafting import ConnectionRequest
from skipass.secret import Secret
from skipass.snowflake.auth.keypair import claims, sign
from skipass.snowflake.auth.keys import KeyPair, fingerprint, generate_key_pair, load_private_key, public_der

AGENT = "Report Bot"
WIDE = {"budgets": {"statements": 100, "rows": 50_000_000, "bytes": 50_000_000_000, "seconds": 36_000}}


@dataclass(frozen=True, slots=True)
class Paired:
    """The agent's key pair, and its private key in a file."""

    pair: KeyPair
    path: Path

    def token(self, connection: str, agent: str = AGENT, **other: Any) -> str:
        """Return a token as Snowflake's clients sign it, with other claims where given."""
        key = load_private_key(self.pair.private_pem.reveal())
        body = claims(connection, agent, fingerprint(public_der(key)), int(time.time()))
        return sign({**body, **other}, key)


async def add_connection(at: Stage, name: str, **changes: Any) -> None:
    """Add a connection to the sandbox with automatic sessions and wide budgets."""
    account = account_of(at.sandbox)
    service = next(user for user in account["users"] if user["default_role"] != "ACCOUNTADMIN")
    automatic = AUTOMATIC | {"role": service["default_role"], "warehouse": "AGENT_WH"}
    request = ConnectionRequest(
        name=name,
        account=account["account"],
        login=service["login_name"],
        role=service["default_role"],
        private_key=Secret(Path(service["private_key_path"]).read_text()),
        host=account["account_url"],
        warehouse="AGENT_WH",
        database="OPS_DB",
        schema="OPS",
        policy={"automatic": automatic, "unattended_ttl_s": 3600, **WIDE},
    )
    await at.gateway.connections.add(await at.principal("admin"), replace(request, **changes))


async def paired(at: Stage, folder: Path, *connections: str) -> Paired:
    """Register an agent with a new key pair on these connections."""
    pair = generate_key_pair()
    path = folder / "agent.p8"
    path.write_bytes(pair.private_pem.reveal())
    path.chmod(0o600)
    admin = await at.principal("admin")
    await at.gateway.agents.create(
        admin, AGENT, owner="sam", users=[], connections=connections, public_key=pair.public_key
    )
    return Paired(pair, path)
