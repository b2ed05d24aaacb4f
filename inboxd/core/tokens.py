"""Signed addresses: who may speak for whom is proved by 128 bits of HMAC in the address that we gave out."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from inboxd.core.model import CaseNo

REPLY = "r"  # words to the customer
NOTICE = "n"  # commands, else a note among us
YES = "y"  # the customer's "yes, it is solved"
NOT_YET = "x"  # the customer's "not yet"
KINDS = (REPLY, NOTICE, YES, NOT_YET)

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # lower-casing by a sender changes nothing
_SHAPE = re.compile(r"([rnyx])(\d{1,12})\.([a-z2-7]{1,8})\.([a-z2-7]{26})")
LIFE = timedelta(days=180)
LONGEST_LOCAL_PART = 64 - len("+r123456789.aaaa.") - 26  # RFC 5321, 4.5.3.1.1, less the longest token of the next thousand years


NO_CASE = CaseNo(0)  # of an agent's personal address: the case is named in the mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a signed address claims; true only if `proves` says so."""

    kind: str
    case: CaseNo
    expires_hour: int  # hours since 1970
    signature: str

    @property
    def text(self) -> str:
        """As it stands after the plus."""
        return f"{self.kind}{self.case}.{_number(self.expires_hour)}.{self.signature}"


def sign(key: bytes, kind: str, case: CaseNo, person: str, round_: int, now: datetime) -> Token:
    """Make the token that proves: this kind, this case, this person ("agent:maria", "person:17"), this round."""
    hour = int((now + LIFE).timestamp()) // 3600
    return Token(kind=kind, case=case, expires_hour=hour, signature=_mac(key, kind, case, person, round_, hour))


def address(support: str, token: Token) -> str:
    """Put a token into our address: support+r1042.<expiry>.<26 characters>@domain; the local part has at most 64."""
    local, _, domain = support.rpartition("@")
    signed = f"{local}+{token.text}"
    if len(signed) > 64:  # RFC 5321, 4.5.3.1.1
        raise ValueError(f"the local part of {support} is too long for signed addresses")
    return f"{signed}@{domain}"


def find(recipients: Iterable[str], own: Iterable[str]) -> tuple[Token, ...]:
    """Collect the tokens in addresses of ours, in order; what has not our shape is no token."""
    locals_ = {tuple(address.lower().rsplit("@", 1)) for address in own}
    found = []
    for recipient in recipients:
        local, _, domain = recipient.lower().rpartition("@")
        base, plus, rest = local.partition("+")
        match = _SHAPE.fullmatch(rest) if plus and (base, domain) in locals_ else None
        if match:
            kind, case, hour, signature = match.groups()
            found.append(Token(kind=kind, case=CaseNo(int(case)), expires_hour=_value(hour), signature=signature))
    return tuple(dict.fromkeys(found))


def proves(token: Token, keys: Sequence[bytes], person: str, round_: int, now: datetime) -> bool:
    """Whether one of our keys made this token for this person and round, and it has not expired. Constant time."""
    good = False
    for key in keys:  # all keys are tried, whatever the outcome: no answer by timing
        made = _mac(key, token.kind, token.case, person, round_, token.expires_hour)
        good |= hmac.compare_digest(made, token.signature)
    return good and datetime.fromtimestamp(token.expires_hour * 3600, UTC) > now


def tokens_in(text: str) -> tuple[str, ...]:
    """Everything in a text that has the shape of a token, as it stands there."""
    return tuple(match.group(0) for match in _SHAPE.finditer(text.lower()))


def _mac(key: bytes, kind: str, case: CaseNo, person: str, round_: int, hour: int) -> str:
    said = f"{kind}|{case}|{person}|{round_}|{hour}".encode()
    digest = hmac.digest(key, said, "sha256")[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def _number(value: int) -> str:
    digits = ""
    while value:
        value, rest = divmod(value, 32)
        digits = _ALPHABET[rest] + digits
    return digits or "a"


def _value(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 32 + _ALPHABET.index(digit)
    return value
