"""Commands that are stopped at random moments end cleanly. By hand many more: see ``integration.random_stops``."""

import random
from pathlib import Path

import pytest
from integration.random_stops import WEIGHTS, carry_out, draw
from integration.scene import Scene

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("command", WEIGHTS)
def test_a_stop_at_any_moment_ends_cleanly(scene: Scene, tiny_model: Path, tmp_path: Path, command: str) -> None:
    stop = draw(random.Random(command), 6.0, tiny_model, tmp_path, [command])
    assert carry_out(stop, scene.settings, tmp_path / "stopped.log") == [], stop
