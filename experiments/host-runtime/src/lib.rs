//! The least one can do with `pyo3-async-runtimes`: an awaitable that tokio completes after a while.
//!
//! The runtime lives in the host, as it would in ours; whatever goes wrong here has no other cause.

use std::time::Duration;

/// The module that the subjects load.
#[pyo3::pymodule]
mod host_runtime {
    use super::Duration;
    use pyo3::prelude::{Bound, PyAny, PyResult, Python, pyfunction};

    /// Returns an awaitable that is done after `seconds`.
    #[pyfunction]
    fn after(py: Python<'_>, seconds: f64) -> PyResult<Bound<'_, PyAny>> {
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            Ok(())
        })
    }
}
