//! The extension module: the session, its verbs, the supervisor's and the command line's entry. No logic.
//!
//! Invariant: nothing here waits and nothing releases the GIL, so no Rust frame is ever on the stack of a thread that the
//! interpreter ends, and no fork comes between the making of a descriptor and its registration.

use pyo3::prelude::*;

/// The native core, see `_core.pyi`.
#[pymodule(gil_used = true)]
#[pyo3(name = "_core")]
mod core {
    use std::ffi::OsString;
    use std::os::fd::RawFd;
    use std::time::Instant;

    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;
    use serde_json::Value;

    use crate::error::Error;
    use crate::options::Options;
    use crate::session::{self, Outcome, Wait};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// One handle's relation to its server. A step machine.
    #[pyclass(module = "temporal_devserver._core")]
    #[derive(Debug)]
    pub(super) struct Session(session::Session);

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
            let session = session::Session::new(name, &options, parse(launcher)?);
            session.map(Self).map_err(|error| raised(py, &error))
        }

        #[getter]
        fn name(&self) -> &str {
            self.0.name().unwrap_or("private")
        }

        #[getter]
        fn state(&self) -> &'static str {
            self.0.state()
        }

        #[getter]
        fn identity(&self) -> Option<&str> {
            self.0.identity()
        }

        #[getter]
        fn directory(&self) -> Option<String> {
            self.0.dir().map(|dir| dir.path().display().to_string())
        }

        fn start(&mut self, py: Python<'_>) -> PyResult<()> {
            self.0.start().map_err(|error| raised(py, &error))
        }

        fn advance(&mut self) -> (RawFd, Option<f64>, Vec<String>) {
            let (wait, notices) = self.0.advance();
            let notices = notices
                .iter()
                .filter_map(|notice| serde_json::to_string(notice).ok());
            let (fd, seconds) = parts(wait);
            (fd, seconds, notices.collect())
        }

        fn release(&mut self) {
            self.0.release();
        }

        fn abandon(&mut self) {
            self.0.abandon();
        }

        fn after_fork(&mut self) {
            self.0.after_fork();
        }

        fn call(&self, py: Python<'_>, request: &str) -> PyResult<Call> {
            self.0
                .call(parse(request)?)
                .map(Call)
                .map_err(|error| raised(py, &error))
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

    #[pyfunction]
    fn close_after_fork() {
        session::close_after_fork();
    }

    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn run_cli(arguments: Vec<OsString>, launcher: &str) -> PyResult<u8> {
        Ok(crate::cli::run(&arguments, parse(launcher)?))
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
    #[expect(
        clippy::exit,
        reason = "this process is the supervisor, and the interpreter has nothing to finish"
    )]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn supervise(arguments: Vec<String>) {
        let code = crate::supervisor::main(&arguments);
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
