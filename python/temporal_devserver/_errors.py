"""Everything that can go wrong.

    DevServerError                        .code .state_dir
    ├─ ConfigError (ValueError)           .option .problem .remedy
    ├─ ExecutableNotFoundError            .problem .searched .remedy .installable
    ├─ DownloadError                      .version .problem .remedy
    ├─ StartError                         .reason .log_tail .remedy
    │   ├─ StartTimeoutError (TimeoutError)  .deadline .last_probe
    │   ├─ PortInUseError                 .port .role .holder
    │   └─ ServerExitedError              .exit
    ├─ CrashLoopError                     .restarts .window .reason .log_tail
    ├─ NotRunningError                    .name
    ├─ SupervisorError                    .reason .remedy
    │   ├─ SupervisorLostError (ConnectionError)  .name
    │   ├─ ProtocolError                  .ours .theirs .version
    │   └─ RequestError
    ├─ OptionsConflictError               .name .differences
    ├─ SharedServerError                  .name .verb .holders
    ├─ DatabaseError                      .path .problem .remedy
    ├─ StateDirError                      .path .problem .remedy
    ├─ NamespaceError                     .namespace .problem .remedy
    ├─ SnapshotVersionError               .path .made_by .running
    ├─ ExternalServerError
    ├─ WorkflowTaskFailedError            .workflow_id .run_id .workflow_type .failures .cause
    │                                     .traceback .remedy
    ├─ EventLoopError (RuntimeError)
    └─ UnsupportedPlatformError           .problem .remedy

Catch `DevServerError` for all of them. The message says what happened and, last, what to do. `code`
is the stable name of the kind, the same on the socket and in `--json`. The native core words the
messages and hands over the fields; here they only become attributes, so that an error can be
pickled and reads the same in every process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class DevServerError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: Stable name of the kind of error.
        state_dir: Directory of the server (locks, socket, logs), where it is known.
    """

    code: ClassVar[str] = "dev_server"
    state_dir: str | None = None

    def __init__(self, message: str, **fields: object) -> None:
        """Makes an error.

        Args:
            message: What happened and what to do.
            fields: The attributes of the class.
        """
        super().__init__(message)
        self.__dict__.update(fields)


class ConfigError(DevServerError, ValueError):
    """An option has a value that cannot work.

    Attributes:
        option: Name of the option.
        problem: What is wrong with its value.
        remedy: What to do.
    """

    code = "config"
    option: str = ""
    problem: str = ""
    remedy: str = ""


class ExecutableNotFoundError(DevServerError):
    """There is no usable `temporal` executable.

    Attributes:
        problem: What is wrong.
        searched: Every place looked at, in order.
        remedy: The ways out.
        installable: Version whose installation would help, None where something else is wrong.
    """

    code = "executable_not_found"
    problem: str = ""
    searched: tuple[str, ...] = ()
    remedy: str = ""
    installable: str | None = None


class DownloadError(DevServerError):
    """The `temporal` executable could not be downloaded.

    Attributes:
        version: Which one.
        problem: What is wrong.
        remedy: What to do.
    """

    code = "download"
    version: str = ""
    problem: str = ""
    remedy: str = ""


class StartError(DevServerError):
    """The server could not be started.

    Attributes:
        reason: What happened.
        log_tail: Last lines of the server's log.
        remedy: What to do.
    """

    code = "start"
    reason: str = ""
    log_tail: tuple[str, ...] = ()
    remedy: str = ""


class StartTimeoutError(StartError, TimeoutError):
    """The server was not ready in time.

    Attributes:
        deadline: The time allowed, in seconds.
        last_probe: What the last readiness probe said.
    """

    code = "start_timeout"
    deadline: float = 0.0
    last_probe: str = ""


class PortInUseError(StartError):
    """A port that the server needs is taken.

    Attributes:
        port: The port.
        role: The option it was for: `port`, `http_port`, `metrics_port` or `ui_port`.
        holder: Who has it: pid and command, as far as can be seen.
    """

    code = "port_in_use"
    port: int = 0
    role: str = ""
    holder: str = ""


class ServerExitedError(StartError):
    """The server ended before it was ready.

    Attributes:
        exit: How it ended: exit code or signal.
    """

    code = "server_exited"
    exit: str = ""


class CrashLoopError(DevServerError):
    """The server failed too often and is not restarted any more.

    Attributes:
        restarts: Restarts within the window.
        window: The window, in seconds.
        reason: Why it ended the last time.
        log_tail: Last lines of the server's log.
    """

    code = "crash_loop"
    restarts: int = 0
    window: float = 0.0
    reason: str = ""
    log_tail: tuple[str, ...] = ()


class NotRunningError(DevServerError):
    """The server is not running, or this handle holds no lease on it.

    Attributes:
        name: Name of the server.
    """

    code = "not_running"
    name: str = ""


