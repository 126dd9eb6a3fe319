"""Reads the settings from a mapping of variables to text, and from nowhere else."""

import logging
from collections.abc import Mapping
from typing import Any

from pydantic_settings import EnvSettingsSource

from governance.settings.declaration import Settings
from governance.settings.faults import PREFIX, variable

# With PYDANTIC_SETTINGS_DEBUG set it would log every value as it was given, the secrets too.
logging.getLogger("pydantic_settings").disabled = True


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and validate the settings.

    Args:
        environ: the environment; only names that begin with ``GOVERNANCE_`` are read, as they are documented.

    Raises:
        ConfigurationError: with every fault, named by its variable.
    """
    return Settings(**_Variables(environ)())


class _Variables(EnvSettingsSource):
    """The variables of one mapping in place of those of the process."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Settings)
        names = {variable(field) for field in Settings.model_fields}
        ours = {name: text for name, text in environ.items() if name.upper().startswith(PREFIX)}
        self.env_vars = {name.lower(): text for name, text in ours.items() if name in names}
        self._unknown = {name: text for name, text in ours.items() if name not in names}

    def __call__(self) -> dict[str, Any]:
        """Give the text of each setting, and every other variable by its own name, so that it is refused.

        An empty text is no value where one is required.
        """
        fields = Settings.model_fields
        given = {name: text for name, text in super().__call__().items() if text or not fields[name].is_required()}
        return given | self._unknown
