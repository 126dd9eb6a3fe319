"""Numbers that nothing can hold are found where they stand."""

import json

import pytest

from governance.feeds import NumberOutOfRange, NumberReader

HUGE = "1" + "0" * 400


NUMBERS = [HUGE, "-" + HUGE, "1" + "0" * 5000, str(2**63), str(-(2**63) - 1), "1e400", "-1e400"]


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("%s", ""),
        ('{"exp": %s}', "/exp"),
        ('{"a": [1, {"until": %s}], "b": 2}', "/a/1/until"),
        ('{"Dr Somebody": %s}', "/?"),
        ('{"a": %s, "b": %s}', "/a"),
    ],
)
def test_a_number_out_of_range_is_named_by_its_path(number: str, text: str, path: str) -> None:
    with pytest.raises(NumberOutOfRange) as caught:
        NumberReader().read(text.replace("%s", number))
    assert caught.value.path == path
    assert number not in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63), 1.5e300, [1, {"a": None}], "1e400"])
def test_any_other_value_is_read_as_it_is(value: object) -> None:
    assert NumberReader().read(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", ""])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        NumberReader().read(text)


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_of_several_parts_only_the_one_with_the_number_is_found_wanting(number: str) -> None:
    first, second, third = NumberReader().read_all(f'[{{"a": 1}}, {{"a": {number}}}, {{"a": 2.5}}]')
    assert (first, third) == ({"a": 1}, {"a": 2.5})
    with pytest.raises(NumberOutOfRange):
        NumberReader().read(json.dumps(second))
