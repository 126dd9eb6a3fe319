"""Intake: what strangers send."""
