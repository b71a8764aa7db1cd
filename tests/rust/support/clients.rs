//! Clients of servers, each in a world of its own: the core as a host drives it, without any Python.
//!
//! Invariant: at the end of its world nothing may be left, no process and no throw-away file; every test asserts that by
//! letting its [`World`] go.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat;
use nix::unistd::Pid;
use serde_json::{Value, json};
use temporal_devserver::control::message::{Event, Force, Kind, Request, Status};
use temporal_devserver::error::Error;
use temporal_devserver::session::{Host, Notice, Outcome, Session};

use crate::support::{LONG, eventually, example, fake_temporal, playground};

/// Where servers live that only one test sees; the templates are shared.
pub(crate) struct World {
    /// Gone with the test; none for a process that a test has started in its own world.
    temp: Option<tempfile::TempDir>,
    path: PathBuf,
    faults: String,
    /// Added to the environment of supervisors that are spawned from now on.
    variables: BTreeMap<String, String>,
    /// Whether supervisors know an interpreter, which has `sqlite3`.
    has_python: bool,
}

impl World {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// Makes an empty one whose fake servers have these faults.
    pub(crate) fn with(faults: &str) -> Self {
        static TEMPLATE: Once = Once::new();
        let make = |faults: &str| {
            let (temp, path) = playground();
            std::fs::create_dir(path.join("tmp")).unwrap();
            Self {
                temp: Some(temp),
                path,
                faults: faults.to_owned(),
                variables: BTreeMap::new(),
                has_python: true,
            }
        };
        // Without faults, which are not meant for the first boot of an executable.
        TEMPLATE.call_once(|| {
            let world = make("");
            world.private(&json!({})).start();
        });
        make(faults)
    }

    /// Returns the world of the test that started this process.
    pub(crate) fn of_test(path: PathBuf) -> Self {
        Self {
            temp: None,
            path,
            faults: String::new(),
            variables: BTreeMap::new(),
            has_python: true,
        }
    }

    /// Returns its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives these faults to the fake servers of supervisors that are spawned from now on.
    pub(crate) fn set_faults(&mut self, faults: &str) {
        faults.clone_into(&mut self.faults);
    }

    /// Has templates and digests made anew, in this world alone.
    pub(crate) fn use_cache_of_its_own(&mut self) {
        let cache = self.path.join("cache");
        self.set_variable("TEMPORAL_DEVSERVER_CACHE_DIR", cache.to_str().unwrap());
    }

    /// Lets supervisors that are spawned from now on know no interpreter.
    pub(crate) fn forget_python(&mut self) {
        self.has_python = false;
    }

    /// Adds a variable to the environment of supervisors that are spawned from now on.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Returns a client of a shared server.
    pub(crate) fn client(&self, name: &str, options: &Value) -> Client {
        self.try_client(Some(name), options).unwrap()
    }

    /// Returns a client of a shared server that pins it; it implies these options.
    pub(crate) fn pinning_client(&self, name: &str, options: &Value, implied: &Value) -> Client {
        let object = |value: &Value| value.as_object().unwrap().clone();
        let (all, host) = self.facts(options);
        let session = Session::pinning(object(implied), name.to_owned(), &object(&all), host);
        Client {
            session: session.unwrap(),
            events: VecDeque::new(),
        }
    }

    /// Returns the client of a private server.
    pub(crate) fn private(&self, options: &Value) -> Client {
        self.try_client(None, options).unwrap()
    }

    /// Returns all options and the host of a client.
    fn facts(&self, options: &Value) -> (Value, Host) {
        let mut all = json!({ "executable": fake_temporal() });
        let given = options.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(given);
        let python = std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
            .unwrap_or_default();
        let python = python
            .iter()
            .map(|folder| folder.join("python3"))
            .find(|path| path.is_file() && self.has_python);
        let host = Host {
            supervisor: vec![example("supervise").to_str().unwrap().to_owned()],
            python,
            scripts: vec![],
            environment: self.environment(),
        };
        (all, host)
    }

