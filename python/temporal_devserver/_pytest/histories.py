"""Saves the histories of a namespace: `DIR/<test>/<workflow>.json`.

Each is what `temporalio.client.WorkflowHistory.from_json(workflow_id, text)` reads, and
`temporalio.worker.Replayer` replays. It is as the server has it, payloads and failures still
encoded: a replayer with the test's data converter decodes them itself, and its codec may refuse
what is decoded already. For people, and for a replayer without the codec, `DIR/<test>/decoded/` has
the same decoded.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from . import executions

if TYPE_CHECKING:
    from .explain import Subject

DECODED = "decoded"
"""The folder of the decoded ones, in that of the test."""

MOST = 120
"""Bytes of a test's or workflow's name in that of a file, which may have 255, a run's id too."""


async def save(subject: Subject, directory: str, test: str, lines: list[str]) -> None:
    """Saves every history in a namespace; tells in words what was done."""
    folder = os.path.join(directory, _fit(test))
    saved = []
    async for execution in executions.listed(subject):
        which = execution.execution
        handle = subject.client.get_workflow_handle(which.workflow_id, run_id=which.run_id)
        history = await handle.fetch_history()
        name = f"{_fit(which.workflow_id)}-{which.run_id}.json"
        _write(folder, name, history.to_json())
        saved.append((name, history, execution.type.name))
    lines.append(f"{len(saved)} saved in {folder}" if saved else "there are none")
    if not subject.decoder.has_codec:
        return
    for name, history, workflow_type in saved:
        for event in history.events:
            await subject.decoder.decode(event, history.workflow_id, workflow_type, payloads=True)
        _write(os.path.join(folder, DECODED), name, history.to_json())
    lines += subject.decoder.problems()


def _write(folder: str, name: str, text: str) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _fit(name: str) -> str:
    """Returns a name that a file can have, and no other name gets where this one has to be cut."""
    fit = re.sub(r"[^\w.,=@+-]+", "-", name).strip("-.") or "unnamed"
    if len(fit.encode()) <= MOST:
        return fit
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{fit.encode()[:MOST].decode(errors='ignore')}-{digest}"
