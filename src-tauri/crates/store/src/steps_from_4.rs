//! Tests of migration steps 5 to 7 on databases of version 4: rows of the settings move into tables of their
//! own, and every profile gets an external id.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{Page, Store, schema};

/// Makes a database of version 4 with rows as that version wrote them.
fn old(mut connection: Connection, rows: &str) -> Connection {
    schema::steps().to_version(&mut connection, 4).unwrap();
    connection.execute_batch(rows).unwrap();
    connection
}

/// The same in a data folder.
fn old_folder(rows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("headgate.db")).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old(connection, rows);
    folder
}

fn migrated(rows: &str) -> Store {
    let mut connection = old(Connection::open_in_memory().unwrap(), rows);
    schema::steps().to_latest(&mut connection).unwrap();
    Store::of(connection)
}

/// Whether the first profile has nothing but an external id that was made for it.
fn has_new_id(store: &Store) -> bool {
    let document = store.profile_in_use().unwrap().unwrap().document;
    let document: Value = serde_json::from_str(&document).unwrap();
    let id = document["writer"]["external_id"].as_str().unwrap();
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    lengths == [8, 4, 4, 4, 12]
        && parts.concat().chars().all(is_hex)
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
        && document == json!({"writer": {"principal": null, "external_id": id}})
}

