"""Text as a person must see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.surfaces.edge.visible import visible


@pytest.mark.parametrize(
    "hidden",
    [
        *(
            "\u200b",
            "\u202e",
            "\u2066",
            "\ufeff",
            "\u00ad",
            "\u00a0",
            "\r",
            "\x00",
            "\x1b",
            "\u3164",
            "\ufe0f",
            "\u034f",
        ),
        *("\u2028", "\U000e0041", "\u2800", "\ud800"),
    ],
)
def test_what_does_not_show_is_spelled_out(hidden: str) -> None:
    """Controls, bidi marks, zero-width and blank characters appear as their code points."""
    assert visible(f"a{hidden}b") == f"a⟨U+{ord(hidden):04X}⟩b"


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\täöüß日本語")))
def test_what_shows_is_left_alone(text: str) -> None:
    """Plain text, line feeds, tabs and letters of any script stay as they are."""
    assert visible(text) == text


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    """Whatever the text, what is shown is printable but for line feeds and tabs."""
    assert all(char.isprintable() or char in "\n\t" for char in visible(text))
