//! Whatever comes in whatever order, the machine asks for at most one process and ends in order.

use super::*;
use crate::error::Error;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const LIMIT: u32 = 3;

fn machine(failures: u32) -> Machine {
    let health = Health {
        failures,
        ..Health::default()
    };
    let restart = Restart {
        limit: LIMIT,
        ..Restart::default()
    };
    Machine::new("127.0.0.1:7233".to_owned(), health, restart)
}

fn error() -> Error {
    Error::NotRunning {
        name: "x".to_owned(),
    }
}

/// Anything that can come at any time, and what only the world can bring about.
fn inputs() -> impl Strategy<Value = Input> {
    let wild = prop::sample::select(vec![
        Input::Begin,
        Input::Ready,
        Input::BootTimedOut,
        Input::ProbePassed,
        Input::ProbeFailed("no".to_owned()),
        Input::RetryDue,
        Input::Kill,
        Input::Restart,
        Input::Pause,
        Input::Resume,
        Input::Attach,
        Input::Degraded("so so".to_owned()),
        Input::Mended,
        Input::Outage(None),
        Input::Outage(Some(1.0)),
        Input::Exchange(Planned::Restore),
    ]);
    let worldly = prop::sample::select(vec![
        Input::Spawned(0),
        Input::Hopeless(error()),
        Input::SpawnFailed(error()),
        Input::Exited(Exit::Code(1)),
        Input::Exited(Exit::Signal("SIGKILL".to_owned())),
        Input::ExitedByChance(Exit::Code(1)),
        Input::Killed(Exit::Signal("SIGKILL".to_owned())),
        Input::ExitedForGood(Exit::Code(1), error()),
        Input::Exchanged(Some(Transition::Reset)),
        Input::Exchanged(None),
    ]);
    let end = prop::sample::select(vec![
        Input::Stop("enough".to_owned()),
        Input::CleanedUp(None),
    ]);
    // The usual way round often enough to get anywhere.
    let usual = prop::sample::select(vec![
        Input::Spawned(0),
        Input::Ready,
        Input::RetryDue,
        Input::Exited(Exit::Code(1)),
    ]);
    prop_oneof![6 => usual, 6 => wild, 4 => worldly, 1 => end]
}

/// What is true outside of the machine: it obeys the actions, and brings about only what can be.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not for itself"
)]
#[derive(Debug, Clone)]
struct World {
    machine: Machine,
    now: f64,
    is_asked: bool,
    is_alive: bool,
    /// It is killed, though not gone yet.
    is_killed: bool,
    /// Its end was told.
    is_told: bool,
    /// It has been ready.
    was_ready: bool,
    is_cleaning: bool,
    is_exchanging: bool,
    has_ended: bool,
    /// When unplanned exits were answered by a restart, since the budget was last forgotten.
    restarts: Vec<f64>,
}

impl World {
    fn new(failures: u32) -> Self {
        let mut world = Self {
            machine: machine(failures),
            now: 0.0,
            is_asked: false,
            is_alive: false,
            is_killed: false,
            is_told: false,
            was_ready: false,
            is_cleaning: false,
            is_exchanging: false,
            has_ended: false,
            restarts: vec![],
        };
        world.take(&Input::Begin).unwrap();
        world
    }

    fn can_be(&self, input: &Input) -> bool {
        match input {
            Input::Spawned(_) | Input::Hopeless(_) | Input::SpawnFailed(_) => {
                self.is_asked && self.machine.is_spawning()
            }
            Input::Exited(_) | Input::ExitedByChance(_) | Input::ExitedForGood(..) => self.is_alive,
            Input::Killed(_) => self.is_alive && !self.is_killed,
            Input::CleanedUp(_) => self.is_cleaning,
            Input::Exchanged(_) => self.is_exchanging,
            _ => true,
        }
    }

