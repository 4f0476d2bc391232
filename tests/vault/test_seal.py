"""Sealed values open where they belong, under the key that sealed them, and nowhere else."""

from __future__ import annotations

import os
import random
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.errors import SkipassError
from skipass.vault.keys import KeyEncryptionKey
from skipass.vault.seal import Place, TextKey, seal, unseal

KEY = KeyEncryptionKey(b"k" * 32)
PLACE = Place("tnt_1", "credentials.sealed", "key_1", "con_1", "usr_1", 1)
PLAIN = b"-----BEGIN PRIVATE KEY----- marker"
MOVES = 10_000


def refused(key: KeyEncryptionKey, sealed: bytes, place: Place) -> SkipassError:
    """Return the refusal to open, which is a `vault_key` without a byte of the value in it."""
    with pytest.raises(SkipassError) as caught:
        unseal(key, sealed, place)
    assert caught.value.code == "vault_key"
    assert caught.value.hint
    assert "marker" not in str(caught.value.as_dict())
    return caught.value


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000), st.builds(Place, *[st.text()] * 5, st.integers(0, 2**60)))
def test_what_was_sealed_opens_in_its_place(plain: bytes, place: Place) -> None:
    """Any bytes come back exactly, and two sealings of the same bytes share nothing."""
    one, two = seal(KEY, plain, place), seal(KEY, plain, place)
    assert unseal(KEY, one, place) == unseal(KEY, two, place) == plain
    assert one[9:] != two[9:]
    assert len(plain) < 8 or plain not in one


def test_a_value_moved_anywhere_never_opens() -> None:
    """Moved between rows, tenants, columns, connections, users and generations, not one of 10,000 moves opens."""
    seed = int(os.environ.get("SKIPASS_SEED", "0")) or random.SystemRandom().getrandbits(32)
    chance = random.Random(seed)
    members = [field.name for field in fields(Place)]

    def place() -> Place:
        return Place(*(f"{name[0]}{chance.randrange(4)}" for name in members[:-1]), chance.randrange(4))

    places = [place() for _ in range(200)]
    kept = [(one, seal(KEY, PLAIN, one)) for one in places]
    moved = 0
    while moved < MOVES:
        home, sealed = chance.choice(kept)
        name = chance.choice(members)
        away = chance.choice([place(), replace(home, **{name: getattr(place(), name)})])
        if away == home:
            continue
        moved += 1
        assert not opens(sealed, away), f"SKIPASS_SEED={seed}: sealed at {home}, opened at {away}"


def opens(sealed: bytes, place: Place) -> bool:
    """Return whether a value opens in a place; anything but a `vault_key` is raised."""
    try:
        unseal(KEY, sealed, place)
    except SkipassError as error:
        if error.code != "vault_key":
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("home", "away"),
    [
        (Place("a", "bc", "d"), Place("ab", "c", "d")),
        (Place("t", "c", 'r","x'), Place("t", "c", "r", "x")),
        (Place("t", "c", "r", "", "u"), Place("t", "c", "r", "u", "")),
    ],
)
def test_places_do_not_run_into_each_other(home: Place, away: Place) -> None:
    """Two places whose parts read alike when strung together are still two."""
    refused(KEY, seal(KEY, PLAIN, home), away)


def test_another_key_opens_nothing() -> None:
    """A value sealed under one key-encryption key is refused under any other, naming the key file as the cure."""
    sealed = seal(KEY, PLAIN, PLACE)
    other = KeyEncryptionKey(b"x" * 32)
    assert "key file" in refused(other, sealed, PLACE).hint
    forged = sealed[:1] + bytes.fromhex(other.fingerprint) + sealed[9:]
    refused(other, forged, PLACE)


def test_every_cut_and_every_flipped_byte_shows() -> None:
    """A sealed value cut at any length, or with any one byte changed, does not open."""
    sealed = seal(KEY, PLAIN, PLACE)
    for length in range(len(sealed)):
        refused(KEY, sealed[:length], PLACE)
    for at in range(len(sealed)):
        refused(KEY, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], PLACE)
    refused(KEY, sealed + b"\0", PLACE)


def test_a_text_opens_only_in_its_row_and_column() -> None:
    """A statement's text moved to another row or column, cut, or under another tenant's key does not open."""
    key, other = TextKey(b"a" * 32), TextKey(b"b" * 32)
    sealed = key.seal(PLAIN, "stm_1", "original")
    assert key.unseal(sealed, "stm_1", "original") == PLAIN
    wrong = [(key, sealed, "stm_2", "original"), (key, sealed, "stm_1", "intent"), (other, sealed, "stm_1", "original")]
    wrong += [(key, sealed[:length], "stm_1", "original") for length in range(len(sealed))]
    for one, value, row, column in wrong:
        with pytest.raises(SkipassError) as caught:
            one.unseal(value, row, column)
        assert caught.value.code == "vault_key"
