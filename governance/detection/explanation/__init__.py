"""Explain first: the recorded reason for each look, found before any rule sees it."""
