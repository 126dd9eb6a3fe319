"""What a parsed module says of itself: its package, its rules, and every name it uses."""

from dataclasses import dataclass
from enum import StrEnum, auto

Path = tuple[str, ...]


class Kind(StrEnum):
    """What a name is used for."""

    READ = auto()
    IMPORT = auto()
    CALL = auto()
    REPLACE = auto()  # the target of ``with``


class RegoFault(Exception):
    """A module that cannot be read; ``line`` is 0 when it is not known."""

    def __init__(self, detail: str, line: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.line = line


@dataclass(frozen=True, slots=True)
class Name:
    """A name as far as the text fixes it: ``path`` up to the first computed part, ``whole`` when there is none."""

    kind: Kind
    path: Path
    whole: bool
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """A module: ``rules`` by their path below the package, ``aliases`` by what each import is called here."""

    package: Path
    rules: frozenset[Path]
    names: tuple[Name, ...]
    aliases: dict[str, Path]
