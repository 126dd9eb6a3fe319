"""Recording is one call that raises: nobody but the recorder and the intake hands an event to the audit log.

What is read here is the text of each module: what it appends to, which name is the event class. Whoever wants to
go round it can; nobody does by mistake.
"""

import ast
import re
from pathlib import Path

import pytest

GOVERNANCE = Path(__file__).resolve().parents[2] / "governance"
EVENT_MODULES = frozenset({"governance.audit", "governance.audit.event"})
LOG_NAMES = frozenset({"AuditLog", "audit", "_audit", "recorder", "_recorder"})
LIST_TYPES = frozenset({"list", "deque", "defaultdict", "ThreadPoolExecutor"})
RECORDER_NAMES = frozenset({"recorder", "_recorder"})
APPENDING = frozenset({"append", "append_in", "submit"})

MAY_BUILD = ("audit/", "formats/", "intake/")
MAY_APPEND = ("audit/", "intake/")
HAS_NO_LOG = "simulation/"  # the import contract keeps it from the audit room: it has lists alone to append to
BUILDS = {"edges/log.py"}  # reads events out of what edges send
OTHERS = frozenset(  # what is no log, though the module that appends to it does not make it
    {"uses.access_requests.submit", "current_services().uses.access_requests.submit", "self._recorder.submit"}
    | {"value['accesses'].append", "value['events'].append", "case['events'].append", "held.links[part.kind].append"}
    | {"faults.append", "agents.append", "pool.submit", "made['looks'].append", "night['rows'].append"}
)
HANDED_OVER = {
    "access/access.py",  # what several askers asked together, each of whom is answered for itself
    "refusals/trail.py",  # refusals, which stay ones while the log cannot be written; the trail offers them again
}


def builds_events(text: str) -> bool:
    """Say whether a module makes an audit event itself."""
    tree = ast.parse(text)
    plain, rooms = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if node.module in EVENT_MODULES and alias.name == "Event":
                    plain.add(alias.asname or alias.name)
                if f"{node.module}.{alias.name}" in EVENT_MODULES:
                    rooms.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            rooms |= {alias.asname or alias.name for alias in node.names if alias.name in EVENT_MODULES}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(called & (plain | {f"{room}.Event" for room in rooms}))


def appends_to_the_log(text: str) -> bool:
    """Say whether a module may append to the log: to what it does not make a list or an executor of itself."""
    tree = ast.parse(text)
    lists, others = _bound(tree)
    taken = any(
        isinstance(node, ast.Attribute)
        and node.attr in APPENDING
        and not _is_list(node.value, lists - others)
        and ast.unparse(node) not in OTHERS
        for node in ast.walk(tree)
    )
    return taken or any(
        isinstance(node, ast.FunctionDef)
        and node.name in APPENDING
        and any("Event" in _words(argument.annotation) for argument in node.args.args)
        for node in ast.walk(tree)
    )


