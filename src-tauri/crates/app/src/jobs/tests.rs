//! Tests of jobs: order, cancellation, panics, interrupted processes, and notifications.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use headgate_store::{JobState as StoredState, NewJob};
use headgate_sync::DataFolder;
use jiff::Timestamp;
use serde_json::json;
use serde_json::value::to_raw_value;

use super::processes::{lock_of, owners};
use super::*;
use crate::RunRelease;
use crate::api::{CallAbout, Tag};
use crate::calls::Call;
use crate::cx::Actor;
use crate::played::User;

fn app() -> (tempfile::TempDir, App) {
    let folder = tempfile::tempdir().unwrap();
    let app = App::with_data(folder.path().join("data")).unwrap();
    // Made before threads ask for it at once.
    drop(app.store().unwrap());
    (folder, app)
}

fn open(app: &App, open: bool) -> Vec<Job> {
    let cx = app.cx(Actor::Window, Call::unheard());
    app.jobs_list(&cx, &JobsPage { open, before: None, limit: None }).unwrap().jobs
}

/// Waits until jobs are as they should be.
fn until(app: &App, what: impl Fn(&[Job]) -> bool) -> Vec<Job> {
    for _ in 0..500 {
        let jobs = open(app, true);
        if what(&jobs) {
            return jobs;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?}", open(app, true))
}

/// Carries out a job that begins, and ends when it is told how.
fn job(app: &App, call: &Call, told: &Receiver<Result<JobState>>) -> Result<JobState> {
    job_in("a", &app.cx(Actor::Window, call.clone()), app, told)
}

fn about() -> CallAbout {
    CallAbout { from: "/in/web".to_owned(), to: Some("/lake".to_owned()), source: None }
}

fn job_in(lane: &str, cx: &Cx, app: &App, told: &Receiver<Result<JobState>>) -> Result<JobState> {
    let new = NewWork {
        kind: JobKind::Sync,
        lane: lane.to_owned(),
        about: Some(about()),
        watch: &cx.call,
    };
    app.job(
        cx,
        new,
        |work| {
            work.begin(Some("1-abc"));
            told.recv().unwrap()
        },
        |state| (*state, None),
    )
}

fn pair() -> (Sender<Result<JobState>>, Receiver<Result<JobState>>) {
    channel()
}

#[test]
fn jobs_of_a_lane_run_in_order_and_name_the_job_they_wait_for() {
    let (_folder, app) = app();
    let ((tell_first, first), (tell_second, second)) = (pair(), pair());
    thread::scope(|scope| {
        let app = &app;
        let one = scope.spawn(move || job(app, &Call::unheard(), &first));
        until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some());
        let other = scope.spawn(move || job(app, &Call::unheard(), &second));
        let jobs = until(app, |jobs| {
            jobs.len() == 2 && jobs.iter().any(|one| one.state == JobState::Queued)
        });
        let (waits, runs): (Vec<_>, Vec<_>) =
            jobs.iter().partition(|job| job.state == JobState::Queued);
        assert_eq!(waits[0].waits_for.as_ref(), Some(&runs[0].id));
        tell_first.send(Ok(JobState::Succeeded)).unwrap();
        one.join().unwrap().unwrap();
        let jobs = until(app, |jobs| jobs.len() == 1 && jobs[0].state == JobState::Running);
        assert_eq!(jobs[0].waits_for, None);
        tell_second.send(Ok(JobState::Partial)).unwrap();
        other.join().unwrap().unwrap();
    });
    let states: Vec<_> = open(&app, false).iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Partial, JobState::Succeeded], "newest first");
    assert!(open(&app, true).is_empty());
}

