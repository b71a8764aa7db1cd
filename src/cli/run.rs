//! `run`: a server in the foreground, or for the time of a command.
//!
//! Invariant: the lease is held, and the server healed, for as long as this process lives; signals that are meant for the command
//! reach it once: what a terminal sends to the whole group is not sent again. The command connects to our server, whatever the
//! user's environment and configuration file say: its configuration file lies in the memory of this process, so it is gone with it.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::cli::options::Run;
use crate::cli::wait::{Signals, wait};
use crate::cli::{Failure, OK, SIGNALLED, say, warn};
use crate::control::message::{Kind, Level};
use crate::environment::{self, ADDRESS, CONFIGURATION, NAMESPACE, Variables};
use crate::error::{Error, Problem, Result};
use crate::executable::not_executable;
use crate::options::config;
use crate::session::{Host, Notice, Session};
use crate::temporal::proto::DEFAULT_NAMESPACE;

/// The signals that end us, and those that tell of the command.
const SIGNALS: [Signal; 5] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGCHLD,
];

/// A server in the foreground.
struct Foreground {
    session: Session,
    signals: Signals,
    argv: Vec<OsString>,
    command: Option<Pid>,
    /// How often we were asked to end.
    asked: u32,
    /// Asked once more: then the supervisor does the rest alone.
    is_impatient: bool,
    code: u8,
    quiet: bool,
    /// The command's namespace: the first one asked for here, whatever others asked for.
    namespace: String,
    /// The command's configuration file; none where its environment is kept.
    configuration: Option<File>,
}

/// Runs a server in the foreground, or for the time of a command.
pub(crate) fn run(run: &Run, host: Host) -> Result<u8, Failure> {
    let mut session = Session::new(run.name.clone(), &run.given()?, host)?;
    let argv = run.command.clone();
    let namespace = run.options.namespaces.first().cloned();
    let signals = Signals::take(&SIGNALS)?;
    let is_isolated = !argv.is_empty() && !run.keep_environment;
    let configuration = is_isolated.then(configuration).transpose()?;
    session.start()?;
    let quiet = !argv.is_empty();
    let mut foreground = Foreground {
        session,
        signals,
        argv,
        command: None,
        asked: 0,
        is_impatient: false,
        code: OK,
        quiet,
        namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        configuration,
    };
    let ended = foreground.serve();
    if let Err(Failure::Error(error)) = &ended
        && error.installable().is_some()
    {
        foreground.signals.give_back();
    }
    ended
}

impl Foreground {
    fn serve(&mut self) -> Result<u8, Failure> {
        loop {
            let (pause, notices) = self.session.advance();
            for notice in notices {
                if let Some(code) = self.notice(notice)? {
                    return Ok(code);
                }
            }
            if self.session.state() != "idle" || self.command.is_some() {
                wait(Some(&self.signals), &[pause])?;
            }
            while let Some((signal, sender)) = self.signals.next() {
                self.signal(signal, sender);
            }
            if self.is_impatient {
                return Ok(self.code);
            }
        }
    }

    /// Takes what has happened; the exit code when all is over.
    fn notice(&mut self, notice: Notice) -> Result<Option<u8>, Failure> {
        match notice {
            Notice::Event { event } if !self.quiet => say(&event.message)?,
            // A command's own output stays its own; what went wrong is told all the same.
            // Before there is a command, the error that follows says it all.
            Notice::Event { event } if event.kind == Kind::Failed && self.command.is_none() => {}
            Notice::Event { event } if event.level != Level::Info => warn(&event.message),
            Notice::Event { .. } => {}
            Notice::Granted { status } => {
                if let Some(url) = status.ui_url.as_ref().filter(|_| !self.quiet) {
                    say(&format!("web UI at {url}"))?;
                }
                if self.command.is_none() && !self.argv.is_empty() {
                    self.start_command(&status.address)?;
                }
            }
            // From here on, as after a stop: the command decides for itself what it does without its server.
            Notice::Failed { error, .. } if self.command.is_some() => warn(&error),
            Notice::Failed { error, .. } => return Err(error.into()),
            Notice::Stopped if self.command.is_some() => {
                warn(&"the server was stopped; the command goes on");
            }
            Notice::Stopped | Notice::Released => return Ok(Some(self.code)),
        }
        Ok(None)
    }

    fn start_command(&mut self, address: &str) -> Result<()> {
        let variables = self.variables(address);
        self.command = Some(spawn(&self.argv, &variables, &self.signals.before)?);
        Ok(())
    }

