//! Waits, in a process of our own, for what a step machine waits for, and for signals.
//!
//! The fact: a blocked signal stays pending until its signalfd is read, so none is lost between two waits; and a handler that the
//! interpreter has installed never runs. One that was ignored when we began (`nohup`, a script's `&`) would stay pending, too:
//! it is left alone.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Instant;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::cli::Failure;
use crate::session::Wait;
use crate::sys::{default_action, is_ignored, wait_readable};

/// The signals of this process, as a descriptor.
#[derive(Debug)]
pub(crate) struct Signals {
    fd: SignalFd,
    /// The mask as we were given it, for a command.
    pub(crate) before: SigSet,
}

impl Signals {
    /// Takes over the given signals.
    pub(crate) fn take(signals: &[Signal]) -> Result<Self, Failure> {
        let mut set = SigSet::empty();
        for signal in signals {
            if *signal == Signal::SIGCHLD {
                // Were it ignored, the kernel would tell nobody how a command ended.
                default_action(*signal)?;
            } else if is_ignored(*signal)? {
                continue;
            }
            set.add(*signal);
        }
        let before = set
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .map_err(std::io::Error::from)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let fd = SignalFd::with_flags(&set, flags).map_err(std::io::Error::from)?;
        Ok(Self { fd, before })
    }

    /// Gives the signals back: what comes after us, in Python, is to be interrupted as any program.
    pub(crate) fn give_back(&self) {
        while self.next().is_some() {}
        self.before.thread_set_mask().unwrap_or(());
    }

    /// Returns the next signal that has come, and who sent it (0: the kernel).
    pub(crate) fn next(&self) -> Option<(Signal, u32)> {
        let info = self.fd.read_signal().ok().flatten()?;
        let signal = Signal::try_from(info.ssi_signo.cast_signed()).ok()?;
        Some((signal, info.ssi_pid))
    }
}

/// Lets Ctrl-C end this process at once, as it does where nothing is to be given up.
pub(crate) fn end_at_ctrl_c() -> Result<(), Failure> {
    if !is_ignored(Signal::SIGINT)? {
        default_action(Signal::SIGINT)?;
    }
    Ok(())
}

/// Waits until one of the waits is over, or a signal has come.
pub(crate) fn wait(signals: Option<&Signals>, waits: &[Wait]) -> Result<(), Failure> {
    let own = signals.map(|signals| signals.fd.as_fd().as_raw_fd());
    let fds: Vec<_> = waits.iter().filter_map(|wait| wait.fd).chain(own).collect();
    let until = waits.iter().filter_map(|wait| wait.until).min();
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    Ok(wait_readable(&fds, left)?)
}
