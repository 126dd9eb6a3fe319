"""Whose record: one look is enough, because of whom or what it shows.

Example: ``records.self_access.RULE`` compares the patient looked at with the patient the viewer is.
"""
