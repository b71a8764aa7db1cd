//! Launches and supervises a real local Temporal server: kill anything, it heals; kill everything, nothing is left.
//!
//! # Layout
//!
//! A module uses only the modules listed above it.
//!
//! - [`error`]: the one error type.
//! - [`clock`]: the two clocks.
//! - [`environment`]: the variables of the programs that we start, and of clients.
//! - [`failpoint`]: where tests let things go wrong.
//! - [`sys`]: system calls without a safe wrapper, the crate's only unsafe code.
//! - [`lock`]: locks that live as long as a descriptor.
//! - [`directory`]: directories that we may trust.
//! - [`disposable`]: directories that a sweep may remove.
//! - [`paths`]: where everything lies.
//! - [`data_dir`]: the data of throw-away servers.
//! - [`sweep`]: removes what a total kill left.
//! - [`state_file`]: what the next supervisor should know.
//! - [`process`]: processes as Linux knows them: identity, holders of files and ports, spawn, end.
//! - [`port`]: ports kept for one server across its restarts.
//! - [`executable`]: finds the `temporal` executable.
//! - [`database`]: database files, never made in place.
//! - [`temporal`]: everything we say to a Temporal server, over gRPC.
//! - [`options`]: what a user may ask for.
//! - [`control`]: the control socket: its vocabulary and its lines.
//! - [`supervisor`]: the process that spawns, probes, restarts and stops one server.
//! - [`session`]: one handle's relation to its server, in the user's process.
//! - [`cli`]: the command line.
//! - `python`: the extension module (feature `python`).

pub mod cli;
pub mod clock;
pub mod control;
pub mod data_dir;
pub mod database;
pub mod directory;
pub mod disposable;
pub mod environment;
pub mod error;
pub mod executable;
pub mod failpoint;
pub mod lock;
pub mod log_choice;
pub mod options;
pub mod paths;
pub mod port;
pub mod process;
pub mod session;
pub mod state_file;
pub mod supervisor;
pub mod sweep;
pub mod sys;
pub mod temporal;

#[cfg(feature = "python")]
mod python;