#[test]
fn a_job_is_cancelled_while_it_waits_and_asked_to_stop_while_it_runs() {
    let (_folder, app) = app();
    let ((tell, first), (_kept, second)) = (pair(), pair());
    thread::scope(|scope| {
        let app = &app;
        let cx = app.cx(Actor::Window, Call::unheard());
        let call = Call::unheard();
        let runs = call.clone();
        let one = scope.spawn(move || job(app, &call, &first));
        let running = until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some())[0].id.clone();
        let other = scope.spawn(move || job(app, &Call::unheard(), &second));
        let jobs = until(app, |jobs| jobs.len() == 2);
        let waits = jobs.iter().find(|job| job.id != running).unwrap().id.clone();
        app.jobs_cancel(&cx, &JobId { job: waits }).unwrap();
        assert_eq!(other.join().unwrap().unwrap_err().code, "cancelled");
        app.jobs_cancel(&cx, &JobId { job: running.clone() }).unwrap();
        assert!(runs.stopped());
        assert_eq!(open(app, true)[0].state, JobState::Stopping);
        tell.send(Ok(JobState::Cancelled)).unwrap();
        one.join().unwrap().unwrap();
        app.jobs_cancel(&cx, &JobId { job: running }).expect("one that has ended is left alone");
        let none = JobId { job: "none".to_owned() };
        assert_eq!(app.jobs_cancel(&cx, &none).unwrap_err().code, "job_not_found");
    });
    assert!(open(&app, false).iter().all(|job| job.state == JobState::Cancelled));
}

#[test]
fn a_command_that_fails_before_it_begins_leaves_no_job() {
    let (_folder, app) = app();
    let listener = app.listen();
    let cx = app.cx(Actor::Window, Call::unheard());
    let request = headgate_sync::RunRequest::new(
        Some("/nowhere/at/all".into()),
        "/nowhere/lake".to_owned(),
        app.data().clone(),
    );
    app.sync_run(&cx, &request, &cx.call).unwrap_err();
    assert!(open(&app, false).is_empty());
    let told: Vec<_> = std::iter::from_fn(|| listener.within(Duration::ZERO)).collect();
    let failed = told.iter().any(
        |event| matches!(event, crate::CoreEvent::Job { job } if job.state == JobState::Failed),
    );
    assert!(failed, "whoever saw it waiting hears that it failed: {told:?}");
}

#[test]
fn a_panic_in_a_job_frees_its_lane() {
    let (_folder, app) = app();
    let cx = app.cx(Actor::Window, Call::unheard());
    let new =
        || NewWork { kind: JobKind::Sync, lane: "a".to_owned(), about: None, watch: &cx.call };
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        app.job(
            &cx,
            new(),
            |_| -> Result<()> { panic!("a defect") },
            |()| (JobState::Succeeded, None),
        )
    }));
    assert!(broken.is_err());
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        app.job(
            &cx,
            new(),
            |work| -> Result<()> {
                work.begin(None);
                panic!("a defect")
            },
            |()| (JobState::Succeeded, None),
        )
    }));
    assert!(broken.is_err() && open(&app, true).is_empty());
    assert_eq!(open(&app, false)[0].state, JobState::Failed);
    app.job(&cx, new(), |_| Ok(()), |()| (JobState::Succeeded, None)).unwrap();
}

