"""Mail that speaks for somebody else - a form, a shop, a list: whose words it brings, by the admin's identity rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from inboxd.core.lettering import reachable
from inboxd.core.model import Address, Directory, Kind, Message, Screening, SpeaksForOthers
from inboxd.core.rulebook import address_matches

_NOBODYS = (Kind.BOUNCE, Kind.FEEDBACK_REPORT, Kind.LOOP, Kind.OWN)  # no customer's words, whoever passed it on
_MARKED = (Kind.AUTO_RESPONSE, Kind.OUT_OF_OFFICE, Kind.LIST, Kind.AUTO_GENERATED)
_MOST_LINES, _LONGEST_LINE, _LONGEST_NAME = 2_000, 500, 80
_PART = r"[^\s<>,;:\"()\[\]|*@]"
_ADDRESS = re.compile(rf"(?<!{_PART})(?=[^'=]){_PART}{{1,64}}@{_PART}{{1,255}}")
_AROUND = " \t\xa0*_<>()[]\"'|"  # what bold, tables and mail programs put around a value
_SEPARATORS = ":=|：\t"
_NAMES = ("name", "full name", "your name", "ihr name", "vollständiger name", "nom", "nombre", "nome", "naam")


def identity(message: Message, screening: Screening, directory: Directory) -> tuple[Message, Screening]:
    """Put the customer in the place of the form through which they wrote; without one whom we may believe in, change nothing.

    Nobody becomes an agent or one of us by what they type into a form (I6).
    """
    form = message.sender.email
    if screening.kind is Kind.OWN and not screening.sent:
        return _own_form(message, directory), screening
    if not form or form in directory.agents or screening.kind in _NOBODYS:
        return message, screening
    for rule in directory.identity:
        if any(address_matches(form, sender) for sender in rule.senders):
            customer = next(_READ[rule.customer_is](message, rule), None)
            if customer is not None and _is_customer(customer.email, rule, directory):
                return replace(message, sender=customer, through=form), _judged(message, screening, rule)
    return message, screening


def _own_form(message: Message, directory: Directory) -> Message:
    """A form of our own site that sends as our address, as many hosts want it: Reply-To is the customer. What we send names us there."""
    answerable = [each for each in message.reply_to if each.email]
    ours = {without_plus(each) for each in (*directory.own, *directory.agents)}
    if len(answerable) != 1 or without_plus(answerable[0].email) in ours or not reachable(answerable[0].email):
        return message
    return replace(message, sender=answerable[0], through=message.sender.email)


def _is_customer(email: str, rule: SpeaksForOthers, directory: Directory) -> bool:
    plain = without_plus(email)
    ours = {without_plus(each) for each in (*directory.own, *directory.agents)}
    no_form = not any("@" in sender.lstrip("*@") and plain == sender for sender in rule.senders)
    return plain not in ours and no_form and len(email) <= 254 and "." in email.rpartition("@")[2] and reachable(email)


def without_plus(email: str) -> str:
    """An address without what stands behind a plus: our own server delivers both to one mailbox."""
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _judged(message: Message, screening: Screening, rule: SpeaksForOthers) -> Screening:
    """A machine that passes a person's words on marks them as automatic; the marks of the writer's own machine hold."""
    submitted = message.header("auto-submitted").strip().lower()
    if screening.kind not in _MARKED:
        return screening
    if rule.customer_is == "reply_to" and submitted.startswith("auto-replied"):
        return screening
    if rule.customer_is == "original_sender" and (screening.kind is not Kind.LIST or (submitted and not submitted.startswith("no"))):
        return screening
    return Screening(kind=Kind.PERSON, reason="passed on for a person, by an identity rule")


# --- where it stands -----------------------------------------------------------------------------------------------


def _reply_to(message: Message, rule: SpeaksForOthers) -> Iterator[Address]:
    yield from (address for address in message.reply_to if address.email and address.email != message.sender.email)


def _original_sender(message: Message, rule: SpeaksForOthers) -> Iterator[Address]:
    """The author first: the other header may name the server that sent for them."""
    for name in ("x-original-from", "x-original-sender"):
        found = _address(message.header(name))
        if found:
            yield found


def _field(message: Message, rule: SpeaksForOthers) -> Iterator[Address]:
    lines = [line[:_LONGEST_LINE] for line in message.text.split("\n", _MOST_LINES)[:_MOST_LINES]]
    for value in _values(lines, rule.form_field, _ADDRESS.match, _is_address):
        found = _address(value)
        if found:
            named = found.name or next(_values(lines, "|".join(_NAMES), _nothing, _is_name), "").strip(_AROUND)
            yield replace(found, name=named if _is_name(named) else "")


_READ: Mapping[str, Callable[[Message, SpeaksForOthers], Iterator[Address]]] = {
    "reply_to": _reply_to,
    "original_sender": _original_sender,
    "field": _field,
}


def _values(lines: list[str], names: str, bare: Callable[[str], object], alone: Callable[[str], object]) -> Iterator[str]:
    """Give what stands beside these names (with "|" between them): after ":" or "=", after a space if `bare`, below if `alone`."""
    wanted = "|".join(r"\s+".join(re.escape(word) for word in name.split()) for name in names.split("|"))
    start = re.compile(rf"[\s*_#•·|-]*(?:{wanted})(?![^\W_]|-)", re.IGNORECASE)
    for number, line in enumerate(lines):
        found = start.match(line)
        if not found:
            continue
        rest = line[found.end() :].strip(" \xa0*_")
        value = rest.lstrip(_SEPARATORS + _AROUND).rstrip(_AROUND)
        below = next((each.strip(_AROUND) for each in lines[number + 1 : number + 4] if each.strip(_AROUND)), "")
        if value and (rest[0] in _SEPARATORS or bare(value)):
            yield rest.lstrip(_SEPARATORS)
        elif not value and alone(below):
            yield below


def _nothing(value: str) -> bool:
    return False


def _is_address(text: str) -> bool:
    """Whether this is an address and nothing else: below an empty line of a form stands the next one."""
    return bool(_ADDRESS.fullmatch(text.removeprefix("mailto:")))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and not re.search(r"[@:=<>\d]", text)


def _address(text: str) -> Address | None:
    """The first address in a line, with the name before it."""
    text = text[:_LONGEST_LINE].strip(" \"'")
    found = _ADDRESS.search(text)
    if not found:
        return None
    name = " ".join(text[: found.start()].replace("mailto:", "").strip(_AROUND).split())
    return Address(email=found[0].rstrip(".!?'").lower(), name=name if _is_name(name) else "")
