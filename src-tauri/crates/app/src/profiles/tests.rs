//! Tests of profiles through commands: added, changed, switched, removed, and what a read-only one refuses.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::played::TestApp;
use crate::{COMMANDS, Command, CoreEvent, Kind, Tag};

impl TestApp {
    fn names(&self) -> Vec<(String, bool)> {
        let listed = self.call("profiles_list", &json!({})).unwrap();
        let listed = listed["profiles"].as_array().unwrap().iter();
        listed.map(|one| (text(&one["name"]), one["in_use"].as_bool().unwrap())).collect()
    }

    fn access(&self, asked: &AwsAccess) -> Access {
        self.app.access(&self.app.cx(Actor::Window, Call::unheard()), asked).unwrap()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_new_installation_has_a_default_profile() {
    let desk = TestApp::new(true);
    assert_eq!(desk.names(), [("default".to_owned(), true)]);
    let shown = desk.call("profiles_show", &json!({"name": null})).unwrap()["profile"].clone();
    assert!(!desk.folder.path().join("data").exists(), "looking makes nothing");
    let expected = json!({
        "id": "default", "name": "default", "kind": "real", "in_use": true, "workspace_url": null,
        "workspace_id": null, "account_url": null, "account_id": null, "auth": null,
        "application_id": null,
        "aws": {"profile": null, "region": null, "endpoint_url": null, "account_id": null},
        "role_arn": null, "storage_credential": null, "external_location": null, "bucket": null,
        "prefix": null, "catalog": null, "warehouse_id": null, "writers": ["headgate"],
        "external_ids": {"headgate": null, "segment": null}, "read_only": false,
        "colour": "grey", "credentials": {"admin": "none", "principal": "none"},
    });
    assert_eq!(shown, expected);
    // It can be changed like any other.
    let change = json!({"name": "default", "settings": {"name": "Lake", "colour": "plum"}});
    let changed = desk.call("profiles_change", &change).unwrap();
    assert_eq!(changed["profile"]["colour"], "plum");
    assert!(text(&changed["profile"]["external_ids"]["headgate"]).len() == 36);
    assert_eq!(desk.names(), [("Lake".to_owned(), true)]);
}

#[test]
fn each_role_has_a_draft_that_stays_until_it_is_discarded() {
    let desk = TestApp::new(true);
    assert_eq!(desk.call("policy_drafts", &json!({})).unwrap(), json!({"drafts": []}));
    let (a, b) = ("arn:aws:iam::417620938841:role/a", "arn:aws:iam::417620938841:role/b");
    for (role, text) in [(Some(a), "of a"), (Some(b), "of b"), (None, "of nobody")] {
        let draft = json!({"draft": {"read": null, "role": role, "base": "", "text": text, "goals": [],
            "form": "guide", "access": {"profile": null, "region": null}}});
        desk.call("policy_draft_save", &draft).unwrap();
    }
    let roles = || {
        let kept = desk.call("policy_drafts", &json!({})).unwrap();
        let kept = kept["drafts"].as_array().unwrap().clone();
        kept.iter().map(|one| text(&one["role"])).collect::<Vec<_>>()
    };
    assert_eq!(roles(), ["", b, a]);
    for (role, kept) in [(json!(a), "of a"), (json!(b), "of b"), (json!(""), "of nobody")] {
        let draft = desk.call("policy_draft", &json!({ "role": role })).unwrap();
        assert_eq!(draft["draft"]["text"], kept);
    }
    assert_eq!(desk.call("policy_draft", &json!({})).unwrap()["draft"]["text"], "of nobody");
    desk.call("policy_draft_discard", &json!({"role": ""})).unwrap();
    desk.call("policy_draft_discard", &json!({"role": a})).unwrap();
    assert_eq!(roles(), [b]);
    assert_eq!(desk.call("policy_draft", &json!({ "role": a })).unwrap()["draft"], json!(null));
}

#[test]
fn saved_data_belongs_to_the_profile_in_use() {
    let desk = TestApp::new(true);
    let draft = json!({"draft": {"read": null, "role": null, "base": "", "text": "{}", "goals": [],
        "form": "guide", "access": {"profile": null, "region": null}}});
    desk.call("policy_draft_save", &draft).unwrap();
    let second = json!({"name": "second", "aws": {"profile": "work", "region": "eu-central-1",
        "endpoint_url": "http://127.0.0.1:5000"}});
    desk.call("profiles_add", &second).unwrap();
    assert_eq!(desk.access(&AwsAccess::default()).profile, None, "added is not used");
    desk.call("profiles_use", &json!({"name": "SECOND"})).unwrap();
    assert_eq!(desk.names(), [("default".to_owned(), false), ("second".to_owned(), true)]);
    assert_eq!(desk.call("policy_draft", &json!({})).unwrap()["draft"], json!(null));

    let access = desk.access(&AwsAccess::default());
    assert_eq!(
        (access.profile.as_deref(), access.region.as_deref()),
        (Some("work"), Some("eu-central-1"))
    );
    assert_eq!(access.endpoint.as_deref(), Some("http://127.0.0.1:5000"));
    let asked = AwsAccess {
        profile: Some("other".to_owned()),
        region: Some(" ".to_owned()),
        ..AwsAccess::default()
    };
    let access = desk.access(&asked);
    assert_eq!(
        (access.profile.as_deref(), access.region.as_deref()),
        (Some("other"), Some("eu-central-1"))
    );

    desk.call("profiles_use", &json!({"name": "default"})).unwrap();
    assert_eq!(desk.call("policy_draft", &json!({})).unwrap()["draft"]["text"], "{}");
    let (elsewhere, role) = (json!({"profile": "other", "role": ""}), json!({"role": ""}));
    desk.call("policy_draft_discard", &elsewhere).unwrap();
    assert_eq!(desk.call("policy_draft", &role).unwrap()["draft"]["text"], "{}");
    // It is the one in use for the next process too.
    desk.call("profiles_use", &json!({"name": "second"})).unwrap();
    let next = App::with_data(desk.folder.path().join("data")).unwrap();
    let second = next.cx(Actor::Terminal, Call::unheard()).profile;
    assert_eq!(next.profile_document(&second).unwrap().settings.name, "second");
    assert_eq!(next.cx_in("default", Actor::Terminal, Call::unheard()).unwrap().profile, "default");
    assert_eq!(
        next.cx_in("none", Actor::Terminal, Call::unheard()).err().unwrap().code,
        "profile_not_found"
    );
}

#[test]
fn a_profile_has_the_lakes_that_were_opened_in_it_or_that_its_syncs_wrote_to() {
    let desk = TestApp::new(true);
    let (opened, written, other) = (desk.path("opened"), desk.path("written"), desk.path("other"));
    let events = desk.events("events");
    let lakes = || desk.call("lakes_list", &json!({})).unwrap()["lakes"].clone();
    desk.call("lakes_remember", &json!({"lake": opened})).unwrap();
    desk.sync(&events, &written).unwrap();
    assert_eq!(lakes(), json!([written, opened]));
    desk.call("profiles_add", &json!({"name": "second"})).unwrap();
    desk.call("profiles_use", &json!({"name": "second"})).unwrap();
    assert_eq!(lakes(), json!([]));
    desk.sync(&events, &other).unwrap();
    assert_eq!(lakes(), json!([other]));
    desk.call("profiles_use", &json!({"name": "default"})).unwrap();
    assert_eq!(lakes(), json!([written, opened]));
}

#[test]
fn a_profile_is_removed_unless_it_is_in_use() {
    let desk = TestApp::new(true);
    desk.call("profiles_add", &json!({"name": "second"})).unwrap();
    assert_eq!(
        desk.call("profiles_add", &json!({"name": "Second"})).unwrap_err(),
        "profile_exists"
    );
    assert_eq!(
        desk.call("profiles_remove", &json!({"name": "default"})).unwrap_err(),
        "profile_in_use"
    );
    desk.call("profiles_use", &json!({"name": "second"})).unwrap();
    let removed = desk.call("profiles_remove", &json!({"name": "Default"})).unwrap();
    assert_eq!(removed, json!({"v": 1, "removed": "default"}));
    for (name, request) in [
        ("profiles_remove", json!({"name": "default"})),
        ("profiles_use", json!({"name": "default"})),
        ("profiles_show", json!({"name": "default"})),
        ("profiles_change", json!({"name": "default", "settings": {"name": "x"}})),
    ] {
        assert_eq!(desk.call(name, &request).unwrap_err(), "profile_not_found", "{name}");
    }
    assert_eq!(desk.names(), [("second".to_owned(), true)]);
}

#[test]
fn world_commands_are_refused_in_a_read_only_profile() {
    let desk = TestApp::new(true);
    let set = |read_only| {
        let settings = json!({"name": "default", "read_only": read_only});
        desk.call("profiles_change", &json!({"name": "default", "settings": settings})).unwrap();
    };
    // All that a request of such a command may need.
    let request =
        json!({"plan": "p", "access": {"profile": null, "region": null, "mfa_code": null}});
    let world = || COMMANDS.iter().filter(|command| command.kind == Kind::World);
    assert!(world().count() > 0);
    for command in world() {
        set(true);
        assert_eq!(desk.call(command.name, &request).unwrap_err(), "read_only", "{}", command.name);
        set(false);
        assert_ne!(desk.call(command.name, &request).unwrap_err(), "read_only", "{}", command.name);
    }
    set(true);
    desk.call("policy_draft_discard", &json!({"role": ""})).unwrap();
    // Another process may have switched it on a moment ago.
    let next = App::with_data(desk.folder.path().join("data")).unwrap();
    let cx = next.cx(Actor::Terminal, Call::unheard());
    let error = next.refuse_read_only(&cx).unwrap_err();
    assert!(error.to_string().contains("`default`") && error.hint.is_some(), "{error}");
    // A profile that is not known allows nothing.
    let nobody = Cx::new(String::new(), Actor::Window, Call::unheard());
    assert_eq!(next.refuse_read_only(&nobody).unwrap_err().code, "profile_not_found");
}

#[test]
fn only_world_commands_can_get_the_consent_of_the_user() {
    let question =
        || Confirm { title: "Change it?".into(), text: "It changes.".into(), yes: "Change".into() };
    for command in COMMANDS {
        for (is_local, agrees) in [(false, true), (false, false), (true, false)] {
            let desk = TestApp::new(agrees);
            let cx = desk.app.cx(Actor::Window, Call::unheard());
            let consent = desk
                .app
                .carry_out(command, &cx, |world| world.consent("it", is_local, question).map(drop));
            let code = consent.err().map(|error| error.code.to_string());
            let expected = match (command.kind, is_local, agrees) {
                (Kind::World, true, _) => (None, 0),
                (Kind::World, false, true) => (None, 1),
                (Kind::World, false, false) => (Some("not_confirmed"), 1),
                _ => (Some("internal"), 0),
            };
            let asked = desk.user.asked().len();
            assert_eq!((code.as_deref(), asked), expected, "{}", command.name);
        }
    }
}

#[test]
fn a_profile_made_read_only_during_the_question_gives_no_consent() {
    let desk = TestApp::new(true);
    let cx = desk.app.cx(Actor::Window, Call::unheard());
    let world = COMMANDS.iter().find(|command| command.kind == Kind::World).unwrap();
    let consent = desk.app.carry_out(world, &cx, |world| {
        let settings = json!({"name": "default", "read_only": true});
        desk.call("profiles_change", &json!({"name": "default", "settings": settings})).unwrap();
        world.consent("it", true, || unreachable!("nobody is asked")).map(drop)
    });
    assert_eq!(consent.unwrap_err().code, "read_only");
}

#[test]
fn a_page_that_shows_another_profile_changes_nothing_and_is_told() {
    let desk = TestApp::new(true);
    desk.call("profiles_add", &json!({"name": "prod"})).unwrap();
    let list = desk.call("profiles_list", &json!({})).unwrap();
    let shown = list["profiles"].as_array().unwrap().iter().find(|one| one["in_use"] == true);
    let shown = shown.unwrap()["id"].as_str().unwrap().to_owned();
    let as_shown = |command: &Command| {
        let cx = desk.app.cx(Actor::Window, Call::unheard()).shown(Some(shown.clone()));
        desk.app.carry_out(command, &cx, |_| Ok(())).map_err(|error| error.code.to_string())
    };
    assert!(COMMANDS.iter().all(|command| as_shown(command).is_ok()));
    desk.call("profiles_use", &json!({"name": "prod"})).unwrap();
    let listener = desk.app.listen();
    for command in COMMANDS {
        let expected =
            if command.kind == Kind::Read { Ok(()) } else { Err("profile_changed".to_owned()) };
        assert_eq!(as_shown(command), expected, "{}", command.name);
    }
    let told = std::iter::from_fn(|| listener.within(Duration::ZERO)).any(
        |event| matches!(event, CoreEvent::Changed { tags, .. } if tags.contains(&Tag::Profiles)),
    );
    assert!(told, "the page reads again which profile is in use");
}

#[test]
fn a_page_cannot_switch_read_only_off_by_itself() {
    let change = |read_only: bool| json!({"name": "default", "settings": {"name": "default", "read_only": read_only}});
    for (agrees, answer) in [(false, Some("not_confirmed")), (true, None)] {
        let desk = TestApp::new(agrees);
        desk.call("profiles_change", &change(true)).unwrap();
        assert!(desk.user.asked().is_empty(), "to protect it needs no question");
        let changed = desk.call("profiles_change", &change(false));
        assert_eq!(changed.err().as_deref(), answer);
        assert_eq!(desk.user.asked().len(), 1);
        let shown = desk.call("profiles_show", &json!({"name": null})).unwrap();
        assert_eq!(shown["profile"]["read_only"], !agrees);
    }
}

#[test]
fn a_removed_profile_is_profile_not_found() {
    let desk = TestApp::new(true);
    desk.call("profiles_add", &json!({"name": "other"})).unwrap();
    desk.call("profiles_use", &json!({"name": "other"})).unwrap();
    desk.call("profiles_remove", &json!({"name": "default"})).unwrap();
    assert_eq!(desk.app.profile_document(DEFAULT_PROFILE).unwrap_err().code, "profile_not_found");
}

#[test]
fn a_page_cannot_name_an_endpoint_that_the_user_did_not_confirm() {
    let (refusing, agreeing) = (TestApp::new(false), TestApp::new(true));
    let add = json!({"name": "x", "aws": {"endpoint_url": "https://evil.example"}});
    let change = json!({"name": "default", "settings": add});
    assert_eq!(refusing.call("profiles_add", &add).unwrap_err(), "not_confirmed");
    assert_eq!(refusing.call("profiles_change", &change).unwrap_err(), "not_confirmed");
    assert_eq!(refusing.access(&AwsAccess::default()).endpoint, None);
    assert!(refusing.user.asked()[0].contains("`https://evil.example`"));

    agreeing.call("profiles_change", &change).unwrap();
    // What was confirmed is not asked about again, nor is what goes away.
    agreeing.call("profiles_change", &json!({"name": "x", "settings": add})).unwrap();
    agreeing.call("profiles_change", &json!({"name": "x", "settings": {"name": "x"}})).unwrap();
    assert_eq!(agreeing.user.asked().len(), 1);
}

#[test]
fn unknown_fields_of_a_profile_are_kept() {
    let desk = TestApp::new(true);
    let document = json!({"writer": {"principal": null, "external_id": "mine"}, "later": {"a": 1},
        "aws": {"region": "us-east-1", "later": [2]}});
    let mut store = desk.app.store().unwrap();
    store.change_profile("default", |was| Ok((was.name.clone(), document.to_string()))).unwrap();
    let is = desk.app.profile_document("default").unwrap();
    assert_eq!(is.settings.external_ids.headgate.as_deref(), Some("mine"));
    let mut settings = is.settings.clone();
    settings.aws.region = None;
    settings.external_ids.headgate = None;
    desk.app.change_profile("default", |document| document.decide(settings)).unwrap();
    let kept: Value =
        serde_json::from_str(&store.profile("default").unwrap().unwrap().document).unwrap();
    assert_eq!((&kept["later"], &kept["aws"]["later"]), (&json!({"a": 1}), &json!([2])));
    assert_eq!(
        (&kept["aws"]["region"], &kept["writer"]["external_id"]),
        (&json!(null), &json!("mine"))
    );
    assert!(kept.get("name").is_none() && kept["external_ids"].get("headgate").is_none());
    // One that a later version wrote is not taken for an open one.
    store
        .change_profile("default", |was| {
            Ok((was.name.clone(), r#"{"kind": "other", "read_only": true}"#.to_owned()))
        })
        .unwrap();
    let cx = desk.app.cx(Actor::Window, Call::unheard());
    assert_eq!(desk.app.refuse_read_only(&cx).unwrap_err().code, "store_failed");
}

#[test]
fn a_profile_that_another_process_switches_to_is_the_one_in_use_here() {
    let desk = TestApp::new(true);
    desk.call("profiles_add", &json!({"name": "second"})).unwrap();
    let listener = desk.app.listen();
    assert_eq!(desk.app.cx(Actor::Window, Call::unheard()).profile, "default");
    let second = desk.app.profile_named("second").unwrap().id;
    desk.app.store().unwrap().use_profile(&second).unwrap();
    assert_eq!(
        desk.app.cx(Actor::Window, Call::unheard()).profile,
        "default",
        "it is not told yet"
    );
    let changed = json!({"profile": "default", "tags": ["profiles", "drafts"]});
    desk.app.hears(&serde_json::from_value(changed).unwrap());
    assert_eq!(desk.app.cx(Actor::Window, Call::unheard()).profile, second);
    let event = listener.within(std::time::Duration::ZERO).unwrap();
    assert!(matches!(event, CoreEvent::Changed { tags, .. } if tags.contains(&Tag::Profiles)));
}
