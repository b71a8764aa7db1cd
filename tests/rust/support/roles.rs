//! Tests that run a part of themselves in a process of its own, and what it tells them.
//!
//! A role is an ignored test of this binary: what it does to its process (subreaper, signal mask, sudden death) touches no
//! other test. Its name ends in `_role`, by which a run of all tests, the long ones included, leaves it out. Tests run as root and as anybody: what only a plain user meets is tried in a child that is one.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::eventually;

/// Variable that names the directory a role shares with its test.
const DIR: &str = "TEST_ROLE_DIR";

/// Set in a child that runs one test again.
const CHILD: &str = "TEST_RUN_AGAIN";

/// A user id that is nobody's.
pub(crate) const STRANGER: u32 = 54_321;

/// Returns the arguments that run a role: the binary and what selects the ignored test.
pub(crate) fn role_argv(role: &str) -> Vec<OsString> {
    let binary = std::env::current_exe().unwrap().into_os_string();
    let select = [
        role,
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ];
    let mut argv = vec![binary];
    argv.extend(select.map(OsString::from));
    argv
}

/// Returns the command that runs a role with this directory.
pub(crate) fn role(role: &str, dir: &Path) -> Command {
    let argv = role_argv(role);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env(DIR, dir);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Returns the directory that the test gave to this role.
pub(crate) fn role_dir() -> PathBuf {
    std::env::var_os(DIR).expect("run by its test only").into()
}

/// Leaves a note in the directory, whole at once.
pub(crate) fn note(dir: &Path, name: &str, text: &str) {
    let unfinished = dir.join(format!("{name}.unfinished"));
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, dir.join(name)).unwrap();
}

/// Waits for the note and returns the number in it.
pub(crate) fn noted(dir: &Path, name: &str) -> i32 {
    eventually(name, || dir.join(name).exists());
    let text = fs::read_to_string(dir.join(name)).unwrap();
    text.trim().parse().unwrap()
}

/// Returns the argument that [`again`] gave when this is its child.
pub(crate) fn child_argument() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Runs the test `name` once more in a child, as a user without privileges, with `argument` for it.
pub(crate) fn again_as_stranger(name: &str, argument: &Path) {
    again(name, argument, |command| {
        if nix::unistd::Uid::effective().is_root() {
            command.uid(STRANGER).gid(STRANGER);
        }
    });
}

/// Runs the test `name` once more as the root of namespaces of its own (`unshare`'s options), with `argument` for it. The
/// kernel reaps there as an init does.
///
/// Where the kernel gives none, that is said on the terminal, whatever is captured: a test that did not run proved nothing.
pub(crate) fn again_in_namespaces(options: &str, name: &str, argument: &Path) {
    let mut unshare = Command::new("unshare");
    unshare.args(options.split(' ')).stdin(Stdio::null());
    let is_given = unshare.arg("true").output();
    if !is_given.is_ok_and(|output| output.status.success()) {
        let lost = format!("\nNOT TESTED, `unshare {options}` is not permitted here: {name}\n");
        std::io::stderr().write_all(lost.as_bytes()).unwrap();
        return;
    }
    // The shell stays, for the first process of a namespace is the parent of all orphans in it.
    let stay = ["sh", "-c", "\"$0\" \"$@\"; exit $?"];
    let mut command = Command::new("unshare");
    command.args(options.split(' ')).args(stay);
    command.arg(std::env::current_exe().unwrap());
    finish(command, name, argument);
}

/// Runs the test `name` once more in a child made by `prepare`.
pub(crate) fn again(name: &str, argument: &Path, prepare: impl FnOnce(&mut Command)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    prepare(&mut command);
    finish(command, name, argument);
}

fn finish(mut command: Command, name: &str, argument: &Path) {
    command
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, argument);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}
