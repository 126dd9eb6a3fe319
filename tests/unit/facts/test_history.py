"""What was known at an index of the log, on both databases."""

import json

import pytest
from sqlalchemy import text

from governance.errors import Conflict
from governance.facts import Fact, Span, Timelines, Wanted
from governance.facts import collecting as collecting_module
from governance.pseudonyms import Vault
from governance.storage import Database
from tests.worlds.basics import NOON
from tests.worlds.facts import NIA, PAT, FactWorld, edge, staff


@pytest.fixture
def world(database: Database, vault: Vault) -> FactWorld:
    """Begin with nothing known."""
    return FactWorld(database, vault)


def rows(world: FactWorld, columns: str = "*") -> list[tuple[object, ...]]:
    with world.database.reading() as session:
        statement = f"SELECT {columns} FROM fact_version ORDER BY kind, key, known_since"
        found = session.connection().execute(text(statement))
        return [tuple(row) for row in found]


def test_a_change_is_known_to_what_comes_after_its_record_and_to_nothing_before(world: FactWorld) -> None:
    world.write(10, edge())
    world.write(20, edge(value={"kind": "report"}))
    world.write(30, Fact("edge", "e-1", gone=True))
    said = {at: [one.said()["kind"] for one in world.known(at)] for at in (10, 11, 20, 21, 30, 31, 99)}
    assert said == {10: [], 11: ["order"], 20: ["order"], 21: ["report"], 30: ["report"], 31: [], 99: []}


def test_what_is_sent_again_unchanged_writes_no_version(world: FactWorld) -> None:
    member = staff(household_key="h-1", surname_share=0.25, team_ids=["night"])
    assert world.write(1, member, edge()) == 2
    assert world.write(2, member, edge()) == 0
    assert world.write(3, staff(household_key="h-1", surname_share=0.25, team_ids=["night"], postcode_key=None)) == 0
    assert world.write(4, staff(household_key="h-2", surname_share=0.25, team_ids=["night"])) == 1
    assert world.write(5, Fact("edge", "e-9", gone=True)) == 0
    assert world.write(6, edge(valid_from=6)) == 1
    assert len(rows(world)) == 4


def test_of_two_facts_of_one_row_in_one_change_the_last_counts(world: FactWorld) -> None:
    assert world.write(1, edge(), edge(value={"kind": "mdt"})) == 1
    assert [one.said() for one in world.known(2)] == [{"kind": "mdt"}]


def test_a_second_record_in_one_transaction_replaces_what_the_first_said(world: FactWorld) -> None:
    world.write(7, edge())
    world.write(7, edge(value={"kind": "mdt"}))
    assert [one.said() for one in world.known(8)] == [{"kind": "mdt"}]


def test_a_span_gives_every_version_of_it_and_a_timeline_the_one_of_an_index(world: FactWorld) -> None:
    for index, kind in ((10, "order"), (20, "report"), (30, "mdt"), (40, "rota")):
        world.write(index, edge(value={"kind": kind}))
    with world.database.reading() as session:
        found = world.history.read(session, Wanted(["edge"], patients=[PAT]), Span(21, 31))
    assert sorted(one.known_since for one in found) == [20, 30], "10 was over, 40 was still to come"
    lines = Timelines(found)
    assert [[one.known_since for one in lines.of("edge", at, patient=PAT)] for at in (21, 30, 31)] == [[20], [20], [30]]
    assert lines.of("edge", 21, subject=NIA) == [], "what names a patient is found by the patient"


def test_a_row_is_looked_up_by_its_patient_then_its_study_then_its_subject(world: FactWorld) -> None:
    world.write(
        1,
        edge("named"),
        edge("studied", patient=None, study="t-1"),
        edge("both", study="t-1"),
        edge("wide", patient=None),
    )
    keys = {
        by: [one.key for one in world.known(2, **{by: [name]})]  # type: ignore[arg-type]
        for by, name in (("patients", PAT), ("studies", "t-1"), ("subjects", NIA), ("keys", "named"))
    }
    assert keys == {"patients": ["both", "named"], "studies": ["studied"], "subjects": ["wide"], "keys": ["named"]}


def test_more_names_than_one_statement_takes_are_looked_up_in_several(world: FactWorld) -> None:
    names = [f"p-{number}" for number in range(4_500)]
    world.write(1, *(edge(f"e-{name}", patient=name) for name in names))
    assert len(world.known(2, patients=names)) == 4_500


