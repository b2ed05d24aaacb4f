"""A signed address proves one thing: this kind, this case, this person, this round, until then. Anything else proves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core import tokens
from inboxd.core.model import CaseNo
from inboxd.core.tokens import LIFE, NOTICE, REPLY, Token, address, find, proves, sign, tokens_in
from tests.core.builders import NOW

KEY, OLD = b"k" * 32, b"o" * 32
SUPPORT = "support@acme.example"
TOKEN = sign(KEY, REPLY, CaseNo(1042), "agent:maria", 0, NOW)


def good(token: Token = TOKEN, *, person: str = "agent:maria", round_: int = 0, after: timedelta = timedelta(0), key: bytes = KEY) -> bool:
    return proves(token, (key,), person, round_, NOW + after)


def test_a_token_proves_what_it_was_made_for() -> None:
    assert good()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(TOKEN, kind=NOTICE), id="kind"),
        pytest.param(replace(TOKEN, case=CaseNo(1043)), id="case"),
        pytest.param(replace(TOKEN, expires_hour=TOKEN.expires_hour + 24), id="expiry"),
        pytest.param(replace(TOKEN, signature=TOKEN.signature[:-1] + ("a" if TOKEN.signature[-1] != "a" else "e")), id="signature"),
    ],
)
def test_a_token_with_anything_changed_proves_nothing(changed: Token) -> None:
    assert not good(changed)


def test_a_token_is_bound_to_its_person_its_round_and_its_key() -> None:
    assert not good(person="agent:tom")
    assert not good(person="person:17")
    assert not good(round_=1)
    assert not good(key=OLD)


def test_a_token_expires() -> None:
    assert good(after=LIFE - timedelta(hours=1))
    assert not good(after=LIFE + timedelta(hours=1))


def test_old_keys_still_prove_what_they_signed() -> None:
    old = sign(OLD, REPLY, CaseNo(1042), "agent:maria", 0, NOW)
    assert proves(old, (KEY, OLD), "agent:maria", 0, NOW)


def test_writing_the_address_in_capitals_or_in_small_letters_changes_nothing() -> None:
    for written in (str.upper, str.lower, str.title):
        (found,) = find([written(address(SUPPORT, TOKEN))], [SUPPORT])
        assert good(found)


@given(st.integers(1, 10**9), st.sampled_from(tokens.KINDS), st.binary(min_size=32, max_size=32))
def test_the_local_part_is_never_too_long_and_the_address_finds_its_token_again(case: int, kind: str, key: bytes) -> None:
    token = sign(key, kind, CaseNo(case), "person:123456", 12, NOW)
    written = address(SUPPORT, token)
    assert len(written.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1
    assert find([written], [SUPPORT]) == (token,)
    assert tokens_in(f"To: <{written}>") == (token.text,)


def test_a_support_address_with_no_room_for_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        address(f"{'s' * 40}@acme.example", TOKEN)


def test_only_our_own_addresses_carry_tokens() -> None:
    elsewhere = f"support+{TOKEN.text}@evil.example"
    other_name = f"sales+{TOKEN.text}@acme.example"
    alias = f"help+{TOKEN.text}@acme.example"
    assert find([elsewhere, other_name], [SUPPORT]) == ()
    assert find([alias], [SUPPORT, "help@acme.example"]) == (TOKEN,)


@pytest.mark.parametrize(
    "broken", ["support@acme.example", "support+@acme.example", "support+r1042@acme.example", "", "@", "support+r1.!.a@acme.example"]
)
def test_what_has_not_the_shape_of_a_token_is_none(broken: str) -> None:
    assert find([broken], [SUPPORT]) == ()


@given(st.text(max_size=80))
def test_no_address_is_too_strange_to_be_looked_at(local: str) -> None:
    find([f"support+{local}@acme.example", local], [SUPPORT])