#[test]
fn jobs_of_dead_processes_are_interrupted_and_others_are_not() {
    let (_folder, app) = app();
    let store = app.store().unwrap();
    let alive = lock_of(app.data(), "alive").unwrap();
    for (id, owner, starts) in [
        ("q", "gone", false),
        ("r", "gone", true),
        ("alive-q", "alive", false),
        ("alive-r", "alive", true),
    ] {
        store
            .add_job(&NewJob {
                id,
                profile: "default",
                kind: "sync",
                actor: "terminal",
                lane: "a",
                owner,
                about: None,
                queued: "2026-11-27T10:00:00Z",
            })
            .unwrap();
        if starts {
            assert!(store.start_job(id, "2026-11-27T10:00:01Z").unwrap());
        }
    }
    assert_eq!(open(&app, true).len(), 4, "to look at jobs changes none");
    app.end_interrupted_jobs().unwrap();
    let ended: Vec<_> = open(&app, false)
        .into_iter()
        .filter(|job| job.state == JobState::Interrupted)
        .map(|job| (job.id, job.error.map(|error| error.code.to_string())))
        .collect();
    let code = || Some("interrupted".to_owned());
    assert_eq!(ended, [("r".to_owned(), code()), ("q".to_owned(), code())]);
    let ids: Vec<_> = open(&app, true).into_iter().map(|job| job.id).collect();
    assert_eq!(ids, ["alive-r", "alive-q"]);
    let cx = app.cx(Actor::Window, Call::unheard());
    let elsewhere = JobId { job: "alive-r".to_owned() };
    assert_eq!(app.jobs_cancel(&cx, &elsewhere).unwrap_err().code, "job_elsewhere");
    thread::scope(|scope| {
        let waits = scope.spawn(|| app.wait_for_others());
        thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished(), "the other lives");
        drop(alive);
        waits.join().unwrap();
    });
    assert_eq!(
        open(&app, false).iter().filter(|job| job.state == JobState::Interrupted).count(),
        4
    );
    assert!(open(&app, true).is_empty());
    assert_eq!(fs::read_dir(owners(app.data())).unwrap().count(), 0);
}

#[test]
fn a_job_whose_run_had_ended_when_its_process_was_killed_ends_as_its_run() {
    let (_folder, app) = app();
    let cx = app.cx(Actor::Window, Call::unheard());
    let events = tempfile::tempdir().unwrap();
    let event = json!({"type": "track", "event": "Seen", "messageId": "m", "userId": "u",
        "receivedAt": "2026-11-20T10:00:01Z"});
    fs::write(events.path().join("a.ndjson"), format!("{event}\n")).unwrap();
    let lake = events.path().join("lake").display().to_string();
    let request =
        headgate_sync::RunRequest::new(Some(events.path().into()), lake, app.data().clone());
    let run = app.sync_run(&cx, &request, &cx.call).unwrap();
    // As its process leaves it that is killed between the two ends: the job is open, the run is not.
    let store = app.store().unwrap();
    store
        .add_job(&NewJob {
            id: "killed",
            profile: "default",
            kind: "sync",
            actor: "terminal",
            lane: SYNC_LANE,
            owner: "gone",
            about: None,
            queued: "2026-11-27T10:00:00Z",
        })
        .unwrap();
    assert!(store.start_job("killed", "2026-11-27T10:00:01Z").unwrap());
    assert!(store.set_job_run("killed", &run.run).unwrap());
    app.end_interrupted_jobs().unwrap();
    let job = open(&app, false).into_iter().find(|job| job.id == "killed").unwrap();
    assert_eq!((job.state, job.ended), (JobState::Succeeded, run.finished));
    assert!(job.error.is_none());
}

#[test]
fn a_window_is_told_how_far_a_run_of_another_process_is() {
    let (_folder, app) = app();
    let window = std::os::unix::net::UnixListener::bind(app.data().path().join(crate::SOCKET));
    let window = window.unwrap();
    let told = |what: &str| {
        let (peer, _) = window.accept().unwrap();
        let line = BufReader::new(peer).lines().next().unwrap().unwrap();
        assert!(line.contains(what), "{line}");
    };
    let cx = app.cx(Actor::Terminal, Call::unheard());
    let new = NewWork { kind: JobKind::Sync, lane: "a".to_owned(), about: None, watch: &cx.call };
    let work = |work: &Work<'_>| {
        work.begin(Some("1-abc"));
        told("\"runs\"");
        work.reports(&json!({"events": 7}));
        told("[\"jobs\"]");
        let reads = App::with_data(app.data().path().to_owned()).unwrap();
        assert_eq!(open(&reads, true)[0].progress.as_ref().unwrap().get(), "{\"events\":7}");
        Ok(())
    };
    app.job(&cx, new, work, |()| (JobState::Succeeded, None)).unwrap();
}

