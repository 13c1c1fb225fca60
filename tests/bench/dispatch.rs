//! Measures the overhead of a command: microseconds for each call, as JSON, of a command that does nothing, one
//! that writes a setting, and a page of jobs with none and with ten thousand recorded.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::hint::black_box;
use std::time::Instant;

use headgate_app::{Actor, App, Call};
use headgate_store::{JobState, NewJob, Store};
use serde_json::json;
use serde_json::value::to_raw_value;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = App::with_data(folder.path().join("data")).expect("threads");
    let call = |name: &str, request: &serde_json::Value| {
        let request = to_raw_value(request).expect("JSON");
        let cx = app.cx(Actor::Window, Call::unheard());
        black_box(app.call(name, &request, &cx).expect("an answer"));
    };
    let costs = |times: u32, name: &str, request: serde_json::Value| {
        call(name, &request);
        let begun = Instant::now();
        for _ in 0..times {
            call(name, &request);
        }
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    call("app_start", &json!({}));
    let nothing = costs(100_000, "calls_cancel", json!({"call": "none"}));
    let settings = costs(2_000, "settings_change", json!({}));
    let page = json!({"open": false, "before": null, "limit": 100});
    let few = costs(2_000, "jobs_list", page.clone());
    let store = Store::open(app.data().path()).expect("a database");
    for at in 0..10_000 {
        let id = at.to_string();
        let new = NewJob {
            id: &id,
            profile: "default",
            kind: "sync",
            actor: "window",
            lane: "a",
            owner: "gone",
            about: None,
            queued: "2026-11-27T10:00:00Z",
        };
        store.add_job(&new).expect("a job");
        store.end_job(&id, JobState::Failed, None, "2026-11-27T10:00:00Z").expect("its end");
    }
    let many = costs(500, "jobs_list", page);
    println!(
        "{}",
        json!({
            "a call that does nothing": nothing,
            "settings_change": settings,
            "jobs_list of none": few,
            "jobs_list, 100 of 10,000": many,
        })
    );
}
