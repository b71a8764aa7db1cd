"""What the supervisor tells: the status of a server and its events, as on the socket.

Annotations are evaluated here, so that `typing.get_type_hints` works although the classes name the
package as their home. Keys that a newer supervisor adds are left out; keys that an older one does
not know take the default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Self

Json: TypeAlias = Mapping[str, Any]


class _FromJson:
    """Builds a dataclass from a JSON object."""

    __slots__ = ()

    @classmethod
    def from_json(cls, json: Json) -> "Self":
        """Makes one from a parsed JSON object."""
        known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in json.items() if name in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(_FromJson):
    """The last answer of one layer of the server.

    Attributes:
        layer: What was asked: the process, its port, gRPC health, a namespace, history, matching,
            visibility.
        latency: Seconds until the answer.
        error: What was wrong, None where all is well.
    """

    layer: str
    latency: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease(_FromJson):
    """One client that keeps the server up.

    Attributes:
        pid: Its process.
        command: Command line of that process.
        since: When the lease was asked for, in Unix seconds.
    """

    pid: int
    command: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(_FromJson):
    """The state of a server at one moment.

    Attributes:
        state: `starting`, `ready`, `unhealthy`, `degraded`, `restarting`, `paused`, `failed`,
            `stopping` or `stopped`.
        name: Name of the server.
        pid: Process of the server, None while there is none.
        supervisor_pid: Process of its supervisor.
        address: gRPC address, `host:port`.
        ui_url: URL of the web interface, None without one.
        http_address: Address of the HTTP interface, `host:port`.
        metrics_address: Address of the metrics, `host:port`.
        namespaces: Namespaces that the server was asked to have.
        version: Version of the server's executable.
        started_at: When the server process was started, in Unix seconds.
        uptime: Seconds since it was ready, None while it is not.
        restarts: How often the server was restarted.
        restart_causes: The same by cause: `crash`, `kill`, `restart`, `unhealthy`, ...
        last_exit: How the server process ended the last time, None where it never did.
        warnings: What people should know of: why it is `degraded`, what its database lacks, what
            the server ignores of its dynamic configuration.
        probes: The last answer of each layer.
        leases: The clients that keep the server up.
        pinned: Whether it stays without any, until it is stopped (`temporal-devserver start`).
        db_path: The database file.
        db_bytes: Its size, with what is still in its log.
        log_path: The log of the server.
        state_dir: Directory of the server: locks, socket, logs.
    """

    state: str
    name: str
    pid: int | None = None
    supervisor_pid: int | None = None
    address: str | None = None
    ui_url: str | None = None
    http_address: str | None = None
    metrics_address: str | None = None
    namespaces: tuple[str, ...] = ()
    version: str | None = None
    started_at: float | None = None
    uptime: float | None = None
    restarts: int = 0
    restart_causes: Mapping[str, int] = field(default_factory=dict, hash=False)
    last_exit: str | None = None
    warnings: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    leases: tuple[Lease, ...] = ()
    pinned: bool = False
    db_path: str | None = None
    db_bytes: int | None = None
    log_path: str | None = None
    state_dir: str | None = None

    @classmethod
    def from_json(cls, json: Json) -> "Self":
        """Makes one from a parsed JSON object."""
        parts = {
            "namespaces": tuple(json.get("namespaces", ())),
            "warnings": tuple(json.get("warnings", ())),
            "probes": tuple(map(Probe.from_json, json.get("probes", ()))),
            "leases": tuple(map(Lease.from_json, json.get("leases", ()))),
        }
        # A class with slots is made anew by the decorator, so that `super()` without arguments
        # would miss.
        return super(Status, cls).from_json({**json, **parts})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(_FromJson):
    """One transition of a server.

    Attributes:
        kind: A state of `Status`, or `exited`, `recovered`, `resumed`, `restored`, `reset` (the
            data is that of a snapshot, or gone: workers have to forget the workflows they cache),
            `lost` (this reader was too slow for some).
        seq: Number of the event, counted by the supervisor.
        time: When it happened, in Unix seconds.
        server: Identity of the supervisor; `(server, seq)` is what `events(since=...)` takes.
        pid: Process of the server, None where there was none.
        level: How much it matters, `info`, `warning` or `error`: at that level it is logged.
        message: One clear line about it.
        data: Details, by the kind.
    """

    kind: str
    seq: int
    time: float
    server: str
    pid: int | None = None
    level: str = "info"
    message: str = ""
    data: Mapping[str, object] = field(default_factory=dict, hash=False)


for _class in (Probe, Lease, Status, Event):
    _class.__module__ = "temporal_devserver"