#[test]
fn ten_thousand_jobs_are_read_in_pages() {
    let (_folder, app) = app();
    // Each by itself would wait for the disk.
    let insert = "WITH RECURSIVE n (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 9999) \
        INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, queued, ended) \
        SELECT 'j' || at, 'default', 'sync', 'window', 'a', CASE at % 100 WHEN 0 THEN 'running' \
        ELSE 'succeeded' END, 'other', 'q', CASE at % 100 WHEN 0 THEN NULL ELSE 'e' END FROM n";
    let made = Command::new("python3")
        .args(["-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"])
        .arg(app.data().path().join(headgate_store::FILE))
        .arg(insert)
        .status();
    assert!(made.unwrap().success());
    let cx = app.cx(Actor::Window, Call::unheard());
    let all = |open| {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let request = JobsPage { open, before, limit: Some(100) };
            let page = app.jobs_list(&cx, &request).unwrap();
            assert!(page.jobs.len() <= 100);
            ids.extend(page.jobs.into_iter().map(|job| job.id));
            before = page.next;
            if before.is_none() {
                return ids;
            }
        }
    };
    let wanted = |step| (0..10_000).step_by(step).rev().map(|at| format!("j{at}"));
    assert_eq!(all(false), wanted(1).collect::<Vec<_>>());
    assert_eq!(all(true), wanted(100).collect::<Vec<_>>());
    // A job is carried out among them as ever.
    let (tell, told) = pair();
    tell.send(Ok(JobState::Succeeded)).unwrap();
    job(&app, &Call::unheard(), &told).unwrap();
    assert_eq!(open(&app, false)[0].state, JobState::Succeeded);
}

/// The data folder of the process that another test kills.
const KILLED: &str = "HEADGATE_TEST_KILLED";

#[test]
#[ignore = "it is the process that the next test kills"]
fn a_process_with_a_job_in_every_state() {
    let app = App::with_data(std::env::var_os(KILLED).unwrap().into()).unwrap();
    drop(app.store().unwrap());
    let ((_a, first), (_b, second), (_c, third)) = (pair(), pair(), pair());
    let cx = || app.cx(Actor::Window, Call::unheard());
    let (one, two, three) = (cx(), cx(), cx());
    for how in [Ok(JobState::Partial), Err(Error::new("lake_busy", "The lake is in use."))] {
        let (tell, told) = pair();
        tell.send(how).unwrap();
        let _ = job_in("a", &cx(), &app, &told);
    }
    thread::scope(|scope| {
        let app = &app;
        scope.spawn(move || job_in("a", &one, app, &first));
        let stops = until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some())[0].id.clone();
        scope.spawn(move || job_in("a", &two, app, &second));
        scope.spawn(move || job_in("b", &three, app, &third));
        until(app, |jobs| {
            jobs.len() == 3 && jobs.iter().filter(|job| job.run.is_some()).count() == 2
        });
        app.jobs_cancel(&cx(), &JobId { job: stops }).unwrap();
        // What waits is on record a moment after it waits.
        let kept = || app.store().unwrap().open_jobs().unwrap().len();
        while kept() < 3 {
            thread::sleep(Duration::from_millis(10));
        }
        let mut states: Vec<_> = open(app, true).iter().map(|job| job.state).collect();
        states.sort_by_key(|state| *state as u8);
        println!("\nready {states:?}");
        thread::sleep(Duration::from_mins(5));
    });
}