    fn try_client(&self, name: Option<&str>, options: &Value) -> Result<Client, Error> {
        let (all, host) = self.facts(options);
        let session = Session::new(name.map(str::to_owned), all.as_object().unwrap(), host)?;
        Ok(Client {
            session,
            events: VecDeque::new(),
        })
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        [
            (
                "TEMPORAL_DEVSERVER_STATE_DIR",
                text(self.path.join("state")),
            ),
            ("TEMPORAL_DEVSERVER_CACHE_DIR", text(cache)),
            ("TEMPORAL_DEVSERVER_EXECUTABLE", String::new()),
            ("TMPDIR", text(self.path.join("tmp"))),
            ("FAKE_TEMPORAL", self.faults.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(self.variables.clone())
        .collect()
    }

    /// Returns the directory of a shared server.
    pub(crate) fn server(&self, name: &str) -> PathBuf {
        self.path.join("state/servers").join(name)
    }

    /// Returns a file of a shared server as text; empty where there is none.
    pub(crate) fn text(&self, name: &str, file: &str) -> String {
        std::fs::read_to_string(self.server(name).join(file)).unwrap_or_default()
    }

    /// Returns the last kilobyte of a file of a shared server.
    pub(crate) fn text_end(&self, name: &str, file: &str) -> String {
        let mut end = vec![];
        if let Ok(mut file) = std::fs::File::open(self.server(name).join(file)) {
            let length = file.seek(SeekFrom::End(0)).unwrap();
            file.seek(SeekFrom::Start(length.saturating_sub(1024)))
                .unwrap();
            file.take(1024).read_to_end(&mut end).unwrap();
        }
        String::from_utf8_lossy(&end).into_owned()
    }

    /// Lists the processes that live in it: supervisors, servers and what these have started.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mark = format!("TMPDIR={}\0", self.path.join("tmp").display());
        let is_ours = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .windows(mark.len())
                .any(|part| part == mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    /// Lists the files and directories of throw-away and private servers.
    pub(crate) fn remains(&self) -> Vec<PathBuf> {
        let names = |folder: &str| std::fs::read_dir(self.path.join(folder));
        ["tmp", "state/private"]
            .into_iter()
            .flat_map(|folder| names(folder).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .collect()
    }

    /// Waits until nothing is left of any server.
    #[track_caller]
    pub(crate) fn wait_until_empty(&self) {
        eventually("no process is left", || {
            self.processes().is_empty() && self.users().is_empty()
        });
        assert_eq!(self.remains(), Vec::<PathBuf>::new());
    }

    /// Tells whether a lock in it is held: by the kernel's own list, for who is dying shows neither environment nor files.
    pub(crate) fn has_locks(&self) -> bool {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let held: Vec<&str> = locks
            .lines()
            .filter_map(|line| {
                line.split_whitespace()
                    .find(|word| word.matches(':').count() == 2)
            })
            .collect();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(file) = entry.metadata() else { continue };
                let (major, minor) = (stat::major(file.dev()), stat::minor(file.dev()));
                let shown = format!("{major:02x}:{minor:02x}:{}", file.ino());
                if file.is_dir() {
                    folders.push(entry.path());
                } else if held.contains(&&*shown) {
                    return true;
                }
            }
        }
        false
    }

    /// Lists the processes, other than this one, that have a file of it open, whatever they call themselves: a lock, a log, a
    /// database.
    pub(crate) fn users(&self) -> Vec<i32> {
        let is_in_it = |fd: std::fs::DirEntry| {
            let target = std::fs::read_link(fd.path());
            target.is_ok_and(|target| target.starts_with(&self.path))
        };
        let uses = |pid: &i32| {
            let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"));
            descriptors.is_ok_and(|all| all.flatten().any(is_in_it))
        };
        let me = std::process::id().cast_signed();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| *pid != me && uses(pid)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.temp.is_none() {
            return;
        }
        let _cleaner = Cleaner(self);
        if !std::thread::panicking() {
            self.wait_until_empty();
        }
    }
}

/// Ends what a failed test has left, so that one failure is not that of later tests too.
struct Cleaner<'a>(&'a World);

impl Drop for Cleaner<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for pid in self.0.processes() {
                kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
            }
        }
    }
}

