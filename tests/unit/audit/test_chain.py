"""A chain of authority found in one statement: the same as asking for one id after the other, bounds and order too."""

import random
from collections.abc import Sequence

import pytest

from governance.audit import AuditLog, AuditSearch, Authority, Event, Query, RecordedEvent, Resource, Source, Subject
from governance.audit.search import ChainStart
from governance.storage import Database
from governance.vocabulary import SubjectType
from tests.worlds.log import MakeEvent

TRUSTS = ("RRK", "RKB", "RNA")
IDS = ("a", "B", "b", "Z", "z", "Éa", "éb", "_", "10", "9")  # a language's order is another than that of code points


def one_by_one(search: AuditSearch, start: ChainStart) -> list[int]:
    """Find a chain by a question an id; gives indexes."""

    def followed(known: Sequence[RecordedEvent], name: str, given: Sequence[str]) -> list[RecordedEvent]:
        ids = {*given, *(value for event in known if (value := getattr(event.authority, name)))}
        queries = [Query(**{name: value}, trust=start.trust) for value in sorted(ids)[: start.links]]
        return [event for query in queries for event in search.find(query, start.each, newest_first=False)]

    wanted = [search.find(Query(after_index=n - 1, before_index=n + 1, trust=start.trust), 1) for n in start.entries]
    found = sorted((event for one in wanted for event in one), key=lambda event: -event.index)[: start.newest]
    found += followed(found, "token_jti", start.tokens)
    found += followed(found, "decision_id", start.decisions)
    return sorted({event.index for event in found})


@pytest.fixture
def filled(log: AuditLog, make_event: MakeEvent) -> None:
    """Record 400 events of three trusts under few tokens and decisions, some of them under none."""
    draw = random.Random(7)

    def make(number: int) -> Event:
        ods, custodian, source = draw.choices(TRUSTS, k=3)
        decision, token = (draw.choice((*IDS, None)) for _ in range(2))
        return make_event(
            number,
            source=Source("pacs", source),
            subject=Subject("user", SubjectType.PRACTITIONER, "clinician", ods),
            resource=Resource(patient="9990000018", study_uid="1.2.3", custodian=custodian),
            authority=Authority(decision and f"d-{decision}", token and f"t-{token}"),
        )

    log.append([make(number) for number in range(400)])


@pytest.mark.parametrize("trust", [None, "RNA"], ids=["region", "trust"])
@pytest.mark.parametrize(("links", "each"), [(20, 200), (3, 200), (20, 4), (2, 1)])
def test_it_is_what_one_question_an_id_finds(
    database: Database, filled: None, trust: str | None, links: int, each: int
) -> None:
    search = AuditSearch(database)
    tokens, decisions = ("t-é", "t-_", "t-9", "t-unheard-of"), ("d-Z", "d-unheard-of")
    for start in (
        ChainStart((5, 90, 180, 333, 1_000), 3, trust=trust, links=links, each=each),
        ChainStart((17,), 1, tokens, decisions, trust, links, each),
        ChainStart((), 5, tokens, decisions, trust, links, each),
        ChainStart((), 5, trust=trust, links=links, each=each),
        ChainStart(tuple(range(0, 400, 9)), 25, tokens, (), trust, links, each),
    ):
        with database.reading() as session:
            found = search.chain_in(session, start)
        assert [event.index for event in found.events] == one_by_one(search, start)
        assert found.seen == len(list(search.among(start.entries, Query(trust=trust), page=7)))


def test_a_token_leads_to_its_decision_and_to_all_that_carries_it(
    database: Database, log: AuditLog, make_event: MakeEvent
) -> None:
    log.append(
        [
            make_event(0, authority=Authority("d-1")),
            make_event(1, authority=Authority("d-1", "t-1")),
            make_event(2, authority=Authority(None, "t-1")),
            make_event(3, authority=Authority("d-2", "t-2")),
            make_event(4, authority=Authority()),
        ]
    )
    with database.reading() as session:
        found = AuditSearch(database).chain_in(session, ChainStart([2], 1))
        alone = AuditSearch(database).chain_in(session, ChainStart([4], 1))
    assert [event.index for event in found.events] == [0, 1, 2]
    assert [event.index for event in alone.events] == [4]


def test_uses_and_their_trusts_are_filtered_by_the_query(
    database: Database, log: AuditLog, make_event: MakeEvent
) -> None:
    log.append([make_event(number, source=Source("pacs", "RNA")) for number in range(6)])
    search = AuditSearch(database)
    kind = make_event(0).kind
    with database.reading() as session:
        for query, seen in (
            (Query(kinds=frozenset({kind})), {"RRK", "RKB"}),
            (Query(kinds=frozenset({kind}), party="RRK"), {"RRK", "RKB"}),
            (Query(party="RNA"), set()),  # the source's trust is no party
            (Query(trust="RNA"), {"RRK", "RKB"}),
            (Query(kinds=frozenset()), set()),
        ):
            assert search.trusts_in(session, query, 3) == seen
            assert len(search.find_in(session, query, 10)) == (6 if seen else 0)


def test_a_chain_says_whether_it_was_followed_to_its_end(
    database: Database, log: AuditLog, make_event: MakeEvent
) -> None:
    log.append([make_event(number, authority=Authority(f"d-{number % 3}", "t-1")) for number in range(6)])
    search = AuditSearch(database)
    with database.reading() as session:
        whole = search.chain_in(session, ChainStart(range(6), 6))
        few = search.chain_in(session, ChainStart(range(6), 2))
        cut = search.chain_in(session, ChainStart(range(6), 6, each=6))
        narrow = search.chain_in(session, ChainStart(range(6), 6, links=2))
    assert [found.complete for found in (whole, few, cut, narrow)] == [True, False, False, False]
    assert [found.seen for found in (whole, few, cut, narrow)] == [6, 6, 6, 6]


def test_indexes_are_looked_up_however_many_they_are(database: Database, log: AuditLog, make_event: MakeEvent) -> None:
    log.append([make_event(number) for number in range(30)])
    everything = range(100_000)
    search = AuditSearch(database)
    assert [event.index for event in search.among(everything, Query(), page=7)] == list(range(29, -1, -1))
    assert list(search.among([], Query())) == []
    with database.reading() as session:
        assert search.chain_in(session, ChainStart(everything, 5)).seen == 30
