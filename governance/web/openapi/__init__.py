"""OpenAPI 3.1, made from what each view says of itself, for programs (``/openapi.json``) and for people (``/docs``).

Rules of this room:

1. A view says what it takes and gives with :func:`operation`; nothing is written down a second time.
2. Every parameter, body and answer has a schema and every refusal its status; a name stands for one schema.
3. Errors have the shape that their readers know: a problem document, an OAuth error, or a FHIR OperationOutcome.
4. An example is valid by the schema it stands beside; a test sends it.

Example: ``build(app, "https://imaging.example", PARAMETERS, GROUPS)`` gives the document.
"""

from governance.web.openapi.declaration import Errors, Operation, operation, operation_of
from governance.web.openapi.document import Group, build

__all__ = ["Errors", "Group", "Operation", "build", "operation", "operation_of"]
