"""What each route answers, as models: they document the answers, and the tests hold every answer against them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from skipass.nouns.envelope import Status

T = TypeVar("T")


class Shape(BaseModel):
    """What every answer has in common: no members that are not written here."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape, Generic[T]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page.", examples=[None])


class ErrorBody(Shape):
    """What was wrong, and what to do about it."""

    code: str = Field(description="Stable; all a program should look at.", examples=["missing_field"])
    message: str = Field(examples=["Missing: scope."])
    hint: str = Field(examples=["The fields of every route are in /api/v1/openapi.json."])
    retryable: bool = Field(description="The very same request can succeed later.", examples=[False])
    details: dict[str, Any] = Field(examples=[{"fields": ["scope"]}])


class Error(Shape):
    """Every refusal."""

    error: ErrorBody


class Named(Shape):
    """A person or an agent by id and name."""

    id: str = Field(examples=["usr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    name: str | None = Field(examples=["sam"])


class WhoAmI(Shape):
    """The caller."""

    kind: Literal["agent", "user"]
    id: str = Field(examples=["agt_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    name: str = Field(examples=["reporting-agent"])
    user: Named | None = Field(description="The user acted for; a person acts for themself.")
    roles: list[str] = Field(description="A person's roles.", examples=[[]])


class User(Shape):
    """A person."""

    id: str = Field(examples=["usr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    name: str = Field(examples=["sam"])
    roles: list[str] = Field(examples=[["member"]])
    state: Literal["active", "disabled"]
    founder: bool = Field(description="One of the two people the gateway began with.", examples=[False])
    bound: bool = Field(description="Known by a subject of the identity provider.", examples=[True])
    created_at: AwareDatetime


class SignedIn(Shape):
    """A person's token; it is in this answer only."""

    token: str = Field(examples=["skp_…"])
    user: User
    expires_at: AwareDatetime


class Link(Shape):
    """A one-time sign-in link; token and URL are absent where the request is repeated."""

    user: User
    expires_in_s: int = Field(examples=[1800])
    token: str | None = Field(default=None, examples=["3q8s…"])
    url: str | None = Field(default=None, examples=["https://skipass.example.com/sign-in#3q8s…"])


class Agent(Shape):
    """Software with its own key and an owner."""

    id: str = Field(examples=["agt_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    name: str = Field(examples=["reporting-agent"])
    owner_id: str = Field(examples=["usr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    acts_for: Literal["owner", "users", "end_users"]
    users: list[str] = Field(description="Ids of the users it acts for.", examples=[[]])
    connections: list[str] = Field(description="Ids of the connections it may use.")
    return_urls: list[str] = Field(description="Where a browser may go after an end user has linked.", examples=[[]])
    state: Literal["active", "disabled"]
    created_at: AwareDatetime


class NewKey(Shape):
    """An agent and its new key and client secret; these are absent where the request is repeated."""

    agent: Agent
    client_id: str = Field(
        description="The agent's id, for `/oauth/token`.", examples=["agt_06fq3x8e4mzv2k9c0r7t5w1a2b"]
    )
    api_key: str | None = Field(default=None, examples=["skp_…"])
    client_secret: str | None = Field(
        default=None, description="Good for short-lived tokens, by `client_credentials`.", examples=["skp_…"]
    )


class Connection(Shape):
    """A registered Snowflake target, without its credential."""

    id: str = Field(examples=["con_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    name: str = Field(examples=["ops"])
    account: str = Field(examples=["MYORG-MYACCOUNT"])
    host: str = Field(examples=["https://myorg-myaccount.snowflakecomputing.com"])
    auth_method: str = Field(examples=["key_pair"])
    login: str = Field(examples=["SKIPASS_SVC"])
    role: str = Field(examples=["SKIPASS_READER"])
    allowed_roles: list[str]
    warehouse: str | None = Field(examples=["AGENT_WH"])
    database: str | None = Field(examples=["OPS_DB"])
    schema_: str | None = Field(alias="schema", examples=["OPS"])
    policy: dict[str, Any]
    per_user: bool = Field(description="Each user connects an account of their own.", examples=[False])
    template: bool = Field(description="Each Snowflake account has a registration.", examples=[False])
    settings: dict[str, Any] = Field(description="The auth method's own; none of them secret.", examples=[{}])
    state: Literal["enabled", "disabled"]
    created_at: AwareDatetime


class KnownCredential(Shape):
    """What may be said of a sealed credential."""

    fingerprint: str = Field(examples=["SHA256:…"])
    generation: int = Field(examples=[1])


class KnownConnection(Connection):
    """A connection with what may be said of its credential."""

    credential: KnownCredential | None


class Check(Shape):
    """One step of a connection's test."""

    name: str = Field(examples=["sign-in"])
    ok: bool | None = Field(description="null: the gateway cannot see.", examples=[True])
    seen: str = Field(examples=["SKIPASS_SVC on MYACCOUNT"])
    fix: str = Field(description="What would mend it.", examples=[""])


class Tested(Shape):
    """A connection's test."""

    ok: bool = Field(description="No check failed.", examples=[True])
    checks: list[Check]


class Approval(Shape):
    """A question to people."""

    id: str = Field(examples=["apr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    state: Literal["waiting", "approved", "denied", "lapsed", "withdrawn"]
    subject: Literal["session", "statement"]
    subject_id: str
    session_id: str
    intent_hash: str = Field(description="What a decision is bound to.")
    url: str = Field(examples=["https://skipass.example.com/console/approvals/apr_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    created_at: AwareDatetime
    expires_at: AwareDatetime
    decided_at: AwareDatetime | None
    quorum: int = Field(examples=[1])
    deciders: list[str] = Field(description="Names and `role:…` of who may decide; empty: any approver or admin.")
    confirm: bool = Field(description="The user acted for confirms, alone.", examples=[False])


class Asked(Shape):
    """The question about a session, by id and address."""

    id: str
    url: str


class Session(Shape):
    """An access session, with what is left of it."""

    id: str = Field(examples=["ses_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    state: Literal["requested", "open", "closing", "closed", "denied", "withdrawn", "lapsed"]
    connection_id: str
    agent_id: str | None
    user_id: str
    scope: dict[str, Any] = Field(examples=[{"schemas": ["OPS_DB.OPS"], "metadata": "schema", "access": "read"}])
    role: str = Field(examples=["SKIPASS_READER"])
    warehouse: str | None = Field(examples=["AGENT_WH"])
    reason: str = Field(examples=["Count the pending orders for the weekly report"])
    automatic: bool = Field(examples=[False])
    ttl_s: int = Field(examples=[300])
    requested_at: AwareDatetime
    opened_at: AwareDatetime | None
    expires_at: AwareDatetime | None = Field(description="null until it opens; it never grows.")
    seconds_left: int | None
    decide_by: AwareDatetime | None = Field(description="Until when people may decide, while it is requested.")
    closed_at: AwareDatetime | None
    end_reason: Literal["released", "expired", "idle", "revoked", "budget", "account"] | None
    budgets_left: dict[Literal["statements", "rows", "bytes", "seconds"], int]
    approval: Approval | Asked | None
    predecessor_id: str | None = Field(description="The session this one extends, if any.", examples=[None])
    break_glass: bool = Field(description="It was asked for as an emergency and owes a review.", examples=[False])


class Statement(Shape):
    """One statement of a session."""

    id: str = Field(examples=["stm_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    state: str = Field(examples=["succeeded"])
    kind: str = Field(examples=["read"])
    tool: str = Field(examples=["snowflake_execute_query"])
    text: str | None
    reads: list[str] = Field(examples=[["OPS_DB.OPS.ORDERS"]])
    writes: list[str]
    reasons: list[dict[str, Any]]
    intent_hash: str
    approval: str | None
    statementHandle: str | None = Field(description="Snowflake's own handle.")  # noqa: N815  as Snowflake writes it
    created_at: AwareDatetime
    submitted_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    rows: int | None
    bytes: int | None
    error: dict[str, Any] | None
    cancel_unconfirmed: bool


class Decision(Shape):
    """One person's word."""

    user_id: str
    approved: bool
    reason: str
    at: AwareDatetime


class Said(Decision):
    """One person's word, by name."""

    name: str | None


class SeenBefore(Shape):
    """How often the same intent was among the agent's latest statements on the connection."""

    times: int = Field(examples=[2])
    among: int = Field(description="How many statements were looked at.", examples=[200])
    states: dict[str, int] = Field(description="How those ended.", examples=[{"succeeded": 2}])


class Explained(Shape):
    """What EXPLAIN says; null rows come with why."""

    rows: list[dict[str, str | None]] | None
    why: str


class Affected(Shape):
    """How many rows would be changed, counted in the session; null comes with why."""

    rows: int | None = Field(examples=[12])
    why: str


class Undo(Shape):
    """What would take the statement back; null comes with why."""

    text: str | None
    why: str


class Card(Shape):
    """Everything an approver decides on."""

    approval: Approval
    session: Session | None
    statement: Statement | None
    text: str | None = Field(description="Exactly the text that would run.")
    text_visible: str | None = Field(description="The same with hidden characters spelled out, as ⟨U+200B⟩.")
    bindings: dict[str, Any] | None
    agent: Named | None = Field(description="Who asks.")
    for_user: Named | None = Field(description="On whose behalf.")
    reason: str | None = Field(description="Why, in the requester's words.")
    decisions: list[Said]
    words: str | None = Field(description="What was understood of the statement.")
    before: SeenBefore | None
    explain: Explained | None
    affected_rows: Affected | None
    undo: Undo | None
    barred: str | None = Field(description="Why the caller may not decide; null: with a fresh sign-in they may.")


class Event(Shape):
    """One chained event."""

    cursor: str = Field(examples=["1790000000000000:bot_06fq3x8e4mzv2k9c0r7t5w1a2b:17"])
    tenant_id: str
    at_us: int = Field(description="Microseconds since 1970, UTC: what the hash is made over.")
    at: AwareDatetime
    kind: str = Field(examples=["session.open"])
    subject: str
    session_id: str | None
    body: dict[str, Any]
    writer: str
    seq: int
    prev_hash: str
    hash: str


class SessionRecord(Shape):
    """What one session left."""

    session: Session
    statements: list[Statement]
    approvals: list[Card]
    events: list[Event]


class Tool(Shape):
    """One tool."""

    name: str = Field(examples=["snowflake_execute_query"])
    title: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    annotations: dict[str, bool]


class Envelope(BaseModel):
    """What became of a tool call; further members by status."""

    model_config = ConfigDict(extra="allow")

    status: Status = Field(description="What happened to the call.", examples=["success"])
    execution_id: str = Field(examples=["stm_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    session_id: str | None = Field(examples=["ses_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    data: dict[str, Any] | None
    text: str | None = Field(
        default=None, description="The rows as text, bounded for a context window, where the call named a `format`."
    )