    fn take(&mut self, input: &Input) -> Result<Vec<Action>, TestCaseError> {
        let (before, phase) = (self.machine.state(), self.machine.phase);
        match input {
            Input::Spawned(_) => {
                (self.is_asked, self.is_alive) = (false, true);
                (self.is_killed, self.is_told, self.was_ready) = (false, false, false);
            }
            Input::Killed(_) => self.is_killed = true,
            Input::Hopeless(_) | Input::SpawnFailed(_) => self.is_asked = false,
            Input::Exited(_) | Input::ExitedByChance(_) | Input::ExitedForGood(..) => {
                self.is_alive = false;
            }
            Input::CleanedUp(_) => self.is_cleaning = false,
            Input::Exchanged(_) => self.is_exchanging = false,
            _ => {}
        }
        let actions = self.machine.step(input.clone(), self.now, 0.5);
        let context = format!("{before:?} {input:?} {actions:?}");
        for action in &actions {
            self.obey(action, &context)?;
        }
        self.check_end(&actions, &context)?;
        let was_ill = matches!(phase, Phase::Paused { ill: Some(_), .. });
        self.check_tells(before, was_ill, &actions, &context)?;
        self.check_budget(before, input, &actions, &context)?;
        self.check_delay(input, &actions, &context)?;
        let after = self.machine.state();
        if matches!(before, Kind::Stopping | Kind::Stopped) {
            let is_end = |action: &Action| match action {
                Action::Tell(told) => told.parts().0 == Kind::Stopped,
                action => matches!(action, Action::CleanUp | Action::End),
            };
            prop_assert!(actions.iter().all(is_end), "{context}");
        }
        if before == Kind::Failed && after != before {
            let may = matches!(
                input,
                Input::Restart | Input::Attach | Input::Exchange(_) | Input::Stop(_)
            );
            prop_assert!(may, "{context}");
        }
        if matches!(phase, Phase::Paused { .. }) {
            let is_wish = matches!(
                input,
                Input::Kill
                    | Input::Restart
                    | Input::Outage(_)
                    | Input::Exchange(_)
                    | Input::Resume
                    | Input::Stop(_)
            );
            let is_ended = !self.is_alive || self.is_killed;
            prop_assert!(is_wish || is_ended || actions.is_empty(), "{context}");
        }
        Ok(actions)
    }

    fn obey(&mut self, action: &Action, context: &str) -> Result<(), TestCaseError> {
        match action {
            Action::Spawn => {
                prop_assert!(!self.is_alive && !self.is_asked, "{context}");
                prop_assert!(!self.is_exchanging, "{context}");
                self.is_asked = true;
            }
            Action::Kill | Action::Terminate | Action::Pause | Action::Resume => {
                prop_assert!(self.is_alive, "{context}");
            }
            Action::Exchange => {
                prop_assert!(!self.is_alive && !self.is_exchanging, "{context}");
                self.is_exchanging = true;
            }
            Action::CleanUp => {
                // The final stop ends such work before it does anything else.
                self.is_exchanging = false;
                prop_assert!(!self.is_alive && !self.is_cleaning, "{context}");
                self.is_cleaning = true;
            }
            Action::End => {
                prop_assert!(!self.is_alive && !self.is_cleaning, "{context}");
                self.has_ended = true;
            }
            Action::RetryAfter(_) | Action::Tell(_) | Action::GiveUp(_) => {}
        }
        Ok(())
    }

    /// The end of a process is told once, at the latest when it is gone; from then on it is not said to work.
    fn check_end(&mut self, actions: &[Action], context: &str) -> Result<(), TestCaseError> {
        let is_end = |action: &&Action| matches!(action, Action::Tell(Transition::Exited { .. }));
        let ends = actions.iter().filter(is_end).count();
        prop_assert!(ends <= usize::from(!self.is_told), "{context}");
        self.is_told |= ends > 0;
        let state = self.machine.state();
        let is_over = matches!(state, Kind::Stopping | Kind::Stopped);
        if self.is_alive && self.is_killed {
            prop_assert!(self.is_told || is_over, "{context}");
            prop_assert!(is_over || state == Kind::Restarting, "{context}");
        }
        Ok(())
    }

    /// The last event of a step names the state after it; a change without an event is only the wait for an exit.
    fn check_tells(
        &self,
        before: Kind,
        was_ill: bool,
        actions: &[Action],
        context: &str,
    ) -> Result<(), TestCaseError> {
        let told = actions.iter().filter_map(|action| match action {
            Action::Tell(transition) => Some(transition.parts().0),
            _ => None,
        });
        let told: Vec<Kind> = told.collect();
        let after = self.machine.state();
        let named = match told[..] {
            [Kind::Exited, last] => {
                prop_assert!(matches!(last, Kind::Restarting | Kind::Failed), "{context}");
                last
            }
            // The process is killed; or it is gone, and its database next.
            [Kind::Exited] if self.is_killed || self.is_exchanging => Kind::Restarting,
            [Kind::Reset] => Kind::Restarting,
            // What did not work before a pause does not after it.
            [Kind::Resumed] if was_ill => Kind::Unhealthy,
            [Kind::Recovered | Kind::Resumed] => Kind::Ready,
            [one] => one,
            // The last probe that was allowed to fail: told, then killed.
            [] if after == before => after,
            [] => Kind::Restarting,
            _ => return Err(TestCaseError::fail(context.to_owned())),
        };
        let replaced = actions
            .iter()
            .any(|action| matches!(action, Action::Kill | Action::Terminate))
            && after == Kind::Restarting;
        prop_assert!(named == after || replaced, "{context}");
        prop_assert!(!told.is_empty() || after == before || replaced, "{context}");
        Ok(())
    }

