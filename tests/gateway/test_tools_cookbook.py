"""The cookbook is played as it stands: each call in it, in order, has the status that is written under it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateways import Stage
from skipass.nouns.envelope import Status

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "cookbook.md"
STEP = re.compile(r"```json\n(.*?)\n```\n\nAnswer: `(\w+)`", re.DOTALL)


async def test_every_call_of_the_cookbook_answers_what_it_says(at: Stage) -> None:
    """Played in order against the sandbox, every call has its status, and the held write runs once when approved."""
    text = PAGE.read_text()
    steps = STEP.findall(text)
    assert len(steps) == text.count("```json")
    held = None
    for call, status in steps:
        wanted = json.loads(call)
        answer = await at.call(wanted["tool"], wanted["input"])
        assert answer.status.value == status, (call, answer)
        held = answer if answer.status is Status.APPROVAL_REQUIRED else held
    assert held is not None
    await at.decide(held)
    assert (await at.settled(held.fields["statementHandle"])).status is Status.SUCCESS
    assert len(at.sent("UPDATE")) == 1