    /// Returns the command's variables.
    fn variables(&self, address: &str) -> Variables {
        let mut variables = environment::inherited();
        if let Some(file) = &self.configuration {
            let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
            let namespace = &self.namespace;
            let changes = environment::of_client(&variables, address, namespace, path.as_ref());
            environment::apply(&mut variables, changes);
        } else {
            variables.insert(ADDRESS.into(), address.into());
            variables.insert(NAMESPACE.into(), (&self.namespace).into());
        }
        variables
    }

    fn signal(&mut self, signal: Signal, sender: u32) {
        if signal == Signal::SIGCHLD {
            self.reap();
            return;
        }
        self.asked += 1;
        match self.command {
            // Sent by the kernel: a terminal's signal, which the command has got itself.
            Some(_) if sender == 0 && signal != Signal::SIGHUP => {}
            Some(command) => kill(command, signal).unwrap_or(()),
            None if self.asked > 1 => {
                self.session.abandon();
                self.is_impatient = true;
            }
            None => {
                if !self.argv.is_empty() {
                    self.code = SIGNALLED + signal as u8;
                }
                self.session.release();
            }
        }
    }

    /// Takes the end of the command: its exit code is ours.
    fn reap(&mut self) {
        let Some(command) = self.command else { return };
        let code = loop {
            match waitpid(command, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::Exited(_, code)) => break code,
                Ok(WaitStatus::Signaled(_, signal, _)) => {
                    break i32::from(SIGNALLED) + signal as i32;
                }
                Ok(_) => return,
                Err(_) => break 1,
            }
        };
        self.code = u8::try_from(code & 0xff).unwrap_or(1);
        self.command = None;
        self.argv.clear();
        self.session.release();
    }
}

/// Makes the command's configuration file. What the command writes to it stays its own.
fn configuration() -> io::Result<File> {
    let mut file = File::from(memfd_create(c"temporal.toml", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(CONFIGURATION.as_bytes())?;
    Ok(file)
}

/// Starts the command with the signals as we were given them, but for what Python ignores for itself; found as a shell finds it.
fn spawn(argv: &[OsString], variables: &Variables, mask: &SigSet) -> Result<Pid> {
    let problem = |errno: &Errno| cannot_run(&argv[0], *errno);
    // A word of a command line has no NUL in it, nor has a variable: the kernel has cut both there.
    let text = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| problem(&Errno::EINVAL));
    let arguments = argv
        .iter()
        .map(|argument| text(argument.as_encoded_bytes().to_vec()));
    let arguments = arguments.collect::<Result<Vec<_>>>()?;
    let variables = variables.iter().map(|(name, value)| {
        text([name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat())
    });
    let variables = variables.collect::<Result<Vec<_>>>()?;
    let attributes = || -> nix::Result<PosixSpawnAttr> {
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
        )?;
        attributes.set_sigmask(mask)?;
        attributes.set_sigdefault(&[Signal::SIGPIPE, Signal::SIGXFSZ].into_iter().collect())?;
        Ok(attributes)
    };
    let actions = PosixSpawnFileActions::init().map_err(|errno| problem(&errno))?;
    let attributes = attributes().map_err(|errno| problem(&errno))?;
    posix_spawnp(&arguments[0], &actions, &attributes, &arguments, &variables)
        .map_err(|errno| problem(&errno))
}

/// Says why a command cannot be run, and what would help.
fn cannot_run(program: &OsStr, errno: Errno) -> Error {
    let shown = program.display();
    let (problem, remedy) = match errno {
        Errno::ENOENT => match found(program) {
            None => (
                format!("there is no `{shown}`"),
                "name a program that exists",
            ),
            Some(path) => (
                format!("{} names an interpreter that is not there", path.display()),
                "correct its first line (`#!`), or install the interpreter",
            ),
        },
        Errno::ENOEXEC => (
            format!("{shown} is no program for this machine"),
            "let a script begin with `#!`, or name a program of this platform",
        ),
        errno => {
            let path = found(program).unwrap_or_else(|| program.into());
            let metadata = path.metadata().ok().filter(Metadata::is_file);
            let why = metadata.and_then(|it| not_executable(&path, &it));
            let problem = Problem::of_spawn(format_args!("{shown} cannot be run"), &errno);
            let remedy = problem.remedy("name a program that can be run");
            return match why {
                Some(why) if errno == Errno::EACCES => {
                    config("COMMAND", &format!("{} {why}", path.display()), &remedy)
                }
                _ => config("COMMAND", &problem.to_string(), &remedy),
            };
        }
    };
    config("COMMAND", &problem, remedy)
}

/// Finds the file of a program as a shell does; one that may not be executed, too.
fn found(program: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = if program.as_encoded_bytes().contains(&b'/') {
        vec![program.into()]
    } else {
        std::env::split_paths(&path)
            .map(|it| it.join(program))
            .collect()
    };
    places.into_iter().find(|place| place.is_file())
}
