"""What an engine said of Rego: its own words, without the stack of the engine that comes behind them.

Where ``RUST_BACKTRACE`` is set the embedded engine ends each of its errors with the stack it was raised on, which tells
a reader of the message nothing and names paths of the machine it was built on.
"""

_STACK = "Stack backtrace"


def without_stack(error: BaseException) -> str:
    """Give what an engine's error says, line for line."""
    return str(error).partition(_STACK)[0]


def first_words(error: BaseException) -> str:
    """Give what an engine's error says, in one line."""
    return " ".join(without_stack(error).split())
