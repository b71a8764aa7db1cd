"""The state file cannot be written for a while: `degraded`, and `ready` again when it can."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import eventually
from temporal_devserver import DevServer


@pytest.mark.real_server
def test_degraded_ends_when_the_obstacle_is_gone(real_temporal: Path) -> None:
    with DevServer("kept", executable=real_temporal, health={"interval": 0.2}) as server:
        directory = server.status().state_dir
        assert directory is not None
        obstacle = Path(directory, "state.json.new")
        obstacle.mkdir()
        os.unlink(obstacle.with_suffix(""))
        server.kill()
        eventually("it is degraded", lambda: server.status().state == "degraded")
        obstacle.rmdir()
        eventually("it is ready", lambda: server.status().state == "ready")
        assert obstacle.with_suffix("").exists()
