//! Sees that a process was killed before the kernel has buried it.
//!
//! A signal that kills takes every thread, and nothing undoes it: from then on `/proc/<pid>/stat` shows it as the exit code
//! (proc(5), field 52). The pidfd of the process, however, rings when its *last* thread has gone, and the last one to go
//! frees the memory before it does: 9 ms for a Temporal server. The pidfd of one thread (`PIDFD_THREAD`, Linux 6.9, see
//! `pidfd_open(2)`) rings when that thread has gone. It only says when to look: threads also end in a process that lives.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use nix::sys::signal::Signal;
use tokio::io::unix::AsyncFd;

use super::identity::{ProcessIdentity, stat, threads};
use super::server::Exit;
use crate::sys;

/// How many threads are watched: one may be the last to go.
const WATCHED: usize = 2;

/// Returns how a process ends as soon as that is certain; None when it ends in another way than by a signal, and where the
/// kernel or a process of a single thread does not let it be seen. Only [`super::death`] tells that it is gone.
pub(crate) async fn killed(process: &ProcessIdentity) -> Option<Exit> {
    while process.is_alive() {
        let threads = some_threads(process.pid);
        if threads.is_empty() {
            return None;
        }
        poll_fn(|context| any_has_ended(&threads, context))
            .await
            .ok()?;
        if let Some(signal) = fatal_signal(process) {
            return Some(Exit::Signal(signal.as_str().to_owned()));
        }
    }
    None
}

/// Watches some threads of a process; the first is left out, for as a rule its pidfd rings no sooner than the process'.
fn some_threads(pid: i32) -> Vec<AsyncFd<OwnedFd>> {
    let watch = |thread| sys::pidfd_open_thread(thread).and_then(sys::watch_readable);
    threads(pid)
        .filter(|thread| *thread != pid)
        .filter_map(|thread| watch(thread).ok())
        .take(WATCHED)
        .collect()
}

fn any_has_ended(threads: &[AsyncFd<OwnedFd>], context: &mut Context<'_>) -> Poll<io::Result<()>> {
    let mut states = threads.iter().map(|thread| thread.poll_read_ready(context));
    let ended = states.find(Poll::is_ready).unwrap_or(Poll::Pending);
    ended.map_ok(drop)
}

/// Returns the signal that this very process dies of.
fn fatal_signal(process: &ProcessIdentity) -> Option<Signal> {
    let stat = stat(process.pid).filter(|stat| stat.starttime == process.start_time)?;
    // What a debugger passes on, or has stopped at, stands in the same field for a moment.
    if process.is_traced() {
        return None;
    }
    let signal = Signal::try_from(stat.exit_code? & 0x7f).ok()?;
    // So does what has stopped the process.
    let stops = [
        Signal::SIGSTOP,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ];
    Some(signal).filter(|signal| !stops.contains(signal))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// A program of four threads: with the first line it reads it ends one of them, with the second the process.
    const PROGRAM: &str = "
import os, sys, threading, time
going = threading.Event()
short = threading.Thread(target=going.wait)
short.start()
for _ in range(2):
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
print('there', flush=True)
sys.stdin.readline()
going.set()
short.join()
print('ended', flush=True)
sys.stdin.readline()
os._exit(3)
";

    struct Program(Child);

    impl Program {
        fn start() -> (Self, ProcessIdentity) {
            let mut command = Command::new("python3");
            command.args(["-c", PROGRAM]);
            let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let mut program = Self(child.unwrap());
            program.reads("there");
            let pid = program.0.id().try_into().unwrap();
            let identity = ProcessIdentity::of(pid).unwrap();
            (program, identity)
        }

        fn reads(&mut self, expected: &str) {
            let mut line = String::new();
            let output = self.0.stdout.as_mut().unwrap();
            BufReader::new(output).read_line(&mut line).unwrap();
            assert_eq!(line.trim_end(), expected);
        }

        fn go_on(&mut self) {
            self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(10), future).await.unwrap()
    }

    /// Whether the kernel can tell at all.
    fn is_supported() -> bool {
        sys::pidfd_open_thread(nix::unistd::gettid().as_raw()).is_ok()
    }

    #[tokio::test]
    async fn the_end_of_a_thread_is_no_end_and_a_kill_is_one() {
        let (mut program, identity) = Program::start();
        let mut fate = std::pin::pin!(killed(&identity));
        let early = timeout(Duration::from_millis(50), &mut fate).await;
        if !is_supported() {
            assert_eq!(early.unwrap(), None);
            return;
        }
        assert!(early.is_err(), "it lives");
        program.go_on();
        program.reads("ended");
        let early = timeout(Duration::from_millis(50), &mut fate).await;
        assert!(
            early.is_err(),
            "one of its threads has ended, not the process"
        );
        program.0.kill().unwrap();
        let told = soon(fate).await;
        assert_eq!(told, Some(Exit::Signal("SIGKILL".to_owned())));
    }

    #[tokio::test]
    async fn an_exit_is_not_called_a_kill() {
        let (mut program, identity) = Program::start();
        let mut fate = std::pin::pin!(killed(&identity));
        let early = timeout(Duration::from_millis(50), &mut fate).await;
        program.go_on();
        program.reads("ended");
        program.go_on();
        if is_supported() {
            assert!(early.is_err(), "it lives");
            assert_eq!(soon(fate).await, None);
        }
        assert_eq!(program.0.wait().unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn a_stopped_process_is_not_called_killed() {
        let (_program, identity) = Program::start();
        assert!(identity.signal(Signal::SIGSTOP).unwrap());
        while stat(identity.pid).is_none_or(|stat| stat.exit_code == Some(0)) {
            tokio::task::yield_now().await;
        }
        assert_eq!(fatal_signal(&identity), None);
    }
}
