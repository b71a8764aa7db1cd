//! The commands and their flags.
//!
//! Invariant: each command is one variant, with an example in its help. What becomes a server's option stands in `options.rs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::cli::options::{Run, SERVER, Start};
use crate::cli::since::{Seconds, Since};
use crate::executable::SERVER_VERSION;

/// Runs and supervises a real local Temporal server: kill anything, it heals; kill everything, nothing is left.
#[derive(Debug, Parser)]
#[command(
    name = "temporal-devserver",
    version,
    after_help = "\
Example: temporal-devserver start

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running; `run -- COMMAND` ends with the command's own; 128 + N where signal N ended it."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server in the foreground, or for the time of a command.
    #[command(after_help = "Example: temporal-devserver run --db orders.db orders -- npm test")]
    Run(Box<Run>),
    /// Start a server in the background; it stays until it is stopped, and keeps its data.
    #[command(after_help = "Example: temporal-devserver start orders --namespace shop")]
    Start(Box<Start>),
    /// Stop a server.
    #[command(after_help = "Example: temporal-devserver stop orders --force")]
    Stop(Stop),
    /// Stop the server's process in an orderly way and start it again: same address, same data.
    #[command(after_help = "Example: temporal-devserver restart orders")]
    Restart(Disturb),
    /// Show the state of a server.
    #[command(after_help = "Example: temporal-devserver status orders --json")]
    Status(Status),
    /// List the named servers.
    #[command(after_help = "Example: temporal-devserver list")]
    List(List),
    /// Show the log of a server.
    #[command(after_help = "Example: temporal-devserver logs orders --since 10m --follow")]
    Logs(Logs),
    /// Find and explain what keeps a server from working; nothing is changed.
    #[command(after_help = "Example: temporal-devserver doctor --json")]
    Doctor(Doctor),
    /// Download the `temporal` executable, or look after those that were downloaded.
    #[command(after_help = "Example: temporal-devserver install 1.8.3")]
    Install(Install),
    /// Show what has happened to a server: starts, crashes, restarts.
    #[command(after_help = "Example: temporal-devserver events orders --follow")]
    Events(Events),
    /// Show the address of the web UI, or open it.
    #[command(after_help = "Example: temporal-devserver ui --open")]
    Ui(Ui),
    /// Delete all data of a running server.
    #[command(after_help = "Example: temporal-devserver reset orders --yes")]
    Reset(Reset),
    /// Write a consistent copy of the database of a running server.
    #[command(after_help = "Example: temporal-devserver snapshot before.db --server orders")]
    Snapshot(Snapshot),
    /// Have a running server go back to a snapshot.
    #[command(after_help = "Example: temporal-devserver restore before.db --server orders")]
    Restore(Restore),
    /// Create, list and delete namespaces of a running server.
    #[command(
        subcommand,
        after_help = "Example: temporal-devserver namespace create shop --retention 30d"
    )]
    Namespace(Namespace),
    /// Print the completions for a shell.
    #[command(
        after_help = "Example: temporal-devserver completions bash > ~/.local/share/bash-completion/completions/temporal-devserver"
    )]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Print metrics in Prometheus' text format.
    #[arg(long, conflicts_with = "json")]
    pub prometheus: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Of the servers, look at this one alone.
    pub name: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Stop all named servers.
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    /// Even if others use it.
    #[arg(long)]
    pub force: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What disturbs those who use the server.
#[derive(Debug, Args)]
pub(crate) struct Disturb {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Even if others use it.
    #[arg(long)]
    pub force: bool,
    /// Print the status as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    pub server: Disturb,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Go on with what is written from now on, until Ctrl-C or the server's end.
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines.
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<usize>,
    /// Only from then on: how long ago, like 10m or 1h30m, or a time like 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
}

/// What `python/temporal_devserver/_install/` is asked for.
#[derive(Debug, Args, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are flags, and clap knows which go together"
)]
pub(crate) struct Install {
    /// Version to have.
    #[arg(default_value = SERVER_VERSION)]
    pub version: String,
    /// SHA-256 that the archive must have.
    #[arg(long, value_name = "HEX", conflicts_with = "lock")]
    pub sha256: Option<String>,
    /// File with the SHA-256 that the archive must have, in a line `SHA256 VERSION PLATFORM-ARCH`.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<String>,
    /// Write that line where the file does not have it.
    #[arg(long, requires = "lock")]
    pub write_lock: bool,
    /// List what was downloaded.
    #[arg(long, conflicts_with_all = ["version", "sha256", "lock", "prune"])]
    pub list: bool,
    /// Remove all versions but the newest, and but those in use.
    #[arg(long, conflicts_with_all = ["version", "sha256", "lock"])]
    pub prune: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Go on with what happens from now on, until Ctrl-C or the server's end.
    #[arg(short, long)]
    pub follow: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ui {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Open it, with `$BROWSER` or xdg-open.
    #[arg(long)]
    pub open: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// Where to; an older snapshot there is replaced, and no other file.
    pub file: PathBuf,
    #[command(flatten)]
    pub which: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The snapshot.
    pub file: PathBuf,
    #[command(flatten)]
    pub which: Server,
    /// Even if others use it.
    #[arg(long)]
    pub force: bool,
}

/// The server of a command whose operand is something else.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Name of the server.
    #[arg(short, long, value_name = "NAME", default_value = SERVER)]
    pub server: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with namespaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Namespace {
    /// Create a namespace, with the search attributes that every namespace of the server has.
    #[command(
        after_help = "Example: temporal-devserver namespace create shop --server orders --retention 30d"
    )]
    Create(Create),
    /// List the namespaces.
    #[command(after_help = "Example: temporal-devserver namespace list --server orders")]
    List(Server),
    /// Delete a namespace, with all that is in it.
    #[command(after_help = "Example: temporal-devserver namespace delete shop --server orders")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the namespace.
    pub namespace: String,
    /// How long closed workflows are kept, like 30d; without it one day.
    #[arg(long, value_name = "TIME")]
    pub retention: Option<Seconds>,
    #[command(flatten)]
    pub which: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name of the namespace.
    pub namespace: String,
    #[command(flatten)]
    pub which: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub shell: Shell,
}

/// The shells that we have tried.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}