def test_a_secret_is_sealed_and_erasing_its_owner_reaches_every_version(world: FactWorld) -> None:
    world.write(1, staff(household_key="h-one"))
    world.write(2, staff(household_key="h-two"))
    both = [world.known(at)[0] for at in (2, 3)]
    assert world.secrets(both) == [{"household_key": "h-one"}, {"household_key": "h-two"}]
    assert "h-one" not in json.dumps(rows(world), default=str)
    with world.database.transaction() as session:
        world.vault.destroy(session, NIA, NOON)
    assert world.secrets(both) == [{}, {}]
    assert [one.said() for one in both] == [{"role": "nurse"}] * 2, "what is no secret of theirs is still there"


def test_nothing_more_is_sealed_of_who_was_erased_and_sending_it_again_is_no_news(world: FactWorld) -> None:
    world.write(1, staff(household_key="h-one"))
    with world.database.transaction() as session:
        world.vault.destroy(session, NIA, NOON)
    assert world.write(2, staff(household_key="h-two")) == 0
    assert world.write(3, staff("clinician", household_key="h-two")) == 1
    assert world.write(4, staff("clinician", household_key="h-three")) == 0
    assert [one.sealed for one in world.known(5)] == [None]


def test_a_new_data_key_is_made_only_after_the_record_and_one_on_file_is_used_before(
    world: FactWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made one before the log is locked could wait for the log, and the log for them."""
    order: list[str] = []
    sealed = collecting_module._sealed

    def watched(vault: Vault, session: object, open_: list[object]) -> list[object]:
        order.append(f"seals {len(open_)}")
        return sealed(vault, session, open_)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(collecting_module, "_sealed", watched)
    world.write(1, staff(household_key="h-1"))
    world.write(2, staff(household_key="h-2"))
    assert order == ["seals 0", "seals 1", "seals 1", "seals 0"]


def test_what_changed_in_a_span_is_given_page_by_page_with_the_names_of_before(world: FactWorld) -> None:
    world.write(10, edge("e-1"), edge("e-2", patient=None, study="t-1"))
    world.write(20, edge("e-1", patient="p-other"), staff())
    world.write(30, Fact("edge", "e-2", gone=True))
    with world.database.reading() as session:
        whole = world.history.versions_since(session, 11, 30)
        paged = list(world.history.all_versions_since(session, 11, 30, limit=1))
        first = world.history.versions_since(session, 0, 10)
        none = world.history.versions_since(session, 31, 99)
    assert [(one.at, one.key, one.before, one.subject, one.patient, one.study) for one in whole] == [
        (20, "e-1", True, NIA, PAT, None),
        (20, "e-1", False, NIA, "p-other", None),
        (20, f"{NIA} RRK ", False, NIA, None, None),
        (30, "e-2", True, NIA, None, "t-1"),
        (30, "e-2", False, NIA, None, "t-1"),
    ]
    assert paged == whole
    assert [one.key for one in first] == ["e-1", "e-2"]
    assert none == []


def test_what_ended_before_an_index_is_dropped_and_an_older_question_is_refused_by_name(world: FactWorld) -> None:
    world.write(10, edge("e-1"), edge("e-2"), edge("e-3"))
    world.write(20, edge("e-1", valid_from=6), Fact("edge", "e-2", gone=True))
    world.write(30, edge("e-1", valid_from=7))
    assert world.keeper.drop_before(25) == 3, "e-1 of 10, e-2 of 10 and that it is gone"
    assert [(one.key, one.known_since) for one in world.known(25)] == [("e-1", 20), ("e-3", 10)]
    with pytest.raises(Conflict) as refused:
        world.known(24)
    assert refused.value.reason == "facts.too_old"
    assert "25" in refused.value.detail
    with world.database.reading() as session, pytest.raises(Conflict):
        world.history.versions_since(session, 24, 40)
    assert world.keeper.drop_before(20) == 0, "it never moves back"
    assert world.keeper.drop_before(25) == 0
    with world.database.reading() as session:
        assert world.history.oldest(session) == 25


def test_what_a_migration_left_open_is_read_and_then_sealed(world: FactWorld) -> None:
    gone = Fact("staff", "s-gone", secret={"a": 1}, owner="s-gone", subject="s-gone")
    world.write(0, staff(household_key="h-1"), gone)
    with world.database.transaction() as session:
        open_ones = '{"household_key": "h-1", "site": null}'
        session.connection().execute(text("UPDATE fact_version SET sealed = :open"), {"open": open_ones})
        world.vault.destroy(session, "s-gone", NOON)
    open_ = world.known(1)
    assert world.secrets(open_) == [{"household_key": "h-1", "site": None}]
    assert world.write(5, staff(household_key="h-1")) == 0, "it says the same"
    assert world.keeper.seal_the_first() == 2
    assert world.keeper.seal_the_first() == 0
    assert "h-1" not in json.dumps(rows(world), default=str)
    assert world.secrets(world.known(1)) == [{"household_key": "h-1", "site": None}]
    assert [sealed for (sealed,) in rows(world, "sealed") if sealed is None] == [None], "of who is erased nothing is"
