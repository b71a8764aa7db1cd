//! The extension module: the session, its verbs, the supervisor's and the command line's entry. No logic.
//!
//! Invariant: nothing here waits and nothing releases the GIL, so no Rust frame is ever on the stack of a thread that the
//! interpreter ends, and no fork comes between the making of a descriptor and its registration.

use pyo3::prelude::*;

/// The native core, see `_core.pyi`.
#[pymodule(gil_used = true)]
#[pyo3(name = "_core")]
mod core {
    use std::collections::VecDeque;
    use std::ffi::OsString;
    use std::os::fd::RawFd;
    use std::time::Instant;

    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;
    use pyo3::types::PyString;
    use serde_json::{Value, json};

    use crate::environment::{self, Changes, Variables};
    use crate::error::{Error, Problem};
    use crate::options::{Options, config};
    use crate::paths::Locations;
    use crate::session::{self, Notice, Outcome, Wait};
    use crate::{cli, clock, executable};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    const SERVER_VERSION: &str = crate::executable::SERVER_VERSION;

    #[pymodule_export]
    const CLIENT_CONFIGURATION: &str = environment::CONFIGURATION;

    /// What [`run_cli`] returns.
    #[derive(IntoPyObject)]
    enum Ended {
        Code(u8),
        Left(String),
    }

    /// One handle's relation to its server. A step machine.
    ///
    /// What a step came to is all in here when the step returns. So whatever interrupts Python afterwards (another thread, a
    /// signal handler) sees the step whole, or not at all.
    #[pyclass(module = "temporal_devserver._core")]
    #[derive(Debug)]
    pub(super) struct Session {
        machine: session::Session,
        /// What the last grant said, for as long as there is a lease.
        status: Option<Py<PyString>>,
        /// How the last lease, or start, ended.
        ending: Option<Py<PyString>>,
        /// What is to be told to the program's readers and logs.
        news: VecDeque<String>,
        /// Counts whatever somebody may wait for.
        changes: u64,
    }

    #[pymethods]
    impl Session {
        #[new]
        fn new(
            py: Python<'_>,
            name: Option<String>,
            options: &str,
            launcher: &str,
        ) -> PyResult<Self> {
            let options = parse(options)?;
            let machine = session::Session::new(name, &options, parse(launcher)?);
            Ok(Self {
                machine: machine.map_err(|error| raised(py, &error))?,
                status: None,
                ending: None,
                news: VecDeque::new(),
                changes: 0,
            })
        }

        #[getter]
        fn name(&self) -> &str {
            self.machine.name().unwrap_or("private")
        }

        #[getter]
        fn state(&self) -> &'static str {
            self.machine.state()
        }

        #[getter]
        fn identity(&self) -> Option<&str> {
            self.machine.identity()
        }

        #[getter]
        fn directory(&self) -> Option<String> {
            let dir = self.machine.dir();
            dir.map(|dir| dir.path().display().to_string())
        }

        #[getter]
        fn status(&self, py: Python<'_>) -> Option<Py<PyString>> {
            self.status.as_ref().map(|text| text.clone_ref(py))
        }

        #[getter]
        fn ending(&self, py: Python<'_>) -> Option<Py<PyString>> {
            self.ending.as_ref().map(|text| text.clone_ref(py))
        }

        #[getter]
        fn changes(&self) -> u64 {
            self.changes
        }

        fn start(&mut self, py: Python<'_>) -> PyResult<()> {
            self.ending = None;
            self.changes += 1;
            self.machine.start().map_err(|error| raised(py, &error))
        }

        fn advance(&mut self, py: Python<'_>) -> (RawFd, Option<f64>) {
            let before = self.machine.state();
            let (wait, notices) = self.machine.advance();
            let changed = !notices.is_empty() || self.machine.state() != before;
            self.changes += u64::from(changed);
            for notice in &notices {
                self.take(py, notice);
            }
            parts(wait)
        }

        fn next_notice(&mut self) -> Option<String> {
            self.news.pop_front()
        }

        fn release(&mut self) {
            self.changes += 1;
            self.machine.release();
        }

        fn abandon(&mut self, py: Python<'_>) {
            self.changes += 1;
            self.machine.abandon();
            self.take(py, &Notice::Released);
        }

        fn after_fork(&mut self) {
            self.machine.after_fork();
            self.ending = None;
            self.news.clear();
        }

