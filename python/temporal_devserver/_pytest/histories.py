"""Saves the histories of a namespace: `DIR/<test>/<workflow>.json`.

Each is what `temporalio.client.WorkflowHistory.from_json(workflow_id, text)` reads, and
`temporalio.worker.Replayer` replays.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporalio.client import Client

MOST = 120
"""Bytes of a test's or workflow's name in that of a file, which may have 255, a run's id too."""


async def save(client: Client, directory: str, test: str) -> str:
    """Saves every history in the namespace of a client; returns what was done, in words."""
    folder = os.path.join(directory, _fit(test))
    count = 0
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{_fit(execution.id)}-{execution.run_id}.json")
        _write(path, history.to_json())
        count += 1
    return f"{count} saved in {folder}" if count else "there are none"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _fit(name: str) -> str:
    """Returns a name that a file can have, and no other name gets where this one has to be cut."""
    fit = re.sub(r"[^\w.,=@+-]+", "-", name).strip("-.") or "unnamed"
    if len(fit.encode()) <= MOST:
        return fit
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{fit.encode()[:MOST].decode(errors='ignore')}-{digest}"