#[test]
fn a_process_that_is_killed_leaves_its_jobs_interrupted_whatever_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "jobs::tests::a_process_with_a_job_in_every_state"])
        .args(["--ignored", "--nocapture"])
        .env(KILLED, &data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).find(|line| line.starts_with("ready")).unwrap();
    assert_eq!(ready, "ready [Queued, Running, Stopping]");
    let app = App::with_data(data).unwrap();
    app.tidy();
    assert_eq!(open(&app, true).len(), 3, "the other lives");
    thread::scope(|scope| {
        let waits = scope.spawn(|| app.wait_for_others());
        process.kill().unwrap();
        process.wait().unwrap();
        waits.join().unwrap();
    });
    assert!(open(&app, true).is_empty());
    let jobs = open(&app, false);
    let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
    let (killed, before) = states.split_at(3);
    assert_eq!(killed, [JobState::Interrupted; 3]);
    assert_eq!(before, [JobState::Failed, JobState::Partial], "what had ended stays as it ended");
    for job in &jobs[..3] {
        assert!(job.ended.is_some() && job.error.as_ref().unwrap().code == "interrupted");
    }
    assert_eq!(jobs.iter().filter(|job| job.started.is_none()).count(), 1, "one had not begun");
}

#[test]
fn concurrent_commands_all_get_answers() {
    let (_folder, app) = app();
    let asked = [
        ("settings_change", json!({"batch_mb": 64})),
        ("settings_show", json!({})),
        ("jobs_list", json!({"open": false, "before": null, "limit": 10})),
        ("runs_list", json!({"before": null, "limit": 10})),
        ("policy_draft", json!({})),
        ("lakes_list", json!({})),
        ("overview_show", json!({})),
    ];
    thread::scope(|scope| {
        // Each window hears how every job ended.
        let windows: Vec<_> = (0..2)
            .map(|number| {
                let (send, heard) = channel();
                let sink = move |text: &str| send.send(text.to_owned()).is_ok();
                let cx = app.cx(Actor::Window, Call::new(format!("w{number}"), Box::new(sink)));
                let (app, call) = (&app, cx.call.clone());
                let nothing = to_raw_value(&json!({})).unwrap();
                scope.spawn(move || app.call("events_follow", &nothing, &cx).map(drop));
                // Told again until it listens.
                while heard.recv_timeout(Duration::from_millis(10)).is_err() {
                    app.bus.changed("default", &[Tag::Jobs]);
                }
                let ended = scope.spawn(move || {
                    let mut ended = std::collections::BTreeSet::new();
                    while ended.len() < 100 {
                        let text = heard.recv_timeout(Duration::from_mins(1)).unwrap();
                        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
                        if event["kind"] == "missed" {
                            // As a page does, which asks again.
                            let jobs = open(app, false).into_iter();
                            let jobs = jobs.filter(|job| job.state == JobState::Succeeded);
                            ended.extend(jobs.map(|job| format!("\"{}\"", job.id)));
                        }
                        if event["job"]["state"] == "succeeded" {
                            ended.insert(event["job"]["id"].to_string());
                        }
                    }
                });
                (call, ended)
            })
            .collect();
        let works = |number: usize| {
            let (app, asked) = (&app, &asked);
            scope.spawn(move || {
                for round in 0..25 {
                    for (name, request) in asked {
                        let call = Call::new(format!("{number} {round}"), Box::new(|_| true));
                        let cx = app.cx(Actor::Window, call);
                        app.call(name, &to_raw_value(request).unwrap(), &cx).unwrap();
                    }
                    let (tell, told) = pair();
                    tell.send(Ok(JobState::Succeeded)).unwrap();
                    job(app, &Call::unheard(), &told).unwrap();
                }
            })
        };
        let all: Vec<_> = (0..4).map(works).collect();
        for one in all {
            one.join().unwrap();
        }
        for (call, ended) in windows {
            ended.join().unwrap();
            call.stop();
            app.wake();
        }
    });
    let ended = app.store().unwrap().jobs(false, None, 200).unwrap().entries;
    assert_eq!(ended.len(), 100);
    assert!(ended.iter().all(|job| job.state == StoredState::Succeeded));
    assert!(!app.has_jobs());
}

