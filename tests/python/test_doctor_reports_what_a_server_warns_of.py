"""`doctor` reports what the status of a running server warns of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from doctor_support import finds
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.real_server
def test_a_key_that_the_server_does_not_know(real_temporal: Path) -> None:
    config = {"frontend.rsp": 7}
    with DevServer("orders", executable=real_temporal, dynamic_config=config):
        finding = finds("server-warns", "`frontend.rsp`")
        assert finding["level"] == "warning"
        assert "did you mean `frontend.rps`?" in finding["message"]
