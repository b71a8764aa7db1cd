"""Proxies, variables that count for nothing, low limits, a kernel that refuses pidfds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from doctor_support import doctor, finds

if TYPE_CHECKING:
    from pathlib import Path

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
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert "no_proxy=127.0.0.1" in finds("proxy-for-loopback", name)["fix"]
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert not is_told("proxy-for-loopback")
    monkeypatch.setenv("no_grpc_proxy", "corp")  # gRPC reads this one in its place
    assert "no_grpc_proxy=127.0.0.1" in finds("proxy-for-loopback", name)["fix"]


def test_variables_that_lead_clients_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_told("connection-variable")
    monkeypatch.setenv("TEMPORAL_TASK_QUEUE", "q")
    assert not is_told("connection-variable"), "no client reads it"
    for name in ("TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_GRPC_META_X", "GRPC_PROXY_EXP"):
        monkeypatch.setenv(name, "secret")
        finding = finds("connection-variable", name)
        assert "temporal-devserver run -- " in finding["fix"]
        assert name in finding["fix"]
        assert "secret" not in finding["message"] + finding["fix"]


def test_a_file_that_configures_clients(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(sandbox.root))
    file = sandbox.root / ".config/temporalio/temporal.toml"
    file.parent.mkdir(parents=True)
    assert not is_told("configuration-file")
    file.write_text('[profile.cloud]\napi_key = "secret"\n')
    assert not is_told("configuration-file"), "another profile"
    monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")
    assert "TEMPORAL_CONFIG_FILE" in finds("configuration-file", file)["fix"]
    monkeypatch.delenv("TEMPORAL_PROFILE")
    file.rename(named := sandbox.root / "named.toml")
    named.write_text('[profile.default]\napi_key = "secret"\n')
    assert not is_told("configuration-file")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(named))
    assert "secret" not in finds("configuration-file", named)["message"]


def test_an_environment_of_the_temporal_tool(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(sandbox.root))
    file = sandbox.root / ".config/temporalio/temporal.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("env:\n    prod:\n        address: x:7233\n")
    assert not is_told("tool-environment")
    monkeypatch.setenv("TEMPORAL_ENV", "prod")
    assert "--env-file /dev/null" in finds("tool-environment", file)["fix"]


def test_in_a_command_of_run_no_client_is_led_elsewhere(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(sandbox.root))
    file = sandbox.root / ".config/temporalio/temporal.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[profile.default]\napi_key = "secret"\n')
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    ended = cli("run", "--executable", str(fake_temporal), "--", CLI, "doctor", "--json")
    told = {finding["code"] for finding in json.loads(ended.stdout)["findings"]}
    assert not told & {"connection-variable", "configuration-file", "proxy-for-loopback"}


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
