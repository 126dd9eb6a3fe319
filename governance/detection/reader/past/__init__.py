"""The past: what the reader asks of it, and what becomes known late of looks that were judged before."""
