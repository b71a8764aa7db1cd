"""30 interpreters that exit amid events, 30 whose supervisor is being killed: none crashes.

`PYTHONS` (paths, separated by `:`) has them run on other interpreters too: the extension is abi3.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support import Host, Sandbox, eventually

PYTHONS = [sys.executable, *filter(None, os.environ.get("PYTHONS", "").split(":"))]
TIMES = 30
AT_ONCE = 3

BLOCKING = """
import json, sys, threading, time
server = DevServer(executable=sys.argv[1])
server.start()
def read():
    for event in server.events():
        pass
threading.Thread(target=read, daemon=True).start()
print(json.dumps(server.status().supervisor_pid), flush=True)
sys.stdin.readline()
if sys.argv[2] == "events":
    server.kill()
    time.sleep(float(sys.argv[3]))
"""

ASYNC = """
import asyncio, json, sys
async def main():
    global server
    server = AsyncDevServer(executable=sys.argv[1])
    await server.start()
    async def read():
        async for event in server.events():
            pass
    asyncio.create_task(read())
    print(json.dumps((await server.status()).supervisor_pid), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if sys.argv[2] == "events":
        await server.kill()
        await asyncio.sleep(float(sys.argv[3]))
asyncio.run(main())
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("fault", ["events", "supervisor"])
@pytest.mark.parametrize("face", ["blocking", "async"])
def test_exit(  # three axes and two fixtures
    fake_temporal: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    python: str,
    fault: str,
    face: str,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "python"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    program = BLOCKING if face == "blocking" else ASYNC
    codes = []
    for first in range(0, TIMES // 2, AT_ONCE):
        # The events of a kill and its restart come in over some 60 ms.
        delays = [(first + number) * 0.004 for number in range(AT_ONCE)]
        hosts = [
            Host(program, str(fake_temporal), fault, str(delay), python=python) for delay in delays
        ]
        for number, host in enumerate(hosts):
            supervisor = host.told()
            host.go_on()
            if fault == "supervisor":
                time.sleep((first + number) % 8 / 2000)  # at each moment of the exit
                with contextlib.suppress(ProcessLookupError):
                    os.kill(supervisor, signal.SIGKILL)
        codes += [host.wait() for host in hosts]
    assert codes == [0] * (TIMES // 2)
    eventually("nothing lives", lambda: not sandbox.processes(), 5)
    # A kill of everything (the host ends by itself here) may leave files: the next start sweeps.
    with Host(
        "import sys\nwith DevServer(executable=sys.argv[1]): pass", str(fake_temporal)
    ) as host:
        assert host.wait() == 0
