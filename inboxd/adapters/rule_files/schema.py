"""The JSON Schema (draft 2020-12) of rule files and their tests, made from the table of words: editors complete and check with it.

A schema knows one file, so names that another file may define are checked by their form only. What it refuses, the readers refuse,
but for capitals and spaces that hardly anybody writes: the patterns are plain enough for every editor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from inboxd.adapters.rule_files.language import BLOCKS, Word
from inboxd.adapters.rule_files.words import DELIVER, KINDS, PRIORITIES, RESERVED, SENTIMENTS, SHIPPED_TOPICS
from inboxd.core.model import Kind
from inboxd.yaml_source import Entries, Items, Node, parse_yaml

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def rules_schema() -> Schema:
    """Give the schema of a rule file."""
    return _document("file", "Rules of inboxd", "What happens with each mail: people, times, rules, and when to ask whether it is solved.")


def tests_schema() -> Schema:
    """Give the schema of a file of rule tests."""
    return _document(
        "test_file", "Tests of the rules of inboxd", "What the rules promise: one mail each, what is given of it, and the answers."
    )


def plain(means: str) -> str:
    """Give a meaning without its links, as an editor shows it."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", means)


def _document(block: str, title: str, description: str) -> Schema:
    body = _or_left_out(_block(block))
    found = {"$schema": DRAFT, "title": title, "description": description, **body}
    return {**found, "$defs": {name: DEFINITIONS[name] for name in sorted(_needed(body))}}


def _needed(schema: object) -> set[str]:
    """The definitions that a schema uses, and those that they use."""
    needed: set[str] = set()
    todo = set(_references(schema))
    while todo:
        name = todo.pop()
        needed.add(name)
        todo |= set(_references(DEFINITIONS[name])) - needed
    return needed


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix("#/$defs/")
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


# --- forms -----------------------------------------------------------------------------------------------------------


def _ref(sort: str) -> Schema:
    return {"$ref": f"#/$defs/{sort}"}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _words(*words: str) -> Schema:
    return {"enum": [str(word) for word in words]}


def _listed(schema: Schema, fewest: int = 1) -> Schema:
    return {"type": "array", "items": schema, "minItems": fewest}


def _one_or_more(schema: Schema) -> Schema:
    return _any(schema, _listed(schema))


def _text(pattern: str, wanted: str) -> Schema:
    """Text of this form; `wanted` is what an editor says to text of another."""
    return {"type": "string", "pattern": f"^{pattern}$", "patternErrorMessage": wanted}


def _named(schema: Schema, names: Schema) -> Schema:
    """Names of the admin's own choice, each with its value; empty if all its lines are comments."""
    return {"type": ["object", "null"], "propertyNames": names, "additionalProperties": schema}


def _block(block: str, *needed: str) -> Schema:
    properties = {word.name: _word(word) for word in BLOCKS[block]}
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(needed)} if needed else found


def _word(word: Word) -> Schema:
    found = {**_ref(word.sort), "description": plain(word.means)}
    return {**found, "examples": [_example(word)]} if word.example else found


def _example(word: Word) -> object:
    root = parse_yaml(word.example, word.name).root
    assert root is not None  # an example is YAML
    return _json(root)


def _json(node: Node) -> object:
    """A value of YAML as JSON, every scalar as text."""
    if isinstance(node, Entries):
        return {key.text: _json(value) for key, value in node.pairs}
    return [_json(item) for item in node.items] if isinstance(node, Items) else node.text


def _or_left_out(schema: Schema) -> Schema:
    """A block that may be empty, since all its lines may be comments."""
    return {**schema, "type": ["object", "null"]}


def _or_none(block: str) -> Schema:
    """A block of expectations: each word may also say that nothing came."""
    found = _block(block)
    for word in BLOCKS[block]:
        said: Schema = found["properties"][word.name]
        accepted = [{"$ref": said.pop("$ref")}, _ref("no_answer")]
        if word.sort in ("texts", "told"):
            accepted.append({"type": "array", "maxItems": 0})
        found["properties"][word.name] = {"anyOf": accepted, **said}
    return found


# --- patterns --------------------------------------------------------------------------------------------------------

_COUNT = "[1-9][0-9]{0,5}"
_PLAIN = f"{_COUNT} +(second|minute|hour|day|week)s?"
_OPENING = "[1-9][0-9]{0,3} +opening +(minute|hour|day)s?"
_EITHER = f"({_OPENING}|{_PLAIN})"
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
_WEEKDAY = (
    "([Mm]on(day)?|[Tt]ue(s|sday)?|[Ww]ed(nesday)?|[Tt]hu(r|rs|rsday)?|[Ff]ri(day)?|[Ss]at(urday)?|[Ss]un(day)?)"  # as calendars read them
)
_WEEKDAYS = f"{_WEEKDAY}( *- *{_WEEKDAY})?"
_DOMAIN = r"(\*?@)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_EMAIL = r"[^@\s<>,;]+@[^@\s<>,;]+"
_SURE = r"(0(\.[0-9]+)?|1(\.0+)?)"

