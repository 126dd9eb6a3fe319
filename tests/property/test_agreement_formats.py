"""Whatever an agreement says, each format gives it back: the same values, so the same text, hash and signatures."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from governance.agreements import canonical_text
from governance.agreements.documents import check, parse
from governance.agreements.packing import Format, render
from governance.agreements.transfer import check_items
from tests.worlds.agreements import document

TRICKY = ("no", "~", "", "08:00", "2027-01-01", "1e5", "0x1f", "1_000", "- a", "a: b", "#", "'", '"', "\\", "*a", "&a")
CONTROLS = [*map(chr, range(0x20)), "\x7f"]
texts = st.one_of(
    st.sampled_from(TRICKY),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters=CONTROLS), max_size=40),
    st.text(alphabet="\t\n 'ab:#-", max_size=20),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(texts, values, max_size=4), st.sampled_from(list(Format)))
@example({"a": "\u2028\x85\ufeff", "b": 1e-7, "c": -0.0, "d": [[], {}]}, Format.YAML)
def test_values_survive_a_format(value: dict[str, Any], written: Format) -> None:
    kept = json.loads(canonical_text(value))
    (found,) = parse(render([kept], written), "export", written)
    assert canonical_text(found) == canonical_text(value)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters=CONTROLS), min_size=1, max_size=60)
       .filter(str.strip), st.sampled_from(TRICKY), st.sampled_from(list(Format)))  # fmt: skip
def test_a_document_survives_a_format(title: str, words: str, written: Format) -> None:
    made = document({"/clauses/0/conditions/obligations/0/properties/text": words}, title=title)
    whole = check(made)
    packed = {"agreement": json.loads(whole.text), "signatures": [], "text_hash": whole.text_hash}
    text = render([packed, packed], written)
    assert render([packed, packed], written) == text
    read = check_items(parse(text, "export", written), ["/0", "/1"])
    assert [one.checked.text_hash for one in read] == [whole.text_hash] * 2
