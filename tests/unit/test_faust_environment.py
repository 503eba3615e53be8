"""A setting of the worker holds, whatever Faust finds in the environment."""

import os
import re

import pytest
from faust.types.settings import Settings as FaustSettings

from worker.app import create_app
from worker.settings import load_settings

SETTINGS = {name: setting for name, setting in FaustSettings.SETTINGS.items() if not setting.deprecated}
NAMED = {setting.env_name for setting in FaustSettings.SETTINGS.values() if setting.env_name}
VARIABLES = sorted(NAMED - {*os.environ})
CHANGING = re.compile(r" at 0x[0-9a-f]+|f-reply-[0-9a-f-]+")


def configured() -> dict[str, object]:
    conf = create_app(load_settings(start_from="earliest")).conf
    return {name: CHANGING.sub("", str(getattr(conf, name))) for name in SETTINGS}


@pytest.mark.parametrize("value", ["latest", "1", "tcp://10.96.0.7:80"])
def test_no_variable_of_fausts_own_changes_the_worker(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"CONSUMER_AUTO_OFFSET_RESET", "BROKER_URL", "PROCESSING_GUARANTEE", "WEB_PORT"} <= {*VARIABLES}
    before = configured()
    for name in VARIABLES:
        monkeypatch.setenv(name, value)
    assert configured() == before
