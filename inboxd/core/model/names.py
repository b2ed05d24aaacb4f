"""Names and numbers by which things are called in rules, logs and the store."""

from __future__ import annotations

from typing import NewType

MailboxName = NewType("MailboxName", str)
AgentName = NewType("AgentName", str)
TeamName = NewType("TeamName", str)
TopicName = NewType("TopicName", str)
MessageNo = NewType("MessageNo", int)  # our own number of an incoming message, as in logs
CaseNo = NewType("CaseNo", int)
PersonNo = NewType("PersonNo", int)
OutgoingNo = NewType("OutgoingNo", int)
JobNo = NewType("JobNo", int)
IssueNo = NewType("IssueNo", int)
MessageId = NewType("MessageId", str)  # RFC 5322, 3.6.4, without the angle brackets
