"""`skipass doctor` as a person runs it, over HTTP, and the table of symptoms on the page that documents it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from doctor.clinic import Clinic
from gateways import served
from sandbox.client import Client
from skipass.cli.main import app
from skipass.gateway.doctor.rounds import CHECKS
from skipass.gateway.doctor.symptoms import SYMPTOMS, recognise

pytestmark = pytest.mark.anyio
SLUG_STEPS = ("slug", "let in", "groups", "tools", "pins")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "doctor.md"

TOLD = {
    "Incompatible auth server: does not support dynamic client registration": "dynamic_registration",
    "https://example.okta.com/oauth2/v1/authorize?client_id=0oa1&scope=session:role:all": "scope_all",
    "One or more scopes are not configured for the authorization server resource.": "scope_not_configured",
    "390303: Invalid OAuth access token. [0f8f6a3e]": "token_refused",
    "391902: Unsupported Accept header null is specified.": "accept_header",
    '{"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"Internal error"}}': "refused_in_200",
    "MCP server 'DB.S.M' does not exist or not authorized.": "not_authorized",
    "could not connect to https://my_org-my_account.snowflakecomputing.com": "host_underscore",
    "399504 Access denied for trial accounts": "trial_account",
    "390422: Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake": "network_policy",
    "390432: Network policy is required.": "token_without_network_policy",
    "The host answered with status 513.": "wrong_host",
    "Failed to initialize the session: the user has no default warehouse.": "default_warehouse",
    "EXTERNAL_OAUTH_AUDIENCE_VALIDATION_FAILED": "audience",
    "EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_FOUND": "issuer",
    "390304: Incorrect username or password was specified.": "user_mapping",
}


@pytest.mark.parametrize("text", TOLD)
def test_a_message_that_people_see_elsewhere_is_explained(text: str) -> None:
    """A pasted error is recognised with its cause and its remedy, without asking anybody."""
    found = CliRunner().invoke(app, ["doctor", "--message", text, "--format", "json"])
    told = json.loads(found.output)
    assert (found.exit_code, told["symptom"]) == (0, TOLD[text])
    assert told["cause"]
    assert told["fix"]


def test_a_message_that_nobody_knows_is_not_guessed_at() -> None:
    """An unknown text has no cause and no remedy, and the exit status says so."""
    found = CliRunner().invoke(app, ["doctor", "--message", "the moon is full", "--format", "json"])
    told = json.loads(found.output)
    assert (found.exit_code, told["symptom"], told["fix"]) == (1, "unknown", "")


def test_each_symptom_and_check_is_on_the_page() -> None:
    """The reference has a row for every symptom, in order, and for every check, in order."""
    checks, symptoms = PAGE.read_text().split("## Symptoms")
    assert _rows(checks) == [*SLUG_STEPS, *(one.name for one in CHECKS)]
    assert _rows(symptoms)[: len(SYMPTOMS)] == [one.name for one in SYMPTOMS]


def _rows(text: str) -> list[str]:
    return [line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")]


def test_the_more_telling_text_decides() -> None:
    """A reason that an admin read comes before the code that everybody sees."""
    found = recognise("EXTERNAL_OAUTH_INVALID_SIGNATURE", "390303", "Invalid OAuth access token.")
    assert found is not None
    assert found.name == "signing_key"
    assert recognise("", None) is None


async def test_the_command_over_http(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object a line, exit 0 for a healthy connection and 1 for a broken one, with a pasted description as CSV."""
    await clinic.add_vouching()
    rows = Client.of(clinic.at.sandbox, "ADMIN").sql("DESCRIBE INTEGRATION SKIPASS_VOUCH").rows
    table = "\n".join(",".join(f'"{cell or ""}"' for cell in row) for row in rows)
    pasted = tmp_path / "integration.csv"
    pasted.write_text('"property","property_type","property_value","property_default"\n' + table)
    async with served(clinic.at) as url:
        monkeypatch.setenv("SKIPASS_URL", url)
        monkeypatch.setenv("SKIPASS_API_KEY", clinic.at.keys["admin"]["api_key"])

        async def run(*options: str) -> tuple[int, list[dict[str, str]], str]:
            command = [sys.executable, "-m", "skipass.cli.main", "doctor", "--connection", "vouch", *options]
            found = await anyio.run_process(command, check=False)
            said = found.stdout.decode()
            lines = [json.loads(line) for line in said.splitlines()] if "json" in options else []
            return found.returncode, lines, said

        status, lines, _ = await run("--describe-integration", str(pasted), "--format", "json")
        assert status == 0, lines
        assert {one["connection"] for one in lines} == {"vouch"}
        assert {one["step"]: one["state"] for one in lines}["integration"] == "ok"
        pasted.write_text(pasted.read_text().replace("127.0.0.1:8787", "127.0.0.1:9999"))
        status, lines, _ = await run("--describe-integration", str(pasted), "--format", "json")
        (failure,) = [one for one in lines if one["state"] == "failed"]
        assert (status, failure["step"], failure["symptom"]) == (1, "integration", "issuer")
        status, _, said = await run("--describe-integration", str(pasted))
        assert status == 1
        assert "failed      vouch: integration: EXTERNAL_OAUTH_ISSUER is" in said
        assert "cannot see  vouch: sign-in: not looked at: first mend integration" in said
