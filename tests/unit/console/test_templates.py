"""Our templates: names that exist, data that is escaped, and no style or script inside them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from jinja2 import UndefinedError, meta, nodes

from governance.console import _pages

FOLDER = Path(_pages.__file__).parent / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
FRAME = {"assetPath", "containerClasses", "cspNonce", "messages", "navigation", "person", "person_role", "person_trust"}
PAGES = {
    "agreement.html": {"now", "shown"},
    "agreements.html": {"found", "now"},
    "alert.html": {"asked", "form", "me", "names", "shown"},
    "alerts.html": {"first", "form", "found"},
    "ask.html": {"alert", "form"},
    "asked.html": {"found"},
    "asked_question.html": {"form", "shown"},
    "close.html": {"alert", "form"},
    "decision.html": {"shown"},
    "error.html": {"text", "title"},
    "event.html": {"shown"},
    "help.html": set(),
    "home.html": {"now", "overview"},
    "impact.html": {"answer", "changes", "form", "record"},
    "notices.html": {"first", "form", "found"},
    "patients.html": {"form"},
    "reasons.html": {"days", "found"},
    "rule.html": {"alert", "form", "question"},
    "sample.html": {"first", "found", "more", "show", "summaries"},
    "sample_look.html": {"drawn", "form", "names"},
    "sample_rate.html": {"form", "summary"},
    "sign_in.html": {"trusts"},
    "suppression.html": {"form", "held", "me", "now", "withheld"},
    "suppression_new.html": {"form"},
    "suppressions.html": {"form", "found", "more", "now"},
    "timeline.html": {"first", "form", "found", "trusts"},
    "unmask.html": {"alert", "form"},
    "unmasked.html": {"alert", "shown"},
}


def source(name: str) -> str:
    return (FOLDER / name).read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_uses_only_names_that_it_is_given(name: str) -> None:
    made = _pages.environment()
    parsed = made.parse(source(name))
    own = {found.name for found in parsed.find_all(nodes.Name) if found.ctx != "load"}
    own |= {found.name for found in parsed.find_all(nodes.Macro)}
    for found in parsed.find_all(nodes.FromImport):
        own |= {one if isinstance(one, str) else one[1] for one in found.names}
    used = meta.find_undeclared_variables(parsed)
    assert used - own - set(made.globals) - FRAME - PAGES.get(name, set()) - {"self"} == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_style_no_handler_and_marks_nothing_safe(name: str) -> None:
    text = source(name)
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style|\|\s*safe|Markup", text)
    assert all("nonce" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_form_that_changes_something_carries_its_token(name: str) -> None:
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", source(name), re.DOTALL):
        assert "token()" in form or "csrf_token" in form


def test_every_page_is_listed_here() -> None:
    assert set(PAGES) == {name for name in TEMPLATES if "/" not in name and name != "layout.html"}


@dataclass(frozen=True, slots=True)
class Ours:
    """Data of ours."""

    name: str


def test_a_misspelt_attribute_of_ours_is_an_error() -> None:
    template = _pages.environment().from_string("{{ ours.nmae }}")
    with pytest.raises(UndefinedError, match="Ours has no nmae"):
        template.render(ours=Ours("x"))


def test_a_missing_parameter_of_a_macro_is_nothing() -> None:
    assert _pages.environment().from_string("[{{ params.a.b.c }}]").render(params={}) == "[]"


def test_data_is_escaped_also_inside_a_macro() -> None:
    template = _pages.environment().from_string(
        '{% from "nhsuk/components/tag/macro.jinja" import tag %}{{ tag({"text": word}) }}'
    )
    assert "<b>" not in template.render(word="<b>bold</b>")
