"""The rules as plain English sentences, for people: what happens with each mail, and what mail can reach each agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from textwrap import wrap
from typing import Any

from inboxd.core.assign import team_of
from inboxd.core.model import AgentName, TeamName
from inboxd.core.opening import MINUTES, Calendar, span_words
from inboxd.core.route import ladder_of
from inboxd.core.rulebook import Absence, Agent, Condition, Moment, Rule, Rulebook, Step, Team, folder_of, main_calendar

WIDTH = 100
CLOSED_DAYS_SHOWN = 5
BEFORE = "same_agent_as_before"


def plain(book: Rulebook, today: date | None = None) -> list[str]:
    """Say all rules in their order, then what happens later, and when somebody is there; with `today` the next closed days, too."""
    lines = _wrapped(
        "The rules are asked from the top. The first one that answers a question (who? how soon?) decides it; labels and notices add up."
    )
    lines.append("")
    for number, rule in enumerate(book.rules, 1):
        lines += _wrapped(f"{number}. {_rule(rule, book)}", "   ")
    for title, sentences in (
        ("If nobody answers", if_nobody_answers(book)),
        ("When customers are asked afterwards", asked_afterwards(book)),
        ("Answers that are offered", answers_offered(book)),
        ("Who hears each week what customers wrote", who_hears(book)),
        ("Opening hours", opening_hours(book, today)),
    ):
        if not sentences:
            continue
        lines += ["", f"{title}:"]
        lines += [line for sentence in sentences for line in _wrapped(f"- {sentence}", "  ")]
    return lines


def per_agent(book: Rulebook, today: date) -> list[str]:
    """Say of each agent what mail can reach them, and through what; their languages, their limits, and when they are away."""
    lines: list[str] = []
    for agent, sentences in _agents(book, today).items():
        lines += [*([""] if lines else []), *_wrapped(f"{book.agents[agent].full_name} ({agent}):")]
        lines += [line for sentence in sentences for line in _wrapped(f"- {sentence}", "  ")]
    return lines


def as_json(book: Rulebook, today: date) -> dict[str, object]:
    """Give the same sentences as plain data."""
    rules = []
    for rule in book.rules:
        decided = [_sentence(clause) for clause in _decided(rule, book)]
        rules.append({"name": rule.name, "when": _sentence(_when(rule)), "then": [*decided, *_brief(rule)]})
    agents = {str(name): sentences for name, sentences in _agents(book, today).items()}
    return {"rules": rules, "answers": answers_offered(book), "voice": who_hears(book), "agents": agents}


# --- a rule ----------------------------------------------------------------------------------------------------------


def _rule(rule: Rule, book: Rulebook) -> str:
    return " ".join((_sentence(rule.name), f"{_capital(_when(rule))}: {', '.join(_decided(rule, book))}.", *_brief(rule)))


def _when(rule: Rule) -> str:
    return f"if {_all(rule.when)}" if rule.when else "for every mail"


def _decided(rule: Rule, book: Rulebook) -> list[str]:
    """What the rule does, a clause for each word of `then` but the brief."""
    then, found = rule.then, []
    if then.ignore is not None:
        found.append(
            "nobody gets it, it is stored and counted, and no rule below decides anything"
            if then.ignore
            else "it is for a person, whatever the rules below say"
        )
    if then.assign is not None:
        found.append(f"it goes to {_target(then.assign, book)}")
    if then.answer_within is not None:
        found.append(f"an answer is due within {then.answer_within.words}")
    if then.reply_with is not None:
        found.append(f"the acknowledgement, if one is sent, is '{then.reply_with}'")
    if then.priority is not None:
        found.append(f"priority {then.priority}")
    if then.labels:
        found.append(f"it gets the {_counted('label', then.labels)} {_and(map(_quoted, then.labels))}")
    if then.file_in is not None:
        found.append(f"the mail is moved into the folder {_quoted(then.file_in)}")
    if then.follow_up is not None:
        found.append(f"the customer is {'' if then.follow_up else 'not '}asked afterwards whether it is solved")
    if then.tell:
        found.append(f"a notice goes to {_told(then.tell, book)}")
    return found


def _brief(rule: Rule) -> list[str]:
    return [f"The agent is told: {_sentence(rule.then.brief)}"] if rule.then.brief else []


def _target(target: str, book: Rulebook) -> str:
    if target == BEFORE:
        return "the agent who had this customer before"
    folder = folder_of(book, TeamName(target))
    place = f"; its mail is moved into the folder {_quoted(folder)}, and none is sent" if folder else ""
    return f"the agent {target}" if target in book.agents else f"the team {target} ({_members(target, book)}{place})"


def _members(team: str, book: Rulebook) -> str:
    found = book.teams.get(TeamName(team))
    return ", ".join(found.agents) if found and found.agents else "nobody"


def _told(told: Iterable[str], book: Rulebook) -> str:
    return _and(f"the lead ({book.lead or 'not set'})" if who == "lead" else who for who in told)


# --- conditions ------------------------------------------------------------------------------------------------------

_KINDS = {
    "person": "a person's mail", "auto_response": "an automatic answer", "out_of_office": "an out-of-office note", "bounce": "a bounce",
    "feedback_report": "a report that somebody took our mail for spam", "list": "a newsletter or the mail of a list",
    "auto_generated": "a machine's mail", "spam": "spam", "loop": "a mail that runs in circles", "own": "our own mail",
    "automatic": "automatic mail",
}  # fmt: skip
_CHANGES = {"worse": "worse than", "better": "better than", "same": "the same as"}
_CUSTOMERS = {"vip": "a VIP", "new": "new (never wrote before)", "known": "known (wrote before)"}
_CHECKED = {
    "pass": "confirms the sender", "fail": "says that the sender is forged", "unknown": "cannot tell whether the sender is genuine",
}  # fmt: skip
_LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "hu": "Hungarian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
    "unknown": "a language that we cannot tell",
}  # fmt: skip


def _language(code: str) -> str:
    return _LANGUAGES.get(code, f"the language '{code}'")


def _topic(name: str) -> str:
    return "something we are not sure of" if name == "unsure" else name.replace("_", " ")


def _quoted(text: str) -> str:
    return f'"{_one_line(text)}"'


def _header(wanted: tuple[str, str]) -> str:
    name, words = wanted
    return f"{name} with {_quoted(words)}" if words else name


_LISTED: Mapping[str, tuple[str, str, Callable[[Any], str]]] = {  # word -> holds, does not hold, and how each value is said
    "kind": ("it is {}", "it is not {}", lambda kind: _KINDS.get(kind, str(kind))),
    "topic": ("it is about {}", "it is not about {}", _topic),
    "sentiment": ("the writer sounds {}", "the writer does not sound {}", str),
    "sentiment_change": (
        "the writer sounds {} in their mail before it", "the writer does not sound {} in their mail before it", _CHANGES.__getitem__,
    ),
    "customer": ("the customer is {}", "the customer is not {}", lambda word: _CUSTOMERS.get(word, f"labelled {_quoted(word)}")),
    "language": ("it is written in {}", "it is not written in {}", _language),
    "sender": ("it comes from {}", "it does not come from {}", str),
    "to": ("it was sent to {}", "it was not sent to {}", str),
    "subject_contains": ("the subject has {} in it", "the subject does not have {} in it", _quoted),
    "text_contains": ("the text has {} in it", "the text does not have {} in it", _quoted),
    "subject_matches": ("the subject matches the pattern {}", "the subject does not match the pattern {}", _quoted),
    "text_matches": ("the text matches the pattern {}", "the text does not match the pattern {}", _quoted),
    "received_during": ("it came in while {} was open", "it came in while {} was closed", lambda calendar: calendar.name),
    "received_outside": ("it came in while {} was closed", "it came in while {} was open", lambda calendar: calendar.name),
    "authentication": ("our mail server {}", "it is not so that our mail server {}", _CHECKED.__getitem__),
    "header": ("it has the header line {}", "it does not have the header line {}", _header),
}  # fmt: skip
_YES_NO = {
    "urgent": ("it cannot wait", "it can wait"),
    "sensitive": ("it is about death, illness, danger or law", "it is not about death, illness, danger or law"),
    "reopened": ("the case was resolved before and is open again", "the case was not resolved before"),
}


def _all(conditions: Sequence[Condition], holds: bool = True) -> str:
    """Say that all of these hold, or that they do not all hold."""
    clauses = [_clause(condition, holds) for condition in conditions]
    return _both(clauses) if holds else _either(clauses)


def _clause(condition: Condition, holds: bool) -> str:
    word, wanted = condition.word, condition.wanted
    match word:
        case "not":
            return _all(condition.inner[0], not holds)
        case "any":
            groups = [_all(group, holds) for group in condition.inner]
            return _either(groups) if holds else _both(groups)
        case "contacts":
            count, within = wanted
            return f"the customer wrote {'at least' if holds else 'fewer than'} {count} times in {span_words(within)}"
        case "waiting":
            return f"the customer has waited {'at least' if holds else 'less than'} {wanted[0].words} for an answer"
        case "sure":
            return f"we are {'at least' if holds else 'less than'} {wanted[0] * 100:g}% sure of the topic"
        case _ if word in _YES_NO:
            return _YES_NO[word][0 if wanted[0] is holds else 1]
    yes, no, said = _LISTED[word]
    return (yes if holds else no).format(" or ".join(said(value) for value in wanted))


def _both(clauses: Sequence[str]) -> str:
    bracketed = [f"({clause})" if clause.startswith("either ") and len(clauses) > 1 else clause for clause in clauses]
    return ", and ".join(bracketed)


def _either(clauses: Sequence[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    flat = (clause.removeprefix("either ") for clause in clauses)
    return "either " + ", or ".join(f"({clause})" if ", and " in clause else clause for clause in flat)


# --- later -----------------------------------------------------------------------------------------------------------


def if_nobody_answers(book: Rulebook) -> list[str]:
    """Say the steps of the ladder, and what comes after the last."""
    steps = [_sentence(f"{_moment(step.after)}, {', '.join(_step(step, book))}") for step in ladder_of(book)]
    return [*steps, f"After that, every day: whoever has the case is reminded, and {_told(['lead'], book)} is told."]


def _step(step: Step, book: Rulebook) -> list[str]:
    found = []
    if step.remind:
        found.append("whoever has the case is reminded")
    if step.assign is not None:
        found.append(f"the case goes to {_target(step.assign, book)}, unless whoever has it belongs to them")
    if step.tell:
        found.append(f"a notice goes to {_told(step.tell, book)}")
    if step.priority is not None:
        found.append(f"the case gets priority {step.priority}")
    return found


def _moment(after: Moment) -> str:
    if after.plus is None:
        return "when the answer is due" if after.part == 1 else "when half of the time to answer is over"
    since = {0.0: "the customer wrote", 0.5: "half of the time to answer is over", 1.0: "the answer was due"}[after.part]
    return f"{after.plus.words} after {since}"


def asked_afterwards(book: Rulebook) -> list[str]:
    """Say when customers are asked whether it is solved, and what follows."""
    policy = book.follow_up
    asked = f"{policy.ask_after.words} after an agent resolved a case, the customer is asked whether it is solved"
    apart = [f"{span.words} after one about {topic.replace('_', ' ')}" for topic, span in policy.ask_after_by_topic.items()]
    asked = ", ".join((asked, *apart))
    silence = "Silence after our answer resolves nothing: then nobody is asked."
    if policy.ask_when_waiting is not None:
        silence = f"{span_words(policy.ask_when_waiting)} of silence after our answer count as resolved, and the customer is asked."
    unhappy = _target(policy.unhappy_goes_to or book.senior_team, book)
    told = f", and a notice goes to {_told(policy.unhappy_told, book)}" if policy.unhappy_told else ""
    return [
        _sentence(f"{asked} (the mail '{policy.template}')"),
        silence,
        f"Nobody is asked more often than once in {span_words(policy.at_most_every)}.",
        f"Without an answer we ask once more after {span_words(policy.remind_after)}, only where the customer was upset, wrote again and"
        " again, or it had come back before.",
        f"Without an answer for {span_words(policy.close_after)} the case closes, and does not count as satisfied.",
        f"If the customer says that it is not solved, the case opens again and goes to {unhappy}, to somebody who had no part in it{told}.",
        f"A mail within {span_words(policy.grace)} after closing opens the case again.",
    ]


# --- answers, and the voice of the customer --------------------------------------------------------------------------


def answers_offered(book: Rulebook) -> list[str]:
    """Say of each answer when it is offered, and in which languages; last what holds for all of them."""
    found = []
    for answer in book.answers:
        where = f" about {_or(map(_topic, answer.topics))}" if answer.topics else ""
        spoken = _or(_language(code) for code in answer.text)
        found.append(f"{_quoted(answer.name)}: if a mail{where} in {spoken} says {_or(map(_quoted, answer.phrases))}.")
    if not found:
        return []
    sends = [_called(number, rule) for number, rule in enumerate(book.rules, 1) if rule.then.reply_with is not None]
    if not sends:
        return [*found, "No rule sends an acknowledgement (reply_with), so none of them is ever offered."]
    return [*found, f"They stand in acknowledgements, which are sent by {_and(sends)}; a person writes to the customer anyway."]


def who_hears(book: Rulebook) -> list[str]:
    """Say who hears what customers wrote, about what, and that the lead lets it go first."""
    found = []
    for listener in book.voice:
        about = [*map(_topic, listener.topics), *map(_quoted, listener.drivers)]
        found.append(f"{listener.name} ({listener.to}): what is about {_or(about)}.")
    if not found:
        return []
    return [*found, f"Names are hidden, nothing sensitive is in it, and nothing leaves before {_told(['lead'], book)} lets it go."]


# --- opening hours ---------------------------------------------------------------------------------------------------

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def opening_hours(book: Rulebook, today: date | None = None) -> list[str]:
    """Say each calendar: its days and hours, for whom it counts, and which days are closed next."""
    if not book.calendars:
        return ["There is no calendar: time counts day and night."]
    return [_calendar(calendar, book, today) for calendar in book.calendars.values()]


def _calendar(calendar: Calendar, book: Rulebook, today: date | None) -> str:
    sentences = [f"{calendar.name} (time of {calendar.zone}) is {_hours(calendar, 'open')}."]
    teams = [team.name for team in book.teams.values() if team.calendar == calendar.name]
    if calendar is main_calendar(book):
        sentences.append("It counts where no other calendar is named.")
    elif teams:
        sentences.append(f"It counts for the {_counted('team', teams)} {_and(teams)}.")
    if today is not None:
        closed = [_day(day, calendar.closed[day]) for day in sorted(calendar.closed) if day >= today and day.weekday() in calendar.hours]
        sentences.append(f"Closed next: {'; '.join(closed[:CLOSED_DAYS_SHOWN])}." if closed else "No closed days are ahead.")
    return " ".join(sentences)


def _hours(calendar: Calendar, what: str) -> str:
    """Say what is at which days and hours; days that follow each other and are alike stand together."""
    runs: list[tuple[list[int], tuple[tuple[int, int], ...]]] = []
    for day in sorted(calendar.hours):
        if runs and runs[-1][1] == calendar.hours[day] and runs[-1][0][-1] == day - 1:
            runs[-1][0].append(day)
        else:
            runs.append(([day], calendar.hours[day]))
    said = []
    for days, stretches in runs:
        named = "every day" if len(days) == 7 else _DAYS[days[0]] if len(days) == 1 else f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
        said.append(f"{named} {_and(_stretch(*stretch) for stretch in stretches)}")
    return f"{what} {', '.join(said)}" if said else f"never {what}"


def _stretch(start: int, end: int) -> str:
    if (start, end) == (0, MINUTES):
        return "all day"
    night = end > MINUTES
    return f"{_clock(start)} to {_clock(end - MINUTES if night else end)}{' the next morning' if night else ''}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _day(day: date, why: str = "closed") -> str:
    return f"{_DAYS[day.weekday()]} {day.day} {day:%B %Y}" + ("" if why == "closed" else f" ({why})")


# --- agents ----------------------------------------------------------------------------------------------------------


def _agents(book: Rulebook, today: date) -> dict[AgentName, list[str]]:
    ways: dict[AgentName, dict[str, list[str]]] = {name: {} for name in book.agents}
    for name, way, occasion in _reached(book):
        ways[name].setdefault(way, []).append(occasion)
    return {name: [*_mail(ways[name], name, book), *_person(agent, book, today)] for name, agent in book.agents.items()}


def _mail(ways: Mapping[str, Sequence[str]], name: AgentName, book: Rulebook) -> list[str]:
    """What mail can reach an agent, and through what."""
    found = [_sentence(f"gets mail {way}: {_and(occasions)}") for way, occasions in ways.items()]
    if name == book.lead:
        found.append("Is the lead: gets what nobody else can take, and is told when a customer waits too long.")
    before = _and(_called(number, rule) for number, rule in _assigning(book) if rule.then.assign == BEFORE)
    if found and before:
        found.append(_sentence(f"gets mail of customers whom they had before: {before}"))
    if not found and book.lead in book.agents:
        found = ["No mail can reach them: no rule names them or a team of theirs."]
    elif not found:
        found = ["No rule names them or a team of theirs: they get only what nobody else can take."]
    told = [_called(number, rule) for number, rule in enumerate(book.rules, 1) if _tells(rule.then.tell, name, book)]
    told += ["when nobody answers in time"] if any(_tells(step.tell, name, book) for step in book.ladder) else []
    told += ["when a customer says that it is not solved"] if _tells(book.follow_up.unhappy_told, name, book) else []
    return [*found, f"Gets a notice: {_and(told)}."] if told else found


def _tells(told: Sequence[str], name: AgentName, book: Rulebook) -> bool:
    return name in told or ("lead" in told and name == book.lead)


def _reached(book: Rulebook) -> Iterator[tuple[AgentName, str, str]]:
    """Who is reached, as what, and on which occasion."""
    for number, rule in _assigning(book):
        yield from _reached_by(str(rule.then.assign), _called(number, rule), book)
    for step in book.ladder:
        if step.assign is not None:
            yield from _reached_by(step.assign, "when nobody answers in time", book)
    yield from _reached_by(book.follow_up.unhappy_goes_to or book.senior_team, "when a customer says that it is not solved", book)


def _assigning(book: Rulebook) -> Iterator[tuple[int, Rule]]:
    """The rules that can say who gets a mail: none below one that takes every mail."""
    for number, rule in enumerate(book.rules, 1):
        if rule.then.assign is not None:
            yield number, rule
        if not rule.when and (rule.then.assign is not None or rule.then.ignore):
            return


def _reached_by(target: str, occasion: str, book: Rulebook) -> Iterator[tuple[AgentName, str, str]]:
    """An agent named, or the team; then whoever takes over, each once."""
    seen: set[AgentName] = set()
    instead = ""
    first: str | None = target
    if target in book.agents:
        yield AgentName(target), "by name", occasion
        seen, instead, first = {AgentName(target)}, f" when {target} is away", team_of(AgentName(target), book)
    for team in _with_fallbacks(first, book):
        for name in team.agents:
            if name not in seen:
                yield name, f"as one of the team {team.name}{instead}", occasion
        seen |= set(team.agents)
        instead = f" when nobody of {team.name} is free"


def _with_fallbacks(name: str | None, book: Rulebook) -> list[Team]:
    found: list[Team] = []
    team = book.teams.get(TeamName(name or ""))
    while team is not None and team not in found:
        found.append(team)
        team = book.teams.get(team.fallback or TeamName(""))
    return found


def _called(number: int, rule: Rule) -> str:
    return f"rule {number} ({_one_line(rule.name)})"


def _person(agent: Agent, book: Rulebook, today: date) -> list[str]:
    """Languages, limits, own hours, and days off."""
    spoken = _and(_language(code) for code in agent.languages)
    found = [f"Speaks {spoken}." if spoken else "Gets mail in any language."]
    if agent.at_most is not None:
        found.append(f"Gets no new case beyond {agent.at_most} open ones.")
    if mentor := book.agents.get(agent.mentor or AgentName("")):
        found.append(f"What they write to customers leaves when {mentor.full_name} lets it go.")
    for team in book.teams.values():
        if agent.name in team.agents and team.at_most is not None:
            found.append(f"Gets no new case through the team {team.name} beyond {team.at_most} open ones.")
        if agent.name in team.agents and team.at_most_upset is not None:
            found.append(f"Gets at most {team.at_most_upset} cases of upset people a day through the team {team.name}.")
    if agent.hours is not None:
        found.append(f"Is {_hours(agent.hours, 'at work')} (time of {agent.hours.zone}).")
    return found + [_away(absence, today) for absence in agent.away if absence.last >= today]


def _away(absence: Absence, today: date) -> str:
    now = "Is away now, until" if absence.first <= today else f"Will be away from {_day(absence.first)} to"
    if absence.first == absence.last:
        return "Is away today." if absence.first == today else f"Will be away on {_day(absence.first)}."
    return f"{now} {_day(absence.last)}."


# --- sentences -------------------------------------------------------------------------------------------------------


def _sentence(clause: str) -> str:
    clause = _capital(_one_line(clause))
    return clause if clause.endswith((".", "!", "?")) else f"{clause}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _and(words: Iterable[str]) -> str:
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _or(words: Iterable[str]) -> str:
    *first, last = list(words) or [""]
    return f"{', '.join(first)} or {last}" if first else last


def _counted(noun: str, things: Sequence[object]) -> str:
    return noun if len(things) == 1 else f"{noun}s"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
