"""Every word of the rule language, once: what the readers accept, what the reference and the JSON Schema say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a block: its sort of value (a key of the schema), what it means, and an example as written in YAML."""

    name: str
    sort: str
    means: str
    example: str = ""


def _words(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> tuple[Word, ...]:
    return tuple(Word(name=row[0], sort=row[1], means=row[2], example=row[3] if len(row) > 3 else "") for row in rows)


FILE = _words(
    ("calendars", "calendars", "when somebody is there; the first one counts where none is named"),
    ("agents", "agents", "the people of the support team"),
    ("teams", "teams", "named groups of agents"),
    ("senior_team", "team", "the team for customers who say that it is not solved; left out: `seniors`", "seniors"),
    ("lead", "who", "who is told when a customer waits too long: an agent, or an address", "petra"),
    ("customers", "customers", "customers you treat in a special way"),
    ("identity", "identities", "mail that speaks for somebody else: contact forms, shops, mailing lists"),
    ("topics", "topics", "topics of your own, and more phrases for the shipped ones"),
    ("drivers", "drivers", "what makes people write, where you want to name it yourself, say who mends it, or since when it is mended"),
    ("answers", "answers", "answers to what many people ask, offered in acknowledgements where they certainly fit"),
    ("voice", "listeners", "who else hears each Monday what customers wrote, in their own words; the lead lets each one go"),
    ("repeat", "contacts", "how many contacts of one person are a repeat contact; the default is `at least 3 in 14 days`",
     "at least 3 in 14 days"),
    ("rules", "rules", "the rules, in order"),
    ("if_nobody_answers", "ladder", "what happens when nobody answers in time: steps, in order"),
    ("follow_up", "follow_up", "when to ask whether it is solved"),
)  # fmt: skip

CALENDAR = _words(
    ("timezone", "timezone", "whose clock counts, by its [IANA name](https://en.wikipedia.org/wiki/List_of_tz_database_time_zones)",
     "Europe/Berlin"),
    ("open", "hours", "days and hours: `mon-fri`, `sat`, or `daily`; one stretch or a list of them; past midnight is written `22:00-06:00`",
     '{mon-fri: ["09:00-12:00", "13:00-17:30"], sat: "10:00-14:00"}'),
    ("holidays", "holidays", "public holidays of a country, or of a state in it; several in a list", "DE-BY"),
    ("closed", "days", "other days on which nobody is there", "[2026-12-24, 2026-12-27 to 2026-12-31]"),
)  # fmt: skip

AGENT = _words(
    ("email", "addresses", "where mail goes; a list if mail of this person can come from several addresses (the first is written to)",
     "maria@acme.example"),
    ("name", "text", "the full name, for colleagues; left out: the short name with a capital", "Maria Lindt"),
    ("signs_as", "text", "what customers read; left out: the first name", "Maria"),
    ("speaks", "languages", "languages, two letters each; left out: any. Mail in another language goes to a colleague who speaks it",
     "[en, de]"),
    ("hours", "hours_or_calendar", "when this person is at work: a calendar, or hours of their own; left out: those of the team",
     '{mon-thu: "08:00-13:00"}'),
    ("timezone", "timezone", "whose clock counts for `hours` and `away`; left out: that of the first calendar", "Europe/Lisbon"),
    ("away", "days", "days off, the last one included: nothing new comes, and what is open goes to somebody else and comes back afterwards",
     "[2026-12-24 to 2027-01-02]"),
    ("at_most", "cap", "no new case beyond so many open ones", "12 open cases"),
    ("mentor", "agent", "who reads what this person writes to customers before it leaves, and lets it go; left out: nobody", "maria"),
)  # fmt: skip

TEAM = _words(
    ("agents", "members", "who is in it", "[maria, jonas]"),
    ("share", "share", "who comes next: whoever has the `fewest_open_cases` (the default), or they `take_turns`", "take_turns"),
    ("prefer", "prefer", "`agent_who_knows_the_customer`: whoever helped this customer before comes first", "agent_who_knows_the_customer"),
    ("at_most", "cap", "no new case for whoever of this team has so many open ones", "12 open cases each"),
    ("at_most_upset", "cap_a_day", "no more upset customers for whoever has had so many today", "4 a day each"),
    ("calendar", "calendar", "whose opening hours count for this team; left out: the first calendar", "office"),
    ("deliver", "deliver", "how its agents get customers' mail: `mail` (the default), it is sent to the agent; or `folder`, it is moved into a"
     " folder of the support mailbox, in which they work themselves (needs `file: yes` in the settings). A `file_in` of a rule comes first",
     "folder"),
    ("folder", "text", "the folder of `deliver: folder`; left out: called as the team", "Billing"),
    ("if_nobody_is_free", "team", "the team that takes over when everybody is away, has enough cases, or does not speak the language",
     "everyone"),
)  # fmt: skip

CUSTOMER = _words(
    ("vip", "yes_no", "`yes`: rules find them with `customer: vip`", "yes"),
    ("label", "texts", "words of yours; rules find them with `customer: key account`", "[key account]"),
)

IDENTITY = _words(
    ("sender", "senders", "the address or domain that the mail comes from", "forms@acme.example"),
    ("customer_is", "customer_is", "where to read whose words they are: `reply_to` (the Reply-To line), `original_sender` (X-Original-Sender,"
     " as mailing lists write it), or `field` and the name of a line in the text", "field E-Mail"),
)  # fmt: skip

TOPIC = _words(
    ("description", "text", "what it is about, in a few words; the topic is found by it, too", "Which size fits a child"),
    ("phrases", "texts", "words by which the topic is found; for a shipped topic they are added to those it has",
     "[which size, frame size]"),
)  # fmt: skip

DRIVER = _words(
    ("phrases", "texts", "words as customers write them; mails with any of them, and mails like those, are counted together",
     "[axle is missing, missing part]"),
    ("name", "text", "what the report calls it; left out: the first phrase", "A part missing in the box"),
    ("owner", "who", "who sees to it that it is mended: an agent, or an address", "maria"),
    ("mended_on", "day", "the day since which it is mended: the report shows how many wrote before and since", "2026-11-09"),
    ("mended_with", "text", "what mended it, in a few words, as the report names it beside the day", "the new list of parts"),
)  # fmt: skip

ANSWER = _words(
    ("name", "text", "what it answers, in a few words; each name once", "Company invoices"),
    ("about", "texts", "words as customers write them, of which one must stand in the mail; the name of a topic among them means that the mail"
     " must be about it, too", "[invoice with company name, company on the invoice, billing]"),
    ("text", "texts_by_language", "the answer, in each language in which it is to be offered",
     '{en: "Open Account, then Invoices, and type the company name.", de: "Den Firmennamen tragen Sie unter Konto, Rechnungen ein."}'),
)  # fmt: skip

LISTENER = _words(
    ("to", "address", "the address it goes to", "product@acme.example"),
    ("name", "text", "what the lead and we call it", "Product"),
    ("topics", "topic_names", "what customers wrote about", "[bug, feature_request]"),
    ("drivers", "texts", "drivers by their name, or words as customers write them", "[missing part]"),
)

RULE = _words(
    ("name", "text", "what it is for, in a few words; `explain` and `test` use it. Each name once", "Upset customers go to a senior"),
    ("why", "text", "one sentence for the agent who gets the mail; left out: what made the rule hold", "sounds upset"),
    ("when", "when", "the conditions; all must hold. Left out: the rule is for every mail", "{sentiment: upset}"),
    ("then", "then", "what it decides", "{assign: seniors, priority: high}"),
)

WHEN = _words(
    ("kind", "kinds", "the mail is of this kind: `person`, `auto_response`, `out_of_office`, `bounce`, `feedback_report`, `list`,"
     " `auto_generated`, `spam`, `loop`, `own`; `automatic` is all but `person`", "automatic"),
    ("topic", "topic_names", "it is about this", "[cancellation, refund]"),
    ("sentiment", "sentiments", "it sounds like this: `upset`, `unhappy`, `neutral`, `happy`", "upset"),
    ("sentiment_change", "changes", "it sounds `worse`, `better` or the `same` as this customer's mail before it in the case", "worse"),
    ("urgent", "yes_no", "it cannot wait, whatever the feeling", "yes"),
    ("sensitive", "yes_no", "it is about death, illness, danger or law", "yes"),
    ("contacts", "contacts", "this person wrote so often (mails that we did not ask for, this one counts)", "at least 3 in 14 days"),
    ("reopened", "yes_no", "the case was resolved or closed and is open again", "yes"),
    ("waiting", "at_least_span", "the customer has waited so long for an answer in this case", "at least 4 opening hours"),
    ("customer", "customer_words", "the customer is `vip`, `new` (never wrote before), `known`, or has this label", "key account"),
    ("language", "languages_or_unknown", "it is written in this language, two letters; `unknown` where we cannot tell", "[de, en]"),
    ("sender", "senders", "it comes from this address or domain", "[ceo@big.example, big.example]"),
    ("to", "senders", "it was sent to this address or domain (To, Cc)", "billing@acme.example"),
    ("subject_contains", "texts", "the subject has these words", "invoice"),
    ("text_contains", "texts", "what this person wrote now (no quotes, no signature) has these words", "[lawyer, court]"),
    ("subject_matches", "patterns", "the subject matches this pattern ([RE2](https://github.com/google/re2/wiki/Syntax))",
     "'\\b[A-Z]{2}-\\d{6}\\b'"),
    ("text_matches", "patterns", "the text matches this pattern", "'(?i)order\\s+\\d{5}'"),
    ("received_during", "calendar", "it came in while this calendar is open", "office"),
    ("received_outside", "calendar", "it came in while this calendar is closed", "office"),
    ("authentication", "authentications", "what our own mail server says of the sender: `pass`, `fail`, `unknown` (needs `authserv_id`"
     " in the settings)", "fail"),
    ("header", "headers", "it has this header line: its name, or its name and words that it holds", "'X-Shop-Form: returns'"),
    ("sure", "sure", "we are so sure of the topic, from 0 to 1", "at least 0.8"),
    ("not", "when", "the conditions below it do *not* all hold", "{customer: new}"),
    ("any", "when_list", "one of the groups below it holds", "[{urgent: yes}, {customer: vip}]"),
)  # fmt: skip

THEN = _words(
    ("assign", "target", "who gets it: a team, an agent, or `same_agent_as_before`", "seniors"),
    ("answer_within", "opening_span", "how soon an answer is due", "2 opening hours"),
    ("reply_with", "template", "the template of the acknowledgement; whether and when it leaves is decided apart (only with news: we are"
     " closed, or an `answer_within` says when a person will write; never to upset customers while somebody is there, never to machines)", "acknowledge"),
    ("label", "texts", "labels of the case; they add up", "[repeat, win back]"),
    ("tell", "told", "who else gets a notice: an agent, `lead`, or an address; they add up", "lead"),
    ("priority", "priority", "`high`, `normal` or `low`: orders the lists and marks the mail", "high"),
    ("brief", "text", "what the agent may do, told word for word", "give back 20 EUR without asking"),
    ("file_in", "text", "the mail is moved into this folder of the mailbox once it is decided (needs `file: yes` in the settings)",
     "Newsletters"),
    ("ignore", "yes_no", "`yes`: nobody gets it; it is stored and counted, and no rule below decides anything. If a rule above gave it to"
     " somebody, they keep it", "yes"),
    ("follow_up", "yes_no", "`no`: this customer is not asked whether it is solved", "no"),
)  # fmt: skip

STEP = _words(
    ("after", "moment", "when: `half of answer_within`, `answer_within`, a length of time since the customer wrote, or a length of time `after answer_within`",
     "1 opening hour after answer_within"),
    ("remind", "remind", "`assigned_agent`: whoever has the case is reminded", "assigned_agent"),
    ("assign", "team_or_agent", "the case goes to this team or agent; if whoever has it belongs to them, they keep it and are reminded", "seniors"),
    ("tell", "told", "who else hears of it: an agent, `lead`, or an address", "lead"),
    ("priority", "priority", "`high`, `normal` or `low`", "high"),
)  # fmt: skip

FOLLOW_UP = _words(
    ("send", "send", "so long after an agent resolved the case we ask whether it really is, in opening hours if it says so; the default is `2 days after resolved`",
     "2 days after resolved"),
    ("send_by_topic", "send_by_topic", "the same for cases of one topic", "{refund: 5 days after resolved, bug: 1 opening day after resolved}"),
    ("reply_with", "template", "the template of the question; the default is `are_you_happy`", "are_you_happy"),
    ("remind_after", "span", "we ask a second time, only where the case was upset, reopened or a repeat contact; the default is `4 days`",
     "4 days"),
    ("close_after", "span", "nobody answered the question: the case closes, and does not count as satisfied; the default is `7 days`",
     "7 days"),
    ("ask_when_waiting", "span_or_no", "our answer was followed by silence: the case counts as resolved, and we ask; the default is `5 days`,"
     " `no` turns it off", "5 days"),
    ("at_most", "asked_at_most", "one person is not asked more often; the default is `1 in 14 days per customer`", "1 in 14 days per customer"),
    ("grace", "span", "a mail within this time after closing opens the case again; the default is `14 days`", "14 days"),
    ("if_unhappy", "if_unhappy", "what happens when the customer says that it is not solved: the case opens again and goes to somebody else",
     "{assign: seniors, tell: lead}"),
    ("if_no_reply", "if_no_reply", "`close_quietly`: silence is never counted as satisfied", "close_quietly"),
)  # fmt: skip

IF_UNHAPPY = _words(
    ("reopen", "yes", "`yes`, always: the customer's word counts", "yes"),
    ("assign", "team", "the team; left out: the senior team. Somebody there who had no part in it gets the case, else the lead", "seniors"),
    ("tell", "told", "who else hears of it", "lead"),
)

TEST_FILE = _words(("tests", "tests", "the tests, each a promise"))

TEST = _words(
    ("name", "text", "what is promised, in a few words", "whoever wants to leave reaches a senior agent"),
    ("mail", "mail", "what somebody wrote", "{from: ann@example.org, subject: Third time, text: I am furious.}"),
    ("mail_file", "text", "a mail in a file beside the test, read by the model in force; what is `given` counts all the same", "mails/ana.eml"),
    ("given", "given", "what was understood of the mail, and what is known of the person. What is not given is calm and ordinary: no model is"
     " asked, so that a test stays true when the model learns", "{sentiment: upset, contacts: 3 in 7 days}"),
    ("expect", "expect", "the answers, in the words of `then`, and `agent` and `due`; only what stands here is compared. `nobody` or `nothing`:"
     " no rule answers this question", "{assign: seniors, answer_within: 2 hours, reply_with: nothing}"),
    ("timeline", "timeline", "what happens later if nobody does anything but what `do` says", "[{after: 2 hours, expect: {remind: maria}}]"),
)  # fmt: skip

MAIL = _words(
    ("from", "text", "the writer's address", "ann@example.org"),
    ("to", "texts", "the readers' addresses", "support@acme.example"),
    ("subject", "text", "the subject", "Third time"),
    ("text", "text", "the text", "I am furious."),
    ("received", "time", "when it came, by the clock of the first calendar; left out: Monday 5 January 2026 at 10:00", "2026-11-23 10:00"),
)

GIVEN = _words(
    ("kind", "kind", "the kind of mail", "list"),
    ("topic", "topic_name", "what it is about", "refund"),
    ("sure", "fraction", "how sure of the topic, from 0 to 1", "0.9"),
    ("sentiment", "sentiment", "how it sounds", "upset"),
    ("sentiment_before", "sentiment", "how this customer's mail before it sounded", "neutral"),
    ("urgent", "yes_no", "whether it cannot wait", "yes"),
    ("sensitive", "yes_no", "whether it is about death, illness, danger or law", "no"),
    ("language", "language", "its language, two letters", "de"),
    ("customer", "texts", "`vip`, `new`, `known`, labels; left out: what `customers` says of the address", "vip"),
    ("contacts", "contacts_given", "how often this person wrote, this mail counted", "3 in 7 days"),
    ("reopened", "yes_no", "whether the case was resolved or closed before", "yes"),
    ("waiting", "span", "how long this customer has waited for an answer", "6 hours"),
    ("authentication", "authentication", "what our own mail server says of the sender", "pass"),
    ("header", "headers", "header lines of the mail", "'X-Shop-Form: returns'"),
    ("away", "agent_names", "who is away, besides those of whom `agents` says so", "[tom]"),
    ("open_cases", "open_cases", "how many open cases agents have; left out: none", "{maria: 3}"),
    ("knows", "agent_names", "who helped this customer before", "[maria]"),
)

EXPECT = _words(
    *((word.name, word.sort, word.means, word.example) for word in THEN),
    ("agent", "agent", "the agent who gets it; `nobody` where it is ignored", "maria"),
    ("due", "time", "by when an answer is due, by the clock of the first calendar", "2026-11-23 12:00"),
)

TIMELINE = _words(
    ("after", "opening_span", "when: so long after the mail came in; later than the entry before it", "2 opening hours"),
    ("do", "do", "what the agent who has the case does then: `answer` or `resolve`", "resolve"),
    ("expect", "happens", "what happened since the entry before it: of each word that stands here, this and nothing else",
     "{remind: maria, tell: [lead]}"),
)  # fmt: skip

HAPPENS = _words(
    ("remind", "texts", "who was reminded", "maria"),
    ("assign", "texts", "the team or agent that the case went to", "seniors"),
    ("agent", "texts", "the agent who got it", "jonas"),
    ("tell", "texts", "who else was told", "[lead]"),
    ("sent", "texts", "what the customer was sent, by its template", "are_you_happy"),
    ("nothing", "yes", "`yes`: nothing at all happened", "yes"),
)

BLOCKS: Mapping[str, tuple[Word, ...]] = {
    "file": FILE, "calendars": CALENDAR, "agents": AGENT, "teams": TEAM, "customers": CUSTOMER, "identity": IDENTITY, "topics": TOPIC,
    "drivers": DRIVER, "answers": ANSWER, "voice": LISTENER, "rules": RULE, "when": WHEN, "then": THEN, "if_nobody_answers": STEP, "follow_up": FOLLOW_UP, "if_unhappy": IF_UNHAPPY,
    "test_file": TEST_FILE, "tests": TEST, "mail": MAIL, "given": GIVEN, "expect": EXPECT, "timeline": TIMELINE, "happens": HAPPENS,
}  # fmt: skip


def words_of(block: str) -> tuple[str, ...]:
    """The names of a block's words."""
    return tuple(word.name for word in BLOCKS[block])
