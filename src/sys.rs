//! Calls that have no safe wrapper elsewhere: pidfds, adopting an inherited descriptor, and one spawn.
//!
//! Invariant: the only unsafe code of the crate. Between clone and exec the child makes system calls on memory that was
//! prepared before: it allocates nothing, takes no lock, and cannot panic, for another thread of the host may have held
//! any lock at that instant.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; every block states why it is sound"
)]

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::{c_char, c_int, c_long, c_uint, c_void};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::failpoint;

/// Where the loop over descriptors ends on a kernel without `close_range` (before 5.11).
const FALLBACK_FDS: RawFd = 65_536;

/// Returns a pidfd (close-on-exec) of the process that has this pid now; a zombie has one, too.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    open_pidfd(pid, 0)
}

/// Returns a pidfd (close-on-exec) of one thread of any process; EINVAL before Linux 6.9.
pub(crate) fn pidfd_open_thread(tid: i32) -> io::Result<OwnedFd> {
    open_pidfd(tid, libc::PIDFD_THREAD)
}

fn open_pidfd(id: i32, flags: c_uint) -> io::Result<OwnedFd> {
    failpoint::pass("pidfd.open")?;
    let (id, flags) = (c_long::from(id), c_long::from(flags));
    // SAFETY: takes two integers, touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id, flags) };
    let fd = RawFd::try_from(check(fd)?).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel just gave us this descriptor, nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to the very process the pidfd was opened for; ESRCH when it is gone.
pub fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    // SAFETY: a null siginfo means "as kill(2) would fill it"; the other arguments are integers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            c_long::from(pidfd.as_raw_fd()),
            c_long::from(signal as c_int),
            ptr::null::<libc::siginfo_t>(),
            0 as c_long,
        )
    };
    check(result).map(drop)
}

/// Registers a descriptor with the runtime, to wait until it is readable; must be called within the runtime.
pub(crate) fn watch_readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    failpoint::pass("pidfd.watch")?;
    // SAFETY: an `OwnedFd` is one open descriptor for all its life, and the `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// Waits until one of the descriptors is readable or closed at its other end, a signal comes, or the time is over.
