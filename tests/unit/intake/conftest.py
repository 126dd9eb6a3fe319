"""The fixtures of the log, shared by the rooms that write to it."""

from tests.worlds.log import check_log, kept_note, log, make_event, signer

__all__ = ["check_log", "kept_note", "log", "make_event", "signer"]
