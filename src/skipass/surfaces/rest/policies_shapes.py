"""What the policy's routes take and answer, as models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name, ScopeValue, Text

_WEEK_S = 604_800
_EXAMPLE = 'version = 1\n[[rule]]\nname = "no payroll"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\n'
PolicyText = Field(max_length=262_144, description="The rules in TOML.", examples=[_EXAMPLE])


class NewPolicy(Body):
    """Body of `POST /policies/check`."""

    policy: str = PolicyText


class Applying(NewPolicy):
    """Body of `POST /policies`."""

    based_on: int | None = Field(
        default=None,
        ge=0,
        le=2_147_483_647,
        description="Number of the version it was made from, 0 for none; a conflict where another is in force.",
        examples=[1],
    )


class Explain(Body):
    """Body of `POST /policies/explain`: a statement, or a session of `scope` for `ttl_s` seconds."""

    connection: Name = Field(description="Name of the connection.", examples=["ops"])
    agent: Name = Field(description="Name of the agent.", examples=["reporting-agent"])
    user: Name | None = Field(default=None, description="The user acted for; the agent's owner, when left out.")
    statement: Text | None = Field(default=None, description="One SQL statement.", examples=["SELECT 1"])
    scope: ScopeValue | None = Field(default=None, description="The session asked for, or the one the statement is in.")
    ttl_s: int | None = Field(default=None, ge=1, le=_WEEK_S, description="How long, in seconds.", examples=[900])
    policy: str | None = Field(default=None, max_length=262_144, description="Rules to try instead of those in force.")
    break_glass: bool = Field(default=False, description="The session is asked for as an emergency.")


class PolicyVersion(Shape):
    """One applied version; the one with the highest number is in force."""

    id: str = Field(examples=["pol_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    number: int = Field(examples=[1])
    source: Literal["file", "stored"] = Field(description="`file`: only a restart changes it.")
    hash: str
    policy: str = Field(description="The rules in TOML, as they were given.", examples=[_EXAMPLE])
    applied_at: AwareDatetime
    applied_by: str | None = Field(description="Id of the admin; null for a file's.")


class Checked(Shape):
    """What is wrong with a policy, all at once; `ok` where it may be applied."""

    ok: bool
    rules: int = Field(examples=[1])
    faults: list[str]
    warnings: list[str] = Field(examples=[["rule 'reports': longest is a window of over an hour"]])


class Explained(Shape):
    """What would happen, why, and what was understood."""

    outcome: Literal["allow", "confirm", "approval", "deny"]
    because: list[str] = Field(examples=[["The rule 'no payroll' denies this."]])
    understood: str = Field(examples=["Reads OPS_DB.OPS.ORDERS; changes nothing."])
    rules: list[str] = Field(description="Names of the rules that were heard.", examples=[["no payroll"]])
    shadow: list[str] = Field(description="Names of the rules that are only recorded.", examples=[[]])
    would: str | None = Field(description="The ruling if the shadows were in force.", examples=[None])
    obligations: dict[str, Any] = Field(examples=[{"result_rows": 1000}])
    version: str | None = Field(description="Version of the policy; null where there is none or one was tried.")
    kind: str | None = Field(description="Kind of the statement.", examples=["read"])
    reads: list[str] = Field(examples=[["OPS_DB.OPS.ORDERS"]])
    writes: list[str] = Field(examples=[[]])
    request: dict[str, Any] | None = Field(description="The scope that would change a refusal, where one would.")
