"""Whether the folders that the settings name can be used: what only this machine can say, asked before a start."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from governance.errors import ConfigurationError, Fault
from governance.settings.declaration import Settings
from governance.settings.faults import variable


def check_places(settings: Settings) -> None:
    """Look at every folder; raises ConfigurationError with each that cannot be used, by its variable."""
    faults = [
        Fault(variable("tenants"), f"folder {number} is not there or cannot be read")
        for number, folder in enumerate(settings.tenants, 1)
        if not (Path(folder).is_dir() and os.access(folder, os.R_OK | os.X_OK))
    ]
    url = urlsplit(settings.database_url.get_secret_value())
    if url.scheme.startswith("sqlite") and not _may_hold(Path(unquote(url.path[1:]))):
        faults.append(Fault(variable("database_url"), "is in a folder that is not there or cannot be written"))
    if settings.checkpoint_file and not _may_hold(Path(settings.checkpoint_file)):
        faults.append(Fault(variable("checkpoint_file"), "is in a folder that is not there or cannot be written"))
    if settings.shared_folder is not None and not Path(settings.shared_folder).is_dir():
        faults.append(Fault(variable("shared_folder"), "is not there"))
    if faults:
        raise ConfigurationError(faults)


def _may_hold(file: Path) -> bool:
    """Say whether a file can be made or written, and another beside it: an SQLite journal, a checkpoint's next note."""
    folder = file.resolve().parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and (not file.exists() or os.access(file, os.W_OK))
