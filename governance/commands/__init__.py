"""Commands: one thin command for each job, gathered in ``governance.cli``.

Rules of this room:

1. A command parses, builds services through the composition root, makes one call and prints; it holds no rule.
2. A module is imported when its command is asked for.
3. A typed error becomes a message that names every fault, and exit status 1.

Example: ``python app.py agreements list``.
"""
