"""Imaging governance.

Who (federation) asks for what (catalogue) and why (relationships), under which terms (agreements); the answer is a
decision, carried by a token, kept in the audit log, watched by detection, raised as an alert, and reviewed by a person
in the console. Each noun is a room (a package) of this name; ``docs/architecture.md`` draws who may import whom.
"""

__version__ = "0.1.0"
