"""A browser without a screen, told what to do over two pipes (Chrome's DevTools protocol).

Pipes need no port and no library, and the browser ends when our ends are closed, however that
happens. It reaches loopback only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

FINDER = Path(__file__).parents[1] / "browser"
SECONDS = 30.0
"""How long the browser may take to answer."""


def installed() -> str:
    """Returns the path of the browser, empty where there is none."""
    return subprocess.run([FINDER], capture_output=True, text=True).stdout.strip()


class Browser:
    """A browser, from its start to the end of the block."""

    def __init__(self, path: str, home: Path) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        options = [
            "--headless",
            "--remote-debugging-pipe",
            f"--user-data-dir={home}",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-dev-shm-usage",  # that of a container is small
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        self._log = home.with_suffix(".log")
        with self._log.open("w") as log:  # it reads from 3 and writes to 4
            self._process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{orders} 4>&{answers}', "bash", path, *options],
                pass_fds=(orders, answers),
                stderr=log,
            )
        os.close(orders)
        os.close(answers)
        self._read = b""
        self._count = 0

    def open(self, url: str) -> Page:
        """Opens a page in a tab of its own."""
        target = self.ask("Target.createTarget", url=url)["targetId"]
        return Page(self, self.ask("Target.attachToTarget", targetId=target, flatten=True))

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Has it do something; returns its answer."""
        self._count += 1
        order = {"id": self._count, "method": method, "params": params}
        if session is not None:
            order["sessionId"] = session
        with contextlib.suppress(BrokenPipeError):  # it ended, which the answer will tell
            os.write(self._orders, json.dumps(order).encode() + b"\0")
        while (told := json.loads(self._message())).get("id") != self._count:
            pass  # an event, which nobody asked for
        assert "result" in told, told
        result: dict[str, Any] = told["result"]
        return result

    def _message(self) -> bytes:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            assert ready, "the browser does not answer"
            part = os.read(self._answers, 1 << 16)
            assert part, f"the browser ended: {self._log.read_text()}"
            self._read += part
        message, _, self._read = self._read.partition(b"\0")
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._orders)
        os.close(self._answers)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait(10)


class Page:
    """A page in a tab."""

    def __init__(self, browser: Browser, attached: dict[str, Any]) -> None:
        self._browser, self._session = browser, attached["sessionId"]

    def text(self) -> str:
        """Returns what one can read on it now."""
        expression = "document.body ? document.body.innerText : ''"
        told = self._browser.ask("Runtime.evaluate", self._session, expression=expression)
        return str(told["result"].get("value", ""))