pub(crate) fn wait_readable(fds: &[RawFd], timeout: Option<Duration>) -> io::Result<()> {
    let watched = fds.iter().map(|fd| libc::pollfd {
        fd: *fd,
        events: libc::POLLIN,
        revents: 0,
    });
    let mut watched: Vec<libc::pollfd> = watched.collect();
    // Rounded up, so that nothing is early and nothing spins.
    let milliseconds = timeout.map_or(-1, |time| {
        c_int::try_from(time.as_millis() + 1).unwrap_or(c_int::MAX)
    });
    let count = libc::nfds_t::try_from(watched.len()).unwrap_or_default();
    // SAFETY: the array is ours and has `count` entries; a number that is no open descriptor is answered with POLLNVAL.
    let ended = check(c_long::from(unsafe {
        libc::poll(watched.as_mut_ptr(), count, milliseconds)
    }));
    match ended {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Tells whether a signal is ignored.
pub(crate) fn is_ignored(signal: Signal) -> io::Result<bool> {
    // SAFETY: all zero is a valid `sigaction`, and the call only writes it.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        let asked = libc::sigaction(signal as c_int, ptr::null(), &raw mut now);
        check(c_long::from(asked))?;
        Ok(now.sa_sigaction == libc::SIG_IGN)
    }
}

/// Gives a signal its default action. Only in a process of our own: a handler that the interpreter installed goes.
pub(crate) fn default_action(signal: Signal) -> io::Result<()> {
    // SAFETY: no handler is installed, and the one that goes only sets a flag for an interpreter that is not run any more.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
    Ok(())
}

/// Adopts a descriptor that exec passed to this process, and makes it close-on-exec again.
///
/// To be called once a number, before anything else can have opened it: the number is taken on trust, only that something
/// is open there is checked.
pub fn inherited_fd(raw: RawFd) -> io::Result<OwnedFd> {
    if raw <= libc::STDERR_FILENO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: F_GETFD and F_SETFD take integers; a closed number is answered with EBADF.
    unsafe {
        check(c_long::from(libc::fcntl(raw, libc::F_GETFD)))?;
        check(c_long::from(libc::fcntl(
            raw,
            libc::F_SETFD,
            libc::FD_CLOEXEC,
        )))?;
    }
    // SAFETY: open, as was just checked, and by the contract above nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// A program to execute, laid out as execve(2) wants it.
#[derive(Debug)]
pub(crate) struct Program {
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Program {
    /// Lays out the arguments (the first is the program's path: no search in PATH) and the environment.
    pub(crate) fn new(argv: &[OsString], env: &[(OsString, OsString)]) -> io::Result<Self> {
        let pair = |(name, value): &(OsString, OsString)| {
            let mut joined = name.clone();
            joined.push("=");
            joined.push(value);
            CString::new(joined.into_vec())
        };
        let argv: Vec<_> = argv
            .iter()
            .map(|argument| CString::new(argument.as_bytes()))
            .collect::<Result<_, _>>()?;
        if argv.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let env = env.iter().map(pair).collect::<Result<_, _>>()?;
        Ok(Self { argv, env })
    }
}

/// What ties a spawned process to the one that spawns it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bond {
    /// Nothing: a grandchild in a session of its own, in `/`. The pid returned is that of the intermediate child.
    Detached,
    /// A direct child in a process group of its own, killed when the *thread* that spawned it ends.
    Child {
        /// Its file mode creation mask.
        umask: libc::mode_t,
    },
}

/// Everything the child reads, made before the clone, and the one word it writes.
struct Plan<'a> {
    argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    stdio: [RawFd; 3],
    keep: &'a [RawFd],
    bond: Bond,
    spawner: libc::pid_t,
    no_signals: libc::sigset_t,
    child_stack: Stack,
    grandchild_stack: Stack,
    /// Error number of what failed in the child; 0 while nothing did.
    failure: AtomicI32,
}

/// Spawns the program with the given standard streams, no other descriptors but `keep` (same numbers), an empty signal mask
/// and default dispositions. Returns once exec succeeded; a failed exec is the error, and leaves no zombie.
///
/// As `posix_spawn` does it: the child borrows our memory until exec, while this thread stands still. So the cost does not
/// grow with the host's memory (two real forks of 1 GiB took 80 ms), no `pthread_atfork` handler of the host's libraries
/// runs, and the child's error number is simply there. Not std's `Command`: it forks where there is something to do before
/// exec, and its error path asserts that wait succeeds (it does not where SIGCHLD is ignored).
pub(crate) fn spawn(
    program: &Program,
    stdio: [BorrowedFd<'_>; 3],
    keep: &[RawFd],
    bond: Bond,
) -> io::Result<Pid> {
    if keep.iter().any(|fd| *fd <= libc::STDERR_FILENO) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // Copies (F_DUPFD_CLOEXEC with a minimum of 3), for the originals could lie where the child's dup2 writes.
    let [input, output, error] = stdio;
    let copies = [
        input.try_clone_to_owned()?,
        output.try_clone_to_owned()?,
        error.try_clone_to_owned()?,
    ];
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        let terminated = strings.iter().map(|string| string.as_ptr());
        terminated.chain([ptr::null()]).collect()
    };
    let plan = Plan {
        argv: pointers(&program.argv),
        env: pointers(&program.env),
        stdio: copies.each_ref().map(std::os::fd::AsRawFd::as_raw_fd),
        keep,
        bond,
        spawner: Pid::this().as_raw(),
        no_signals: *SigSet::empty().as_ref(),
        child_stack: Stack::new()?,
        grandchild_stack: Stack::new()?,
        failure: AtomicI32::new(0),
    };
    // A handler of the host that ran in the child would act on what it shares with the host.
    failpoint::pass("spawn.clone")?;
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the plan outlives the child's use of it, for this thread goes on only after its exec or `_exit`.
    let cloned = unsafe { clone_with(&plan, &plan.child_stack, child) };
    mask.thread_set_mask()?;
    let pid = Pid::from_raw(cloned?);
    // What was begun cannot fail any more: an error would lose the child.
    failpoint::pass("spawn.done").ok();
    match plan.failure.load(Ordering::Relaxed) {
        0 => Ok(pid),
        errno => {
            while waitpid(pid, None) == Err(nix::Error::EINTR) {}
            Err(io::Error::from_raw_os_error(errno))
        }
    }
}

/// Memory for the stack of a child, which handles no signal and calls nothing deep.
struct Stack(Vec<u128>);

impl Stack {
    /// Too little memory is an error: an abort would end the host.
    fn new() -> io::Result<Self> {
        let size = (64 << 10) / size_of::<u128>();
        let mut memory = Vec::new();
        let reserved = memory.try_reserve_exact(size);
        reserved.map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
        memory.resize(size, 0);
        Ok(Self(memory))
    }

    /// Returns its upper end, aligned to 16 bytes as the element is: stacks grow downwards.
    fn top(&self) -> *mut c_void {
        self.0.as_ptr_range().end.cast_mut().cast()
    }
}

/// Starts `run` in a child that borrows our memory, and returns its pid when the child has executed a program or ended.
///
/// # Safety
/// `run` may only make async-signal-safe calls; no other child may use the stack at that time.
unsafe fn clone_with(
    plan: &Plan<'_>,
    stack: &Stack,
    run: extern "C" fn(*mut c_void) -> c_int,
) -> io::Result<libc::pid_t> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument = ptr::from_ref(plan).cast_mut().cast();
    // SAFETY: the stack is ours alone; CLONE_VFORK keeps this thread, and so the plan, where it is.
    let pid = check(unsafe { libc::clone(run, stack.top(), flags, argument) }.into())?;
    libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// What the child runs: all of it, or for a detached program only what makes it nobody's child.
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `clone_with` passed a plan that lives until we exec or end; it is only read, but for the atomic.
    let plan = unsafe { &*plan.cast::<Plan<'_>>() };
    // SAFETY: async-signal-safe calls only; the grandchild's stack is used by it alone.
    unsafe {
        match plan.bond {
            Bond::Child { .. } => execute(plan),
            Bond::Detached => {
                let detached = check(c_long::from(libc::setsid()))
                    .and_then(|_| clone_with(plan, &plan.grandchild_stack, grandchild));
                if let Err(error) = detached {
                    fail(plan, &error);
                }
                libc::_exit(0)
            }
        }
    }
}

/// What the grandchild runs.
extern "C" fn grandchild(plan: *mut c_void) -> c_int {
    // SAFETY: `clone_with` passed a plan that lives until we exec or end; the contract of a child is kept.
    unsafe { execute(&*plan.cast::<Plan<'_>>()) }
}

/// Turns this fresh child into the program, or leaves the error number and ends.
///
/// # Safety
/// Only in a child of `clone_with`; the plan's pointers must be valid and null-terminated.
unsafe fn execute(plan: &Plan<'_>) -> ! {
    // SAFETY: the contract is passed on; all calls are async-signal-safe, and `_exit` runs no handlers of the host.
    unsafe {
        let error = match prepare(plan) {
            Ok(()) => {
                libc::execve(*plan.argv.as_ptr(), plan.argv.as_ptr(), plan.env.as_ptr());
                io::Error::last_os_error()
            }
            Err(error) => error,
        };
        fail(plan, &error);
        libc::_exit(127)
    }
}

fn fail(plan: &Plan<'_>, error: &io::Error) {
    let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
    plan.failure.store(errno, Ordering::Relaxed);
}

/// Sets everything up that exec keeps. All signals are still blocked when it begins.
///
/// # Safety
/// Only in the child of `clone_with`.
unsafe fn prepare(plan: &Plan<'_>) -> io::Result<()> {
    // SAFETY: system calls on integers and on memory of the plan, all async-signal-safe.
    unsafe {
        match plan.bond {
            Bond::Detached => {
                check(c_long::from(libc::chdir(c"/".as_ptr())))?;
            }
            Bond::Child { umask } => {
                check(c_long::from(libc::setpgid(0, 0)))?;
                check(c_long::from(libc::prctl(
                    libc::PR_SET_PDEATHSIG,
                    libc::SIGKILL,
                )))?;
                // The parent may have died before the line above.
                if libc::getppid() != plan.spawner {
                    libc::_exit(127);
                }
                libc::umask(umask);
            }
        }
        for (target, source) in (0..).zip(plan.stdio) {
            check(c_long::from(libc::dup2(source, target)))?;
        }
        close_on_exec_from(3);
        for fd in plan.keep {
            check(c_long::from(libc::fcntl(*fd, libc::F_SETFD, 0)))?;
        }
        reset_signals();
        let set = &raw const plan.no_signals;
        check(c_long::from(libc::sigprocmask(
            libc::SIG_SETMASK,
            set,
            ptr::null_mut(),
        )))?;
    }
    Ok(())
}

/// Gives every signal its default disposition, also 32 and 33, which libc keeps for itself and would refuse to touch.
///
/// # Safety
/// Only in the child of `clone_with`: in a living program it would take away others' handlers.
unsafe fn reset_signals() {
    /// `NSIG` of the kernel on every architecture we run on; a signal set is one 64-bit word.
    const LAST: c_long = 64;
    /// The kernel's `struct sigaction` (handler, flags, restorer, mask): all zero is `SIG_DFL`.
    static DEFAULT: [u64; 4] = [0; 4];
    for signal in 1..=LAST {
        // SAFETY: the kernel only reads the action; KILL and STOP are refused with EINVAL.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const DEFAULT,
                ptr::null_mut::<u64>(),
                size_of::<u64>(),
            )
        };
    }
}

/// Marks every descriptor from `first` on close-on-exec.
///
/// # Safety
/// Only in the child of `clone_with`: in a living program it would change descriptors of others.
unsafe fn close_on_exec_from(first: RawFd) {
    // SAFETY: takes three integers.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            c_long::from(first),
            c_long::from(c_uint::MAX),
            c_long::from(libc::CLOSE_RANGE_CLOEXEC),
        )
    };
    if done == 0 {
        return;
    }
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes the struct above, which outlives the call.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    let end = match RawFd::try_from(limit.rlim_cur) {
        Ok(end) if known => end.min(FALLBACK_FDS),
        _ => FALLBACK_FDS,
    };
    for fd in first..end {
        // SAFETY: takes integers; a closed number is answered with EBADF.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Turns the -1 of a system call into the error of this thread.
fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
