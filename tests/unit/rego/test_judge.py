"""Rego of others is judged by its parsed tree: every way to spell a call, a name or a replacement.

The same sentences are judged in the embedded engine's tree and in that of a real OPA.
"""

import json
import subprocess
from collections.abc import Mapping

import pytest
import regorus
import requests

from governance.decisions import tenant_bounds
from governance.rego import CAPABILITIES, REFUSED, Capabilities, Module, RegoFault, judge, read_compiled, read_module
from tests.peers.opa import OpaServer

HEAD = "package tenants.own\n\nimport rego.v1\n"
BOUNDS = tenant_bounds("own")
LEAVES = [
    ('x := http.send({"url": "http://h"})', "may not call http.send"),
    ('x := http["send"]({"url": "http://h"})', "may not call http.send"),
    ('x := opa["runtime"]()', "may not call opa.runtime"),
    ('x := net.lookup_ip_addr("h")', "may not call net.lookup_ip_addr"),
    ('x := json.match_schema({}, {"$ref": "http://h/s"})', "may not call json.match_schema"),
    ('x := json.verify_schema({"$ref": "file:///etc/passwd"})', "may not call json.verify_schema"),
    ("x := time.now_ns()", "may not call time.now_ns"),
    ('x := uuid.rfc4122("a")', "may not call uuid.rfc4122"),
    ('x := rand.intn("a", 5)', "may not call rand.intn"),
    ('x if trace("a")', "may not call trace"),
    ('x := [y | y := opa["runtime"]().env]', "may not call opa.runtime"),
    ('x := {"a": {"b": [http.send({})]}}', "may not call http.send"),
    ("x if every y in [opa.runtime()] { y }", "may not call opa.runtime"),
    ("x := 1 if false else := opa.runtime()", "may not call opa.runtime"),
    ("f(a) := a\n\nx := f(f(opa.runtime()))", "may not call opa.runtime"),
    ('x := [1, 2][rand.intn("a", 2)]', "may not call rand.intn"),
    ("x contains http.send({})", "may not call http.send"),
    ("x if not http.send({})", "may not call http.send"),
]
REPLACED = [
    ("x if { count([{}]) == 1 with count as http.send }", "may not replace count"),
    ("f(a) := a\n\nx if { f({}) with f as http.send }", "may not replace"),
    ("f(a) := a\n\nx if { f({}) with data.tenants.own.f as http.send }", "may not replace data.tenants.own.f"),
]
STRANGERS = [
    ("x := data.governance.clauses", "data.tenants.own"),
    ('x := data["governance"]', "data.tenants.own"),
    ("x := data[input.which]", "data.tenants.own"),
    ("x := walk(data)", "data.tenants.own"),
    ("x contains y if { some y in [data] }", "data.tenants.own"),
    ("import data.governance as g\n\nx := g.clauses", "data.tenants.own"),
    ("x := data.tenants.other.answer", "data.tenants.own"),
    ("x := data.tenant_data.other", "data.tenants.own"),
    ("x := data.tenants.own.put_there_by_somebody", "rules of its own"),
]
OPA_ALONE = [("x := http[`send`]({})", "may not call http.send")]  # the other engine cannot read them
GOOD = [
    "x := data.tenant_data.own.terms",
    "x := data.tenant_data.own[input.which]",
    "x := data.tenants.own.y\n\ny := 1",
    "f(a) := a\n\nx := f(1) + count([2])",
    "x if { input.a with input.a as 1 }",
    "x if { data.tenant_data.own.a with data.tenant_data.own.a as 1 }",
    '# http.send(data.governance)\nx := "http.send(data.governance)"',
    "x := input.data.governance",
    "x := `opa.runtime()`",
    'x if { some k, v in {"a": 1}; k == "a"; v == 1 }',
]


def judged(modules: Mapping[str, Module]) -> list[str]:
    return [found.message for found in judge(modules, BOUNDS)]


def embedded(body: str) -> list[str]:
    return judged({"own.rego": read_module("own.rego", f"{HEAD}{body}\n")})


