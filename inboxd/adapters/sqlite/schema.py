"""The tables. Those that cannot be rebuilt later exist from day one; each change is a step in `MIGRATIONS`."""

from __future__ import annotations

import sqlite_utils
from sqlite_utils import Migrations

MIGRATIONS = Migrations("inboxd")

# Times are seconds since 1970 in UTC (real); lists and mappings are JSON (text). STRICT refuses a wrong type.
TABLES = """
create table person (
    id integer primary key, name text not null, language text not null default '',
    no_follow_up integer not null default 0, asked_at real, created_at real not null
) strict;
create table address (email text primary key, person integer not null references person (id), name text not null) strict;
create index address_person on address (person);

create table cases (
    id integer primary key, mailbox text not null, customer integer not null references person (id), subject text not null,
    state text not null, outcome text not null, language text not null, topic text not null,
    sentiment text not null, first_sentiment text not null, assignee text, team text, priority text not null,
    labels text not null, briefs text not null, involved text not null, due_at real, opened_at real not null,
    updated_at real not null, resolved_at real, closed_at real, resolved_by text, by_silence integer not null,
    reopened integer not null, round integer not null, good_sign integer not null, repeat integer not null,
    merged_into integer, linked_to integer, last_reply_at real, last_reply_by text, last_reply_asks integer not null,
    no_follow_up integer not null
) strict;
create index cases_customer on cases (customer, opened_at);
create index cases_live on cases (state, assignee) where state in ('open', 'waiting', 'resolved');
create index cases_assignee on cases (assignee, id);
create table participant (
    case_id integer not null references cases (id), email text not null, name text not null, primary key (case_id, email)
) strict;

create table message (
    id integer primary key, mailbox text not null, folder text not null, message_id text not null default '', content_hash text not null,
    received_at real not null, case_id integer references cases (id), person integer, agent text, kind text not null default '',
    sender text not null default '', name text not null default '', subject text not null default '',
    role text not null default '', contact integer not null default 0, handed_over integer not null default 0
) strict;
create index message_content on message (content_hash);
create index message_case on message (case_id, id);
create index message_contact on message (person, received_at) where contact = 1;
create table raw (message integer primary key references message (id), body blob not null) strict;
create table thread_id (message_id text not null, case_id integer not null, primary key (message_id, case_id)) strict, without rowid;

create table sighting (
    mailbox text not null, folder text not null, uidvalidity integer not null, uid integer not null, message integer,
    state text not null, internaldate real not null, size integer not null, identity text not null, at real not null,
    why text not null default '', primary key (mailbox, folder, uidvalidity, uid)
) strict, without rowid;
create index sighting_identity on sighting (mailbox, folder, identity) where identity <> '';
create table cursor (
    mailbox text not null, folder text not null, uidvalidity integer not null, next_uid integer not null,
    first_run_at real not null, primary key (mailbox, folder)
) strict;
create table mailbox (name text primary key, mode text not null, since real not null) strict;

create table reading (
    message integer primary key references message (id), model text not null, kind text not null, language text not null,
    topic text not null, topic_sure real not null, topics text not null, sentiment text not null, upset real not null,
    urgent real not null, sensitive integer not null, thanks_only integer not null, answer text not null,
    phrases text not null, new_text text not null
) strict;
create table decision (
    id integer primary key, message integer, case_id integer, at real not null, ruleset text not null, model text not null,
    facts_json text not null, actions text not null, because text not null, trace text not null
) strict;
create index decision_message on decision (message);
create index decision_case on decision (case_id, id);
create table ruleset (hash text primary key, at real not null, files text not null) strict;
create table correction (
    id integer primary key, at real not null, message integer, case_id integer, agent text, field text not null, value text not null
) strict;

create table outgoing (
    id integer primary key, purpose_key text not null unique, message_id text not null unique, mailbox text not null,
    case_id integer, kind text not null, round integer not null, agent text, person integer, recipient text not null,
    automatic integer not null, envelope_from text, envelope_to text, bytes blob, text text not null default '',
    state text not null, reply text not null default '', ambiguous integer not null default 0,
    created_at real not null, sent_at real
) strict;
create index outgoing_case on outgoing (case_id, id);
create index outgoing_lately on outgoing (mailbox, created_at);
create index outgoing_recipient on outgoing (recipient, created_at);

create table event (
    id integer primary key, at real not null, kind text not null, mailbox text not null, case_id integer, data text not null
) strict;
create index event_case on event (case_id, id);
create index event_brake on event (mailbox, id) where kind in ('breaker.tripped', 'breaker.reset');
create index event_at on event (mailbox, at, kind);
create table job (
    id integer primary key, key text not null unique, kind text not null, case_id integer, message integer, outgoing integer,
    run_at real not null, payload text not null default '{}', tries integer not null default 0,
    crashes integer not null default 0, marked integer not null default 0, in_hand integer not null default 0,
    parked_at real, error text not null default '', lane integer not null default 0
) strict;
create index job_due on job (kind, run_at) where in_hand = 0 and parked_at is null;
create index job_marked on job (kind) where marked = 1;
create index job_in_hand on job (kind) where in_hand = 1;
create index job_case on job (case_id);
"""


