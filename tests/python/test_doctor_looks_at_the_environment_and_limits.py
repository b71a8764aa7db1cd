"""Proxies, variables that count for nothing, low limits, a kernel that refuses pidfds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI
from doctor_support import doctor, finds

if TYPE_CHECKING:
    from support import Sandbox

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy")

PREAMBLE = "import os, resource, sys\n{}\nos.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def is_told(code: str) -> bool:
    return code in [finding["code"] for finding in doctor()["findings"]]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "grpc_proxy"])
def test_a_proxy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not is_told("proxy-for-loopback")
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "example.com,localhost")
    assert "NO_PROXY=127.0.0.1" in finds("proxy-for-loopback", name)["fix"]
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert not is_told("proxy-for-loopback")


def test_a_variable_that_counts_for_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOME": "home/me",
        "XDG_CACHE_HOME": "cache",
        "XDG_RUNTIME_DIR": str(sandbox.root / "none"),
    }.items():
        monkeypatch.setenv(name, value)
        assert name in finds("variable-ignored", f"{name} is `{value}`")["fix"]


@pytest.mark.parametrize(
    ("limit", "value", "flag"),
    [("NOFILE", 100, "-n"), ("FSIZE", 1 << 20, "-f"), ("AS", 1 << 30, "-v")],
)
def test_a_low_limit(limit: str, value: int, flag: str) -> None:
    lower = f"resource.setrlimit(resource.RLIMIT_{limit}, ({value}, {value}))"
    through = [sys.executable, "-c", PREAMBLE.format(lower)]
    finding = finds("limit-low", f"is {value};", through=through)
    assert f"`ulimit {flag} " in finding["fix"]


def test_no_pidfds() -> None:
    from test_a_strange_host_is_served_all_the_same import NO_PIDFD

    ended = subprocess.run(
        [sys.executable, "-c", PREAMBLE.format(NO_PIDFD), CLI, "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(ended.stdout)["findings"]
    assert "no-pidfd" in [finding["code"] for finding in findings], ended
