"""Every kind of fault, and how it is inflicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults_of_clients import client_swarm, fork, kill_client
from .faults_of_files import corrupt_state, delete_a_file
from .faults_of_machines import freeze_everything, starve
from .faults_of_places import fill_disk, steal_port
from .faults_of_processes import kill_server, kill_supervisor, stop_server, stop_supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .plan import Fault
    from .scene import Scene, Wound

FAULTS: Mapping[str, Callable[[Scene, Fault], Wound]] = {
    "kill server": kill_server,
    "stop server": stop_server,
    "kill supervisor": kill_supervisor,
    "stop supervisor": stop_supervisor,
    "freeze everything": freeze_everything,
    "no processor": starve,
    "steal port": steal_port,
    "fill disk": fill_disk,
    "corrupt state": corrupt_state,
    "delete a file": delete_a_file,
    "fork": fork,
    "client swarm": client_swarm,
    "kill client": kill_client,
}