_TEXT: Schema = {"type": ["string", "number", "boolean"], "pattern": r"\S"}  # scalars are text to the readers: `404` may be a subject
_NAME_FORM = _text(r"[^\s@A-Z,;:.-][^\s@A-Z,;:]*", "A name is one word in small letters, such as 'maria'")
_OWN_NAME = {**_NAME_FORM, "not": _words(*RESERVED)}
_ADDRESS = _text(_EMAIL, "An email address, such as 'maria@acme.example'")
_WHERE_FROM = _any(_ADDRESS, _text(_DOMAIN, "An address, or a domain such as 'big.example'"))
_TOPIC_FORM = _text("[a-z][a-z0-9_]*", "A topic is written in small letters, digits and '_', such as 'bike_size'")
_LANGUAGE = _text("[a-z]{2}", "A language, two letters, such as 'en' or 'de'")
_STRETCH = _text(f"{_CLOCK}\\s*-\\s*({_CLOCK}|24:00)", "Hours of a day, such as '09:00-17:30', in quotes")
_SPAN = _text(_PLAIN, "A length of time, such as '30 minutes', '4 hours' or '2 days'")
_DAYS = _text(f"{_DATE}( +to +{_DATE})?", "A day or a range of days, such as '2026-12-24' or '2026-12-24 to 2027-01-02'")
_HEADER = _text(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\s*(:.*)?", "A header line: its name, or 'X-Shop-Form: returns' in quotes")
_AUTHENTICATION = _words("pass", "fail", "unknown")


def _limit(pattern: str, example: str) -> Schema:
    return _any(_text(f"{_COUNT}{pattern}", f"A limit, such as '{example}'"), {"type": "integer", "minimum": 1, "maximum": 999999})


# --- sorts of values -------------------------------------------------------------------------------------------------

_STEP = {**_block("if_nobody_answers", "after"), "minProperties": 2}
_TEST = {**_block("tests", "name"), "anyOf": [{"required": ["expect"]}, {"required": ["timeline"]}]}
_LATER = {**_block("timeline", "after"), "minProperties": 2}
_HOURS: Schema = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": _text(f"(daily|{_WEEKDAYS}( *, *{_WEEKDAYS})*)", "Days of the week: 'mon', 'mon-fri', 'sat, sun' or 'daily'"),
    "additionalProperties": _any(_one_or_more(_STRETCH), _words("closed")),
}

