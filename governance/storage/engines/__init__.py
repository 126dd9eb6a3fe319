"""The two databases, an engine each: what is told to a connection of theirs, and when.

What a connection was taken for is an execution option, which both read in their BEGIN.
"""

from collections.abc import Mapping

USE = "governance_use"  # neither of the two for a connection of the engine's own
READING: Mapping[str, str] = {USE: "reading"}
WRITING: Mapping[str, str] = {USE: "writing"}