@MIGRATIONS()
def first(db: sqlite_utils.Database) -> None:
    """All tables of the first version."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)


@MIGRATIONS()
def automatic_mail_by_time(db: sqlite_utils.Database) -> None:
    """The cap on automatic mail counts only that: without an index of its own each mail read all that went out lately."""
    db.execute("drop index outgoing_lately")
    db.execute("create index outgoing_automatic on outgoing (mailbox, created_at) where automatic = 1")


@MIGRATIONS()
def backlog_and_lent_cases(db: sqlite_utils.Database) -> None:
    """A case may wait for somebody of a team to be free, and may be lent while its agent is away."""
    db.execute("alter table cases add column backlog text")
    db.execute("alter table cases add column lent_by text")


@MIGRATIONS()
def sightings_by_message(db: sqlite_utils.Database) -> None:
    """Where a message lies is asked when a rule files it."""
    db.execute("create index sighting_message on sighting (message) where message is not null")


@MIGRATIONS()
def upset_cases_of_a_day(db: sqlite_utils.Database) -> None:
    """Limits on upset people a day count only those: without an index each mail would look at all cases."""
    db.execute("create index cases_upset on cases (opened_at, assignee) where first_sentiment = 'upset'")


@MIGRATIONS()
def cases_that_became_one(db: sqlite_utils.Database) -> None:
    """The story of a case holds the messages of those that were merged into it."""
    db.execute("create index cases_merged on cases (merged_into) where merged_into is not null")


@MIGRATIONS()
def absences_said_by_mail(db: sqlite_utils.Database) -> None:
    """Agents say by mail, themselves or by their out-of-office, until when they are away; days as ISO 8601."""
    db.execute("create table absence (agent text primary key, first text not null, last text not null, at real not null) strict")


@MIGRATIONS()
def promises_of_agents(db: sqlite_utils.Database) -> None:
    """A day that an agent named to a customer is remembered, with its sentence and how it ended before its day; days as ISO 8601."""
    db.execute(
        "create table promise (id integer primary key, case_id integer not null references cases (id), agent text not null,"
        " message integer not null, day text not null, sentence text not null, made_at real not null, ended text not null default '',"
        " ended_at real) strict"
    )
    db.execute("create index promise_case on promise (case_id)")
    db.execute("create index promise_agent on promise (agent, day) where ended = ''")


@MIGRATIONS()
def people_joined_and_parted(db: sqlite_utils.Database) -> None:
    """Which addresses were given to whom is asked with each mail of an agent: without an index it would read all events."""
    db.execute("create index event_same_as on event (id) where kind in ('person.same_as', 'person.not_same_as')")


@MIGRATIONS()
def practice_signatures_and_mentors(db: sqlite_utils.Database) -> None:
    """Who was greeted (not those who worked here before), what agents' signatures are and from which mail, words that wait for a mentor."""
    db.execute("create table greeted (agent text primary key, at real not null) strict")
    db.execute(
        "insert into greeted select agent, min(created_at) from outgoing where kind in ('routed', 'reply') and agent <> '' group by agent"
    )
    db.execute(
        "create table signature (agent text not null, lines text not null, message integer, practice integer not null, at real not null,"
        " forgotten integer not null default 0, primary key (agent, lines)) strict"
    )
    db.execute(
        "create table held_words (message integer primary key, case_id integer not null, agent text not null, mentor text not null,"
        " words text not null, at real not null, ended text not null default '') strict"
    )
    db.execute("create index held_words_case on held_words (case_id)")
    db.execute("create index message_words on message (agent, id) where role = 'agent'")