/// One client, as a host is one.
pub(crate) struct Client {
    session: Session,
    /// Not yet waited for.
    events: VecDeque<Event>,
}

impl Client {
    /// Begins to start, and waits for nothing.
    pub(crate) fn begin(&mut self) {
        self.session.start().unwrap();
        self.look();
    }

    /// Starts or attaches.
    #[track_caller]
    pub(crate) fn start(&mut self) -> Status {
        self.try_start().unwrap()
    }

    /// Starts or attaches, or says why not.
    #[track_caller]
    pub(crate) fn try_start(&mut self) -> Result<Status, Error> {
        self.session.start()?;
        self.granted()
    }

    /// Waits for the lease: of a start, or of a heal.
    #[track_caller]
    pub(crate) fn granted(&mut self) -> Result<Status, Error> {
        let mut outcome = None;
        eventually("the lease is granted or refused", || {
            for notice in self.look() {
                match notice {
                    Notice::Granted { status } => outcome = Some(Ok(*status)),
                    Notice::Failed { error, .. } => outcome = Some(Err(error)),
                    _ => {}
                }
            }
            outcome.is_some()
        });
        outcome.unwrap()
    }

    /// Does what can be done now, keeps the events and returns all that has happened.
    pub(crate) fn look(&mut self) -> Vec<Notice> {
        let (_, notices) = self.session.advance();
        for notice in &notices {
            if let Notice::Event { event } = notice {
                self.events.push_back(event.clone());
            }
        }
        notices
    }

    /// Waits for an event of this kind; those before it are passed over.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, kind: Kind) -> Event {
        let mut found = None;
        eventually(&format!("an event {kind:?}"), || {
            self.look();
            while let Some(event) = self.events.pop_front() {
                if event.kind == kind {
                    found = Some(event);
                    return true;
                }
            }
            false
        });
        found.unwrap()
    }

    /// Waits until somebody has stopped the server on purpose.
    #[track_caller]
    pub(crate) fn wait_until_stopped(&mut self) {
        eventually("it is told that the server was stopped", || {
            // Another client's stop may have been told together with the grant.
            self.look().contains(&Notice::Stopped) || self.session.state() == "idle"
        });
    }

    /// Returns the kinds of the events that nobody has waited for.
    pub(crate) fn kinds(&mut self) -> Vec<Kind> {
        self.look();
        self.events.drain(..).map(|event| event.kind).collect()
    }

    /// Says one verb.
    #[track_caller]
    pub(crate) fn call(&self, request: Request) -> Result<Value, Error> {
        self.call_within(request, LONG)
            .expect("the verb is answered")
    }

    /// Says one verb; none where it is not answered in time.
    pub(crate) fn call_within(
        &self,
        request: Request,
        limit: Duration,
    ) -> Option<Result<Value, Error>> {
        let until = Instant::now() + limit;
        let mut call = match self.session.call(request) {
            Ok(call) => call,
            Err(error) => return Some(Err(error)),
        };
        while Instant::now() < until {
            match call.advance() {
                Ok(Outcome::Wait(_)) => std::thread::park_timeout(Duration::from_millis(1)),
                Ok(Outcome::Done(value)) => return Some(Ok(value)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    /// Stops the server, whoever holds it.
    #[track_caller]
    pub(crate) fn stop(&self) {
        self.call(Request::Stop(FORCE)).unwrap();
    }

    /// Asks for the status.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        serde_json::from_value(self.call(Request::Status).unwrap()).unwrap()
    }

    /// Closes the lease at once, as the end of the process would.
    pub(crate) fn abandon(&mut self) {
        self.session.abandon();
    }

    /// Gives up the lease, and waits until that is done.
    #[track_caller]
    pub(crate) fn release(&mut self) {
        self.session.release();
        eventually("the lease is given up", || {
            self.look().contains(&Notice::Released)
        });
    }
}

/// Meant even if others hold leases.
pub(crate) const FORCE: Force = Force {
    force: true,
    lease: None,
};

/// Not meant if others hold leases.
pub(crate) const POLITE: Force = Force {
    force: false,
    lease: None,
};

/// Kills one process at once.
#[track_caller]
pub(crate) fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}
