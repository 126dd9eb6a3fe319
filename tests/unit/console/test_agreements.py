"""An agreement's plain English, taken apart for the page: nothing lost, nothing invented."""

from governance.agreements import plain_english
from governance.agreements.documents import check
from governance.console._agreements import sections
from tests.worlds.agreements import document


def test_every_line_of_the_plain_english_is_on_the_page() -> None:
    text = plain_english(check(document()).agreement, {"RRK": "Birmingham"})
    summary, clauses = sections(text)
    title, *lines = text.split("\n")
    told = list(summary)
    for clause in clauses:
        told.append(clause.heading)
        told += [f"{subject}: {words}" if subject != "Token" else words for subject, words in clause.parts]
    assert title.startswith(document()["title"])
    assert [line.lower() for line in told] == [line.strip().lower() for line in lines]


def test_a_clause_is_told_by_subject() -> None:
    _, clauses = sections(plain_english(check(document()).agreement))
    assert [clause.heading for clause in clauses] == ["Clause 4.1. Clinicians may read the images of their patients."]
    assert [subject for subject, _ in clauses[0].parts] == [
        "Who",
        "May",
        "Why",
        "Which images",
        "Conditions",
        "Emergency override",
        "National data opt-out",
        "Token",
    ]
    assert all(words[0].isupper() or not words[0].isalpha() for _, words in clauses[0].parts)