/// The settings that are left, by name.
fn settings(store: &Store) -> Vec<(String, String)> {
    let sql = "SELECT name, CAST(value AS TEXT) FROM settings ORDER BY name";
    let mut query = store.connection.prepare(sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn row(name: &str, value: &str) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    format!(
        "INSERT INTO settings (name, value) VALUES ('{}', '{}');\n",
        quoted(name),
        quoted(value)
    )
}

const WRITER: &str = r#"{"principal":"arn:aws:iam::111122223333:user/Ana","external_id":"5b0f7a3e-2c41-4c55-9c0e-8a3f0e6f1d20"}"#;
const LAKES: &str = r#"["s3://events/lake","/home/ana/it's \"mine\"","file:///old"]"#;
const ROLE: &str = "arn:aws:iam::111122223333:role/segment-writer";
const DRAFT: &str = r#"{"read":{"role":{"arn":"arn:aws:iam::111122223333:role/segment-writer","name":"segment-writer","path":"/","role_id":"AROAEXAMPLE000000001","trust_policy":"{}","created":"2026-01-01T00:00:00Z"},"caller":{"arn":"arn:aws:iam::111122223333:user/Ana","account":"111122223333"},"endpoints":[],"quota":2048,"self_assume_allowed":null,"principals":{}},"role":null,"base":"{\n}","text":"{\n  \"Version\": \"2012-10-17\"\n}","goals":[{"template":"segment","label":"Segment","goal":{"principal":"arn:aws:iam::595280932656:role/segment-s3-integration-production-access","externalId":"abc","sid":null},"on":true}],"form":"separate","access":{"profile":"work","region":null}}"#;
const PASTED: &str = r#"{"read":null,"role":null,"base":"","text":"{}","goals":[],"form":"guide","access":{"profile":null,"region":null}}"#;
const GOALS: &str = r#"[{"principal":"arn:aws:iam::595280932656:role/segment-s3-integration-production-access","externalId":"abc","sid":null}]"#;
const SETTINGS: &str =
    r#"{"theme":"dark","keep_runs_days":90,"keep_letters_days":30,"batch_mb":64}"#;

const KEPT: &str = r#"
    INSERT INTO lakes (id, at) VALUES ('lake 1', '/home/ana/lake'), ('lake 2', 's3://events/lake');
    INSERT INTO journal (id, at, object, document) VALUES
        ('a1', '2026-01-01T00:00:00.5Z', 'arn:aws:iam::111122223333:role/segment-writer', '{"state":"done"}'),
        ('b2', '2026-01-02T00:00:00Z', 'arn:aws:iam::111122223333:role/other', '{"state":"sent"}');
    INSERT INTO plans (id, at, document) VALUES ('p1', '2026-01-03T00:00:00Z', '{"v":1}');
    INSERT INTO runs (id, running, document) VALUES ('1-abcdef', 0, '{"started":"2026-01-01T00:00:00Z"}');
    INSERT INTO ledgers (lake, schema) VALUES ('lake 1', 'web');
"#;

#[test]
fn each_kind_of_row_is_found_in_its_table() {
    let rows = [
        KEPT.to_owned(),
        row("settings", SETTINGS),
        row("writer", WRITER),
        row("lakes", LAKES),
        row("policy_draft", DRAFT),
        row(&format!("goals of {ROLE}"), GOALS),
        row("goals of arn:aws:iam::111122223333:role/other", "[]"),
    ];
    let folder = old_folder(&rows.concat());
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(settings(&store), [("settings".to_owned(), SETTINGS.to_owned())]);

    let profiles = store.profiles().unwrap();
    assert_eq!(profiles.len(), 1);
    assert_eq!((&*profiles[0].id, &*profiles[0].name), ("default", "default"));
    assert!(profiles[0].in_use);
    let document: Value = serde_json::from_str(&profiles[0].document).unwrap();
    assert_eq!(document, json!({"writer": serde_json::from_str::<Value>(WRITER).unwrap()}));

    assert_eq!(
        store.lakes_of("default").unwrap(),
        ["s3://events/lake", "/home/ana/it's \"mine\"", "file:///old"]
    );
    store.remember_lake_of("default", "file:///old").unwrap();
    assert_eq!(store.lakes_of("default").unwrap()[..2], ["file:///old", "s3://events/lake"]);
    assert_eq!(store.lake_at("lake 1").unwrap().as_deref(), Some("/home/ana/lake"));
    assert_eq!(store.lake_at("lake 2").unwrap().as_deref(), Some("s3://events/lake"));

    let draft = store.draft("default", ROLE).unwrap().unwrap();
    assert_eq!((&*draft.role, &*draft.document), (ROLE, DRAFT), "byte for byte");
    assert!(draft.at.ends_with('Z') && draft.at.len() == 24, "{}", draft.at);
    assert_eq!(store.latest_draft("default").unwrap(), Some(draft));
    assert_eq!(store.goals("default", ROLE).unwrap().as_deref(), Some(GOALS));
    let other = "arn:aws:iam::111122223333:role/other";
    assert_eq!(store.goals("default", other).unwrap().as_deref(), Some("[]"));
    assert_eq!(store.draft("default", other).unwrap(), None);
    assert_eq!(store.drafted_roles("default").unwrap().len(), 1);

    let journal = store.journal_of("default", "trust_policy", None, None, 10).unwrap().entries;
    let found: Vec<_> = journal.iter().map(|it| (&*it.id, &*it.kind, &*it.document)).collect();
    assert_eq!(
        found,
        [
            ("b2", "trust_policy", r#"{"state":"sent"}"#),
            ("a1", "trust_policy", r#"{"state":"done"}"#)
        ]
    );
    let plan = store.plan("p1").unwrap().unwrap();
    assert_eq!(
        (&*plan.profile, &*plan.kind, &*plan.document),
        ("default", "trust_policy", r#"{"v":1}"#)
    );
    assert_eq!(store.jobs(false, None, 10).unwrap(), Page::default());
    assert_eq!(store.runs_before(None, 10).unwrap().entries[0].id, "1-abcdef");
    assert!(store.ledger("lake 1", "web").unwrap().is_some());

    // The tables are whole: the profile goes with all that came from the settings.
    store.add_profile("1", "one", "2026-01-04T00:00:00Z", "{}").unwrap();
    assert!(store.use_profile("1").unwrap() && store.remove_profile("default").unwrap());
    assert_eq!(store.goals("default", ROLE).unwrap(), None);
    assert_eq!(
        store.journal_of("default", "trust_policy", None, None, 10).unwrap().entries.len(),
        2
    );
}

#[test]
fn a_draft_is_found_by_the_role_that_it_names() {
    let pasted = |role: &str| PASTED.replace(r#""role":null"#, &format!(r#""role":{role}"#));
    let both = DRAFT.replace(r#""role":null"#, r#""role":"arn:named""#);
    for (value, role) in [
        (PASTED.to_owned(), ""),
        (pasted(r#""arn:named""#), "arn:named"),
        (both, ROLE),
        (PASTED.replace(r#""read":null,"role":null,"#, ""), ""),
    ] {
        let store = migrated(&row("policy_draft", &value));
        assert_eq!(settings(&store), [], "{value}");
        assert_eq!(store.draft("default", role).unwrap().unwrap().document, value);
        assert_eq!(store.goals("default", role).unwrap(), None);
    }
}

#[test]
fn rows_of_another_shape_stay_where_they_are() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let truncated = &DRAFT[..200];
    for (name, values) in [
        (
            "writer",
            &[
                r#"{"principal":null}"#,
                r#"{"principal":7,"external_id":"id"}"#,
                r#"{"principal":null,"external_id":7}"#,
                "[\"id\"]",
            ][..],
        ),
        (
            "lakes",
            &[r#"["/a",7]"#, r#"["/a",null]"#, r#"["/a",["/b"]]"#, r#"{"/a":"/b"}"#, r#""/a""#],
        ),
        (
            "policy_draft",
            &[
                truncated,
                r#"{"read":null,"role":null}"#,
                &PASTED.replace(r#""text":"{}""#, r#""text":{}"#),
                &PASTED.replace(r#""base":"","#, ""),
                &PASTED.replace(r#""goals":[]"#, r#""goals":{}"#),
                &PASTED.replace(r#""role":null"#, r#""role":7"#),
                &PASTED.replace(r#""read":null"#, r#""read":{"role":{}}"#),
                &PASTED.replace(r#""read":null"#, r#""read":"role""#),
                &PASTED.replace(r#""form":"guide""#, r#""form":null"#),
                "[]",
            ],
        ),
        ("goals of arn", &["{}", "[7]", r#"["a"]"#, r#""a""#]),
        // No name of a setting, though they look like one.
        ("Writer", &[WRITER]),
        ("GOALS OF arn", &["[]"]),
        ("of a later version", &["{}", "1"]),
    ] {
        let broken = ["", "{", "null", "7", "true", "not JSON", &deep];
        for value in values.iter().copied().chain(broken) {
            let store = migrated(&row(name, value));
            assert_eq!(settings(&store), [(name.to_owned(), value.to_owned())], "{name}");
            assert!(has_new_id(&store), "{name}");
            assert_eq!(store.lakes_of("default").unwrap(), [""; 0]);
            assert_eq!(store.drafted_roles("default").unwrap(), []);
            assert_eq!(store.goals("default", "arn").unwrap(), None);
        }
    }
}

#[test]
fn a_broken_row_keeps_no_other_from_its_table() {
    let rows = [
        row("writer", "{"),
        row("lakes", r#"["/a"]"#),
        row("policy_draft", "nothing"),
        row("goals of a", "[]"),
        row("goals of b", "{}"),
        "INSERT INTO settings VALUES ('goals of c', x'5b5d'), ('goals of d', x'ff00');".to_owned(),
    ];
    let store = migrated(&rows.concat());
    let left: Vec<_> = settings_names(&store);
    assert_eq!(left, ["goals of b", "goals of c", "goals of d", "policy_draft", "writer"]);
    assert_eq!(store.lakes_of("default").unwrap(), ["/a"]);
    assert_eq!(store.goals("default", "a").unwrap().as_deref(), Some("[]"));
}

fn settings_names(store: &Store) -> Vec<String> {
    let mut query = store.connection.prepare("SELECT name FROM settings ORDER BY name").unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn lakes_keep_their_order_whatever_their_number() {
    for (value, expected) in [
        ("[]", &[][..]),
        (r#"["/b","/a","/b","/a","/c"]"#, &["/b", "/a", "/c"]),
        (r#"["/c","/a","/b"]"#, &["/c", "/a", "/b"]),
    ] {
        let store = migrated(&row("lakes", value));
        assert_eq!(settings(&store), []);
        assert_eq!(store.lakes_of("default").unwrap(), expected);
    }
}

#[test]
fn a_database_without_settings_gets_an_empty_profile() {
    let store = migrated("");
    assert!(has_new_id(&store));
    assert_eq!(store.lakes_of("default").unwrap(), [""; 0]);
}

#[test]
fn opening_to_read_migrates_an_older_database() {
    let folder = old_folder(&row("lakes", LAKES));
    let store = Store::open_if_any(folder.path()).unwrap().unwrap();
    assert_eq!(store.lakes_of("default").unwrap().len(), 3);
}

/// As it is read in a folder that cannot be written, where no step can be taken.
#[test]
fn an_older_database_has_nothing_of_what_came_later() {
    for version in 1..=4 {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::steps().to_version(&mut connection, version).unwrap();
        if version == 4 {
            connection.execute_batch(KEPT).unwrap();
        }
        let store = Store::of(connection);
        assert_eq!(store.profiles().unwrap(), []);
        for found in [
            store.profile("default").unwrap(),
            store.profile_named("default").unwrap(),
            store.profile_in_use().unwrap(),
        ] {
            assert_eq!(found, None);
        }
        assert_eq!(store.lakes_of("default").unwrap(), [""; 0]);
        assert_eq!(store.lake_at("lake 1").unwrap(), None);
        assert_eq!(store.draft("default", "").unwrap(), None);
        assert_eq!(store.latest_draft("default").unwrap(), None);
        assert_eq!(store.drafted_roles("default").unwrap(), []);
        assert_eq!(store.goals("default", "").unwrap(), None);
        assert_eq!(store.job("a").unwrap(), None);
        assert_eq!(store.open_jobs().unwrap(), []);
        for only_open in [false, true] {
            assert_eq!(store.jobs(only_open, None, 10).unwrap(), Page::default());
        }
        for object in [None, Some("a")] {
            let page = store.journal_of("default", "trust_policy", object, Some("a1"), 10).unwrap();
            assert_eq!(page, Page::default());
        }
        assert_eq!(store.journal_entry("a1").unwrap(), None);
        assert_eq!(store.plan("p1").unwrap(), None);
        assert_eq!(store.setting("settings").unwrap(), None);
        let runs = store.runs_before(None, 10).unwrap().entries.len();
        assert_eq!(runs, usize::from(version == 4));
    }
}

#[test]
fn a_report_that_is_not_json_keeps_nothing_from_being_opened() {
    let runs = "INSERT INTO runs (id, running, document) VALUES
        ('1-a', 0, '{\"started\":\"2026-01-01T00:00:00Z\",\"to\":\"/a\",\"from\":\"/b\"}'),
        ('2-b', 0, '{\"started'), ('3-c', 1, ''),
        ('4-d', 0, '{\"started\":\"2026-01-02T00:00:00Z\",\"to\":\"/a\",\"from\":\"/b\"}');";
    let store = migrated(runs);
    store.forget_runs("2026-01-03T00:00:00Z", &std::collections::BTreeSet::new()).unwrap();
    let left: Vec<_> = store.runs(None).unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(left, ["4-d", "2-b"]);
}
