"""Fakes: servers and clients that stand in for programs which cannot run here, or which must misbehave.

1. A fake speaks the real protocol over a real connection; nothing of the service is replaced.
2. What it imitates, and from which source, is in its head. A double that one test module needs lives in that module.
"""
