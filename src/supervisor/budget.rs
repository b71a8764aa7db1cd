//! The restart budget: how long to wait before a restart, and when to give up.
//!
//! Invariant: of the unplanned exits within `window`, `limit` are answered by a restart and the next one by giving up;
//! so are `never_ready_limit` exits in a row of a server that was never ready. Pure: the clock and the dice are given.

use std::collections::VecDeque;

use crate::options::Restart;

/// What follows an exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Start again after this many seconds.
    RestartAfter(f64),
    /// It was never ready, again and again.
    NeverReady,
    /// It has ended too often.
    TooOften {
        /// Restarts within the window.
        restarts: u32,
        /// The window, in seconds.
        window: f64,
    },
}

/// The exits so far, as far as they count.
#[derive(Debug, Clone)]
pub struct Budget {
    policy: Restart,
    /// When the server was restarted, within the window.
    restarted: VecDeque<f64>,
    /// Restarts since it was last healthy for long.
    in_a_row: u32,
    never_ready: u32,
}

impl Budget {
    /// Returns a fresh budget.
    pub fn new(policy: Restart) -> Self {
        Self {
            policy,
            restarted: VecDeque::new(),
            in_a_row: 0,
            never_ready: 0,
        }
    }

    /// Forgets all exits, as an explicit restart does.
    pub fn forget(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Takes one unplanned exit. `healthy_for`: seconds since it was ready, none if it never was. `by_chance`: it ended
    /// for a reason that the next start will not meet. `dice`: 0 to 1, for the jitter.
    pub fn exited(
        &mut self,
        healthy_for: Option<f64>,
        by_chance: bool,
        now: f64,
        dice: f64,
    ) -> Verdict {
        match healthy_for {
            Some(seconds) => {
                self.never_ready = 0;
                if seconds >= self.policy.reset_after {
                    self.in_a_row = 0;
                }
            }
            None if by_chance => {}
            None => self.never_ready += 1,
        }
        while self
            .restarted
            .front()
            .is_some_and(|then| now - then >= self.policy.window)
        {
            self.restarted.pop_front();
        }
        if self.never_ready >= self.policy.never_ready_limit {
            return Verdict::NeverReady;
        }
        let restarts = u32::try_from(self.restarted.len()).unwrap_or(u32::MAX);
        if restarts >= self.policy.limit {
            return Verdict::TooOften {
                restarts,
                window: self.policy.window,
            };
        }
        self.restarted.push_back(now);
        self.in_a_row += 1;
        Verdict::RestartAfter(self.delay(dice))
    }

    /// The first restart is immediate; then the delay doubles, up to a cap, with ±20 % jitter.
    fn delay(&self, dice: f64) -> f64 {
        if self.in_a_row <= 1 {
            return 0.0;
        }
        let doublings = (self.in_a_row - 2).min(30);
        let delay = self.policy.initial_delay * f64::from(1_u32 << doublings);
        delay.min(self.policy.max_delay) * (0.8 + 0.4 * dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_more_restarts_in_a_window_than_the_limit(
            exits in prop::collection::vec((0.0..20.0f64, prop::option::of(0.0..100.0f64), any::<bool>(), 0.0..1.0f64), 1..60),
            limit in 0_u32..8,
        ) {
            let policy = Restart { limit, ..Restart::default() };
            let mut budget = Budget::new(policy);
            let mut now = 0.0;
            let mut restarts: Vec<f64> = vec![];
            for (gap, healthy, by_chance, dice) in exits {
                now += gap;
                if let Verdict::RestartAfter(delay) = budget.exited(healthy, by_chance, now, dice) {
                    prop_assert!((0.0..=policy.max_delay * 1.2).contains(&delay));
                    restarts.push(now);
                }
                let within = restarts.iter().filter(|then| now - **then < policy.window).count();
                prop_assert!(within <= limit as usize);
            }
        }

        #[test]
        fn gives_up_on_a_server_that_is_never_ready(dice in 0.0..1.0f64, gap in 0.0..100.0f64) {
            let mut budget = Budget::new(Restart { limit: 100, ..Restart::default() });
            prop_assert_eq!(budget.exited(None, false, 0.0, dice), Verdict::RestartAfter(0.0));
            prop_assert!(matches!(budget.exited(None, false, gap, dice), Verdict::RestartAfter(_)));
            prop_assert_eq!(budget.exited(None, false, 2.0 * gap, dice), Verdict::NeverReady);
        }
    }

    #[test]
    fn delays_double_and_begin_anew_after_health() {
        let mut budget = Budget::new(Restart {
            limit: 100,
            ..Restart::default()
        });
        let mut delays = vec![];
        for second in 0..10 {
            match budget.exited(Some(1.0), false, f64::from(second), 0.5) {
                Verdict::RestartAfter(delay) => delays.push(delay),
                verdict => panic!("{verdict:?}"),
            }
        }
        assert_eq!(delays, [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]);
        assert_eq!(
            budget.exited(Some(60.0), false, 90.0, 0.5),
            Verdict::RestartAfter(0.0)
        );
    }
}
