"""`run -- COMMAND`: no variable, configuration file or proxy leads its clients elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from cli_support import cli
from download_support import serving
from support import eventually, free_port
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

CLOUD = """
[profile.default]
address = "my-ns.a1b2c.tmprl.cloud:7233"
namespace = "my-ns.a1b2c"
api_key = "secret-cloud-key"

[profile.default.tls]
server_name = "cloud"
"""

MISLEADING: list[dict[str, str]] = [
    {"TEMPORAL_TLS": "true"},
    {"TEMPORAL_TLS_SERVER_NAME": "cloud"},
    {"TEMPORAL_TLS_SERVER_CA_CERT_DATA": "none"},
    {"TEMPORAL_TLS_CLIENT_CERT_PATH": "/none.pem", "TEMPORAL_TLS_CLIENT_KEY_PATH": "/none.key"},
    {"TEMPORAL_API_KEY": "secret"},
    {"TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer secret"},
    {"TEMPORAL_PROFILE": "cloud"},
    {"TEMPORAL_CONFIG_FILE": "home/.config/temporalio/temporal.toml"},
    {"HOME": "home"},
    {"XDG_CONFIG_HOME": "home/.config"},
]
"""What keeps a client of the SDK from a server of ours, or changes what it says to that server."""

CONNECT = """
import asyncio, json, os
from temporalio.client import Client
from temporalio.envconfig import ClientConfig

async def main():
    options = ClientConfig.load_client_connect_config()
    client = await Client.connect(**options)
    print(json.dumps([options, (await client.count_workflows()).count]), flush=True)