#[test]
fn a_release_waits_for_a_running_sync_and_at_a_terminal_names_one_of_another_process() {
    let (_folder, app) = app();
    let cx = app.cx(Actor::Window, Call::unheard());
    let asked = RunRelease { run: "7-abc".to_owned(), table: None };
    let (tell, told) = pair();
    thread::scope(|scope| {
        let (app, cx, asked) = (&app, &cx, &asked);
        let sync = scope.spawn(move || job_in(SYNC_LANE, cx, app, &told));
        let first = until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some())[0].id.clone();
        let release = scope.spawn(move || app.runs_release(cx, asked));
        let jobs = until(app, |jobs| jobs.len() == 2);
        let waits = jobs.iter().find(|job| job.kind == JobKind::Release).unwrap();
        assert_eq!((waits.state, waits.waits_for.as_ref()), (JobState::Queued, Some(&first)));
        tell.send(Ok(JobState::Succeeded)).unwrap();
        sync.join().unwrap().unwrap();
        assert_eq!(release.join().unwrap().unwrap_err().code, "run_not_found");
    });
    assert_eq!(open(&app, false).len(), 1, "what did nothing leaves no job");

    let about = serde_json::to_string(&about()).unwrap();
    let store = app.store().unwrap();
    let (actor, about) = ("terminal", Some(about.as_str()));
    let new = NewJob {
        id: "x",
        profile: "default",
        kind: "sync",
        actor,
        lane: "a",
        owner: "other",
        about,
        queued: "2026-11-27T10:00:00Z",
    };
    store.add_job(&new).unwrap();
    store.start_job("x", "2026-11-27T10:00:00Z").unwrap();
    store.set_job_run("x", "8-abc").unwrap();
    drop(store);
    let held = app.data().hold().unwrap();
    let error = app.runs_release(&app.cx(Actor::Terminal, Call::unheard()), &asked).unwrap_err();
    assert_eq!(error.code, "data_folder_busy");
    assert_eq!(
        error.message,
        "The sync of web, started in the terminal, is using the data folder."
    );
    thread::scope(|scope| {
        let (app, cx, asked) = (&app, &cx, &asked);
        let release = scope.spawn(move || app.runs_release(cx, asked));
        let waits = |job: &Job| {
            job.kind == JobKind::Release
                && job.state == JobState::Queued
                && job.waits_for.as_deref() == Some("x")
        };
        until(app, |jobs| jobs.iter().any(waits));
        drop(held);
        assert_eq!(release.join().unwrap().unwrap_err().code, "run_not_found");
    });
}

/// A clock that goes a minute further each time it is looked at.
fn hasty() -> Timestamp {
    static AT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1_800_000_000);
    Timestamp::from_second(AT.fetch_add(60, Ordering::SeqCst)).unwrap()
}

#[test]
fn only_long_or_failed_jobs_are_notified() {
    let (_folder, app) = app();
    let told = User::default();
    let app = app.on(Box::new(told.clone()));
    let ends = |actor, clock, how| {
        let (tell, receive) = pair();
        tell.send(how).unwrap();
        let cx = Cx { clock, ..app.cx(actor, Call::unheard()) };
        let _ = job_in("a", &cx, &app, &receive);
        told.told()
    };
    let quick: crate::cx::Clock = || Timestamp::UNIX_EPOCH;
    let failed = || Err(Error::new("lake_busy", "The lake is in use."));
    let nothing: [String; 0] = [];
    assert_eq!(ends(Actor::Window, quick, Ok(JobState::Succeeded)), nothing);
    assert_eq!(ends(Actor::Window, hasty, Ok(JobState::Cancelled)), nothing);
    assert_eq!(ends(Actor::Terminal, hasty, failed()), nothing);
    let done = "The sync of web is done. Open Headgate to see what it did.";
    assert_eq!(ends(Actor::Window, hasty, Ok(JobState::Succeeded)), [done]);
    let failure = "The sync of web failed. The lake is in use.";
    assert_eq!(ends(Actor::Window, quick, failed()), [failure]);
}

