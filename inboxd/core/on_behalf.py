"""Mail that an agent passes on for a customer: `for: ann@example.org` above a forwarded mail, or above words that were told."""

from __future__ import annotations

import re
from dataclasses import replace

from inboxd.core import tokens
from inboxd.core.brief import dmarc_passed
from inboxd.core.identity import without_plus
from inboxd.core.lettering import reachable
from inboxd.core.model import Address, Directory, MailboxName, Message, MessageId, Screening
from inboxd.core.new_text import forwarded

_FOR = re.compile(
    r"\s*\*{0,2}for\s*:\s*(?:\"?([^\"<>@\n]{0,80}?)\"?\s*<)?([^\s<>,;@]{1,64}@[^\s<>,;@]{1,190}\.[^\s<>,;@.]{2,})>?\*{0,2}[ \t.]*\n",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^\s*(?:(?:fwd?|wg|tr|rv|i|vs)\s*:\s*)+", re.IGNORECASE)


def on_behalf(message: Message, screening: Screening, directory: Directory, mailbox: MailboxName) -> Message:
    """Put the customer in the agent's place, where our own server proves that the mail is the agent's (RFC 7489); else change nothing (I6).

    What the agent wrote above stands in `above`; without a forwarded mail below it, all that follows the first line are words that the
    customer said.
    """
    if screening.automatic or message.sender.email not in directory.agents:
        return message
    if tokens.find((*message.delivered_to, *(a.email for a in (*message.to, *message.cc))), directory.own):
        return message  # a reply to a mail of ours quotes what is ours alone: it was never the customer's
    found = _FOR.match(message.text)
    if found is None or not dmarc_passed(message, directory.authserv.get(mailbox, "")):
        return message
    customer = Address(email=found[2].lower(), name=" ".join((found[1] or "").split()))
    ours = {without_plus(email) for email in directory.own | directory.agents}
    if without_plus(customer.email) in ours or not reachable(customer.email):
        return message
    above, fields, text = forwarded(message.text[found.end() :])
    if not fields:
        above, text = "", message.text[found.end() :]
    written = _name(fields.get("from", ""), customer.email)
    return replace(
        message,
        message_id=MessageId(""),  # the agent's own program made it: no part of what the customer wrote
        in_reply_to=(),
        references=(),
        sender=replace(customer, name=customer.name or written),
        reply_to=(),
        to=(),
        cc=(),
        delivered_to=(),
        subject=fields.get("subject", "").strip() or _PREFIX.sub("", message.subject),
        text=text.strip("\n"),
        html="",
        through=message.sender.email,
        above=above.strip(),
    )


def _name(line: str, email: str) -> str:
    """The name beside this address in a From line of a forwarded mail."""
    if email not in line.lower():
        return ""
    name = re.split(r"[<\[(]|mailto:", line, maxsplit=1)[0].strip(" \"'")
    return name if name and "@" not in name and len(name) <= 80 else ""