        fn call(&self, py: Python<'_>, request: &str) -> PyResult<Call> {
            let unfit = |error: serde_json::Error| {
                let remedy = "see the types in the documentation of that verb";
                config("arguments", &error.to_string(), remedy)
            };
            let request = serde_json::from_str(request).map_err(unfit);
            let call = request.and_then(|request| self.machine.call(request));
            call.map(Call).map_err(|error| raised(py, &error))
        }
    }

    impl Session {
        /// Remembers what a notice says. A start that failed is raised to its caller, and news to nobody.
        fn take(&mut self, py: Python<'_>, notice: &Notice) {
            let text = json!(notice).to_string();
            match notice {
                Notice::Event { .. } => self.news.push_back(text),
                Notice::Granted { status } => {
                    self.status = Some(PyString::new(py, &json!(status).to_string()).unbind());
                }
                ended => {
                    self.ending = Some(PyString::new(py, &text).unbind());
                    let was_held = self.status.take().is_some();
                    if was_held && matches!(ended, Notice::Failed { .. }) {
                        self.news.push_back(text);
                    }
                }
            }
        }
    }

    /// One verb under way, on a connection of its own.
    #[pyclass(module = "temporal_devserver._core")]
    #[derive(Debug)]
    pub(super) struct Call(session::Call);

    #[pymethods]
    impl Call {
        fn advance(&mut self, py: Python<'_>) -> PyResult<(RawFd, Option<f64>, Option<String>)> {
            match self.0.advance().map_err(|error| raised(py, &error))? {
                Outcome::Wait(wait) => {
                    let (fd, seconds) = parts(wait);
                    Ok((fd, seconds, None))
                }
                Outcome::Done(value) => Ok((-1, None, Some(value.to_string()))),
            }
        }
    }

    /// A time to wait for, as a descriptor.
    #[pyclass(module = "temporal_devserver._core")]
    #[derive(Debug)]
    pub(super) struct Timer(session::Timer);

    #[pymethods]
    impl Timer {
        #[new]
        fn new(after: f64) -> PyResult<Self> {
            Ok(Self(session::Timer::start(after)?))
        }

        fn fileno(&self) -> RawFd {
            self.0.fd()
        }
    }

    #[pyfunction]
    fn monotonic() -> f64 {
        clock::monotonic()
    }

    #[pyfunction]
    fn unix_now() -> f64 {
        clock::unix_now()
    }

    #[pyfunction]
    fn close_after_fork() {
        session::close_after_fork();
    }

    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn run_cli(arguments: Vec<OsString>, launcher: &str) -> PyResult<Ended> {
        Ok(match cli::run(&arguments, parse(launcher)?) {
            cli::Ended::Code(code) => Ended::Code(code),
            cli::Ended::Left(work) => Ended::Left(work.to_string()),
        })
    }

    #[pyfunction]
    fn check_version(py: Python<'_>, version: &str) -> PyResult<()> {
        executable::check_version(version).map_err(|error| raised(py, &error))
    }

    #[pyfunction]
    fn executable_store(py: Python<'_>) -> PyResult<(OsString, Vec<String>)> {
        let locations = Locations::from_environment(|name| std::env::var_os(name), None);
        let store = locations.and_then(|locations| locations.make_executables());
        let store = store.map_err(|error| raised(py, &error))?;
        let versions = executable::stored_versions(store.path());
        Ok((store.path().as_os_str().to_owned(), versions))
    }

    #[pyfunction]
    #[pyo3(signature = (options, launcher, warnings = false))]
    fn lookup(py: Python<'_>, options: &str, launcher: &str, warnings: bool) -> PyResult<String> {
        let found = session::Lookup::new(&parse(options)?, &parse(launcher)?, warnings);
        let found = found.map_err(|error| raised(py, &error))?;
        Ok(json!(found).to_string())
    }

    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn client_environment(
        variables: Variables,
        address: &str,
        namespace: &str,
        configuration: OsString,
    ) -> Changes {
        environment::of_client(&variables, address, namespace, &configuration)
    }

    #[pyfunction]
    fn server_environment() -> Variables {
        environment::of_server()
    }

    #[pyfunction]
    fn check_options(py: Python<'_>, options: &str) -> PyResult<()> {
        let checked = session::Lookup::check(&parse(options)?);
        checked.map_err(|error| raised(py, &error))
    }

    #[pyfunction]
    #[pyo3(signature = (errno, otherwise, spawning = false))]
    fn remedy(errno: i32, otherwise: &str, spawning: bool) -> String {
        let error = std::io::Error::from_raw_os_error(errno);
        let problem = if spawning {
            Problem::of_spawn("", &error)
        } else {
            Problem::of("", &error)
        };
        problem.remedy(otherwise)
    }

    #[pyfunction]
    fn option_defaults() -> String {
        Value::Object(Options::defaults()).to_string()
    }

    #[pyfunction]
    fn error_codes() -> Vec<String> {
        Error::codes()
    }

    /// Becomes the supervisor.
    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn supervise(arguments: Vec<String>) {
        end(crate::supervisor::main(&arguments));
    }

    /// Becomes the process between a host and a program that must not outlive it.
    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn tie(arguments: Vec<OsString>) {
        end(crate::process::tied::main(&arguments));
    }

    #[expect(
        clippy::exit,
        reason = "this process is ours alone, and the interpreter has nothing to finish"
    )]
    fn end(code: std::process::ExitCode) {
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }

    fn parts(wait: Wait) -> (RawFd, Option<f64>) {
        let until = wait.until.map(|until| {
            until
                .saturating_duration_since(Instant::now())
                .as_secs_f64()
        });
        (wait.fd.unwrap_or(-1), until)
    }

    fn parse<T: serde::de::DeserializeOwned>(text: &str) -> PyResult<T> {
        serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Makes the Python error; its class is Python's affair.
    fn raised(py: Python<'_>, error: &Error) -> PyErr {
        let wire = error.worded().to_string();
        let made = py
            .import("temporal_devserver._errors")
            .and_then(|module| module.getattr("from_wire")?.call1((wire,)));
        made.map_or_else(|failure| failure, PyErr::from_value)
    }
}