#[test]
fn a_closed_page_cancels_its_reads_and_keeps_its_jobs() {
    let (_folder, app) = app();
    let told = User::default();
    let app = app.on(Box::new(told.clone()));
    app.leave_page();
    assert!(told.told().is_empty());
    let (tell, receive) = pair();
    thread::scope(|scope| {
        let app = &app;
        let call = Call::unheard();
        let goes_on = call.clone();
        let work = scope.spawn(move || job(app, &call, &receive));
        let page = app.cx(Actor::Window, Call::new("page", Box::new(|_| true)));
        let follows = scope
            .spawn(move || app.call("events_follow", &to_raw_value(&json!({})).unwrap(), &page));
        until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some());
        // Left again until it listens.
        while !follows.is_finished() {
            app.leave_page();
            thread::sleep(Duration::from_millis(10));
        }
        follows.join().unwrap().unwrap();
        assert!(!goes_on.stopped() && app.has_jobs());
        let waits = scope.spawn(|| app.wait_for_jobs());
        tell.send(Ok(JobState::Succeeded)).unwrap();
        work.join().unwrap().unwrap();
        waits.join().unwrap();
    });
    let first = "The sync of web goes on. Open Headgate again to follow it.";
    assert_eq!(told.told()[0], first);
}

/// Takes the database away while something goes on: nothing can be read or written meanwhile.
fn without_database<T>(data: &DataFolder, meanwhile: impl FnOnce() -> T) -> T {
    let (file, aside) = (data.path().join(headgate_store::FILE), data.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    fs::create_dir(&file).unwrap();
    let done = meanwhile();
    fs::remove_dir(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    done
}

#[test]
fn the_end_of_a_job_is_recorded_later_when_the_store_fails() {
    let (_folder, app) = app();
    let ((tell, told), cx) = (pair(), app.cx(Actor::Window, Call::unheard()));
    let (first, second) = thread::scope(|scope| {
        let (app, cx) = (&app, &cx);
        let runs = scope.spawn(move || job(app, &Call::unheard(), &told));
        let first = until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some())[0].id.clone();
        let fails = scope.spawn(move || {
            let (lane, watch) = ("a".to_owned(), &cx.call);
            let new = NewWork { kind: JobKind::Sync, lane, about: None, watch };
            let failed = |_: &Work<'_>| Err(Error::new("lake_busy", "The lake is in use."));
            app.job(cx, new, failed, |()| (JobState::Succeeded, None))
        });
        let kept = || app.store().unwrap().open_jobs().unwrap();
        while kept().len() < 2 {
            thread::sleep(Duration::from_millis(10));
        }
        let second = kept()[1].id.clone();
        without_database(app.data(), || {
            tell.send(Ok(JobState::Partial)).unwrap();
            runs.join().unwrap().unwrap();
            assert_eq!(fails.join().unwrap().unwrap_err().code, "lake_busy");
        });
        (first, second)
    });
    assert!(!app.has_jobs());
    assert_eq!(app.store().unwrap().open_jobs().unwrap().len(), 2, "the store does not know yet");
    assert!(open(&app, true).is_empty(), "what is shown is so all the same");
    let jobs = open(&app, false);
    assert_eq!((jobs.len(), &jobs[0].id, jobs[0].state), (1, &first, JobState::Partial));
    assert!(jobs[0].ended.is_some());
    app.jobs_cancel(&cx, &JobId { job: first.clone() }).expect("it has ended");
    let kept = || app.store().unwrap().job(&first).unwrap().unwrap();
    let begun = std::time::Instant::now();
    while kept().state == StoredState::Running {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is tried again");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((kept().state, kept().ended), (StoredState::Partial, jobs[0].ended.clone()));
    let gone = || app.store().unwrap().job(&second).unwrap().is_none();
    until(&app, |_| gone());
}

#[test]
fn a_job_without_a_recorded_end_is_interrupted_at_the_next_start() {
    let (folder, app) = app();
    let (tell, told) = pair();
    let data = DataFolder::new(folder.path().join("data"));
    thread::scope(|scope| {
        let app = &app;
        let runs = scope.spawn(move || job(app, &Call::unheard(), &told));
        until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some());
        without_database(&data, || {
            tell.send(Ok(JobState::Succeeded)).unwrap();
            runs.join().unwrap().unwrap();
        });
    });
    without_database(&data, || app.close());
    let app = App::with_data(data.path().to_owned()).unwrap();
    assert_eq!(open(&app, true).len(), 1);
    app.tidy();
    assert!(open(&app, true).is_empty());
    assert_eq!(open(&app, false)[0].state, JobState::Interrupted);
}

#[test]
fn closing_records_the_job_ends_that_failed_before() {
    let (folder, app) = app();
    let (tell, told) = pair();
    let data = DataFolder::new(folder.path().join("data"));
    thread::scope(|scope| {
        let app = &app;
        let runs = scope.spawn(move || job(app, &Call::unheard(), &told));
        until(app, |jobs| jobs.len() == 1 && jobs[0].run.is_some());
        without_database(&data, || {
            tell.send(Ok(JobState::Succeeded)).unwrap();
            runs.join().unwrap().unwrap();
        });
    });
    app.close();
    let app = App::with_data(data.path().to_owned()).unwrap();
    app.tidy();
    assert_eq!(open(&app, false)[0].state, JobState::Succeeded);
}

#[test]
fn a_sync_of_the_window_waits_for_the_run_of_another_process() {
    let (folder, app) = app();
    let events = folder.path().join("events.ndjson");
    fs::write(&events, r#"{"type":"track","event":"A","messageId":"1"}"#).unwrap();
    let lake = folder.path().join("lake").display().to_string();
    let sync = |actor, call| {
        let request =
            headgate_sync::RunRequest::new(Some(events.clone()), lake.clone(), app.data().clone());
        let cx = app.cx(actor, call);
        app.sync_run(&cx, &request, &cx.call)
    };
    let about = serde_json::to_string(&about()).unwrap();
    let _alive = lock_of(app.data(), "other").unwrap();
    {
        let store = app.store().unwrap();
        let new = NewJob {
            id: "x",
            profile: "default",
            kind: "sync",
            actor: "terminal",
            lane: SYNC_LANE,
            owner: "other",
            about: Some(&about),
            queued: "2026-11-27T10:00:00Z",
        };
        store.add_job(&new).unwrap();
        store.start_job("x", "2026-11-27T10:00:00Z").unwrap();
        store.set_job_run("x", "8-abc").unwrap();
    }
    let held = app.data().hold().unwrap();
    let refused = sync(Actor::Terminal, Call::unheard()).unwrap_err();
    assert_eq!(refused.code, "data_folder_busy");
    let waits = |jobs: &[Job]| {
        let mut queued = jobs.iter().filter(|job| job.state == JobState::Queued);
        queued.next().filter(|job| job.waits_for.as_deref() == Some("x")).map(|job| job.id.clone())
    };
    thread::scope(|scope| {
        let (app, sync) = (&app, &sync);
        let cx = app.cx(Actor::Window, Call::unheard());
        let stopped = scope.spawn(move || sync(Actor::Window, Call::unheard()));
        let id = waits(&until(app, |jobs| waits(jobs).is_some())).unwrap();
        app.jobs_cancel(&cx, &JobId { job: id }).unwrap();
        assert_eq!(stopped.join().unwrap().unwrap_err().code, "cancelled");
        let begins = scope.spawn(move || sync(Actor::Window, Call::unheard()));
        until(app, |jobs| waits(jobs).is_some());
        drop(held);
        assert_eq!(begins.join().unwrap().unwrap().events.written, 1);
    });
    let states: Vec<_> = open(&app, false).into_iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Succeeded, JobState::Cancelled, JobState::Running]);
}
