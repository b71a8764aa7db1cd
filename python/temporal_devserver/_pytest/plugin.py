"""The plugin itself: what pytest calls. Every pytest run in the environment loads this file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from . import failfast, run, settings
from .fixtures import (
    temporal_client,
    temporal_client_options,
    temporal_env,
    temporal_environment,
    temporal_namespace,
    temporal_private_client,
    temporal_private_server,
    temporal_server,
    temporal_server_factory,
    temporal_task_queue,
    temporal_time_skipping_env,
)

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_fixture_post_finalizer",
    "pytest_fixture_setup",
    "pytest_handlecrashitem",
    "pytest_report_header",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtestloop",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_timeout_set_timer",
    "temporal_client",
    "temporal_client_options",
    "temporal_env",
    "temporal_environment",
    "temporal_namespace",
    "temporal_private_client",
    "temporal_private_server",
    "temporal_server",
    "temporal_server_factory",
    "temporal_task_queue",
    "temporal_time_skipping_env",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    settings.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the options: what cannot be is told before any test runs."""
    config.addinivalue_line("markers", failfast.DESCRIPTION)
    ours = config.stash[run.KEY] = run.Run(config, settings.read(config))
    if ours.settings.is_external:
        from .cleanup import Cleanup

        config.stash[run.CLEANUP] = Cleanup(config, ours.settings)
        config.pluginmanager.register(config.stash[run.CLEANUP], "temporal-cleanup")
    if ours.settings.report:
        from . import report

        report.configure(config, ours.settings.report)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says which server the tests would use."""
    from . import header

    settings, warn = run.of(config).settings, not config.option.collectonly
    return header.line(config.rootpath, settings, with_warnings=warn)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Checks the files that options name, once, where a test uses them."""
    settings = run.of(session.config).settings
    if not settings.sources or not run.needs_files(session):
        return None
    from . import checks

    try:
        checks.check_files(settings)
    except pytest.UsageError as error:
        output = getattr(session.config, "workeroutput", None)
        if output is None:
            raise
        output[run.USAGE_ERROR] = str(error)
        return True  # the worker runs nothing, and its controller raises
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  # of pytest-xdist
    """Ends the run with the usage error of a worker."""
    if message := getattr(node, "workeroutput", {}).get(run.USAGE_ERROR):
        raise pytest.UsageError(message)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Explains the test that runs, where the run is interrupted in it; forgets what it got."""
    try:
        return (yield)
    except KeyboardInterrupt:
        if run.concerns(item):
            from . import unreported

            unreported.interrupted(item)
        raise
    finally:
        run.of(item.config).handed.end()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marks where a test begins, also one that is run again, in the servers' logs and events."""
    ours = run.of(item.config)
    ours.handed.begin()
    for watched in ours.watched:
        watched.mark()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Notes what a fixture of a wider scope gets from a server."""
    with run.of(request.config).handed.setting_up(fixturedef):
        return (yield)


def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Forgets what a fixture got."""
    run.of(request.config).handed.torn_down(fixturedef)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to the report of a test what its servers have to say."""
    report = yield
    # After a test that ended well, what its end tells is for the next test to tell.
    if run.concerns(item) and (call.when != "teardown" or report.failed):
        from . import explain

        explain.attach(run.of(item.config), item, report)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:  # noqa: ANN401
    """Explains a test that pytest-timeout ends with the whole process: that makes no report."""
    is_main = threading.current_thread() is threading.main_thread()
    if (settings.method == "signal" and is_main) or not run.concerns(item):
        return None
    from . import unreported

    return unreported.set_timer(item, settings)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401  # of pytest-xdist
    """Lets a worker tell of a test that has no report."""
    from . import letters

    node.workerinput[letters.WORKER_INPUT] = letters.letterbox(node.config).address


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport, sched: Any) -> None:  # noqa: ANN401
    """Adds to the report of a lost worker what it told of its test."""
    from . import unreported

    unreported.add_to(report, sched.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what pytest itself shows nowhere."""
    if terminalreporter.config.option.tbstyle in {"no", "line"}:
        from . import longrepr

        longrepr.show(terminalreporter)
    if terminalreporter.config.pluginmanager.hasplugin("dsession"):
        from . import letters

        letters.show_all(terminalreporter.config)
