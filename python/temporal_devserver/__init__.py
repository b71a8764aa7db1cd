"""A real local Temporal server: there when asked for, back when killed, gone when not needed.

Importing the package loads nothing else: each public name is imported when it is first used (PEP
562), so that the command line and a test run that needs no server stay fast.
"""

TYPE_CHECKING = (
    False  # type checkers know the name; importing `typing` would cost more than all else
)

if TYPE_CHECKING:
    from ._async import AsyncDevServer
    from ._blocking import DevServer
    from ._core import __version__
    from ._errors import (
        ConfigError,
        CrashLoopError,
        DatabaseError,
        DevServerError,
        DownloadError,
        EventLoopError,
        ExecutableNotFoundError,
        ExternalServerError,
        NamespaceError,
        NotRunningError,
        OptionsConflictError,
        PortInUseError,
        ProtocolError,
        RequestError,
        ServerExitedError,
        SharedServerError,
        SnapshotVersionError,
        StartError,
        StartTimeoutError,
        StateDirError,
        SupervisorError,
        SupervisorLostError,
        UnsupportedPlatformError,
        WorkflowTaskFailedError,
    )
    from ._install import install
    from ._models import Event, Lease, Probe, Status
    from ._options import Health, Restart

__all__ = [
    "AsyncDevServer",
    "ConfigError",
    "CrashLoopError",
    "DatabaseError",
    "DevServer",
    "DevServerError",
    "DownloadError",
    "Event",
    "EventLoopError",
    "ExecutableNotFoundError",
    "ExternalServerError",
    "Health",
    "Lease",
    "NamespaceError",
    "NotRunningError",
    "OptionsConflictError",
    "PortInUseError",
    "Probe",
    "ProtocolError",
    "RequestError",
    "Restart",
    "ServerExitedError",
    "SharedServerError",
    "SnapshotVersionError",
    "StartError",
    "StartTimeoutError",
    "StateDirError",
    "Status",
    "SupervisorError",
    "SupervisorLostError",
    "UnsupportedPlatformError",
    "WorkflowTaskFailedError",
    "__version__",
    "install",
]

_HOMES = {
    "AsyncDevServer": "_async",
    "DevServer": "_blocking",
    "Event": "_models",
    "Health": "_options",
    "Lease": "_models",
    "Probe": "_models",
    "Restart": "_options",
    "Status": "_models",
    "__version__": "_core",
    "install": "_install",
}
"""The module of each public name; the errors are in `_errors`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    home = import_module(f".{_HOMES.get(name, '_errors')}", __name__)
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
