"""Events: append-only facts. Every state change writes one in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

DEPLOYMENT = "deployment"
"""The tenant name under which facts about the gateway itself are chained."""

EVENT_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "gateway.initialised": "The first tenant and its founders were created.",
        "gateway.started": "A process began to write; it names its boot id and version.",
        "vault.rotating": "An admin began to turn the vault to another key; both open until it is done.",
        "vault.rotated": "Everything sealed is under the other key now; it holds fingerprints, never keys.",
        "clock.jumped": "The database clock moved more than five seconds away from monotonic time.",
        "chain.sealed": "A new writer took note of the last record of a writer that is gone.",
        "auth.refused": "A credential was not accepted, or an agent named a user it may not act for.",
        "user.created": "A person was added.",
        "user.changed": "A person's roles changed.",
        "user.bound": "A person was bound to whom the identity provider says it is.",
        "user.unbound": "An admin took that back; the person's sign-ins, tokens and sessions ended.",
        "user.disabled": "A person may no longer use the gateway.",
        "group.added": "A person or an agent came into a group.",
        "group.removed": "A person or an agent is no longer in a group.",
        "link.created": "A one-time sign-in link was made.",
        "link.used": "A one-time sign-in link signed its person in.",
        "key.created": "A credential for the gateway was issued; never its text.",
        "key.revoked": "A credential for the gateway was revoked.",
        "code.made": "A signed-in person let the command line act as them; a code for its token was made.",
        "client.created": "An MCP client was added by an admin, registered itself, or is known by its document.",
        "client.changed": "What an MCP client's document says of it changed.",
        "client.disabled": "An MCP client may no longer use the gateway; its tokens stopped.",
        "consent.given": "A person let an MCP client act for them at one slug, within the scopes it lists.",
        "consent.revoked": "A person or an admin took that back; every token given for it stopped.",
        "family.revoked": "Tokens of an MCP client stopped together; it says why.",
        "device.asked": "A program without a browser asked for a person's token.",
        "device.approved": "A signed-in person let the program that waited act as them.",
        "device.denied": "A signed-in person turned the program away that waited.",
        "agent.created": "An agent was registered.",
        "agent.changed": "An agent's users or connections changed.",
        "agent.disabled": "An agent may no longer use the gateway.",
        "agent.enabled": "A disabled agent may use the gateway again.",
        "connection.created": "A Snowflake target was registered.",
        "connection.examined": "The doctor began to look at a connection; nothing had been asked yet.",
        "connection.tested": "A connection was tested; the answer says what was seen.",
        "connection.changed": "A connection's defaults, roles, limits or settings changed; it says before and after.",
        "connection.disabled": "A connection no longer answers.",
        "connection.enabled": "A connection answers again.",
        "credential.active": "A sealed credential became usable.",
        "credential.revoked": "A sealed credential ended because it was revoked.",
        "credential.refreshing": "A credential's refresh began; until it ends no other process refreshes it.",
        "credential.expired": "A sealed credential ended because it ran out.",
        "account.pending_auth": "A user's account on a connection was made and waits for its owner to sign in.",
        "account.pending_verification": "Somebody signed in for an application's end user; the application must agree.",
        "account.active": "A user's account is linked; statements can run as its Snowflake login.",
        "account.expired": "A linked account has no usable credential any more; its owner links it again.",
        "account.revoked": "A linked account was taken away; nothing is sent for it until it is linked again.",
        "account.disconnected": "A linked account was given up: its credentials are destroyed.",
        "account.changed": "A linked account's defaults changed, or an admin accepted another login for it.",
        "link_attempt.made": "A one-time link to connect an account was made.",
        "link_attempt.started": "The link was opened and its browser sent to sign in.",
        "link_attempt.finished": "The sign-in came back and its credential was sealed.",
        "link_attempt.failed": "The sign-in came back with a refusal, or with something that did not fit.",
        "link_attempt.void": "A newer link took the place of this one, or it was taken back.",
        "registration.created": "A client at an authorization server was registered; never its secret.",
        "registration.changed": "A registered client has another id or secret; never the secret.",
        "registration.disabled": "A registered client is not used any more.",
        "signing_key.prepared": "A further key of an issuer was made and published; it signs nothing yet.",
        "signing_key.destroyed": "The keys of an issuer were destroyed; nothing is signed any more.",
        "token.minted": "The gateway vouched for a login in a token of its own; never its text.",
        "mapping.set": "An admin said which Snowflake login a user is on a connection.",
        "mapping.removed": "An admin took back which Snowflake login a user is.",
        "mcp_tool.pinned": "A tool of a relayed MCP server was pinned as it was seen, or is again what was pinned.",
        "mcp_tool.new": "A relayed server shows a tool that nobody has pinned; it is not listed.",
        "mcp_tool.drifted": "A pinned tool is not what it was; its calls wait for a person, or are refused.",
        "mcp_tool.gone": "A relayed server no longer has a tool.",
        "mcp_tool.unfit": "A relayed server shows a tool with a definition that is not relayed; the reason is given.",
        "mcp_tool.ruled": "An admin decided about one tool, by its name and hash: allowed, held or refused.",
        "token.checked": "The role that a token brings was looked at before a relay used it; never its text.",
        "mcp_server.created": "A slug was opened over a connection.",
        "mcp_server.changed": "A slug lets others in than before, has other tools, or serves other sessions.",
        "mcp_server.disabled": "A slug no longer answers.",
        "mcp_server.enabled": "A closed slug answers again.",
        "policy.applied": "A version of the policy came into force; it holds the hash, never the text.",
        "session.requested": "An access session was asked for.",
        "session.open": "An access session opened; from here its end only comes nearer.",
        "session.denied": "An access session was refused by policy or by a person.",
        "session.withdrawn": "A requested session was taken back.",
        "session.lapsed": "Nobody decided on a requested session in time.",
        "session.closing": "A session ends: nothing new starts, what runs is cancelled.",
        "session.closed": "A session has ended and everything in it is final.",
        "session.extended": "A successor opened and took over what the session still had at work.",
        "session.automatic_allowed": "An admin let automatic sessions open again after an explicit one.",
        "session.refused": "A request for a session was refused before it became one.",
        "statement.refused": "A statement was refused; the reasons are listed, nothing was sent.",
        "statement.held": "A statement waits for a person.",
        "statement.approved": "A held statement may run once.",
        "statement.denied": "A person decided against a held statement.",
        "statement.lapsed": "Nobody decided on a held statement in time, or it was not run in time.",
        "statement.withdrawn": "A held or approved statement was taken back.",
        "statement.admitted": "The intent: written before anything leaves the gateway.",
        "statement.not_sent": "An admitted statement never left the gateway.",
        "statement.submitted": "Snowflake took the statement and gave its handle.",
        "statement.cancelling": "A cancel was sent to Snowflake.",
        "statement.unknown": "Whether the statement ran is not known; it is looked up by its tag.",
        "statement.succeeded": "Snowflake finished the statement.",
        "statement.failed": "Snowflake refused or failed the statement.",
        "statement.cancelled": "Snowflake confirmed the cancellation.",
        "statement.not_found": "Snowflake has no trace of the statement; it is presumed not sent.",
        "statement.adopted": "Another process took over a statement whose owner is gone.",
        "statement.delivered": "Rows of a result were handed to the caller.",
        "approval.waiting": "People were asked.",
        "approval.decided": "One person decided.",
        "approval.approved": "Enough people agreed.",
        "approval.denied": "A person said no.",
        "approval.lapsed": "Nobody decided in time.",
        "approval.withdrawn": "What was asked about was taken back.",
        "review.open": "Somebody broke the glass; a person who had no part in it owes a review.",
        "review.closed": "A person looked at what a broken glass let through.",
        "sign_in.opened": "A person signed in with a browser; a fresh sign-in is good for one decision.",
        "sign_in.refused": "Somebody came with the identity provider's word and was not let in.",
        "sign_in.ended": "A person signed out of the browser.",
        "notice.sent": "People were told outside the gateway that something waits for them.",
        "notice.failed": "A notice could not be delivered and is not tried again.",
        "key.flagged": "An agent's key was seen from two addresses or client names within ten minutes.",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact before it is chained: its kind, the id it is about, the session it belongs to, and a JSON body."""

    tenant_id: str
    kind: str
    subject: str
    body: Mapping[str, Any] = field(default_factory=dict)
    session_id: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"unknown event kind {self.kind!r}")