@pytest.mark.parametrize(("body", "told"), [*LEAVES, *REPLACED, *STRANGERS])
def test_what_leaves_the_engine_or_is_not_ones_own_is_named(body: str, told: str) -> None:
    assert any(told in message for message in embedded(body)), embedded(body)


@pytest.mark.parametrize("body", GOOD)
def test_what_stays_inside_is_not(body: str) -> None:
    assert embedded(body) == []


def test_the_line_of_a_name_is_told() -> None:
    module = read_module("own.rego", f"{HEAD}\nx := 1\n\ny := opa.runtime()\n")
    assert [found.line for found in judge({"own.rego": module}, BOUNDS)] == [7]


def test_a_rule_that_is_called_like_a_builtin_lends_it_no_right() -> None:
    assert "may not call print" in embedded('print(a) := a\n\nx := print("told")')


def test_a_package_is_no_rule_whatever_an_import_calls_it() -> None:
    modules = {
        "own.rego": read_module("own.rego", f"{HEAD}import data.tenants.own.lib as l\n\nx := l.f(1)\n\ny := l[_]\n"),
        "lib.rego": read_module("lib.rego", "package tenants.own.lib\n\nf(a) := a\n"),
    }
    assert [(found.line, found.path) for found in judge(modules, BOUNDS)] == [(8, "own.rego")]


@pytest.mark.parametrize("text", ["", "x := 1", f"{HEAD}x := {{", f"{HEAD}x := {'[' * 40}{']' * 40}", "\x00"])
def test_what_cannot_be_parsed_is_one_typed_fault(text: str) -> None:
    with pytest.raises(RegoFault):
        read_module("own.rego", text)


def test_every_builtin_of_the_embedded_engine_is_allowed_or_refused_by_name() -> None:
    engine = regorus.Engine()
    engine.add_policy("a.rego", "package a\n\nx := opa.runtime()\n")
    told = json.loads(engine.eval_rule_as_json("data.a.x"))["builtins"]
    names = {name for name in told if not name.startswith("__builtin_sets.")}  # how it calls operators on sets
    assert {"http.send", "opa.runtime", "time.now_ns"} < names <= Capabilities.read().known | REFUSED
    assert embedded("x := __builtin_sets.union([])") == ["may not call __builtin_sets.union"]


@pytest.mark.peer
def test_every_builtin_of_opa_is_allowed_or_refused_by_name(opa: str) -> None:
    current = json.loads(subprocess.run([opa, "capabilities", "--current"], capture_output=True, check=True).stdout)
    known, refused = Capabilities.read().known, REFUSED
    assert {one["name"] for one in current["builtins"]} == known | refused
    assert not known & refused
    unsteady = {one["name"] for one in current["builtins"] if one.get("nondeterministic")}
    assert unsteady - refused == {"time.now_ns"}  # of which the network's own rules for edges have need
    assert not unsteady & Capabilities.read().for_others
    assert json.loads(CAPABILITIES.read_text())["allow_net"] == []


@pytest.mark.peer
@pytest.mark.parametrize(("body", "told"), [*LEAVES, *REPLACED, *STRANGERS, *OPA_ALONE])
def test_opas_own_tree_is_judged_alike(opa_server: OpaServer, body: str, told: str) -> None:
    messages = compiled(opa_server, body)
    assert messages is None or any(told in message or "may not" in message for message in messages), messages


@pytest.mark.peer
@pytest.mark.parametrize("body", GOOD)
def test_opas_own_tree_is_judged_alike_when_it_is_good(opa_server: OpaServer, body: str) -> None:
    assert compiled(opa_server, body) == []


def compiled(server: OpaServer, body: str) -> list[str] | None:
    """Let OPA compile a module and judge what it made of it; None when it refuses it itself."""
    place = f"{server.url}/v1/policies/judged/own.rego"
    put = requests.put(place, data=f"{HEAD}{body}\n".encode(), timeout=10)
    if put.status_code == 400:
        return None
    try:
        tree = requests.get(place, timeout=10).json()["result"]["ast"]
        return judged({"own.rego": read_compiled(tree)})
    finally:
        requests.delete(place, timeout=10).raise_for_status()
