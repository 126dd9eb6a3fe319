"""Peers: real programs beside the service (OPA, PostgreSQL, Envoy, Chromium, an identity provider), started for a test.

1. A peer listens on a free port, keeps its files in a folder of its own, and is gone when its block ends.
2. A test that asks for its fixture is marked ``peer``; a missing program is an error, never a skip.
"""
