"""The examples do what they are there to show: each asks for a session, reads, gives it back and says something."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sdk.conftest import Served
from sdk.loops import Call, anthropic_model, langchain_model, openai_model, pydantic_model
from skipass.nouns.session import AccessSession
from skipass.sdk import blocking

pytestmark = pytest.mark.anyio
EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS: dict[str, Callable[[Sequence[Call]], Any]] = {
    "langchain": langchain_model,
    "openai_agents": openai_model,
    "pydantic_ai": pydantic_model,
    "anthropic": lambda script: anthropic_model(script, []),
}
WISH = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "count pending orders"}
SCRIPT: list[Call] = [
    ("skipass_request_session", WISH),
    ("snowflake_execute_query", {"statement": "SELECT COUNT(*) FROM ops.orders WHERE status = 'pending'"}),
]


@pytest.mark.parametrize("framework", MODELS)
async def test_an_example_answers(framework: str, at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a scripted model in place of a provider's, the program runs as it stands."""
    monkeypatch.setenv("SKIPASS_URL", at.url)
    monkeypatch.setenv("SKIPASS_API_KEY", at.key)
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    made: list[blocking.Skipass] = []
    start = blocking.Skipass.__init__

    def noted(self: blocking.Skipass, **given: Any) -> None:
        start(self, **given)
        made.append(self)

    monkeypatch.setattr(blocking.Skipass, "__init__", noted)
    example = import_module(f"{framework}_assistant")
    try:
        assert await asyncio.to_thread(example.answer, "How many are pending?", MODELS[framework](SCRIPT)) == "done"
    finally:
        for client in made:
            await asyncio.to_thread(client.close)
        sys.modules.pop("instructions", None)
    (session,) = await at.stage.every(AccessSession)
    assert session.reason == "count pending orders"
    assert len(at.stage.sent("pending")) == 1
