"""The proof of outside tokens on a managed MCP server: what it shows, what it gives back, and what proves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.slow

MCP_PATH = "/mcp-servers/"
GRANT = "GRANT USAGE ON MCP SERVER"


@pytest.fixture
def environment(sandbox: RunningSandbox, tmp_path: Path) -> dict[str, str]:
    """The variables of the public guide, and Snowflake's own file of connections, of an administrator."""
    chief = sandbox.users[0]
    home = tmp_path / "snowflake"
    home.mkdir()
    lines = ["[proof]", 'account = "SKIPASS-SANDBOX"', f'user = "{chief.login_name}"', 'role = "ACCOUNTADMIN"']
    lines += ['authenticator = "SNOWFLAKE_JWT"', f'private_key_file = "{chief.private_key_path}"']
    lines += [f'host = "{sandbox.url}"', 'warehouse = "COMPUTE_WH"']
    (home / "connections.toml").write_text("\n".join(lines))
    (home / "connections.toml").chmod(0o600)
    return {
        **os.environ,
        "SNOWFLAKE_HOME": str(home),
        "SNOWFLAKE_CONNECTION_NAME": "proof",
        "SNOWFLAKE_ACCOUNT_URL": sandbox.url,
        "MCP_DATABASE": "OPS_DB",
        "MCP_SCHEMA": "OPS",
        "MCP_SERVER_NAME": "OPS_MCP",
        "MCP_TOKEN_ROLE": "AGENT_ROLE",
    }


@pytest.fixture
def issued(sandbox: RunningSandbox, environment: dict[str, str]) -> dict[str, str]:
    """Have a function of the account give a token for AGENT_ROLE, as the guide's function does."""
    minted = sandbox.control.provider("mint", login="dana@example.com", scope="session:role:AGENT_ROLE")["token"]
    text = f"CREATE FUNCTION OPS_DB.OPS.PROOF_TOKEN() RETURNS VARCHAR AS $$ '{minted}' $$"
    assert Client.of(sandbox, "ADMIN").sql(text).status == 200
    return {**environment, "MCP_TOKEN_UDF": "OPS_DB.OPS.PROOF_TOKEN"}


@pytest.fixture
def trusted_key(sandbox: RunningSandbox, tmp_path: Path) -> Path:
    """The private key that the account trusts by the provider's key set."""
    key: Any = RSAKey.import_key(sandbox.app.provider.directory.keys[0])
    path = tmp_path / "trusted.pem"
    path.write_bytes(key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def started(environment: dict[str, str], *options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "skipass.cli.main", "doctor", "--external-oauth", "--format", "json"]
    return subprocess.Popen(
        [*command, *map(str, options)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def proven(environment: dict[str, str], *options: object) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit status and what it printed, by step."""
    with started(environment, *options) as process:
        out, err = process.communicate(timeout=60)
        assert process.returncode is not None
        found = [json.loads(line) for line in out.splitlines()]
        assert found or process.returncode, err
        return process.returncode, {one["step"]: one for one in found}


def has_usage(sandbox: RunningSandbox) -> bool:
    rows = Client.of(sandbox, "ADMIN").sql("SHOW GRANTS TO ROLE AGENT_ROLE").rows
    return any(row[2] == "MCP_SERVER" and row[1] == "USAGE" for row in rows)


def test_the_whole_proof(sandbox: RunningSandbox, issued: dict[str, str], trusted_key: Path) -> None:
    """Tools and SQL work, each bad token is refused, both are denied without USAGE, it is given back, and exit is 0."""
    status, steps = proven(issued, "--signing-key", trusted_key)
    assert {step: one["state"] for step, one in steps.items()} == dict.fromkeys(
        (
            *("token", "list tools", "run SQL", "token with a wrong aud", "token with a wrong iss"),
            *("token with its time over", "token with a role not granted", "token with another key", "privilege"),
            *("revoke USAGE", "list tools without USAGE", "run SQL without USAGE", "re-grant USAGE"),
            *("list tools again", "run SQL again"),
        ),
        "ok",
    ), steps
    assert status == 0
    assert has_usage(sandbox)
    sql = [call["statement"] for call in sandbox.control.calls() if MCP_PATH in call["path"] or call.get("statement")]
    assert len([text for text in sql if text and text.startswith(GRANT)]) == 1


def test_what_takes_the_trusted_key_is_unseen_without_it(issued: dict[str, str]) -> None:
    """Without the key four of the bad tokens cannot be made, which is said and is no proof of theirs."""
    status, steps = proven(issued)
    unseen = {step for step, one in steps.items() if one["state"] == "cannot see"}
    assert unseen == {
        f"token with {what}" for what in ("a wrong aud", "a wrong iss", "its time over", "a role not granted")
    }
    assert steps["token with another key"]["state"] == "ok"
    assert status == 0


def test_a_privilege_that_comes_by_another_role_is_not_taken(sandbox: RunningSandbox, issued: dict[str, str]) -> None:
    """Without USAGE of the role's own nothing is revoked, and nothing granted that was not there."""
    chief = Client.of(sandbox, "ADMIN")
    for text in (
        "REVOKE USAGE ON MCP SERVER OPS_DB.OPS.OPS_MCP FROM ROLE AGENT_ROLE",
        "CREATE ROLE BEHIND",
        "GRANT USAGE ON MCP SERVER OPS_DB.OPS.OPS_MCP TO ROLE BEHIND",
        "GRANT ROLE BEHIND TO ROLE AGENT_ROLE",
    ):
        assert chief.sql(text).status == 200, text
    status, steps = proven(issued)
    assert (status, steps["privilege"]["symptom"]) == (1, "no_direct_usage")
    assert "revoke USAGE" not in steps
    assert not has_usage(sandbox)


def test_silence_is_no_denial(sandbox: RunningSandbox, issued: dict[str, str]) -> None:
    """Where the connection breaks instead of a refusal, the step fails as unproven, and USAGE is given back."""
    with started(issued) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["step"] == "privilege":
                sandbox.control.faults({"kind": "cut_before", "path": MCP_PATH, "count": 2})
        process.wait(60)
    steps = {one["step"]: one for one in lines}
    for step in ("list tools without USAGE", "run SQL without USAGE"):
        assert (steps[step]["state"], steps[step]["symptom"]) == ("failed", "no_verdict")
    assert steps["re-grant USAGE"]["state"] == "ok"
    assert process.returncode == 1
    assert has_usage(sandbox)


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)])
def test_an_interruption_gives_back_what_was_taken(
    sandbox: RunningSandbox, issued: dict[str, str], signals: tuple[signal.Signals, ...]
) -> None:
    """Interrupted while USAGE is away, once or twice, the command gives it back before it ends, and exit is 1."""
    with started(issued) as process:
        assert process.stdout is not None
        steps = []
        for line in process.stdout:
            steps.append(json.loads(line)["step"])
            if steps[-1] == "privilege":
                sandbox.control.faults({"kind": "hang", "path": MCP_PATH, "count": 9})
            if steps[-1] == "revoke USAGE":
                assert not has_usage(sandbox)
                for one in signals:
                    process.send_signal(one)
        process.wait(60)
    assert steps[-1] == "re-grant USAGE"
    assert process.returncode == 1
    assert has_usage(sandbox)


def test_a_host_with_underscores_is_refused_with_its_spelling(issued: dict[str, str]) -> None:
    """An account URL with underscores is not tried: the answer says how it is written."""
    issued["SNOWFLAKE_ACCOUNT_URL"] = "https://my_org-my_account.snowflakecomputing.com"
    with started(issued) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "my-org-my-account.snowflakecomputing.com" in err
