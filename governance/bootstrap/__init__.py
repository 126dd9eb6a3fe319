"""Bootstrap: the composition root, the only room that knows every concrete class.

Rules of this room:

1. ``Services`` has three frozen parts: the infrastructure, the registers that use it, and the uses of both. Each
   part is declared and wired in one module, so that a new use case is one field and one line of wiring.
2. Nothing runs when it is built: ``governance.jobs.Runtime`` starts what runs beside the requests.
3. It knows no web framework; ``governance.server`` puts the HTTP endpoints in front.

Example: ``services = build(settings)``, then ``services.uses.access.evaluate(request, asker)``.
"""

from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.bootstrap.services import Services, build
from governance.bootstrap.uses import Uses

__all__ = ["Infrastructure", "Registers", "Services", "Uses", "build"]
