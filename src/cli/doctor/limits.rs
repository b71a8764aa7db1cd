//! Limits of this process, which a supervisor inherits, and what the kernel may refuse.

use nix::sys::resource::{Resource, getrlimit};

use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::sys::pidfd_open;

/// What the server and its supervisor need with some room, with the flag of `ulimit` and its unit in bytes.
const NEEDED: [(Resource, &str, u64, &str, u64); 4] = [
    (Resource::RLIMIT_NOFILE, "open files", 256, "-n", 1),
    (
        Resource::RLIMIT_NPROC,
        "processes of this user",
        256,
        "-u",
        1,
    ),
    (
        Resource::RLIMIT_FSIZE,
        "size of a file",
        256 << 20,
        "-f",
        // POSIX; bash takes it for twice as much.
        512,
    ),
    (Resource::RLIMIT_AS, "address space", 2 << 30, "-v", 1024),
];

/// Looks at the limits.
pub(crate) fn look(_world: &World) -> Look {
    let low = NEEDED.iter().filter_map(|(limit, what, needed, flag, unit)| {
        let (now, _) = getrlimit(*limit).ok()?;
        (now < *needed).then(|| {
            Finding::new(
                Code::LimitLow,
                format!("the limit of {what} is {now}; below {needed} a server may not start, or may end early"),
                format!("`ulimit {flag} {}` before the start, or raise it for good", needed / unit),
            )
        })
    });
    let mut findings: Vec<Finding> = low.collect();
    if let Err(error) = pidfd_open(std::process::id().cast_signed())
        && matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
    {
        findings.push(Finding::new(
            Code::NoPidfd,
            format!("the kernel refuses pidfds ({error}), as old container runtimes do; all works, by SIGCHLD instead"),
            "nothing, or a newer container runtime",
        ));
    }
    Look {
        at: "open files, processes, file size, memory, pidfds".to_owned(),
        findings,
    }
}
