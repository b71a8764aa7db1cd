"""The native core, as Python sees it.

Nothing here waits, and nothing here releases the GIL: each `advance` does what can be done now and
says what to wait for (a file descriptor to become readable, a time to pass). Python does all the
waiting: `select.poll` in the blocking face, `loop.add_reader` and a `Timer` in the asyncio face. So
no Rust code ever runs in a thread that the interpreter might end, and there is no runtime to
survive a fork. Errors are raised as the classes of `temporal_devserver._errors`.
"""

from typing import NoReturn, final

from typing_extensions import Self

__all__ = [
    "CLIENT_CONFIGURATION",
    "SERVER_VERSION",
    "Call",
    "Session",
    "Timer",
    "__version__",
    "check_options",
    "check_version",
    "client_environment",
    "close_after_fork",
    "error_codes",
    "executable_store",
    "lookup",
    "monotonic",
    "option_defaults",
    "remedy",
    "run_cli",
    "server_environment",
    "supervise",
    "tie",
    "unix_now",
]

__version__: str
"""Version of the package."""
SERVER_VERSION: str
"""Version of the `temporal` executable that is downloaded where none is asked for."""
CLIENT_CONFIGURATION: str
"""Text of a configuration file of Temporal's clients that configures nothing."""

@final
class Session:
    """One handle's relation to its server: launch, lease, heal, release. A step machine.

    What a step came to is all in here when the step returns: nobody, not even a signal handler,
    sees half of it.
    """

    def __new__(cls, name: str | None, options: str, launcher: str) -> Self:
        """Checks the options; touches nothing.

        Args:
            name: Name of the server to share, or None for a private one.
            options: JSON object of the options that were given explicitly.
            launcher: JSON object: `supervisor` (argv), `python` (path of an interpreter that has
                `sqlite3`), `scripts` (directories in which the wheel of the server may have put
                its executable), `environment` (added to that of the supervisor).

        Raises:
            ConfigError: An option is unknown or has a value that cannot work.
        """

    @property
    def name(self) -> str:
        """Name of the server: the one given, or the random one of a private server."""

    @property
    def state(self) -> str:
        """`idle`, `starting`, `held` (lease granted), `healing` or `releasing`."""

    @property
    def identity(self) -> str | None:
        """Identity of the supervisor that the lease is with, None without one."""

    @property
    def directory(self) -> str | None:
        """The server's directory (locks, socket, logs), None before the first start."""

    @property
    def status(self) -> str | None:
        """The Status (JSON) that came with the last grant; None once the lease is gone.

        Given after each `start()` and each heal, when the server is ready and everything asked for
        exists. A forked child keeps that of its parent until its own first start.
        """

    @property
    def ending(self) -> str | None:
        """How the last lease, or start, ended, as a JSON object; None from `start()` on.

        `{"notice": "failed", "error": {"code": ..., "message": ..., ...}}`: start or heal came to
        nothing. `{"notice": "stopped"}`: somebody stopped the server on purpose. `{"notice":
        "released"}`: the lease was given up.
        """

    @property
    def changes(self) -> int:
        """Grows with everything that somebody may wait for."""

    def start(self) -> None:
        """Begins to attach or launch. Nothing where it is under way.

        Raises:
            StateDirError: The directory of the server cannot be used.
        """

    def advance(self) -> tuple[int, float | None]:
        """Does what can be done now, and says what to wait for.

        Returns:
            The descriptor to wait for (-1: none), and the seconds after which to call again at the
            latest (None: no such time). Idle: `(-1, None)`.
        """

    def next_notice(self) -> str | None:
        """Takes what the program's readers and logs were not told yet, the oldest first.

        A JSON object: `{"notice": "event", "event": Event}`, or `failed` as in `ending`, where a
        heal failed.
        """

    def release(self) -> None:
        """Begins to give up the lease, or breaks off a start; idle when that is done.

        Where it was the last lease, that is after the server is gone (bounded by the stop timeout).
        """

    def abandon(self) -> None:
        """Closes the lease at once and waits for nothing (garbage collection, interpreter exit)."""

    def after_fork(self) -> None:
        """Forgets, in a forked child, the parent's lease; idle, as if new."""

    def call(self, request: str) -> Call:
        """Begins one verb on a connection of its own.

        Args:
            request: JSON object tagged by `op`: `status` (replies a Status); `stop`, `kill`,
                `pause`, `restart`, `reset`, `restore` (`path`), `outage` (`seconds` or null; each
                with `force`: bool); `snapshot` (`path`); `resume`; `create_namespace` (`name`,
                `retention` in seconds or null); `list_namespaces` (replies an array of names);
                `delete_namespace` (`name`); `events` (`since`: `[identity, seq]` or null; replies
                an array of Events, oldest first).

        Raises:
            ConfigError: An argument is of the wrong type.
            NotRunningError: The server does not run.
        """

