"""HELLO, STATUS and STOP are frozen: a client of another version sees and stops any server."""

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cli_support import cli
from foreign_support import STATUS, VERSION, foreign_supervisor
from support import Sandbox, eventually, is_alive
from temporal_devserver import AsyncDevServer, DevServer, ProtocolError


class Speaker:
    """Speaks lines of JSON on the control socket."""

    def __init__(self, directory: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(directory / "control.sock"))
        self.stream = self.socket.makefile("rwb")

    def ask(self, **line: Any) -> Any:
        """Says one line and returns the next one of the other side."""
        self.stream.write(json.dumps(line).encode() + b"\n")
        self.stream.flush()
        return json.loads(self.stream.readline() or b"null")

    def close(self) -> None:
        """Hangs up."""
        self.stream.close()
        self.socket.close()


@pytest.mark.parametrize("protocol", [0, 2, 999])
def test_a_client_of_another_version(fake_temporal: Path, sandbox: Sandbox, protocol: int) -> None:
    server = DevServer("frozen", executable=fake_temporal)
    server.start()
    pid = server.status().pid
    speaker = Speaker(sandbox.directory("frozen"))
    hello = speaker.ask(op="hello", protocol=protocol, version="9.9", novelty={"a": 1})
    assert (hello["reply"], hello["protocol"]) == ("hello", 1)
    assert {"version", "identity", "epoch", "pid"} <= set(hello)
    status = speaker.ask(op="status", novelty=1)
    assert (status["reply"], status["state"], status["pid"]) == ("status", "ready", pid)
    for refused in ("kill", "novelty"):
        answer = speaker.ask(op=refused)
        assert (answer["reply"], answer["error"]["code"]) == ("error", "protocol")
    answer = speaker.ask(op="stop")
    assert answer["error"]["code"] == "shared_server"
    assert str(os.getpid()) in answer["message"]
    assert speaker.ask(op="stop", force=True, novelty=1)["reply"] == "done"
    speaker.close()
    eventually("it is dead", lambda: not is_alive(pid))
    eventually("the handle knows", lambda: "idle" in repr(server))
    server.close()


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_supervisor_of_another_version(
    fake_temporal: Path, sandbox: Sandbox, protocol: int
) -> None:
    def attach(face: type[DevServer] | type[AsyncDevServer]) -> ProtocolError:
        with pytest.raises(ProtocolError) as caught:
            if face is DevServer:
                DevServer("foreign", executable=fake_temporal).start()
            else:
                asyncio.run(_start(AsyncDevServer("foreign", executable=fake_temporal)))
        return caught.value

    with foreign_supervisor(sandbox.state, "foreign", protocol) as foreigner:
        for face in (DevServer, AsyncDevServer):
            error = attach(face)
            assert (error.ours, error.theirs, error.version) == (1, protocol, VERSION)
            message = str(error)
            for part in ("speaks protocol 1", f"(version {VERSION}) speaks {protocol}"):
                assert part in message
            assert message.endswith("on both sides")
        shown = cli("status", "foreign", "--json")
        assert (shown.returncode, shown.stderr) == (0, "")
        expected = {key: value for key, value in STATUS.items() if key != "reply"}
        told = json.loads(shown.stdout)  # what that version does not know yet is added
        assert {key: told[key] for key in expected} == expected
        assert "ready" in cli("status", "foreign").stdout
        assert [row["state"] for row in json.loads(cli("list", "--json").stdout)] == ["ready"]
        assert {line["op"] for line in foreigner.heard} == {"hello", "status"}
        assert not foreigner.is_stopped
        stopped = cli("stop", "foreign")
        assert (stopped.returncode, stopped.stdout) == (0, "server `foreign` is stopped\n")
        assert foreigner.is_stopped


async def _start(server: AsyncDevServer) -> None:
    await server.start()


GARBAGE = [
    b"",
    b"\n",
    b"garbage\n",
    b"\xff\xfe\x00\n",
    b"[" * 10000 + b"\n",
    b'{"op": "status"}\n',
    b'{"op": "hello"}\n',
    b'{"op": "hello", "protocol": -1, "version": ""}\n',
    b'{"op": "hello", "protocol": 1, "version": "", "lease": {"pid": 1}}\n',
    b"x" * (5 << 20),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_disturbs_nobody(fake_temporal: Path, sandbox: Sandbox, garbage: bytes) -> None:
    with DevServer("garbage", executable=fake_temporal) as server:
        before = server.status()
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(sandbox.directory("garbage") / "control.sock"))
                with contextlib.suppress(OSError):
                    client.sendall(garbage)
        after = server.status()
        assert (after.pid, after.supervisor_pid) == (before.pid, before.supervisor_pid)
        assert len(after.leases) == 1
