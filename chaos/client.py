"""A client in its own process. `python -m chaos.client VERB`, told what to do by lines.

`hold` keeps a lease; each line on its standard input is a command, answered by a line of JSON.
`visit` attaches, uses the server and leaves; `swarm` does so with several servers.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
import traceback

from temporal_devserver import DevServer, DevServerError, NamespaceError

from .settings import BUDGET, NAME, SWARM_NAMES, options


def tell(**answer: object) -> None:
    """Answers."""
    print(json.dumps(answer), flush=True)


def hold() -> int:
    """Holds a lease until its standard input ends."""
    with DevServer(NAME, **options()) as server:
        tell(address=server.address)
        for line in sys.stdin:
            answer(server, line.strip())
    return 0


def answer(server: DevServer, command: str) -> None:
    """Does one thing, and tells what came of it."""
    try:
        if command == "fork":
            tell(code=forked(server))
        elif command == "start":
            server.start()
            tell(state=server.status().state)
        else:
            tell(state=server.status().state)
    except DevServerError as error:
        tell(error=f"{type(error).__name__}: {error}")


def forked(server: DevServer) -> int:
    """Has a forked child use the server; returns the child's exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            use(server)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def use(server: DevServer) -> None:
    """Uses the server; if it dies just then, does what the error says: waits, and tries again."""
    until = time.monotonic() + BUDGET
    while True:
        server.wait_ready(BUDGET)
        try:
            assert "default" in server.list_namespaces()
        except NamespaceError:
            if time.monotonic() > until:
                raise
        else:
            return


def visit() -> int:
    """Attaches, uses the server, leaves; tells of the first two."""
    with DevServer(NAME, **options()) as server:
        tell(address=server.address)
        use(server)
        tell(done=True)
    return 0


def swarm() -> int:
    """Starts or attaches to each server of the swarm, uses it, leaves."""
    names = [*SWARM_NAMES]
    random.shuffle(names)
    for name in names:
        with DevServer(name) as server:
            use(server)
    tell(done=True)
    return 0


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format=f"%(asctime)s client {os.getpid()} %(message)s")
    sys.exit({"hold": hold, "visit": visit, "swarm": swarm}[sys.argv[1]]())