_SEND = _text(f"{_EITHER}( after resolved)?", "When to ask, such as '2 days after resolved' or '1 opening day after resolved'")
DEFINITIONS: Mapping[str, Schema] = {
    # one value
    "text": _TEXT,
    "yes_no": {"enum": ["yes", "no", True, False, "true", "false"]},
    "yes": {"enum": ["yes", True, "true"]},
    "no_answer": _words("nobody", "nothing"),
    "agent": _NAME_FORM,
    "team": _NAME_FORM,
    "calendar": _NAME_FORM,
    "who": _any(_NAME_FORM, _ADDRESS),
    "team_or_agent": {**_NAME_FORM, "not": _words("same_agent_as_before")},
    "target": _any(_words("same_agent_as_before"), _NAME_FORM),
    "template": _text("[a-z][a-z0-9_]*", "The name of a template, such as 'acknowledge'"),
    "priority": _words(*PRIORITIES),
    "share": _words("fewest_open_cases", "take_turns"),
    "prefer": _words("agent_who_knows_the_customer"),
    "deliver": _words(*DELIVER),
    "remind": _words("assigned_agent"),
    "if_no_reply": _words("close_quietly"),
    "do": _words("answer", "resolve"),
    "kind": _words(*Kind),
    "sentiment": _words(*SENTIMENTS),
    "authentication": _AUTHENTICATION,
    "topic_name": _any(_words(*SHIPPED_TOPICS), _TOPIC_FORM),
    "language": _LANGUAGE,
    "timezone": _text("[A-Za-z0-9_+/-]+", "A time zone, such as 'Europe/Berlin'"),
    "customer_is": _any(_words("reply_to", "original_sender"), _text(r"field +\S.*", "'reply_to', 'original_sender', or 'field E-Mail'")),
    # times and numbers
    "span": _SPAN,
    "span_or_no": _any(_SPAN, {"enum": ["no", "off", False, "false"]}),
    "opening_span": _text(_EITHER, "A length of time, such as '30 minutes', '4 hours', '2 opening hours' or '1 opening day'"),
    "at_least_span": _text(f"at least {_EITHER}", "How long, such as 'at least 4 opening hours' or 'at least 2 days'"),
    "moment": _text(
        f"((half of )?answer_within|{_EITHER}( after (half of )?answer_within)?)",
        "When, such as 'half of answer_within', '4 hours' or '1 opening hour after answer_within'",
    ),
    "send": _SEND,
    "send_by_topic": {"type": "object", "minProperties": 1, "additionalProperties": _SEND},
    "asked_at_most": _text(f"1 in {_PLAIN}( per customer)?", "How often to ask, such as '1 in 14 days per customer'"),
    "contacts": _text(f"at least [1-9][0-9]{{0,3}} in {_PLAIN}", "A number of contacts, such as 'at least 3 in 14 days'"),
    "contacts_given": _text(f"[1-9][0-9]{{0,3}} in {_PLAIN}", "A number of contacts, such as '3 in 7 days'"),
    "sure": _text(f"at least {_SURE}", "How sure to be, such as 'at least 0.8'"),
    "fraction": _any({"type": "number", "minimum": 0, "maximum": 1}, _text(_SURE, "A number from 0 to 1, such as 0.8")),
    "cap": _limit("( open cases?)?( each)?", "12 open cases each"),
    "cap_a_day": _limit("( a day)?( each)?", "4 a day each"),
    "time": _text(f"{_DATE} {_CLOCK}", "A time, such as '2026-11-23 10:00'"),
    "texts_by_language": {"type": "object", "minProperties": 1, "propertyNames": _LANGUAGE, "additionalProperties": _TEXT},
    "open_cases": _named(
        _any({"type": "integer", "minimum": 0, "maximum": 100000}, _text("[0-9]{1,5}", "A whole number, such as 3")), _NAME_FORM
    ),
    # one value or a list
    "texts": _one_or_more(_TEXT),
    "patterns": _one_or_more(_TEXT),
    "customer_words": _one_or_more(_TEXT),
    "address": _ADDRESS,
    "addresses": _one_or_more(_ADDRESS),
    "senders": _one_or_more(_WHERE_FROM),
    "agent_names": _one_or_more(_NAME_FORM),
    "members": _any(_NAME_FORM, _listed(_NAME_FORM, fewest=0)),
    "told": _one_or_more(_any(_words("lead"), _NAME_FORM, _ADDRESS)),
    "kinds": _one_or_more(_words(*KINDS)),
    "sentiments": _one_or_more(_words(*SENTIMENTS)),
    "changes": _one_or_more(_words("worse", "better", "same")),
    "authentications": _one_or_more(_AUTHENTICATION),
    "topic_names": _one_or_more(_any(_words(*SHIPPED_TOPICS), _TOPIC_FORM)),
    "languages": _one_or_more(_LANGUAGE),
    "languages_or_unknown": _one_or_more(_any(_words("unknown"), _LANGUAGE)),
    "headers": _one_or_more(_HEADER),
    "day": _text(_DATE, "A day, such as 2026-11-09"),
    "days": _one_or_more(_DAYS),
    "holidays": _one_or_more(
        _text("[A-Za-z]{2,3}(-[A-Za-z0-9][A-Za-z0-9 ]*)?", "A country such as 'DE', or a state in it such as 'DE-BY'")
    ),
    "hours": _HOURS,
    "hours_or_calendar": _any(_NAME_FORM, _HOURS),
    # blocks
    "calendars": _named(_block("calendars", "timezone", "open"), _OWN_NAME),
    "agents": _named(_any(_ADDRESS, _block("agents", "email")), _OWN_NAME),
    "teams": _named(_any(_ref("members"), _block("teams")), _OWN_NAME),
    "customers": _named(_or_left_out(_block("customers")), _WHERE_FROM),
    "identities": _listed(_block("identity", "sender", "customer_is")),
    "topics": {
        **_named(_ref("own_topic"), _TOPIC_FORM),
        "properties": {name: _ref("shipped_topic") for name in SHIPPED_TOPICS},
    },
    "own_topic": _block("topics", "phrases"),
    "shipped_topic": _or_left_out(_block("topics")),
    "drivers": _listed(_block("drivers", "phrases")),
    "answers": _listed(_block("answers", "name", "about", "text")),
    "listeners": _listed({**_block("voice", "to", "name"), "anyOf": [{"required": ["topics"]}, {"required": ["drivers"]}]}),
    "rules": _listed(_block("rules", "name", "then")),
    "when": {**_block("when"), "minProperties": 1},
    "when_list": _listed(_ref("when")),
    "then": {**_block("then"), "minProperties": 1},
    "ladder": _listed(_STEP),
    "follow_up": _or_left_out(_block("follow_up")),
    "if_unhappy": _or_left_out(_block("if_unhappy")),
    "tests": _listed(_TEST),
    "mail": _or_left_out(_block("mail")),
    "given": _or_left_out(_block("given")),
    "expect": _or_left_out(_or_none("expect")),
    "timeline": _listed(_LATER),
    "happens": _or_left_out(_or_none("happens")),
}
