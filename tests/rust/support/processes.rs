//! Processes that do not outlive a test.
//!
//! Invariant: nothing is left behind. A [`Process`] leads a group of its own, and the group is killed when it is dropped.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::process::server::ServerCommand;

use crate::support::{TestDir, eventually};

/// Returns the state letter (`R S D T t Z` ..) of this very process; None when it is gone.
pub(crate) fn state_of(process: &ProcessIdentity) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).ok()?;
    // After the name, which may hold anything: the state first, the start time as number 22 of the whole line.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let is_same = fields[19].parse() == Ok(process.start_time);
    is_same.then(|| fields[0].chars().next())?
}

/// A child that does not outlive its test.
pub(crate) struct Guarded(pub(crate) Child);

impl Guarded {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Starts a process that sleeps for longer than any test.
    pub(crate) fn sleeper() -> Self {
        Self::spawn(Command::new("sleep").arg("300"))
    }

    /// Returns its pid.
    pub(crate) fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Returns a command for a shell script in place of the server.
pub(crate) fn script<'a>(text: &str, dir: &Path, log: &'a File) -> ServerCommand<'a> {
    ServerCommand {
        program: Path::new("/bin/sh"),
        args: vec!["-c".into(), text.into()],
        env: vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("DIR".into(), dir.into()),
        ],
        log,
        inherit: Vec::new(),
        umask: 0o027,
    }
}

/// A process in a group of its own, its output in files; the group is killed with it.
pub(crate) struct Process {
    child: Child,
    directory: TestDir,
}

impl Process {
    /// Starts a command, with these environment variables added.
    pub(crate) fn start<A: AsRef<OsStr>>(
        executable: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> Self {
        let directory = TestDir::new();
        let child = Command::new(executable)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(directory.file("stdout")).unwrap())
            .stderr(File::create(directory.file("stderr")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, directory }
    }

    /// Returns the pid.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let what = format!("{} ends", self.pid());
        eventually(&what, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Tells whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Returns what it wrote to its standard output so far.
    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(self.directory.file("stdout")).unwrap()
    }

    /// Returns what it wrote to its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.directory.file("stderr")).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The leader is not reaped yet, or nothing of its group is left: the number cannot be another's.
        killpg(self.pid(), Signal::SIGKILL).unwrap_or_default();
        drop(self.child.wait());
    }
}