@final
class Call:
    """One verb under way, on a connection of its own."""

    def advance(self) -> tuple[int, float | None, str | None]:
        """Does what can be done now.

        Returns:
            The descriptor and the seconds to wait for, or the reply as JSON (then finished).

        Raises:
            DevServerError: What the supervisor answered, or that it did not answer.
        """

@final
class Timer:
    """A descriptor that becomes readable when a time has passed, by the kernel's clock.

    Its end closes it; in a forked child it is closed.
    """

    def __new__(cls, after: float) -> Self:
        """Starts it.

        Args:
            after: Seconds until it goes off; 31 years at the most, at once where there are none.

        Raises:
            OSError: There is no descriptor left.
        """

    def fileno(self) -> int:
        """Returns the descriptor."""

def monotonic() -> float:
    """Returns seconds by the kernel's monotonic clock, since the first call in this process."""

def unix_now() -> float:
    """Returns seconds since 1970 by the kernel's wall clock."""

def close_after_fork() -> None:
    """Closes, in a forked child, every descriptor that this module holds. Takes no lock."""

def supervise(arguments: list[str]) -> NoReturn:
    """Becomes the supervisor: the server's directory, the descriptor of the first lease."""

def tie(arguments: list[str]) -> NoReturn:
    """Becomes a process that runs a program and dies with it, and with the host.

    Args:
        arguments: Pid of the host, path of the program, its arguments.
    """

def run_cli(arguments: list[str], launcher: str) -> int | str:
    """Runs the command line.

    Returns:
        Its exit code, or what is left to be done, as a JSON object: `{"install": {...}}`, the flags
        of that command; or `{"missing": error}`, where a server has no executable and its
        `installable` would help: then it has to be run again.
    """

def client_environment(
    variables: dict[str, str], address: str, namespace: str, configuration: str
) -> dict[str, str | None]:
    """Returns what makes an environment that of a client which reaches one server.

    Args:
        variables: The environment as it is.
        address: Address of the server.
        namespace: Namespace of the client.
        configuration: Path of a file with `CLIENT_CONFIGURATION` in it.

    Returns:
        The variables to set, with their values, and those to remove, with None.
    """

def server_environment() -> dict[str, str]:
    """Returns the environment of a server, or of another program of Temporal's that is no client.

    It is that of this process, without Temporal's variables and without a proxy for this machine.
    """

def check_version(version: str) -> None:
    """Checks that a text is a version.

    Raises:
        ConfigError: It is none.
    """

def executable_store() -> tuple[str, list[str]]:
    """Returns the directory of downloaded executables, made where it is missing.

    Returns:
        Its path, and the versions in it, the newest first.

    Raises:
        StateDirError: It cannot be made, or others may write to it.
    """

def lookup(options: str, launcher: str, warnings: bool = False) -> str:
    """Looks for what a server with these options would be made of, and makes nothing.

    Args:
        options: As for `Session`.
        launcher: As for `Session`.
        warnings: Whether `warnings` is filled in; this may read the whole executable.

    Returns:
        A JSON object: `runtime_root` (directory of all that needs no HOME), `executables` (paths:
        the one that would be run; where a version is asked for, all among which it is looked for,
        but for what was downloaded), `identity` (of the options those that make a server what it
        is), `warnings` (keys of the dynamic configuration that the first executable does not know;
        empty unless asked for).

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        ExecutableNotFoundError: There is none.
    """

def check_options(options: str) -> None:
    """Checks what can be told of options before there is a server: values, and files they name.

    Args:
        options: As for `Session`.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        ExecutableNotFoundError: What is named as the executable is none.
        DatabaseError: What is named as the database cannot be one.
    """

def remedy(errno: int, otherwise: str, spawning: bool = False) -> str:
    """Returns what to do about an error of the operating system.

    Args:
        errno: Its number.
        otherwise: What to do where no limit of the machine or of the user is in the way.
        spawning: Whether a process or a thread could not be made: `EAGAIN` means a limit then.
    """

def option_defaults() -> str:
    """Returns the options of a server and their defaults as a JSON object."""

def error_codes() -> list[str]:
    """Returns the code of every error that can come from the core."""
