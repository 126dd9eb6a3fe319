"""Rego of others: what it may name and call, judged by its parsed tree.

Rules of this room:

1. What judges is a tree that an engine made, never the text: ``http["send"](...)`` is the call it is, and a word in a
   string or comment is none. Each engine's own tree is judged before that engine is asked anything.
2. An answer follows from the input and the data alone. ``policies/capabilities.json`` lists the builtins there are; of
   these, Rego of others may call those that OPA does not mark as giving another answer each time.
3. Whatever is not known to be allowed is refused: a builtin of a newer engine, a name that is computed.

Example: ``[*judge({path: read_module(path, text)}, Bounds(call=Capabilities.read().for_others))]``.
"""

from governance.rego.capabilities import CAPABILITIES, REFUSED, Capabilities
from governance.rego.judge import Bounds, Finding, judge
from governance.rego.module import Kind, Module, Name, RegoFault
from governance.rego.of_embedded import read_module
from governance.rego.of_opa import package_of, read_compiled
from governance.rego.opa_program import check_with_opa, find_opa
from governance.rego.words import first_words, without_stack

__all__ = [
    "CAPABILITIES",
    "REFUSED",
    "Bounds",
    "Capabilities",
    "Finding",
    "Kind",
    "Module",
    "Name",
    "RegoFault",
    "check_with_opa",
    "find_opa",
    "first_words",
    "judge",
    "package_of",
    "read_compiled",
    "read_module",
    "without_stack",
]
