"""Credentials: random, hashed, looked up by a prefix, good for exactly as long as they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.identity.keys import LINK_LIFE, LOGIN_LIFE, accepts, hashed, issue, new_link, prefix_of
from skipass.nouns.people import KeyUse

NOW = datetime(2026, 3, 1, tzinfo=UTC)
surrogates = st.characters(categories=["Cs"])


def test_a_key_is_kept_as_a_hash_and_found_by_its_prefix() -> None:
    """The row holds prefix and SHA-256; the text is nowhere in it nor in what the pair prints."""
    issued = issue("tnt_1", KeyUse.AGENT, "agt_1", NOW)
    text = issued.text.reveal()
    assert prefix_of(text) == issued.key.prefix
    assert issued.key.hash == hashed(text)
    assert text[17:] not in repr(issued)
    assert accepts(issued.key, text, NOW + timedelta(days=3650))


def test_no_two_keys_are_alike() -> None:
    """Keys carry 256 random bits and a prefix of their own."""
    issued = [issue("tnt_1", KeyUse.AGENT, "agt_1", NOW) for _ in range(500)]
    assert len({one.text.reveal() for one in issued}) == len({one.key.prefix for one in issued}) == 500
    assert min(len(one.text.reveal()) for one in issued) >= len("skp_") + 12 + 1 + 43


def test_a_key_ends_at_the_second_it_says() -> None:
    """A key with a life is accepted until just before its end, and not at it; a revoked one never."""
    issued = issue("tnt_1", KeyUse.LOGIN, "usr_1", NOW, LOGIN_LIFE)
    text, end = issued.text.reveal(), NOW + LOGIN_LIFE
    assert accepts(issued.key, text, end - timedelta(microseconds=1))
    assert not accepts(issued.key, text, end)
    assert not accepts(replace(issued.key, revoked_at=NOW), text, NOW)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(surrogates) | st.text(alphabet="skp_0123456789abcdef", min_size=10, max_size=120))
def test_no_other_text_is_accepted(text: str) -> None:
    """Whatever is presented, it is looked up only if it has our shape, and accepted only if it is the key."""
    issued = issue("tnt_1", KeyUse.AGENT, "agt_1", NOW)
    assert not accepts(issued.key, text, NOW)
    prefix = prefix_of(text)
    assert prefix is None or (len(prefix) == 12 and text.startswith(f"skp_{prefix}_"))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.characters())
def test_a_key_with_one_other_character_is_another(at: int, other: str) -> None:
    """Changing any one character of a key makes it none."""
    issued = issue("tnt_1", KeyUse.AGENT, "agt_1", NOW)
    text = issued.text.reveal()
    at %= len(text)
    changed = text[:at] + other + text[at + 1 :]
    assert accepts(issued.key, changed, NOW) is (changed == text)


def test_a_link_lives_half_an_hour_and_shows_only_its_hash() -> None:
    """A one-time link's row holds the hash of its token and its end."""
    link, token = new_link("tnt_1", "usr_1", NOW)
    assert link.hash == hashed(token.reveal())
    assert link.expires_at == NOW + LINK_LIFE
    assert token.reveal() not in repr((link, token))
    assert new_link("tnt_1", "usr_1", NOW)[1].reveal() != token.reveal()
