//! Test of the `reads` and `stale` of the command table: calls every command that changes something, and
//! compares the answers that the page keeps current before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use headgate_store::{JobState, NewJob};
use headgate_terms::Result;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::serve::line;
use crate::sessions::tests::{Played, ROLE, home_of, policy};
use crate::{Actor, App, COMMANDS, Call, Choose, Command, Confirm, Host, Kind, SaveAs, Tag};

/// What is not seen below, with why.
const NOT_SHOWN: [(&str, Tag); 2] = [
    // A release is on record where it had to wait for its turn.
    ("runs_release", Tag::Jobs),
    // A job that is asked to stop shows that until it has stopped, which takes no time here.
    ("jobs_cancel", Tag::Jobs),
];

/// A user who agrees to everything.
struct Agrees;

impl Host for Agrees {
    fn confirm(&self, _: &Confirm) -> Result<bool> {
        Ok(true)
    }

    fn choose(&self, _: &Choose) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn save_as(&self, _: &SaveAs) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn copy(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// An application, the lake of its runs, and what was found out of its commands.
struct Core {
    app: App,
    folder: PathBuf,
    called: BTreeSet<&'static str>,
    /// What each command was seen to make stale, and what each answer was seen to read.
    made_stale: BTreeSet<(&'static str, Tag)>,
    read: BTreeSet<(&'static str, Tag)>,
}

impl Core {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn call(&self, name: &str, request: &Value) -> Result<Value> {
        let cx = self.app.cx(Actor::Window, Call::new("c1", Box::new(|_| true)));
        let answer = self.app.call(name, &to_raw_value(request).unwrap(), &cx)?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// What each answer is asked for with that is kept up to date.
    fn question(&self, name: &str) -> Value {
        let table = json!({"lake": self.path("lake"), "table": "web.ordered"});
        match name {
            "overview_show" | "lakes_list" | "policy_drafts" | "policy_draft" | "aws_profiles"
            | "settings_show" | "profiles_list" => json!({}),
            "runs_list" => json!({"before": null, "limit": null}),
            "runs_show" => json!({"run": "1"}),
            "runs_rejected_lines" => json!({"run": "1", "reason": null, "from": 0}),
            "runs_discards" => json!({"run": "1", "from": 0}),
            "tables_list" => json!({"lake": self.path("lake")}),
            "tables_show" | "tables_history" | "tables_rows" | "tables_files" => table,
            "policy_analyze" => {
                json!({"text": policy("417620938841").replace("root", "role/admin"),
                "base": null, "facts": {}})
            }
            "policy_templates" => json!({"role": ROLE, "text": "{}"}),
            "role_history" => json!({"role": ROLE}),
            "profiles_show" => json!({"name": null}),
            "jobs_list" => json!({"open": false, "before": null, "limit": null}),
            _ => panic!("how is `{name}` asked for?"),
        }
    }

    /// All answers that are kept up to date, or why there is none.
    fn answers(&self) -> BTreeMap<&'static str, Value> {
        let kept = COMMANDS.iter().filter(|command| !command.reads.is_empty());
        let answer = |command: &Command| {
            let answer = self.call(command.name, &self.question(command.name));
            let mut answer = answer.unwrap_or_else(|error| json!(error.code));
            // The size of the database says nothing of what is in it.
            answer.as_object_mut().map(|answer| answer.remove("database_bytes"));
            answer
        };
        kept.map(|command| (command.name, answer(command))).collect()
    }

    /// Calls a command and compares what it changed with its line.
    fn changes(&mut self, command: &Command, request: &Value) -> Result<Value> {
        let before = self.answers();
        let answer = self.call(command.name, request);
        let after = self.answers();
        self.called.insert(command.name);
        for shown in COMMANDS.iter().filter(|shown| before.get(shown.name) != after.get(shown.name))
        {
            let tags: Vec<Tag> =
                shown.reads.iter().copied().filter(|tag| command.stales.contains(tag)).collect();
            assert!(
                !tags.is_empty(),
                "`{}` changed what `{}` shows, and its line does not say so",
                command.name,
                shown.name
            );
            self.made_stale.extend(tags.iter().map(|tag| (command.name, *tag)));
            self.read.extend(tags.iter().map(|tag| (shown.name, *tag)));
        }
        answer
    }

    fn events(&self, name: &str, plans: &[Value]) -> String {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let event = |(at, plan): (usize, &Value)| {
            json!({"type": "track", "event": "Ordered", "messageId": format!("{name} {at}"),
                "userId": "u", "timestamp": "2026-11-20T10:00:00Z",
                "receivedAt": "2026-11-20T10:00:01Z", "properties": {"total": plan}})
        };
        let lines: Vec<String> =
            plans.iter().enumerate().map(|each| event(each).to_string()).collect();
        std::fs::write(folder.join("a.ndjson"), lines.join("\n") + "\nno event\n").unwrap();
        folder.display().to_string()
    }
}

/// Lets another program put a constraint on a table, under which Headgate does not write.
fn constrain(table: &Path) {
    let log = table.join("_delta_log");
    let is_commit = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    let files = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
    let mut commits: Vec<PathBuf> = files.filter(is_commit).collect();
    commits.sort();
    let text = std::fs::read_to_string(&commits[0]).unwrap();
    let actions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| actions.iter().find_map(|action| action.get(name)).unwrap().clone();
    let (mut metadata, mut protocol) = (of("metaData"), of("protocol"));
    metadata["configuration"]["delta.constraints.some"] = json!("total > 0");
    if let Some(features) = protocol["writerFeatures"].as_array_mut() {
        features.push(json!("checkConstraints"));
    } else {
        protocol["minWriterVersion"] = json!(3);
    }
    let commit = json!({"timestamp": 1_790_000_000_000_u64, "operation": "ADD CONSTRAINT"});
    let actions = [
        json!({"commitInfo": commit}),
        json!({"protocol": protocol}),
        json!({"metaData": metadata}),
    ];
    let text = actions.map(|action| action.to_string()).join("\n");
    std::fs::write(log.join(format!("{:020}.json", commits.len())), text).unwrap();
}

#[test]
fn the_stale_tags_of_each_command_are_what_it_changes() {
    home_of("truth::the_stale_tags_of_each_command_are_what_it_changes", |played: Played| {
        let address = played.address().to_owned();
        let folder = played.folder.path().to_owned();
        let app = App::with_data(folder.join("own")).unwrap().on(Box::new(Agrees));
        let core = &mut Core {
            app,
            folder,
            called: BTreeSet::new(),
            made_stale: BTreeSet::new(),
            read: BTreeSet::new(),
        };
        all_changes(core, &address);

        let changing = || COMMANDS.iter().filter(|command| command.kind != Kind::Read);
        let names: BTreeSet<&str> = changing().map(|command| command.name).collect();
        assert_eq!(core.called, names, "every command that changes something is called");
        core.made_stale.extend(NOT_SHOWN);
        let said = |tags: fn(&Command) -> &'static [Tag]| {
            COMMANDS.iter().flat_map(move |one| tags(one).iter().map(|tag| (one.name, *tag)))
        };
        let is_not = |pair: &(&str, Tag)| !core.made_stale.contains(pair);
        let stales: Vec<_> = said(|command| command.stales).filter(is_not).collect();
        let is_not = |pair: &(&str, Tag)| !core.read.contains(pair);
        let reads: Vec<_> = said(|command| command.reads).filter(is_not).collect();
        assert_eq!((stales, reads), (Vec::new(), Vec::new()), "what was not seen");
    });
}

/// Makes the first run and its job so old that they are not kept.
fn age(app: &App) {
    let store = app.store().unwrap();
    let run = store.run("1").unwrap().unwrap();
    let mut document: Value = serde_json::from_str(&run.document).unwrap();
    document["started"] = json!("2020-01-01T00:00:00.000Z");
    store.save_run(&run.id, false, &document.to_string()).unwrap();
    store
        .add_job(&NewJob {
            id: "old",
            profile: "default",
            kind: "sync",
            actor: "window",
            lane: "syncs",
            owner: "gone",
            about: None,
            queued: "2020-01-01T00:00:00Z",
        })
        .unwrap();
    store.end_job("old", JobState::Failed, None, "2020-01-01T00:00:00Z").unwrap();
}

/// Calls every command that changes something, in an order in which each can.
fn all_changes(core: &mut Core, address: &str) {
    let access = json!({"profile": null, "region": null, "mfa_code": null});
    // The first makes the database, and with it the first profile.
    core.call("app_start", &json!({})).unwrap();
    core.changes(&line::app_start, &json!({})).unwrap();
    let aws = json!({"profile": "user", "endpoint_url": address});
    let settings = json!({"name": "default", "aws": aws});
    let change = json!({"name": "default", "settings": settings});
    core.changes(&line::profiles_change, &change).unwrap();

    let sync = |core: &Core, from: &str| json!({"from": from, "to": core.path("lake"), "source": "web", "again": false});
    let first = core.events("first", &[json!(1), json!(2)]);
    let request = sync(core, &first);
    let run = core.changes(&line::sync_start, &request).unwrap();
    assert_eq!(run["events"]["written"], 2, "{run}");
    // Of each place the latest run is kept, however old it is.
    core.changes(&line::sync_start, &request).unwrap();
    constrain(&core.folder.join("lake/web/ordered"));
    let second = core.events("second", &[json!(3)]);
    let request = sync(core, &second);
    let run = core.changes(&line::sync_start, &request).unwrap();
    let release = json!({"run": run["run"], "table": null});
    core.changes(&line::runs_release, &release).unwrap();

    let save = json!({"run": run["run"], "reason": null});
    core.changes(&line::runs_rejected_save, &save).unwrap();

    let opened = core.path("opened");
    std::fs::create_dir(&opened).unwrap();
    core.changes(&line::lakes_remember, &json!({"lake": opened})).unwrap();
    core.changes(&line::lakes_forget, &json!({"lake": opened})).unwrap();
    let needs = core.call("overview_show", &json!({})).unwrap();
    let id = needs["needs"][0]["id"].clone();
    core.changes(&line::overview_mute, &json!({"id": id, "muted": true})).unwrap();
    let sample = core.changes(&line::sample_create, &json!({})).unwrap();
    let all = json!({"from": sample["from"], "to": sample["to"], "source": "shop", "again": false});
    core.call("sync_start", &all).unwrap();
    core.changes(&line::sample_remove, &json!({})).unwrap();
    core.changes(&line::host_copy, &json!({"text": "x"})).unwrap();
    core.changes(&line::page_log_error, &json!({"kind": "error", "text": "x"})).unwrap();
    core.changes(&line::calls_cancel, &json!({"call": "none"})).unwrap();
    core.changes(&line::jobs_cancel, &json!({"job": "none"})).unwrap_err();

    let read = json!({"role": ROLE, "access": access});
    let read = core.changes(&line::role_read, &read).unwrap();
    let goal = json!({"principal": ROLE, "externalId": "mine", "sid": null});
    let goals = json!([{"template": "self", "label": "Me", "goal": goal, "on": true}]);
    let draft = json!({"draft": {"read": read, "role": null, "base": "{}", "text": "{}",
        "goals": goals, "form": "guide", "access": access}});
    core.changes(&line::policy_draft_save, &draft).unwrap();
    let plan = json!({"role": ROLE, "role_id": read["role"]["role_id"],
        "before": read["role"]["trust_policy"], "after": policy("414351767826"), "goals": [],
        "access": access});
    let plan = core.changes(&line::role_plan, &plan).unwrap();
    let apply = json!({"plan": plan["id"], "access": access});
    let applied = core.changes(&line::role_apply, &apply).unwrap();
    assert_eq!(applied["outcome"], "written", "{applied}");
    let change = json!({"change": applied["change"]["id"], "access": access});
    core.changes(&line::role_restore, &change).unwrap();

    core.changes(&line::policy_draft_discard, &json!({"role": ROLE})).unwrap();

    age(&core.app);
    let settings = json!({"theme": "dark", "keep_runs_days": 30});
    core.changes(&line::settings_change, &settings).unwrap();

    core.changes(&line::profiles_add, &json!({"name": "second"})).unwrap();
    core.changes(&line::profiles_use, &json!({"name": "second"})).unwrap();
    core.changes(&line::profiles_remove, &json!({"name": "default"})).unwrap();
}
