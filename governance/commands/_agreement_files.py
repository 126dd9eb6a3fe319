"""Agreement files on disk: which format a name stands for, and their documents with the paths of their faults."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from governance.agreements.documents import parse
from governance.agreements.packing import Format
from governance.errors import Fault, InvalidInput

_SUFFIXES = {".json": Format.JSON, ".jsonl": Format.NDJSON, ".ndjson": Format.NDJSON}


def format_of(file: Path) -> Format:
    """Give the format a file's name stands for; YAML for a name that says nothing."""
    return _SUFFIXES.get(file.suffix.lower(), Format.YAML)


def read_files(files: Iterable[Path]) -> list[tuple[Any, str]]:
    """Read files into documents, each with the prefix of its faults; a fault of any file is raised with the others'."""
    found: list[tuple[Any, str]] = []
    faults: list[Fault] = []
    for file in files:
        try:
            read = parse(file.read_text(encoding="utf-8"), str(file), format_of(file))
        except UnicodeDecodeError:
            faults.append(Fault(str(file), "is not UTF-8"))
        except InvalidInput as refused:
            faults += refused.faults
        else:
            single = len(read) == 1
            found += [(document, f"{file}#" if single else f"{file}#/{n}") for n, document in enumerate(read)]
    if faults:
        raise InvalidInput(faults, "Not every file can be read.")
    return found
