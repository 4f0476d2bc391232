"""The doctor over REST: what was found about connections, check by check."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from starlette.responses import Response

from skipass.gateway.doctor.findings import Finding
from skipass.gateway.doctor.rounds import Complaint, Examined
from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name

router = routes(CallerRoute, "doctor")


class Complaints(Body):
    """Body of `POST /doctor`."""

    connection: Name | None = Field(default=None, description="Its name; every enabled one without.", examples=["ops"])
    mcp_server: Name | None = Field(default=None, description="Instead: the slug whose connection is looked at.")
    managed_server: Name | None = Field(
        default=None,
        description="A Snowflake-managed MCP server of the account: DATABASE.SCHEMA.NAME.",
        examples=["OPS_DB.OPS.OPS_MCP"],
    )
    admin_connection: Name | None = Field(
        default=None, description="A connection whose role sees integrations and users, to look with."
    )
    integration: Name | None = Field(default=None, description="Name of the security integration, where not ours.")
    described: dict[str, str] | None = Field(
        default=None,
        max_length=200,
        description="Properties as DESCRIBE INTEGRATION shows them, pasted.",
        examples=[{"ENABLED": "true", "EXTERNAL_OAUTH_ISSUER": "https://idp.example.com"}],
    )


class Found(Shape):
    """One check."""

    connection: str = Field(examples=["ops"])
    step: str = Field(examples=["sign-in"])
    state: Literal["ok", "failed", "cannot see"]
    seen: str = Field(examples=["SKIPASS_SVC on MYACCOUNT"])
    cause: str = Field(description="The likely cause.")
    fix: str = Field(description="The SQL or setting that mends it.")
    symptom: str = Field(description="A stable word for what is wrong.", examples=["", "audience"])


class Findings(Shape):
    """What the doctor found, in the order of the checks."""

    ok: bool = Field(description="No check failed; what could not be seen counts for neither side.")
    findings: list[Found]


@router.post("/doctor", response_model=Findings, summary="Examine connections")
async def examine(body: Complaints, gateway: TheGateway, caller: Caller) -> Response:
    """Look at a connection from the form of its host to a tool call, and say what fixes the first thing that fails."""
    complaint = Complaint(
        connection=body.connection,
        slug=body.mcp_server,
        managed=body.managed_server,
        admin=body.admin_connection,
        integration=body.integration,
        described=body.described,
    )
    examined = await gateway.doctor.examine(caller, complaint)
    findings = [_view(one, finding) for one in examined for finding in one.findings]
    return reply({"ok": all(one.is_well for one in examined), "findings": findings})


def _view(examined: Examined, finding: Finding) -> dict[str, str]:
    return {
        "connection": examined.connection.name,
        "step": finding.step,
        "state": finding.state.value,
        "seen": finding.seen,
        "cause": finding.cause,
        "fix": finding.fix,
        "symptom": finding.symptom,
    }