    /// A server that had been ready is started again at once when it ends; only an outage that was asked for keeps it down.
    fn check_delay(
        &mut self,
        input: &Input,
        actions: &[Action],
        context: &str,
    ) -> Result<(), TestCaseError> {
        let has_ended = matches!(input, Input::Exited(_) | Input::ExitedByChance(_));
        for action in actions {
            match action {
                Action::Tell(Transition::Ready { .. }) => self.was_ready = true,
                Action::Tell(Transition::Restarting { delay, planned, .. })
                    if self.was_ready && has_ended && *planned != Some(Planned::Outage) =>
                {
                    prop_assert_eq!(*delay, Some(0.0), "{}", context);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_budget(
        &mut self,
        before: Kind,
        input: &Input,
        actions: &[Action],
        context: &str,
    ) -> Result<(), TestCaseError> {
        let is_told = |kind: Kind| {
            actions
                .iter()
                .any(|action| matches!(action, Action::Tell(told) if told.parts().0 == kind))
        };
        let is_unplanned = |action: &Action| match action {
            Action::Tell(Transition::Restarting { planned, .. }) => {
                planned.is_none_or(Planned::counts)
            }
            _ => false,
        };
        let unplanned = match input {
            Input::SpawnFailed(_) => true,
            Input::Exited(_) | Input::ExitedByChance(_) | Input::ExitedForGood(..) => {
                actions.iter().any(is_unplanned)
            }
            _ => false,
        };
        let is_anew = matches!(input, Input::Restart | Input::Attach | Input::Exchange(_));
        if is_anew && is_told(Kind::Restarting) {
            prop_assert!(
                matches!(before, Kind::Failed | Kind::Restarting),
                "{context}"
            );
            self.restarts.clear();
        } else if unplanned && is_told(Kind::Restarting) {
            self.restarts.push(self.now);
        }
        let now = self.now;
        let recent = |then: &&f64| now - **then < Restart::default().window;
        let count = self.restarts.iter().filter(recent).count();
        prop_assert!(count <= LIMIT as usize, "{context}");
        Ok(())
    }

    /// Whatever came before, a stop ends it.
    fn end(&mut self) -> Result<(), TestCaseError> {
        self.take(&Input::Stop("the end".to_owned()))?;
        if self.is_alive {
            let actions = self.take(&Input::Exited(Exit::Code(0)))?;
            prop_assert_eq!(actions, vec![Action::CleanUp]);
        }
        if self.is_cleaning {
            self.take(&Input::CleanedUp(None))?;
        }
        prop_assert!(self.has_ended);
        prop_assert_eq!(self.machine.state(), Kind::Stopped);
        Ok(())
    }
}

/// What can happen next, and when: the model of the world tells what can be.
struct Model;

impl ReferenceStateMachine for Model {
    type State = World;
    type Transition = (Input, f64);

    fn init_state() -> BoxedStrategy<World> {
        (1_u32..4).prop_map(World::new).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Self::Transition> {
        // What leads on from here often enough to get anywhere, and anything else.
        let failed = || Input::ProbeFailed("no".to_owned());
        let fitting = match world.machine.state() {
            Kind::Ready | Kind::Degraded => vec![
                failed(),
                Input::Pause,
                Input::Outage(None),
                Input::Exchange(Planned::Reset),
            ],
            Kind::Unhealthy => vec![failed(), Input::Pause, Input::ProbePassed],
            Kind::Paused => vec![Input::Resume],
            Kind::Restarting if world.is_exchanging => vec![
                Input::Exchanged(Some(Transition::Reset)),
                Input::Exchanged(None),
            ],
            Kind::Restarting if world.is_alive => vec![Input::Exited(Exit::Code(0))],
            _ => vec![Input::Spawned(0), Input::Ready, Input::RetryDue],
        };
        let fitting = prop::sample::select(fitting);
        (prop_oneof![fitting, inputs()], 0.0..8.0f64).boxed()
    }

    fn preconditions(world: &World, (input, _): &Self::Transition) -> bool {
        world.can_be(input)
    }

    fn apply(mut world: World, (input, gap): &Self::Transition) -> World {
        world.now += gap;
        // What is wrong is told by the test, which does the same.
        world.take(input).ok();
        world
    }
}

struct Supervised;

impl StateMachineTest for Supervised {
    type SystemUnderTest = World;
    type Reference = Model;

    fn init_test(world: &World) -> World {
        world.clone()
    }

    fn apply(mut world: World, _model: &World, (input, gap): (Input, f64)) -> World {
        world.now += gap;
        world.take(&input).unwrap();
        world
    }

    fn teardown(mut world: World, _model: World) {
        world.end().unwrap();
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_comes_no_process_is_lost_or_doubled(sequential 1..80 => Supervised);
}

/// Feeds inputs without a look at the answers, and returns the machine.
fn after(inputs: Vec<Input>) -> Machine {
    let mut machine = machine(1);
    for input in [Input::Begin, Input::Spawned(7), Input::Ready]
        .into_iter()
        .chain(inputs)
    {
        machine.step(input, 1.0, 0.5);
    }
    machine
}

#[test]
fn a_restart_while_a_process_is_being_prepared_asks_for_no_second_one() {
    let mut machine = machine(1);
    machine.step(Input::Begin, 0.0, 0.5);
    assert_eq!(machine.step(Input::Restart, 0.0, 0.5), []);
    machine.step(Input::Hopeless(error()), 0.0, 0.5);
    machine.step(Input::Attach, 0.0, 0.5);
    assert_eq!(machine.step(Input::RetryDue, 0.0, 0.5), [Action::Spawn]);
    assert_eq!(machine.step(Input::Restart, 0.0, 0.5), []);
    assert_eq!(machine.step(Input::RetryDue, 0.0, 0.5), []);
}

#[test]
fn a_stolen_port_is_not_tried_again() {
    let mut machine = after(vec![]);
    let actions = machine.step(Input::ExitedForGood(Exit::Code(1), error()), 2.0, 0.5);
    assert_eq!(actions.last(), Some(&Action::GiveUp(error())));
    assert_eq!(machine.state(), Kind::Failed);
}

#[test]
fn a_kill_ends_an_orderly_end() {
    let mut machine = after(vec![Input::Restart]);
    assert_eq!(machine.step(Input::Kill, 2.0, 0.5), [Action::Kill]);
}

#[test]
fn a_restart_asked_for_while_a_sick_server_is_killed_is_not_refused_by_the_budget() {
    let mut machine = after(vec![Input::ProbeFailed("no".to_owned()), Input::Restart]);
    for _ in 0..10 {
        machine.step(Input::Exited(Exit::Code(0)), 2.0, 0.5);
        assert_eq!(machine.state(), Kind::Restarting);
        machine.step(Input::RetryDue, 2.0, 0.5);
        machine.step(Input::Spawned(8), 2.0, 0.5);
        machine.step(Input::Ready, 2.0, 0.5);
        machine.step(Input::ProbeFailed("no".to_owned()), 2.0, 0.5);
        machine.step(Input::Restart, 2.0, 0.5);
    }
}

#[test]
fn what_was_degraded_before_a_crash_is_not_degraded_after_it() {
    let mut machine = after(vec![Input::Degraded("so so".to_owned())]);
    assert_eq!(machine.state(), Kind::Degraded);
    machine.step(Input::Exited(Exit::Code(1)), 2.0, 0.5);
    assert_eq!(machine.step(Input::Mended, 2.0, 0.5), []);
    machine.step(Input::RetryDue, 2.0, 0.5);
    machine.step(Input::Spawned(8), 2.0, 0.5);
    machine.step(Input::Ready, 2.0, 0.5);
    assert_eq!(machine.state(), Kind::Ready);
}

/// What the machine asks for, without what it tells.
fn deeds(actions: Vec<Action>) -> Vec<Action> {
    let is_deed = |action: &Action| !matches!(action, Action::Tell(_));
    actions.into_iter().filter(is_deed).collect()
}

#[test]
fn a_killed_server_is_told_at_once_and_replaced_when_it_is_gone() {
    let mut machine = after(vec![]);
    let Input::Exited(exit) = killed() else {
        unreachable!("`killed` is an exit");
    };
    let told = machine.step(Input::Killed(exit), 2.0, 0.5);
    assert!(
        matches!(
            told[..],
            [Action::Tell(Transition::Exited { planned: None, .. })]
        ),
        "{told:?}"
    );
    assert_eq!(machine.state(), Kind::Restarting);
    let gone = machine.step(killed(), 2.01, 0.5);
    assert!(
        matches!(
            gone[..],
            [
                Action::Tell(Transition::Restarting { .. }),
                Action::RetryAfter(_)
            ]
        ),
        "{gone:?}"
    );
}

fn killed() -> Input {
    Input::Exited(Exit::Signal("SIGKILL".to_owned()))
}

#[test]
fn an_outage_ends_when_it_is_resumed_or_over_and_costs_no_budget() {
    let mut machine = after(vec![]);
    for _ in 0..10 {
        for end in [Input::Resume, Input::RetryDue] {
            let step = |machine: &mut Machine, input| deeds(machine.step(input, 2.0, 0.5));
            assert_eq!(step(&mut machine, Input::Outage(None)), [Action::Kill]);
            assert_eq!(step(&mut machine, killed()), [Action::RetryAfter(None)]);
            assert!(machine.is_down());
            assert_eq!(step(&mut machine, Input::Kill), []);
            assert_eq!(step(&mut machine, end), [Action::Spawn]);
            step(&mut machine, Input::Spawned(8));
            step(&mut machine, Input::Ready);
        }
    }
    assert_eq!(machine.state(), Kind::Ready);
}

#[test]
fn an_outage_that_ends_before_the_process_has_ended_takes_no_time() {
    let mut machine = after(vec![Input::Outage(Some(60.0)), Input::Resume]);
    let actions = deeds(machine.step(killed(), 2.0, 0.5));
    assert_eq!(
        actions,
        [Action::RetryAfter(Some(std::time::Duration::ZERO))]
    );
}

#[test]
fn an_exchange_is_no_restart_and_nothing_comes_in_between() {
    let mut machine = after(vec![Input::Pause]);
    let exchange = Input::Exchange(Planned::Restore);
    assert_eq!(machine.step(exchange, 2.0, 0.5), [Action::Kill]);
    for input in [Input::Restart, Input::Outage(None), Input::Resume] {
        assert_eq!(machine.step(input, 2.0, 0.5), []);
    }
    // Whatever it died of.
    let ended = Input::ExitedForGood(Exit::Code(1), error());
    assert_eq!(deeds(machine.step(ended, 2.0, 0.5)), [Action::Exchange]);
    let told = Transition::Reset;
    assert_eq!(
        machine.step(Input::Exchanged(Some(told.clone())), 2.0, 0.5),
        [Action::Tell(told), Action::Spawn]
    );
    assert_eq!(machine.restarts(), 0);
}

#[test]
fn a_server_that_was_given_up_goes_on_with_another_database() {
    let mut machine = after(vec![Input::ExitedForGood(Exit::Code(1), error())]);
    let actions = deeds(machine.step(Input::Exchange(Planned::Reset), 2.0, 0.5));
    assert_eq!(actions, [Action::Exchange]);
    assert_eq!(machine.state(), Kind::Restarting);
}

#[test]
fn each_restart_is_counted_by_what_led_to_it() {
    let mut machine = machine(3);
    let mut take = |inputs: Vec<Input>| {
        for input in inputs {
            machine.step(input, 0.0, 0.5);
        }
        let causes = machine.restart_causes().into_iter();
        let causes: Vec<String> = causes
            .map(|(cause, count)| format!("{cause} {count}"))
            .collect();
        (machine.restarts(), causes.join(", "))
    };
    let boot = || vec![Input::Spawned(1), Input::Ready];
    let exited = || Input::Exited(Exit::Code(1));
    assert_eq!(
        take([vec![Input::Begin], boot()].concat()),
        (0, String::new())
    );
    take([vec![exited(), Input::RetryDue], boot()].concat());
    take([vec![Input::Kill, exited(), Input::RetryDue], boot()].concat());
    take([vec![Input::Restart, exited(), Input::RetryDue], boot()].concat());
    let (count, causes) = take(vec![exited(), Input::RetryDue, Input::SpawnFailed(error())]);
    assert_eq!(
        (count, &*causes),
        (5, "crash 2, kill 1, restart 1, spawn_failed 1")
    );
}
