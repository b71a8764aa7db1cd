//! The sweep of what total kills have left of other servers, once ours is ready and nobody waits for it.

use tokio::time::sleep;

use crate::supervisor::Message;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::orphan::PAUSE;
use crate::sweep::sweep;

/// How often it is looked again whether an orphan that was killed is dead.
const TRIES: u32 = 40;

impl Supervisor {
    /// Begins to sweep, once in a life.
    pub(crate) fn begin_to_sweep(&mut self) {
        if let Some(locations) = self.unswept.take() {
            self.sweeping = Some((locations, TRIES));
            self.sweep();
        }
    }

    /// Sweeps, now and again later while something only waits for the death of an orphan.
    pub(crate) fn sweep(&mut self) {
        if self.sweep_once() {
            self.after(PAUSE, Message::SweepDue);
        }
    }

    /// Ends a sweep that is under way.
    pub(crate) async fn finish_sweep(&mut self) {
        while self.sweep_once() {
            sleep(PAUSE).await;
        }
    }

    /// Sweeps; tells whether it is to be done once more.
    fn sweep_once(&mut self) -> bool {
        let Some((locations, tries)) = self.sweeping.take() else {
            return false;
        };
        let swept = sweep(&locations);
        for path in &swept.removed {
            tracing::info!(path = %path.display(), "removed what a killed server had left");
        }
        let is_over = !swept.has_orphans || tries == 0;
        self.sweeping = (!is_over).then_some((locations, tries.saturating_sub(1)));
        !is_over
    }
}