asyncio.run(main())
os._exit(0)  # the SDK's own threads crash an interpreter that ends, now and then
"""

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"

ASK = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
"""


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder whose `home` has the configuration of a cloud, and no proxies."""
    file = tmp_path / "home/.config/temporalio/temporal.toml"
    file.parent.mkdir(parents=True)
    file.write_text(CLOUD)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def mislead(patch: pytest.MonkeyPatch, folder: Path, variables: dict[str, str]) -> None:
    """Sets variables; `home` is that of the folder."""
    for name, value in variables.items():
        patch.setenv(name, str(folder / value) if value.startswith("home") else value)


def sees(*options: str) -> dict[str, str]:
    """Returns the environment of a command."""
    ended = cli("run", *options, "--", sys.executable, "-c", SHOW)
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, str] = json.loads(ended.stdout)
    return seen


@pytest.mark.real_server
@pytest.mark.parametrize("variables", MISLEADING, ids="+".join)
def test_a_client_of_the_sdk_reaches_the_server(
    real_temporal: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
) -> None:
    mislead(monkeypatch, tmp_path, variables)
    options = ["--executable", str(real_temporal), "--namespace", "shop"]
    ended = cli("run", *options, "--", sys.executable, "-c", CONNECT)
    assert ended.returncode == 0, ended.stderr
    told, count = json.loads(ended.stdout)
    assert told.pop("target_host").startswith("127.0.0.1:")
    assert (told, count) == ({"namespace": "shop"}, 0)


@pytest.mark.real_server
def test_the_temporal_tool_reaches_the_server(
    real_temporal: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    variables = {"TLS": "true", "API_KEY": "k", "ENV": "prod", "PROFILE": "cloud"}
    codec = {"CODEC_ENDPOINT": "http://127.0.0.1:9", "CODEC_AUTH": "k"}
    for name, value in {**variables, **codec}.items():
        monkeypatch.setenv(f"TEMPORAL_{name}", value)
    tool = f'"{real_temporal}"'
    start = f"{tool} workflow start --type T --task-queue q --workflow-id w --input 1"
    script = f"{start} >&2 && {tool} workflow show -w w -o json && {tool} config list"
    ended = cli("run", "--executable", str(real_temporal), "--", "sh", "-c", script)
    assert ended.returncode == 0, ended.stderr
    assert "my-ns" not in ended.stdout


def test_a_configuration_that_the_command_writes_stays_its_own(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    script = (
        'cat "$TEMPORAL_CONFIG_FILE" && echo "# mine" > "$TEMPORAL_CONFIG_FILE" '
        '&& cat "$TEMPORAL_CONFIG_FILE" && echo "$TEMPORAL_CONFIG_FILE"'
    )
    ended = cli("run", "--executable", str(fake_temporal), "--", "sh", "-c", script)
    *text, profile, mine, path = ended.stdout.splitlines()
    assert (profile, mine) == ("[profile.default]", "# mine"), ended
    assert all(line.startswith("#") for line in text)
    assert not os.path.exists(path), "it is gone"
    file = tmp_path / "home/.config/temporalio/temporal.toml"
    assert file.read_text() == CLOUD


def test_a_clients_proxy_is_not_asked_for_the_loopback(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    run = ["run", "--executable", str(fake_temporal)]
    with serving() as service:
        service.answer = b"here"
        ask = [sys.executable, "-c", ASK, f"{service.url}/cli/any"]
        assert cli(*run, "--", *ask).stdout == "here\n"
        assert cli(*run, "--keep-environment", "--", *ask).returncode == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"no_proxy": "", "NO_PROXY": ""}),
        ({"NO_PROXY": "corp"}, {"no_proxy": "corp,", "NO_PROXY": "corp,"}),
        ({"NO_PROXY": "A", "no_proxy": "b"}, {"no_proxy": "b,", "NO_PROXY": "A,"}),
        (
            {"no_grpc_proxy": "corp"},
            {"no_grpc_proxy": "corp,", "no_proxy": "", "NO_PROXY": ""},
        ),
    ],
)
def test_the_loopback_is_added_to_each_list_of_exceptions(
    fake_temporal: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    seen = sees("--executable", str(fake_temporal))
    lists = {name: value for name, value in seen.items() if "no_" in name.lower()}
    assert lists == {name: f"{value}127.0.0.1,localhost" for name, value in after.items()}


def test_what_no_client_reads_stays(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"TEMPORAL_TASK_QUEUE": "q", "HTTPS_PROXY": "http://p", "TEMPORAL_TLSX": "1"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    before = {**os.environ}
    seen = sees("--executable", str(fake_temporal))
    set_by_run = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_CONFIG_FILE"}
    set_by_run |= {"NO_PROXY", "no_proxy"}
    kept = {name: value for name, value in before.items() if name not in set_by_run}
    assert kept.items() <= seen.items()


def test_with_keep_environment_only_address_and_namespace_are_set(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {"TEMPORAL_API_KEY": "k", "TEMPORAL_CONFIG_FILE": "/c", "TEMPORAL_NAMESPACE": "n"}
    for name, value in {**mine, "http_proxy": "http://p", "no_proxy": "a"}.items():
        monkeypatch.setenv(name, value)
    seen = sees("--executable", str(fake_temporal), "--keep-environment")
    assert seen["TEMPORAL_API_KEY"] == "k"
    assert seen["TEMPORAL_CONFIG_FILE"] == "/c"
    assert seen["TEMPORAL_NAMESPACE"] == "default"
    assert seen["TEMPORAL_ADDRESS"].startswith("127.0.0.1:")
    assert (seen["no_proxy"], "NO_PROXY" in seen) == ("a", False)


def test_keep_environment_without_a_command_is_wrong_usage() -> None:
    ended = cli("run", "--keep-environment")
    assert ended.returncode == 2
    assert "COMMAND" in ended.stderr


@pytest.mark.real_server
def test_a_handles_own_client_obeys_none_of_them(
    real_temporal: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    for variables in MISLEADING:
        mislead(monkeypatch, tmp_path, variables)
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.upper(), proxy)
    code = (
        "import asyncio, sys; from temporal_devserver import DevServer\n"
        "with DevServer(executable=sys.argv[1]) as server:\n"
        "    client = server.connect()\n"
        "    print(asyncio.run(client.count_workflows()).count)"
    )
    argv = [sys.executable, "-c", code, str(real_temporal)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=40)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


@pytest.mark.real_server
def test_a_server_that_is_open_to_others_asks_no_proxy_for_itself(
    real_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with DevServer(executable=real_temporal, ip="0.0.0.0", ui=True) as server:

        def answer() -> Any:
            """Returns the answer: for a moment after its start the UI may have no connection."""
            try:
                with direct.open(f"{server.ui_url}/api/v1/namespaces", timeout=30) as answered:
                    return json.load(answered)
            except urllib.error.HTTPError as error:
                error.close()
                return None

        told = eventually("the UI reaches its server", answer)
    assert "default" in [found["namespaceInfo"]["name"] for found in told["namespaces"]]


def test_a_browser_asks_no_proxy_for_our_machine(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sandbox: Sandbox
) -> None:
    browser, seen = tmp_path / "browser", sandbox.root / "seen"
    browser.write_text(f'#!/bin/sh\necho "$no_proxy" > {seen}.new\nmv {seen}.new {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setenv("no_proxy", "corp")
    with DevServer("orders", executable=fake_temporal, ui=True):
        assert cli("ui", "orders", "--open").returncode == 0
        eventually("the browser is started", seen.exists)
    assert seen.read_text() == "corp,127.0.0.1,localhost\n"