def hands_over(text: str) -> bool:
    """Say whether a module hands events to the log and waits for their receipts itself."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == "submit" and _last_name(node.value) in RECORDER_NAMES
        for node in ast.walk(ast.parse(text))
    )


def reaches_inside(text: str) -> bool:
    """Say whether a module imports a private module of the audit room, such as the sequencer or the writer."""
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    return any(name.startswith("governance.audit._") for name in imported)


def _bound(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Give the names that are made or annotated as lists, and those that are bound to what holds a log."""
    lists: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            if _is_list_type(node.annotation):
                lists.add(node.arg)
        elif isinstance(node, ast.AnnAssign):
            if _is_list_type(node.annotation):
                lists.add(_last_name(node.target))
        elif isinstance(node, ast.Assign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                _bind(target, node.value, lists, others)
    return lists, others


def _bind(target: ast.expr, value: ast.expr, lists: set[str], others: set[str]) -> None:
    if isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for each, its in zip(target.elts, values, strict=False):
            _bind(each, its, lists, others)
    elif _makes_list(value):
        lists.add(_last_name(target))
    elif not LOG_NAMES.isdisjoint(_words(value)):
        others.add(_last_name(target))


def _makes_list(value: ast.expr) -> bool:
    made = isinstance(value, ast.Call) and _last_name(value.func) in LIST_TYPES
    return made or isinstance(value, ast.List | ast.ListComp)


def _is_list(value: ast.expr, lists: set[str]) -> bool:
    """Say whether a receiver is a list: a name of one, or the default of a mapping's entry."""
    if isinstance(value, ast.Call):
        return _last_name(value.func) == "setdefault" and _makes_list(value.args[-1])
    while isinstance(value, ast.Subscript):
        value = value.value
    return _last_name(value) in lists


def _is_list_type(annotation: ast.expr | None) -> bool:
    return not LIST_TYPES.isdisjoint(_words(annotation)) and "AuditLog" not in _words(annotation)


def _words(annotation: ast.expr | None) -> list[str]:
    return [] if annotation is None else re.findall(r"\w+", ast.unparse(annotation))


def _last_name(value: ast.expr) -> str:
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""


def modules() -> dict[str, str]:
    return {str(path.relative_to(GOVERNANCE)): path.read_text() for path in sorted(GOVERNANCE.rglob("*.py"))}


def test_events_are_built_by_the_recorder_or_read_from_what_others_sent() -> None:
    found = {name for name, text in modules().items() if builds_events(text)}
    assert {name for name in found if not name.startswith(MAY_BUILD)} == BUILDS
    assert "audit/recorder.py" in found


def test_only_the_recorder_and_the_intake_append_to_the_log() -> None:
    found = {name for name, text in modules().items() if appends_to_the_log(text)}
    assert {name for name in found if not name.startswith((*MAY_APPEND, HAS_NO_LOG))} == set()
    assert "audit/recorder.py" in found
    assert not any(reaches_inside(text) for name, text in modules().items() if not name.startswith("audit/"))


def test_only_questions_of_several_askers_and_refusals_are_handed_over() -> None:
    assert {name for name, text in modules().items() if hands_over(text)} == HANDED_OVER


@pytest.mark.parametrize(
    "text",
    [
        "from governance.audit import Event\nEvent(id='1')",
        "from governance.audit.event import Event as Written\nx = [Written(id='1')]",
        "from governance.audit import event\nevent.Event(id='1')",
        "import governance.audit.event\ngovernance.audit.event.Event(id='1')",
    ],
)
def test_a_hand_built_event_is_found(text: str) -> None:
    assert builds_events(text)


@pytest.mark.parametrize(
    "text",
    [
        "from threading import Event\nEvent()",
        "from governance.audit import Event\ndef read(event: Event) -> str: return event.id",
        "recorder.event(EventKind.CONFIG)",
    ],
)
def test_another_event_is_not_taken_for_one(text: str) -> None:
    assert not builds_events(text)


@pytest.mark.parametrize(
    "text",
    [
        "services.infrastructure.audit.append([event])",
        "self._audit.submit(events)",
        "whatever.append_in(session, events)",
        "def keep(log: AuditLog) -> None: log.append([])",
        "def keep(log: 'AuditLog | None') -> None: log.append([])",
        "class A:\n def __init__(self, log: AuditLog) -> None:\n  self._kept = log\n  self._kept.append([])",
        "made = AuditLog(database)\nsecond = made\nsecond.append([])",
        "context.log().append([e])",
        "log = open_log()\nlog.append([e])",
        "region.log.append([e])",
        "log = given or services.infrastructure.audit\nlog.append([e])",
        "log = given if given else services.infrastructure.audit\nlog.append([e])",
        "log, rows = services.infrastructure.audit, []\nlog.append([e])",
        "log = []\nlog = services.infrastructure.audit\nlog.append([e])",
        "(log := services.infrastructure.audit).append([e])",
        "from governance.audit import AuditLog as Log\ndef keep(log: Log) -> None: log.append([e])",
        "def keep(records: Recorder) -> None: records.submit(e)",
        "with AuditLog(database) as opened:\n opened.append([])",
        "put = services.infrastructure.audit.append\nput([event])",
        "log = services.infrastructure.audit\nlog.append([event])",
        "class Holder:\n    log: AuditLog\nholder.log.append([])",
        "class Trail(Protocol):\n def append(self, events: Sequence[Event]) -> list[Receipt]: ...",
    ],
)
def test_an_append_is_found(text: str) -> None:
    assert appends_to_the_log(text)


@pytest.mark.parametrize(
    "text",
    [
        "rows = []\nrows.append(1)",
        "by_kind.setdefault(kind, []).append(1)",
        "pool = ThreadPoolExecutor(1)\npool.submit(work)\nuses.access_requests.submit(wanted, caller)",
        "index = self._recorder.record(EventKind.CONFIG)",
        "found: list[object] = []\ndef read(log: AuditLog) -> None: found.append(log.entry(0))",
    ],
)
def test_another_append_is_not_taken_for_one(text: str) -> None:
    assert not appends_to_the_log(text)


def test_a_hand_over_and_a_reach_inside_are_found() -> None:
    assert hands_over("self._recorder.submit(events)")
    assert not hands_over("self._recorder.record_all(events)")
    assert reaches_inside("from governance.audit._sequencer import Sequencer")
    assert reaches_inside("from governance.audit import _writer")
    assert reaches_inside("import governance.audit._sequencer")
    assert not reaches_inside("from governance.audit import AuditLog")
