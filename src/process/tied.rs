//! A program that lives no longer than the process that had it started: for test servers that others start.
//!
//! The fact: a death signal follows the *thread* that forked, and whoever starts such a server may do so in a thread that
//! ends. So this process stands between: its main thread forks the program, with the death link, and it watches the host by
//! a pidfd. Killed itself, it takes the program along.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::{Pid, getppid};

use super::server::{Exit, ServerCommand, ServerProcess};
use crate::environment::of_server;
use crate::sys;

/// Runs a program until it ends, or the host does: the host's pid, the program, its arguments.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let [host, program, args @ ..] = arguments else {
        return ExitCode::FAILURE;
    };
    let host = host.to_str().and_then(|text| text.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match (host, runtime) {
        (Some(host), Ok(runtime)) => runtime.block_on(run(host, program.into(), args.to_vec())),
        _ => return ExitCode::FAILURE,
    };
    match ended {
        Ok(Exit::Code(code)) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

async fn run(host: i32, program: PathBuf, args: Vec<OsString>) -> io::Result<Exit> {
    let gone = sys::watch_readable(sys::pidfd_open(host)?)?;
    if getppid() != Pid::from_raw(host) {
        return Err(io::Error::other("the host is dead already"));
    }
    let output = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let mut child = ServerProcess::spawn(&ServerCommand {
        program: &program,
        args,
        env: of_server().into_iter().collect(),
        log: &output,
        inherit: vec![],
        umask: 0o077,
    })?;
    tokio::select! {
        _ = gone.readable() => child.kill_group(),
        ended = child.exited() => ended?,
    }
    child.exited().await?;
    Ok(child.reap().unwrap_or(Exit::Unknown))
}
