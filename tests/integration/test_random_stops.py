"""Commands that are stopped at random moments end cleanly. By hand many more: see ``integration.random_stops``."""

import random
from pathlib import Path

import pytest
from integration.conftest import Scene
from integration.random_stops import carry_out, draw

pytestmark = pytest.mark.kafka


def test_a_stop_at_any_moment_ends_cleanly(scene: Scene, tiny_model: Path, tmp_path: Path) -> None:
    chosen = random.Random(7)
    for number in range(4):
        stop = draw(chosen, 6.0, tiny_model)
        assert carry_out(stop, scene.settings, tmp_path / f"{number}.log") == [], stop
