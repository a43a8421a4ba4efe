#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

const URGENT: Priority = Priority(0);
const IDLE: Priority = Priority(9);

fn due(seconds: u64, priority: Priority) -> Due {
    Due {
        at: Duration::from_secs(seconds),
        priority,
    }
}

#[test]
fn of_what_is_due_the_most_urgent_comes_first_then_the_longest_due() {
    let mut schedule = Schedule::default();
    schedule.want("idle", due(1, IDLE));
    schedule.want("later", due(3, URGENT));
    schedule.want("sooner", due(2, URGENT));
    schedule.want("not yet", due(9, URGENT));
    let now = Duration::from_secs(5);
    let order: Vec<_> = std::iter::from_fn(|| schedule.take(now)).collect();
    assert_eq!(order, ["sooner", "later", "idle"]);
    assert_eq!(schedule.next_due(), Some(Duration::from_secs(9)));
}

#[test]
fn a_job_that_was_asked_for_while_it_ran_comes_once_more() {
    let mut schedule = Schedule::default();
    schedule.want("send", due(0, IDLE));
    assert_eq!(schedule.take(Duration::ZERO), Some("send"));
    schedule.want("send", due(1, URGENT));
    assert_eq!(
        schedule.take(Duration::from_secs(5)),
        None,
        "it is still running"
    );
    schedule.done(&"send", Some(due(60, IDLE)));
    assert_eq!(schedule.next_due(), Some(Duration::from_secs(1)));
}

#[test]
fn a_job_removed_while_it_ran_does_not_come_again_unless_wanted_anew() {
    let mut schedule = Schedule::default();
    schedule.want("sample", due(0, IDLE));
    schedule.take(Duration::ZERO).unwrap();
    schedule.remove(&"sample");
    schedule.done(&"sample", Some(due(1, IDLE)));
    assert_eq!(schedule.next_due(), None);
    schedule.want("sample", due(0, IDLE));
    schedule.take(Duration::ZERO).unwrap();
    schedule.remove(&"sample");
    schedule.want("sample", due(2, IDLE));
    schedule.done(&"sample", None);
    assert_eq!(schedule.next_due(), Some(Duration::from_secs(2)));
}

#[derive(Debug, Clone)]
enum Step {
    Want(u8, u64, u8),
    Remove(u8),
    Take(u64),
    Done(usize, Option<(u64, u8)>),
}

fn step() -> impl Strategy<Value = Step> {
    let again = proptest::option::of((0..20_u64, 0..4_u8));
    prop_oneof![
        (0..6_u8, 0..20_u64, 0..4_u8).prop_map(|(job, at, priority)| Step::Want(job, at, priority)),
        (0..6_u8).prop_map(Step::Remove),
        (0..20_u64).prop_map(Step::Take),
        (0..6_usize, again).prop_map(|(which, again)| Step::Done(which, again)),
    ]
}

proptest! {
    #[test]
    fn no_job_is_lost_or_runs_twice_at_once_or_before_its_time(steps in prop::collection::vec(step(), 1..80)) {
        let mut schedule = Schedule::default();
        // A naive model: who is in the queue since when, who runs.
        let mut queued: HashMap<u8, Due> = HashMap::new();
        let mut running: Vec<(u8, Option<Due>, bool)> = Vec::new();
        let mut ready: HashSet<u8> = HashSet::new();
        for step in steps {
            match step {
                Step::Want(job, at, priority) => {
                    let wanted = due(at, Priority(priority));
                    schedule.want(job, wanted);
                    if let Some((_, again, dropped)) = running.iter_mut().find(|one| one.0 == job) {
                        *dropped = false;
                        *again = Some(again.map_or(wanted, |before| before.sooner(wanted)));
                    } else if !ready.contains(&job) {
                        let entry = queued.entry(job).or_insert(wanted);
                        *entry = entry.sooner(wanted);
                    }
                }
                Step::Remove(job) => {
                    schedule.remove(&job);
                    queued.remove(&job);
                    ready.remove(&job);
                    if let Some(one) = running.iter_mut().find(|one| one.0 == job) {
                        *one = (job, None, true);
                    }
                }
                Step::Take(at) => {
                    let now = Duration::from_secs(at);
                    ready.extend(queued.iter().filter(|(_, due)| due.at <= now).map(|(job, _)| *job));
                    let taken = schedule.take(now);
                    prop_assert_eq!(taken.is_some(), !ready.is_empty());
                    if let Some(job) = taken {
                        prop_assert!(ready.remove(&job));
                        let mine = queued.remove(&job).unwrap();
                        let best = ready.iter().map(|other| queued[other].priority).min();
                        prop_assert!(best.is_none_or(|best| mine.priority <= best));
                        prop_assert!(running.iter().all(|one| one.0 != job));
                        running.push((job, None, false));
                    }
                }
                Step::Done(which, again) => {
                    if running.is_empty() {
                        continue;
                    }
                    let (job, wanted, dropped) = running.remove(which % running.len());
                    let again = again.map(|(at, priority)| due(at, Priority(priority)));
                    schedule.done(&job, again);
                    let next = match (again, wanted) {
                        _ if dropped => None,
                        (Some(one), Some(other)) => Some(one.sooner(other)),
                        (one, other) => one.or(other),
                    };
                    if let Some(next) = next {
                        queued.insert(job, next);
                    }
                }
            }
            let soonest = if ready.is_empty() {
                queued.values().map(|due| due.at).min()
            } else {
                Some(Duration::ZERO)
            };
            prop_assert_eq!(schedule.next_due(), soonest);
        }
    }
}
