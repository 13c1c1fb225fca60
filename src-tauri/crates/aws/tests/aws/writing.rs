//! Writing a trust policy when things go wrong in between.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headgate_aws::{Aws, NotWritten, Pace, WriteStep, WriteTrust, WriteWatch, Written};

use crate::alone::{Home, KEYS, alone};
use crate::canned::{Answer, Canned, REQUEST_ID, Request, error, result, role};

/// No test waits for long.
pub const QUICK: Pace = Pace {
    first: Duration::from_millis(5),
    most: Duration::from_millis(20),
    cap: Duration::from_secs(2),
};

const BEFORE: &str = r#"{"before": 1}"#;
const AFTER: &str = r#"{"after": 1}"#;

/// A meaning to which white space does not matter.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of what is passed")]
pub fn meaning(text: &str) -> Option<String> {
    Some(text.split_whitespace().collect())
}

/// An IAM that answers the `n`-th `GetRole` and the `n`-th update, counted from 1, as it is told.
fn iam(
    reads: impl Fn(usize) -> Answer + Send + Sync + 'static,
    updates: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> Canned {
    let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
    Canned::start(move |request: &Request| {
        let count = |which: usize| counts[which].fetch_add(1, Ordering::SeqCst) + 1;
        match request.action() {
            "GetRole" => reads(count(0)),
            "UpdateAssumeRolePolicy" => updates(count(1)),
            other => panic!("{other} is not asked"),
        }
    })
}

fn updated(_: usize) -> Answer {
    result("UpdateAssumeRolePolicy", "")
}

async fn write(canned: &Canned, new_principal: bool) -> Result<Written, Box<NotWritten>> {
    let aws = Aws::open(&canned.access()).await.expect("it opens");
    let write = WriteTrust {
        role: "lake".into(),
        role_id: "AROA1".into(),
        before: BEFORE.into(),
        after: AFTER.into(),
        new_principal,
        pace: QUICK,
    };
    // The host's task may move between threads.
    let task = tokio::spawn(async move { aws.write_trust(&write, &meaning, &|_| ()).await });
    task.await.expect("no panic")
}

fn with_keys(name: &str, body: impl AsyncFnOnce()) {
    alone(name, &Home { variables: &KEYS, ..Home::default() }, body);
}

#[test]
fn the_proof_waits_for_two_equal_answers() {
    with_keys("writing::the_proof_waits_for_two_equal_answers", async || {
        // The first read is the check; then AWS's copies disagree for a while.
        let texts = [BEFORE, BEFORE, AFTER, BEFORE, "{ \"after\":  1}", AFTER];
        let canned = iam(move |n| role("AROA1", "/", texts[n - 1]), updated);
        let written = write(&canned, false).await.expect("it is there in the end");
        assert_eq!(
            (written.reads, written.before.as_str(), written.after.as_str()),
            (5, BEFORE, AFTER)
        );
        assert_eq!(written.request_id.as_deref(), Some(REQUEST_ID));
        let sent = canned.last("UpdateAssumeRolePolicy");
        assert_eq!(sent.parameters["PolicyDocument"], AFTER, "as text, not encoded");
        assert_eq!(sent.parameters["RoleName"], "lake");
    });
}

#[test]
fn what_is_there_already_is_not_written() {
    with_keys("writing::what_is_there_already_is_not_written", async || {
        let canned = iam(|_| role("AROA1", "/", "{\"after\":\n 1}"), updated);
        let written = write(&canned, false).await.expect("it is so");
        assert_eq!((written.request_id, written.after.as_str()), (None, "{\"after\":\n 1}"));
        assert_eq!(canned.actions(), ["GetRole"]);
    });
}

#[test]
fn another_role_or_text_is_left_alone() {
    with_keys("writing::another_role_or_text_is_left_alone", async || {
        for (code, id, path, text) in [
            ("role_changed", "AROA1", "/", "{\"else\": 1}"),
            ("role_recreated", "AROA2", "/", BEFORE),
            ("role_recreated", "AROA2", "/", AFTER),
            ("role_protected", "AROA1", "/aws-service-role/x.amazonaws.com/", BEFORE),
        ] {
            let canned = iam(move |_| role(id, path, text), updated);
            let refused = write(&canned, false).await.expect_err(code);
            assert_eq!(refused.error.code, code);
            assert_eq!(refused.now.expect("the role as it is").trust_policy, text);
            assert_eq!(canned.actions(), ["GetRole"], "{code}");
        }
    });
}

#[test]
fn a_drift_says_what_is_there() {
    with_keys("writing::a_drift_says_what_is_there", async || {
        let canned = iam(|_| role("AROA1", "/", BEFORE), updated);
        let drifted = write(&canned, false).await.expect_err("it never comes");
        assert_eq!((drifted.error.code.as_ref(), drifted.unknown), ("role_drifted", true));
        assert_eq!(drifted.now.expect("what is there").trust_policy, BEFORE);
        assert!(drifted.request_id.is_some(), "AWS took it");

        let denied = |n| match n {
            1 => role("AROA1", "/", BEFORE),
            _ => error(403, "AccessDenied", "no more"),
        };
        let drifted = write(&iam(denied, updated), false).await.expect_err("it cannot be read");
        assert_eq!(drifted.error.code, "role_drifted");
        assert!(drifted.unknown, "it was accepted, and what the role has is not known");
        assert!(drifted.error.message.contains("accepted"), "{}", drifted.error.message);
    });
}

#[test]
fn a_busy_aws_is_asked_again_after_a_new_look() {
    with_keys("writing::a_busy_aws_is_asked_again_after_a_new_look", async || {
        for (status, code) in
            [(400, "Throttling"), (500, "ServiceFailure"), (409, "ConcurrentModification")]
        {
            let updates = move |n| if n < 3 { error(status, code, "busy") } else { updated(n) };
            let reads = |n| role("AROA1", "/", if n < 4 { BEFORE } else { AFTER });
            let canned = iam(reads, updates);
            assert!(write(&canned, false).await.is_ok(), "{code}");
            let actions = canned.actions();
            let begin = ["GetRole", "UpdateAssumeRolePolicy"].repeat(3);
            assert_eq!(actions[..6], begin, "{code}: each try looks first");
        }
        // Someone else was quicker between two tries.
        let reads = |n| role("AROA1", "/", if n == 1 { BEFORE } else { "{\"else\": 1}" });
        let canned = iam(reads, |_| error(409, "ConcurrentModification", "busy"));
        let refused = write(&canned, false).await.expect_err("it changed");
        assert_eq!(refused.error.code, "role_changed");
        assert_eq!(canned.actions(), ["GetRole", "UpdateAssumeRolePolicy", "GetRole"]);
    });
}

#[test]
fn a_lost_answer_is_no_lost_write() {
    with_keys("writing::a_lost_answer_is_no_lost_write", async || {
        let reads = |n| role("AROA1", "/", if n == 1 { BEFORE } else { AFTER });
        let canned = iam(reads, |_| (0, String::new()));
        let written = write(&canned, false).await.expect("it went through");
        assert_eq!((written.request_id, written.before.as_str()), (None, BEFORE));
        let updates = canned.actions().iter().filter(|it| *it == "UpdateAssumeRolePolicy").count();
        assert_eq!(updates, 1);
    });
}

/// What a write ends in whose answer says nothing, and whose role reads as before all along.
#[test]
fn an_outcome_that_is_not_known_is_never_a_refusal() {
    with_keys("writing::an_outcome_that_is_not_known_is_never_a_refusal", async || {
        let lost: [(&str, Answer); 4] = [
            ("no answer", (0, String::new())),
            ("an answer that is not one", (200, "<html>".to_owned())),
            ("a failure on AWS's side", error(500, "ServiceFailure", "we are sorry")),
            ("a proxy's page", (502, "<html>Bad Gateway</html>".to_owned())),
        ];
        for (what, answer) in lost {
            let canned = iam(|_| role("AROA1", "/", BEFORE), move |_| answer.clone());
            let failed = write(&canned, false).await.expect_err(what);
            assert!(failed.unknown, "{what}: {}", failed.error.message);
            // The client takes any body for an answer to a write; then the proof fails.
            assert!(["outcome_unknown", "role_drifted"].contains(&&*failed.error.code), "{what}");
            assert!(failed.error.hint.is_some_and(|hint| hint.contains("Read the role again")));
        }
        // Someone else wrote after a try whose answer was lost: it may have been there in between.
        let reads = |n| role("AROA1", "/", if n == 1 { BEFORE } else { "{\"else\": 1}" });
        let failed = write(&iam(reads, |_| (0, String::new())), false).await.expect_err("changed");
        assert!(failed.unknown && failed.error.code == "outcome_unknown");
        // A refusal of AWS's own is one.
        for (status, code) in
            [(403, "AccessDenied"), (400, "MalformedPolicyDocument"), (400, "Throttling")]
        {
            let canned = iam(|_| role("AROA1", "/", BEFORE), move |_| error(status, code, "no"));
            let failed = write(&canned, false).await.expect_err(code);
            assert!(!failed.unknown, "{code}");
        }
    });
}

/// Stops once a step has begun.
struct StopAt(WriteStep, std::sync::atomic::AtomicBool);

impl WriteWatch for StopAt {
    fn step(&self, step: WriteStep) {
        if step == self.0 {
            self.1.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

#[test]
fn a_write_is_stopped_before_it_is_sent_and_its_proof_after() {
    with_keys("writing::a_write_is_stopped_before_it_is_sent_and_its_proof_after", async || {
        for (at, code, unknown, actions) in [
            (WriteStep::Checking, "cancelled", false, 1),
            (WriteStep::ReadingBack(1), "role_drifted", true, 3),
        ] {
            let canned = iam(|_| role("AROA1", "/", BEFORE), updated);
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            let write = WriteTrust {
                role: "lake".into(),
                role_id: "AROA1".into(),
                before: BEFORE.into(),
                after: AFTER.into(),
                new_principal: false,
                pace: Pace { cap: Duration::from_mins(1), ..QUICK },
            };
            let failed = aws.write_trust(&write, &meaning, &StopAt(at, false.into())).await;
            let failed = failed.expect_err("it was stopped");
            assert_eq!((failed.error.code.as_ref(), failed.unknown), (code, unknown));
            assert_eq!(canned.actions().len(), actions, "{at:?}");
        }
    });
}

#[test]
fn an_unknown_principal_is_waited_for_only_when_it_is_new() {
    with_keys("writing::an_unknown_principal_is_waited_for_only_when_it_is_new", async || {
        let words = "Invalid principal in policy: \"AWS\":\"arn:aws:iam::417620938841:role/new\"";
        let updates = |n| match n {
            1 | 2 => error(400, "MalformedPolicyDocument", words),
            n => updated(n),
        };
        let reads = |n| role("AROA1", "/", if n < 4 { BEFORE } else { AFTER });
        assert!(write(&iam(reads, updates), true).await.is_ok());

        let canned = iam(|_| role("AROA1", "/", BEFORE), updates);
        let refused = write(&canned, false).await.expect_err("it does not exist");
        assert_eq!(refused.error.code, "policy_refused");
        assert!(refused.error.message.starts_with(words), "{}", refused.error.message);
        assert_eq!(canned.actions(), ["GetRole", "UpdateAssumeRolePolicy"]);

        let invalid =
            |_| error(400, "MalformedPolicyDocument", "This policy contains invalid Json");
        let canned = iam(|_| role("AROA1", "/", BEFORE), invalid);
        assert!(write(&canned, true).await.is_err());
        assert_eq!(canned.actions().len(), 2, "other words are no matter of time");
    });
}

#[test]
fn writes_of_one_role_take_turns() {
    with_keys("writing::writes_of_one_role_take_turns", async || {
        let text = Arc::new(Mutex::new(BEFORE.to_owned()));
        let canned = Canned::start(move |request: &Request| {
            let mut text = text.lock().unwrap();
            if request.action() == "GetRole" {
                return role("AROA1", "/", &text);
            }
            text.clone_from(&request.parameters["PolicyDocument"]);
            updated(1)
        });
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        let each = (0..8).map(|n| {
            let aws = aws.clone();
            tokio::spawn(async move {
                let write = WriteTrust {
                    role: "lake".into(),
                    role_id: "AROA1".into(),
                    before: BEFORE.into(),
                    after: format!("{{\"n\": {n}}}"),
                    new_principal: false,
                    pace: QUICK,
                };
                aws.write_trust(&write, &meaning, &|_| ()).await.map_err(|it| it.error.code)
            })
        });
        let mut written = 0;
        for task in each.collect::<Vec<_>>() {
            match task.await.expect("no panic") {
                Ok(_) => written += 1,
                Err(code) => assert_eq!(code, "role_changed"),
            }
        }
        assert_eq!(written, 1);
    });
}
