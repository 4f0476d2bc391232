"""What a gateway says of itself once it answers."""

from __future__ import annotations

from skipass.cli.ready import announcement

URL = "http://127.0.0.1:8787"


def test_a_new_gateway_says_what_comes_next() -> None:
    """Without a slug it names the commands that make one, and no key."""
    text = announcement({"url": URL, "mcp_servers": []})
    assert f"skipass answers at {URL}" in text
    assert "skipass connection add" in text
    assert "SKIPASS_API_KEY" not in text


def test_a_gateway_lists_its_slugs() -> None:
    """Every slug stands with its address; keys are for the sandbox alone."""
    text = announcement({"url": URL, "mcp_servers": [{"slug": "sales", "url": f"{URL}/sales/mcp"}]})
    assert f"sales: {URL}/sales/mcp" in text
    assert "SKIPASS_API_KEY" not in text
