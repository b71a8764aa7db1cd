//! A process with the pid of another, but not its start time, boot or namespace, gets no signal.

use nix::sys::signal::Signal;
use temporal_devserver::process::identity::{ProcessIdentity, describe};

use crate::support::{Guarded, eventually};

#[test]
fn a_recycled_pid_is_never_signalled() {
    let mut victim = Guarded::sleeper();
    let identity = ProcessIdentity::of(victim.pid()).unwrap();
    let mut recycled = [identity.clone(), identity.clone(), identity.clone()];
    recycled[0].start_time -= 1;
    recycled[1].boot_id = "another boot".to_owned();
    recycled[2].pid_namespace += 1;
    for other in recycled {
        assert!(!other.is_alive(), "{other:?}");
        assert!(!other.signal(Signal::SIGKILL).unwrap(), "{other:?}");
    }
    assert!(identity.is_alive(), "a stranger's signal reached it");

    assert!(identity.signal(Signal::SIGKILL).unwrap());
    victim.0.wait().unwrap();
    assert!(!identity.signal(Signal::SIGKILL).unwrap(), "it is gone");
}

#[test]
fn a_process_is_described_by_its_command() {
    let sleeper = Guarded::sleeper();
    let pid = sleeper.pid();
    // The fresh child may not have executed the program yet.
    eventually("its command", || {
        describe(pid) == format!("pid {pid} (`sleep 300`)")
    });
    drop(sleeper);
    assert_eq!(describe(pid), format!("pid {pid} (gone)"));
}

#[test]
fn a_hostile_name_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a b", "a) R 1", ") Z 0 (", "(((", "x\ny\nz", "\n) Z 1\n"] {
        let program = dir.path().join(name);
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let mut command = std::process::Command::new(&program);
        command.args(["-c", "read forever"]);
        let hostile = Guarded::spawn(command.stdin(std::process::Stdio::piped()));
        let comm = format!("/proc/{}/comm", hostile.pid());
        eventually("the name", || {
            std::fs::read_to_string(&comm).unwrap() == format!("{name}\n")
        });
        let identity = ProcessIdentity::of(hostile.pid()).unwrap();
        assert_eq!(identity.pid, hostile.pid(), "{name:?}");
        assert!(identity.is_alive() && !identity.is_traced(), "{name:?}");
    }
}
