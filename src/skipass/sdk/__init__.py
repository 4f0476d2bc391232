"""The client library of a gateway: tools, access sessions, connected accounts. Imports no server code."""

from skipass.sdk import codes as errors
from skipass.sdk.answer import Answer, ToolAnswer
from skipass.sdk.blocking import QueryResult, Session, Skipass
from skipass.sdk.catalogue import Tool, as_json_schema
from skipass.sdk.client import AsyncSkipass
from skipass.sdk.errors import GatewayError
from skipass.sdk.results import AsyncResult
from skipass.sdk.sessions import AsyncSession

__all__ = [
    "Answer",
    "AsyncResult",
    "AsyncSession",
    "AsyncSkipass",
    "GatewayError",
    "QueryResult",
    "Session",
    "Skipass",
    "Tool",
    "ToolAnswer",
    "as_json_schema",
    "errors",
]
