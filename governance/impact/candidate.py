"""Candidate policies: a folder of Rego that is not in force, checked and asked what it would have decided.

Rules:

1. Every fault of a folder is named by file and line; a folder with one is asked nothing.
2. A candidate is a function of its input and the agreements. Whatever reaches beyond them (the network, the clock, the
   host, chance) is refused by name: a replay must give the same answer twice, and call nobody. A line that the policies
   in force have word for word may stay: they read the clock only beside an edge's data, which a replay has not.
3. What a candidate cannot answer is a denial with its ``engine.*`` reason, as it would be in service.
4. The engine cannot be interrupted, so a candidate is run only for whoever could replace the policies anyway: at the
   command line on the host, never from a request (docs/decisions/0010).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regorus

from governance.decisions._regorus_engine import RegorusEngine
from governance.decisions.decision import Answer
from governance.decisions.engine import ENTRYPOINT, POLICIES, EngineFault, PolicySource
from governance.errors import Fault, InvalidInput
from governance.rego import Bounds, Capabilities, Module, RegoFault, judge, read_module, without_stack

FILE_MAXIMUM = 256 * 1024  # bytes of one module
FILES_MAXIMUM = 500
_ENTRY_PACKAGE = ENTRYPOINT.removeprefix("data.").rpartition(".")[0]
_BOUNDS = Bounds(Capabilities.read().for_others, facts=(("governance",), ("revocations",)))
_PACKAGE = re.compile(r"^package[ \t]+([A-Za-z_][\w.]*)[ \t]*(?:#.*)?$", re.MULTILINE)
_PLACE = re.compile(r"--> (?P<path>.+):(?P<line>\d+):\d+$", re.MULTILINE)
_ERROR = re.compile(r"^\s*error: (?!Compilation error)(?P<said>.+)$", re.MULTILINE)


class CandidateEngine(RegorusEngine):
    """The embedded engine with candidate policies (rule 3)."""

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input; a fault of the candidate is a denial."""
        try:
            return super().evaluate(policy_input)
        except EngineFault as fault:
            return Answer(
                permit=False, reasons=(fault.reason,), obligations=(), agreement=None, requestable=False,
                revision=self.revision,
            )  # fmt: skip


def read_candidate(root: Path) -> PolicySource:
    """Read a folder of Rego modules, tests left out.

    Raises:
        InvalidInput: with every fault by file and line: not readable, not Rego, a module twice, a call that reaches
            beyond the input, no entrypoint, or modules that do not compile together.
    """
    texts, faults = _texts(root)
    read: dict[str, Module] = {}
    if not faults:
        faults = [*_module_faults(root, texts, read), *_package_faults(root, texts)]
    if not faults:
        faults = [*_beyond_faults(root, texts, read)]
    if not faults:
        faults = _together_faults(root, texts)
    if faults:
        raise InvalidInput(faults, "The candidate policies cannot be used.")
    try:
        return PolicySource.from_directory(root)
    except ValueError as error:
        raise InvalidInput([Fault(str(root), str(error))], "The candidate policies cannot be used.") from None


def _texts(root: Path) -> tuple[dict[str, str], list[Fault]]:
    files = sorted(path for path in root.rglob("*.rego") if not path.name.endswith("_test.rego"))
    if not files:
        return {}, [Fault(str(root), "holds no policy (*.rego)")]
    if len(files) > FILES_MAXIMUM:
        return {}, [Fault(str(root), f"holds more than {FILES_MAXIMUM} policies")]
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for path in files:
        try:
            raw = path.read_bytes()
            texts[path.relative_to(root).as_posix()] = raw.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            faults.append(Fault(str(path), "is not a file in UTF-8"))
            continue
        if len(raw) > FILE_MAXIMUM:
            faults.append(Fault(str(path), f"is larger than {FILE_MAXIMUM // 1024} KiB"))
    return texts, faults


def _module_faults(root: Path, texts: Mapping[str, str], read: dict[str, Module]) -> Iterator[Fault]:
    """Parse each module into ``read``, and give those that cannot be."""
    for path, text in texts.items():
        try:
            read[path] = read_module(path, text)
        except RegoFault as fault:
            yield _fault(root, fault.__cause__) if fault.__cause__ else Fault(str(root / path), fault.detail)


def _beyond_faults(root: Path, texts: Mapping[str, str], read: Mapping[str, Module]) -> Iterator[Fault]:
    """Judge the parsed modules together; a line that the same module in force has may stay."""
    for found in judge(read, _BOUNDS):
        line = texts[found.path].split("\n")[found.line - 1]
        if line not in _lines_in_force(found.path):
            yield Fault(f"{root / found.path}:{found.line}", f"{found.message}: it reaches beyond the input")


def _lines_in_force(path: str) -> frozenset[str]:
    module = POLICIES / path
    return frozenset(module.read_text(encoding="utf-8").split("\n")) if module.is_file() else frozenset()


def _package_faults(root: Path, texts: Mapping[str, str]) -> Iterator[Fault]:
    """Hold the modules to what ordering them needs: one package line each, no package twice, the entrypoint's there."""
    known: dict[str, str] = {}
    for path, text in texts.items():
        named = _PACKAGE.search(text)
        if named is None:
            yield Fault(str(root / path), "needs a line that says its package and nothing else")
        elif (first := known.setdefault(named.group(1), path)) != path:
            yield Fault(str(root / path), f"is of the same package as {first}")
    if _ENTRY_PACKAGE not in known:
        yield Fault(str(root), f"holds no module of the package {_ENTRY_PACKAGE}, which answers")


def _together_faults(root: Path, texts: Mapping[str, str]) -> list[Fault]:
    try:
        regorus.Program.compile_from_modules("{}", list(texts.items()), [ENTRYPOINT])
    except BaseException as error:  # noqa: BLE001  a Rust panic arrives as a BaseException
        return [_fault(root, error)]
    return []


def _fault(root: Path, error: BaseException) -> Fault:
    """Read the place and the sentence out of the library's message, which is a page with a trace."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    text = without_stack(error)
    places, said = list(_PLACE.finditer(text)), _ERROR.findall(text)
    where = f"{root / places[-1]['path']}:{places[-1]['line']}" if places else str(root)
    return Fault(where, said[-1].strip() if said else "does not compile")