class SupervisorError(DevServerError):
    """The supervisor misbehaved or could not be started.

    Attributes:
        reason: What happened.
        remedy: What to do.
    """

    code = "supervisor"
    reason: str = ""
    remedy: str = ""


class SupervisorLostError(SupervisorError, ConnectionError):
    """The supervisor went away and could not be replaced.

    Attributes:
        name: Name of the server.
    """

    code = "supervisor_lost"
    name: str = ""


class ProtocolError(SupervisorError):
    """This package and the supervisor speak different versions of the protocol.

    Attributes:
        ours: Protocol version of the side that reports the error.
        theirs: Protocol version of the other side.
        version: Package version of the other side.
    """

    code = "protocol"
    ours: int = 0
    theirs: int = 0
    version: str = ""


class RequestError(SupervisorError):
    """The supervisor did not understand a line on its control socket."""

    code = "request"


class OptionsConflictError(DevServerError):
    """The server runs with other options than were asked for.

    Attributes:
        name: Name of the server.
        differences: One mapping per option, with the keys `option`, `running` and `asked` (values
            as JSON text).
    """

    code = "options_conflict"
    name: str = ""
    differences: tuple[Mapping[str, str], ...] = ()


class SharedServerError(DevServerError):
    """The verb would disturb others who use the server; `force=True` does it anyway.

    Attributes:
        name: Name of the server.
        verb: The verb that was refused.
        holders: The others.
    """

    code = "shared_server"
    name: str = ""
    verb: str = ""
    holders: tuple[str, ...] = ()


class DatabaseError(DevServerError):
    """The database cannot be used.

    Attributes:
        path: Path of the database file.
        problem: What is wrong.
        remedy: What to do.
    """

    code = "database"
    path: str = ""
    problem: str = ""
    remedy: str = ""


class StateDirError(DevServerError):
    """The directory for locks, socket and logs cannot be used.

    Attributes:
        path: Path of the directory.
        problem: What is wrong.
        remedy: What to do.
    """

    code = "state_dir"
    path: str = ""
    problem: str = ""
    remedy: str = ""


class NamespaceError(DevServerError):
    """The server refused something about a namespace or a search attribute.

    Attributes:
        namespace: The namespace.
        problem: What the server said.
        remedy: What to do.
    """

    code = "namespace"
    namespace: str = ""
    problem: str = ""
    remedy: str = ""


class SnapshotVersionError(DevServerError):
    """A snapshot was made by a newer server than the one that runs.

    Attributes:
        path: Path of the snapshot.
        made_by: Version that made it.
        running: Version that runs.
    """

    code = "snapshot_version"
    path: str = ""
    made_by: str = ""
    running: str = ""


class ExternalServerError(DevServerError):
    """The verb would touch a server that is not ours to start, kill or pause."""

    code = "external_server"


class WorkflowTaskFailedError(DevServerError):
    """A test waits for a workflow whose task fails each time, so that the wait would not end.

    The pytest plugin raises it (`--temporal-fail-fast`). It is no error of the SDK: code that
    expects a failed workflow does not catch it. `__cause__` is the failure as the SDK raises it.

    Attributes:
        workflow_id: Id of the workflow.
        run_id: Id of its run.
        workflow_type: Its type.
        failures: How often its task has failed in a row.
        cause: Type and message of the innermost exception.
        traceback: Each exception with its traceback in the worker, the innermost first.
        remedy: What to do.
    """

    code = "workflow_task_failed"
    workflow_id: str = ""
    run_id: str = ""
    workflow_type: str = ""
    failures: int = 0
    cause: str = ""
    traceback: str = ""
    remedy: str = ""


class EventLoopError(DevServerError, RuntimeError):
    """An `AsyncDevServer` was used without an asyncio loop, or in another than its own."""

    code = "event_loop"


class UnsupportedPlatformError(DevServerError):
    """This platform is not supported.

    Attributes:
        problem: What is missing.
        remedy: What to do.
    """

    code = "unsupported_platform"
    problem: str = ""
    remedy: str = ""


CLASSES: Mapping[str, type[DevServerError]] = {
    value.code: value
    for value in tuple(globals().values())
    if isinstance(value, type) and issubclass(value, DevServerError)
}
"""The class of each code."""

for _class in CLASSES.values():
    _class.__module__ = "temporal_devserver"


def from_wire(text: str) -> DevServerError:
    """Makes the error that the core tells of.

    Args:
        text: JSON object with `code`, `message` and the fields of the error.
    """
    import json

    return from_fields(json.loads(text))


def from_fields(fields: Mapping[str, object]) -> DevServerError:
    """Makes the error of a parsed object; an unknown code makes a `DevServerError`."""
    attributes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields.items()
        if name not in ("code", "message")
    }
    made = CLASSES.get(str(fields.get("code")), DevServerError)
    return made(str(fields.get("message")), **attributes)
