"""No name is looked up on the network while the real server boots and works.

The program gets a network of its own, in which all questions come to a name server of ours.
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from support import START

ISOLATED = ["unshare", "--user", "--map-root-user", "--net", "--mount"]

PROGRAM = """
import ctypes, fcntl, json, pathlib, socket, struct, sys

def questions(trap):
    count = 0
    while True:
        try:
            trap.recv(512)
        except BlockingIOError:
            return count
        count += 1

up = struct.pack("16sH14x", b"lo", 0x41)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, up)  # SIOCSIFFLAGS
servers = pathlib.Path(sys.argv[2])
servers.write_text("nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n")
bound = ctypes.CDLL(None).mount(bytes(servers), b"/etc/resolv.conf", None, 4096, None)  # MS_BIND
assert bound == 0
trap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
trap.bind(("127.0.0.1", 53))
trap.setblocking(False)
with DevServer(executable=sys.argv[1], ui=True, namespaces=["mine"]) as server:
    server.kill()
    server.wait_ready(20)
    asked = questions(trap)
try:
    socket.getaddrinfo("example.test", 80)
except socket.gaierror:
    pass
print(json.dumps([asked, questions(trap)]))
"""


@pytest.mark.real_server
def test_a_boot_looks_up_no_name(real_temporal: Path, tmp_path: Path) -> None:
    if subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode:
        warnings.warn("NOT TESTED: a network of its own is not permitted here", stacklevel=1)
        pytest.skip("a network of its own is not permitted here")
    program = [sys.executable, "-c", START + PROGRAM, str(real_temporal), str(tmp_path / "servers")]
    told = subprocess.run([*ISOLATED, *program], capture_output=True, check=False)
    assert told.returncode == 0, told.stderr.decode()
    of_the_server, of_ours = json.loads(told.stdout)
    assert of_the_server == 0
    assert of_ours > 0, "the trap does not work"
