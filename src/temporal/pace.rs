//! How long to wait before asking again: 2 ms, growing by a sixteenth to 50 ms.
//!
//! Invariant: a server that becomes ready is seen within 2 ms and a sixteenth of the time it took already (or 50 ms), and
//! one that does not costs at most 20 questions a second.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(50);

/// The pause before the next try.
pub(super) struct Pace(Duration);

impl Pace {
    /// Begins with the shortest pause.
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    /// Waits, and makes the next pause longer.
    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 17 / 16).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_limit() {
        let (mut pace, began) = (Pace::new(), tokio::time::Instant::now());
        pace.pause().await;
        assert_eq!(began.elapsed(), FIRST);
        for _ in 0..60 {
            pace.pause().await;
        }
        let began = tokio::time::Instant::now();
        pace.pause().await;
        assert_eq!(began.elapsed(), LONGEST);
    }
}
