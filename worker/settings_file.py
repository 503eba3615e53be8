"""The settings file: where it is."""

import os
from pathlib import Path

from worker.errors import Code, SettingError

CONFIG_FILE_VARIABLE = "SENTIMENT_CONFIG"
DEFAULT_CONFIG_FILE = Path("sentiment-worker.toml")


def config_file() -> Path | None:
    """Return the settings file, if there is one.

    Raises:
        SettingError: there is none of the name that was given.
    """
    named = os.environ.get(CONFIG_FILE_VARIABLE, "")
    if named.strip():
        if not Path(named).is_file():
            raise SettingError(
                Code.SETTINGS_FILE_NOT_FOUND,
                f"there is no settings file {named!r} (--config, or {CONFIG_FILE_VARIABLE})",
            )
        return Path(named)
    return DEFAULT_CONFIG_FILE if DEFAULT_CONFIG_FILE.is_file() else None
