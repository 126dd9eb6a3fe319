"""Commands: one thin command for each job, gathered in ``governance.cli``.

A command parses, builds services through the composition root, makes one call and prints; it holds no rule of its own.
"""
