//! Jobs in their lanes, cancelled, with defects, and those of processes that are gone.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::*;

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
    let cx = app.cx(Actor::Window, call.clone());
    let new = NewWork { kind: JobKind::Sync, lane: "a".to_owned(), about: None, watch: call };
    app.job(
        &cx,
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
    assert!(open(&app, true).is_empty(), "a list of those that go on ends what does not");
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
