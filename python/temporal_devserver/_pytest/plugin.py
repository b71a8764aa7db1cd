"""The plugin itself: what pytest calls. Every pytest run in the environment loads this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    "pytest_report_header",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
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

    return header.line(config.rootpath, run.of(config).settings)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marks where a test begins, also one that is run again, in the servers' logs and events."""
    run.used(item).clear()
    for watched in run.of(item.config).watched:
        watched.mark()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to the report of a test what its servers have to say."""
    report = yield
    asked = any(name.startswith("temporal_") for name in getattr(item, "fixturenames", ()))
    # After a test that ended well, what its end tells is for the next test to tell.
    if (asked or run.used(item)) and (call.when != "teardown" or report.failed):
        from . import explain

        ours = run.of(item.config)
        report.sections.extend(explain.sections(ours, item, report))
    return report
