//! `cargo faults`, with few people: something goes wrong at every call that a function makes, one by one.

use std::sync::Arc;

use local::faults::{Play, Report, Scenario, play};
use tests::{run, seed, stack};

/// People of a chunk: each of them is a call more.
const CHUNK: usize = 3;

/// Plays a scenario, and fails with everything that did not hold.
async fn holds(scenario: Scenario, messages: usize) -> Report {
    let seed = seed::number(scenario.name());
    let bin_dir = stack::binaries().await;
    let report = play(scenario, Play { bin_dir, seed, messages, chunk: CHUNK, say: Arc::new(|_| {}) }).await;
    let report = report.unwrap_or_else(|error| panic!("{}: {error:#}", scenario.name()));
    assert!(report.wrong().is_empty(), "{}", report.wrong().join("\n"));
    assert!(report.struck() > 0 && report.counted.accepted > 0, "{report:?}");
    assert_eq!((report.counted.duplicates, report.counted.lost), (0, 0), "{report:?}");
    report
}

/// The places where something was done, of those that contain this.
fn places(report: &Report, of: &str) -> usize {
    report.faults.keys().filter(|place| place.contains(of)).count()
}

#[test]
fn send_is_killed_at_every_call() {
    run(async {
        let report = holds(Scenario::KillSend, 0).await;
        // Which call is the third is not the same each time, when feedback is at the same chunk.
        for place in ["BatchExecuteStatement", "ses outbound-emails", "TransactWriteItems", "runtime response"] {
            assert!(places(&report, place) > 0, "{place}: {:?}", report.faults);
        }
        assert!(report.struck() > 30, "{:?}", report.faults);
    });
}

#[test]
fn whoever_commands_a_campaign_is_killed_at_every_call() {
    run(async {
        let report = holds(Scenario::KillCommand, 0).await;
        for command in ["launch: ", "resume: ", "cancel: "] {
            for place in ["before sqs SendMessage", "after dynamodb TransactWriteItems"] {
                assert!(places(&report, &format!("{command}{place}")) > 0, "{command}{place}: {:?}", report.faults);
            }
        }
    });
}

#[test]
fn fan_out_is_killed_at_every_call() {
    run(async {
        let report = holds(Scenario::KillFanOut, 0).await;
        assert_eq!(report.counted.unknown, 0, "{report:?}");
        for kind in ["advance: ", "finish: ", "resume: "] {
            assert!(places(&report, kind) > 4, "{kind}: {:?}", report.faults);
        }
    });
}

#[test]
fn every_answer_is_lost() {
    run(async {
        holds(Scenario::Lost, 0).await;
    });
}

#[test]
fn somebody_opts_out_at_every_call() {
    run(async {
        let report = holds(Scenario::OptOuts, 0).await;
        assert!(report.counted.objections > 40, "{report:?}");
        assert_eq!(report.counted.unknown, 0, "{report:?}");
    });
}

#[test]
fn variants_absences_and_companies_at_random() {
    run(async {
        let report = holds(Scenario::Mixed, 450).await;
        for what in ["everybody gets one variant", "whoever is away", "nobody at a company"] {
            let invariant = report.invariants.iter().find(|invariant| invariant.what.starts_with(what));
            assert!(invariant.is_some_and(|invariant| invariant.looked_at > 10), "{what}: {report:?}");
        }
    });
}

#[test]
fn everything_at_random() {
    run(async {
        holds(Scenario::Random, 1_500).await;
    });
}
