//! Jobs in their lanes, cancelled, with defects, those of processes that are gone, and what a user is told of them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::json;

use super::*;
use crate::{Host, RunRelease};

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
fn jobs_of_a_lane_take_turns_and_say_for_which_they_wait() {
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
fn what_fails_before_it_begins_leaves_no_job() {
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
fn a_defect_in_a_job_does_not_hold_its_lane() {
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
fn jobs_of_a_process_that_is_gone_are_ended_and_those_of_one_that_lives_are_not() {
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
fn many_jobs_are_read_in_pages() {
    let (_folder, app) = app();
    let store = app.store().unwrap();
    for number in 0..1_000 {
        let id = format!("j{number}");
        store
            .add_job(&NewJob {
                id: &id,
                profile: "default",
                kind: "sync",
                actor: "window",
                lane: "a",
                owner: "gone",
                about: None,
                queued: "2026-11-27T10:00:00Z",
            })
            .unwrap();
    }
    let cx = app.cx(Actor::Window, Call::unheard());
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let request = JobsPage { open: false, before, limit: Some(100) };
        let page = app.jobs_list(&cx, &request).unwrap();
        assert!(page.jobs.len() <= 100);
        ids.extend(page.jobs.into_iter().map(|job| job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let wanted: Vec<_> = (0..1_000).rev().map(|number| format!("j{number}")).collect();
    assert_eq!(ids, wanted);
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
    assert_eq!(jobs.len(), 3);
    for job in &jobs {
        assert_eq!(job.state, JobState::Interrupted);
        assert!(job.ended.is_some() && job.error.as_ref().unwrap().code == "interrupted");
    }
    assert_eq!(jobs.iter().filter(|job| job.started.is_none()).count(), 1, "one had not begun");
}

#[test]
fn two_windows_worth_of_commands_at_once_all_get_their_answers() {
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
        for number in 0..4 {
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
            });
        }
    });
    let ended = app.store().unwrap().jobs(false, None, 200).unwrap().entries;
    assert_eq!(ended.len(), 100);
    assert!(ended.iter().all(|job| job.state == Kept::Succeeded));
    assert!(!app.has_jobs());
}

#[test]
fn giving_up_waits_for_the_sync_before_it_and_names_one_of_another_process() {
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
    let _held = app.data().hold().unwrap();
    let error = app.runs_release(&cx, &asked).unwrap_err();
    assert_eq!(error.code, "data_folder_busy");
    assert_eq!(
        error.message,
        "The sync of web, started in the terminal, is using the data folder."
    );
}

/// A desktop that keeps what its user is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Host for Told {
    fn notify(&self, notice: &Notice) {
        self.0.lock().unwrap().push(format!("{}. {}", notice.title, notice.text));
    }
}

/// A clock that goes a minute further each time it is looked at.
fn hasty() -> Timestamp {
    static AT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1_800_000_000);
    Timestamp::from_second(AT.fetch_add(60, Ordering::SeqCst)).unwrap()
}

#[test]
fn a_user_is_told_of_what_took_long_or_failed_and_of_nothing_else() {
    let (_folder, app) = app();
    let told = Told::default();
    let app = app.on(Box::new(told.clone()));
    let ends = |actor, clock, how| {
        let (tell, receive) = pair();
        tell.send(how).unwrap();
        let cx = Cx { clock, ..app.cx(actor, Call::unheard()) };
        let _ = job_in("a", &cx, &app, &receive);
        std::mem::take(&mut *told.0.lock().unwrap())
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
fn a_page_that_is_left_ends_what_only_it_waited_for() {
    let (_folder, app) = app();
    let told = Told::default();
    let app = app.on(Box::new(told.clone()));
    app.leave_page();
    assert!(told.0.lock().unwrap().is_empty());
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
    assert_eq!(told.0.lock().unwrap()[0], first);
}