@MIGRATIONS()
def what_mails_are_about(db: sqlite_utils.Database) -> None:
    """A mail's key phrases stand with its reading: a report or a spike reads no text again. Customers' mails are found by their time."""
    db.execute("alter table reading add column key_phrases text not null default '[]'")
    db.execute("create index message_received on message (mailbox, received_at) where role = 'customer'")


@MIGRATIONS()
def known_issues(db: sqlite_utils.Database) -> None:
    """Faults of ours that people write about, and who did: each is told once when it is mended."""
    db.execute(
        "create table issue (id integer primary key, mailbox text not null, text text not null, keys text not null, topic text not null,"
        " opened_at real not null, opened_by text not null, fixed_at real, fixed_text text not null default '',"
        " source text not null) strict"
    )
    db.execute("create index issue_open on issue (mailbox) where fixed_at is null")
    db.execute(
        "create table case_issue (issue integer not null references issue (id), case_id integer not null references cases (id),"
        " at real not null, settled_at real, why text not null default '', primary key (issue, case_id)) strict, without rowid"
    )
    db.execute("create index case_issue_case on case_issue (case_id)")


@MIGRATIONS()
def words_of_known_issues_by_language(db: sqlite_utils.Database) -> None:
    """What people may know of a fault, and that it is mended, in the words for each language: JSON objects."""
    db.execute("alter table issue add column texts text not null default '{}'")
    db.execute("alter table issue add column fixed_texts text not null default '{}'")


@MIGRATIONS()
def bytes_apart_from_their_state(db: sqlite_utils.Database) -> None:
    """The marks of a send rewrite its row: the final bytes stand beside it, or each mark would write them anew."""
    db.execute(
        "create table outgoing_raw (outgoing integer primary key references outgoing (id), bytes blob not null, text text not null) strict"
    )
    db.execute("insert into outgoing_raw select id, bytes, text from outgoing where bytes is not null")
    db.execute("alter table outgoing drop column bytes")
    db.execute("alter table outgoing drop column text")


@MIGRATIONS()
def loads_of_agents(db: sqlite_utils.Database) -> None:
    """Each mail asks how many open cases everybody has: they are counted as they change, not each time."""
    db.execute("create table load (agent text primary key, open integer not null) strict, without rowid")
    db.execute("insert into load select assignee, count(*) from cases where state = 'open' and assignee is not null group by assignee")
    more = "insert into load values (new.assignee, 1) on conflict (agent) do update set open = open + 1;"
    less = "update load set open = open - 1 where agent = old.assignee;"
    is_open = "{0}.state = 'open' and {0}.assignee is not null"
    of_old, of_new = is_open.format("old"), is_open.format("new")
    changed = "(old.state is not new.state or old.assignee is not new.assignee)"
    db.execute(f"create trigger load_opened after insert on cases when {of_new} begin {more} end")
    db.execute(f"create trigger load_taken after update of state, assignee on cases when {of_new} and {changed} begin {more} end")
    db.execute(f"create trigger load_given after update of state, assignee on cases when {of_old} and {changed} begin {less} end")
    db.execute(f"create trigger load_erased after delete on cases when {of_old} begin {less} end")
