"""A document is refused with every fault named by its path, and a fault never repeats the document."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.agreements.documents import check, parse, schema
from governance.agreements.packing import Format
from governance.errors import Fault, InvalidInput
from governance.simulation import region
from governance.vocabulary import Action, Label, Modality, PartyRole, Purpose, Role
from tests.worlds.agreements import document, without

AI = {"id": "ai-x", "versions": ["1.0.0"], "modalities": ["CT"], "body_parts": ["HEAD"], "daily_volume": 10}
CLAUSE = "/clauses/0"


def paths_of(made: Any, prefix: str = "") -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        check(made, prefix)
    return [fault.path for fault in refused.value.faults]


def test_the_base_document_is_valid() -> None:
    checked = check(document())
    assert checked.agreement.signatories == {"RRK", "RKB"}
    assert check(json.loads(checked.text)) == checked


@pytest.mark.parametrize(
    "path",
    [
        "/id", "/version", "/title", "/parties", "/direction", "/lawful_basis", "/effective", "/review_date", "/dpia",
        "/retention", "/clauses", "/effective/to", "/retention/class", "/direction/owners", "/lawful_basis/article_9",
        *(f"{CLAUSE}/{name}" for name in ("id", "text", "purposes", "actions", "recipients", "data", "conditions",
                                          "break_glass", "opt_out", "token", "data/sensitive", "data/priors_days",
                                          "conditions/relationship", "token/act_depth")),
    ],
)  # fmt: skip
def test_a_missing_field_is_named(path: str) -> None:
    assert paths_of(without(path)) == [path]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/id", "Two Trusts"),
        ("/id", "a" * 65),
        ("/version", 0),
        ("/version", "1"),
        ("/version", True),
        ("/title", ""),
        ("/title", "x" * 201),
        ("/title", "a\u0000b"),
        ("/parties/0/ods", "rrk"),
        ("/parties/0/role", "owner"),
        ("/lawful_basis/article_6", "6(1)(z)"),
        ("/lawful_basis/confidentiality", "because"),
        ("/effective/to", "2026-02-30"),
        ("/effective/from", "yesterday"),
        ("/effective/from", "1066-10-14"),
        ("/effective/to", "2025-12-31"),
        ("/review_date", "2027-01-01"),
        ("/retention/years", 2),
        ("/retention/class", "Health Record"),
        ("/direction/owners/0", "RJE"),
        ("/direction/recipients/0", "RJE"),
        ("/direction/pool", "West Midlands"),
        (f"{CLAUSE}/id", 4.1),
        (f"{CLAUSE}/id", "four"),
        (f"{CLAUSE}/purposes", []),
        (f"{CLAUSE}/purposes", ["TREAT", "TREAT"]),
        (f"{CLAUSE}/purposes/0", "CURIOSITY"),
        (f"{CLAUSE}/actions/0", "copy"),
        (f"{CLAUSE}/recipients", {}),
        (f"{CLAUSE}/recipients", {"roles": []}),
        (f"{CLAUSE}/recipients/roles/0", "porter"),
        (f"{CLAUSE}/data/modalities", ["*", "CT"]),
        (f"{CLAUSE}/data/modalities/0", "XX"),
        (f"{CLAUSE}/data/body_parts/0", "head"),
        (f"{CLAUSE}/data/body_parts", ["*", "HEAD"]),
        (f"{CLAUSE}/data/priors_days", 0),
        (f"{CLAUSE}/data/level", "anonymous"),
        (f"{CLAUSE}/data/sensitive", "allow"),
        (f"{CLAUSE}/data/excluded_labels", ["sensitive"]),
        (f"{CLAUSE}/conditions/identity_assurance", 4),
        (f"{CLAUSE}/conditions/managed_device", "yes"),
        (f"{CLAUSE}/conditions/hours/from", "24:00"),
        (f"{CLAUSE}/conditions/hours/to", "20:00"),
        (f"{CLAUSE}/conditions/relationship", "none"),
        (f"{CLAUSE}/conditions/obligations/0/type", "Water Mark"),
        (f"{CLAUSE}/break_glass/minutes", 0),
        (f"{CLAUSE}/break_glass/review_share", 0),
        (f"{CLAUSE}/break_glass/review_share", 1.5),
        (f"{CLAUSE}/break_glass/notify", []),
        (f"{CLAUSE}/break_glass/notify", ["recipient_privacy_officer"]),
        (f"{CLAUSE}/opt_out/applies", True),
        (f"{CLAUSE}/token/seconds", 121),
        (f"{CLAUSE}/token/act_depth", 4),
    ],
)
def test_a_wrong_value_is_named(path: str, value: object) -> None:
    found = paths_of(document({path: value}))
    assert any(one and (path.startswith(one) or one.startswith(path)) for one in found), found


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"/parties/1/ods": "RRK", "/direction/recipients": ["RRK"], "/direction/owners": ["RRK"]}, "/parties/1/ods"),
        ({"/parties/0/role": "processor"}, "/direction/owners/0"),
        ({"/parties/1/role": "processor", "/parties/0/role": "processor"}, "/parties"),
        ({"/direction/owners": ["RKB"]}, "/parties/0/ods"),
        ({f"{CLAUSE}/purposes": ["HRESCH"], f"{CLAUSE}/conditions/relationship": "required"}, f"{CLAUSE}/purposes"),
        ({f"{CLAUSE}/purposes": ["HQUALIMP"], f"{CLAUSE}/conditions/relationship": "self_claim"},
         f"{CLAUSE}/conditions/relationship"),
        ({f"{CLAUSE}/break_glass": {"allowed": False}}, f"{CLAUSE}/data/sensitive"),
        ({f"{CLAUSE}/break_glass": {"allowed": False, "minutes": 5}, f"{CLAUSE}/data/sensitive": "deny"},
         f"{CLAUSE}/break_glass"),
        ({f"{CLAUSE}/break_glass": {"allowed": False}, f"{CLAUSE}/data/sensitive": "deny",
          f"{CLAUSE}/purposes": ["BTG"]}, f"{CLAUSE}/break_glass/allowed"),
        ({f"{CLAUSE}/break_glass": {"allowed": True}}, f"{CLAUSE}/break_glass/minutes"),
        ({f"{CLAUSE}/opt_out": {"applies": False}}, f"{CLAUSE}/opt_out/exempt_because"),
        ({f"{CLAUSE}/data/level": "pseudonymised"}, f"{CLAUSE}/conditions/obligations"),
        ({f"{CLAUSE}/recipients": {"ai_services": [AI]}}, f"{CLAUSE}/token/act_depth"),
        ({f"{CLAUSE}/recipients": {"ai_services": [AI]}, f"{CLAUSE}/token": {"seconds": 61, "act_depth": 0}},
         f"{CLAUSE}/token/seconds"),
        ({f"{CLAUSE}/recipients": {"ai_services": [AI, AI]}, f"{CLAUSE}/token/act_depth": 0},
         f"{CLAUSE}/recipients/ai_services/1/id"),
        ({f"{CLAUSE}/recipients": {"services": ["ai-x"], "ai_services": [AI]}, f"{CLAUSE}/token/act_depth": 0},
         f"{CLAUSE}/recipients/ai_services/0/id"),
        ({f"{CLAUSE}/recipients": {"ai_services": [{**AI, "modalities": ["US"]}]}, f"{CLAUSE}/token/act_depth": 0},
         f"{CLAUSE}/recipients/ai_services/0/modalities"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named(changes: dict[str, Any], path: str) -> None:
    assert path in paths_of(document(changes))


def test_a_clause_named_twice_is_a_fault() -> None:
    clause = document()["clauses"][0]
    assert paths_of(document(clauses=[clause, clause])) == ["/clauses/1/id"]


def test_every_fault_of_a_document_is_listed_under_its_prefix() -> None:
    made = document({"/version": "x", f"{CLAUSE}/purposes/0": "NO", f"{CLAUSE}/token/seconds": 999, "/extra": 1})
    assert set(paths_of(made, "pool.yaml")) == {
        "pool.yaml/version", "pool.yaml/extra", "pool.yaml/clauses/0/purposes/0", "pool.yaml/clauses/0/token/seconds",
    }  # fmt: skip


def test_a_fault_never_repeats_what_the_document_said() -> None:
    secret = "9990000018 Mrs Example"
    made = document({"/id": secret, "/title": [secret], f"{CLAUSE}/purposes/0": secret, "/effective/to": secret})
    with pytest.raises(InvalidInput) as refused:
        check(made)
    assert secret not in repr(refused.value.faults)


def test_the_message_says_what_would_be_right() -> None:
    with pytest.raises(InvalidInput) as refused:
        check(document({f"{CLAUSE}/id": 4.1}))
    assert refused.value.faults == (Fault(f"{CLAUSE}/id", "must be text; put it in quotes"),)


@pytest.mark.parametrize(
    "text",
    [
        "id: a\nid: b",
        "a: &x [1]\nb: *x",
        "? [a]\n: b",
        "id: [",
        "!!python/object/apply:os.system [id]",
        "a: \x01",
        "",
        "---\n---\n",
        "[" * 5000,
    ],
)
def test_text_that_two_readers_could_read_apart_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text, "file.yaml")
    assert [fault.path for fault in refused.value.faults] == ["file.yaml"]


@pytest.mark.parametrize("text", ['{"id": 1, "id": 2}', "{", '{"a": NaN}', "[" * 100_000, "[]"])
def test_json_that_two_readers_could_read_apart_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text, "file.json", Format.JSON)


def test_a_large_file_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse("a: " + "x" * (1024 * 1024), "file.yaml")


def test_yaml_means_what_it_says() -> None:
    (read,) = parse("a: no\nb: 08:00\nc: 2027-01-01\nd: 012\ne: ~\nf: true\ng: 1.5\nh: 7\ni: <<\nj: -3", "f")
    assert read == {
        "a": "no", "b": "08:00", "c": "2027-01-01", "d": "012", "e": None, "f": True, "g": 1.5, "h": 7, "i": "<<",
        "j": -3,
    }  # fmt: skip


def test_a_file_may_hold_several_agreements() -> None:
    text = yaml.safe_dump_all([document(), document(id="other")])
    assert [one["id"] for one in parse(text, "f")] == ["two-trusts", "other"]
    assert len(parse(json.dumps([document(), document()]), "f", Format.JSON)) == 2


@pytest.mark.parametrize(
    "made",
    [
        {"id": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"j": {"k": {"l": 1}}}}}}}}}}}}},
        document({"/retention/years": 2**60}),
        document({f"{CLAUSE}/break_glass/review_share": float("nan")}),
        document({f"{CLAUSE}/break_glass/review_share": float("inf")}),
        document({"/title": "\ud800"}),
        {1: 2},
        {"a\u0001": 2},
    ],
)
def test_what_json_cannot_say_is_refused_before_anything_else(made: Any) -> None:
    assert len(paths_of(made)) == 1


def test_the_schema_speaks_the_vocabulary() -> None:
    defined = schema()["$defs"]
    clause, party = defined["clause"]["properties"], schema()["properties"]["parties"]["items"]["properties"]
    people = set(Role) - {Role.AI_SERVICE, Role.SERVICE}
    assert set(defined["modalities"]["items"]["enum"]) == {"*", *Modality}
    assert set(clause["purposes"]["items"]["enum"]) == set(Purpose)
    assert set(clause["actions"]["items"]["enum"]) == set(Action)
    assert set(clause["recipients"]["properties"]["roles"]["items"]["enum"]) == people
    assert set(clause["data"]["properties"]["excluded_labels"]["items"]["enum"]) == set(Label)
    assert set(party["role"]["enum"]) == set(PartyRole)


def test_the_demo_documents_are_valid_as_they_lie_in_their_files() -> None:
    folder = Path(region.__file__).parent / "agreements"
    names = sorted(folder.glob("*.yaml"))
    assert len(names) == len(region.plans())
    for name in names:
        (read,) = parse(name.read_text(), name.name)
        assert check(read, name.name).agreement.id == name.stem


def test_the_example_of_the_documentation_is_valid() -> None:
    page = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (read,) = parse(example, "docs/agreements.md")
    assert check(read).agreement.id == "stroke-network"


def test_the_documentation_names_every_field() -> None:
    page = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text()
    clause = schema()["$defs"]["clause"]["properties"]
    names = {
        *schema()["properties"],
        *clause,
        *clause["conditions"]["properties"],
        *clause["break_glass"]["properties"],
    }
    assert [name for name in sorted(names) if f"`{name}`" not in page and f"`{name}." not in page] == []
    assert [name for name in clause["data"]["properties"] if f"`data.{name}`" not in page] == []
