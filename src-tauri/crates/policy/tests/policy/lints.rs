//! Each lint with texts that it reports, and similar texts that it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use headgate_policy::{
    CellChange, Decision, Edit, Facts, Named, Policy, SEGMENT_ROLE, apply_all, axes, changes,
    lint_text, read, semantic_hash,
};
use headgate_terms::{Finding, FindingStatus, Fix, Severity};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Several(Vec<String>),
}

impl Lines {
    fn text(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Several(lines) => lines.join("\n"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    lint: String,
    fires: bool,
    text: Lines,
    #[serde(default)]
    facts: Facts,
    /// How often it fires; once when it is not said.
    count: Option<usize>,
    statement: Option<usize>,
    /// What the range covers, exactly; empty for a finding of the whole text.
    at: Option<String>,
    /// The text after the fix.
    fixed: Option<Lines>,
    /// The title.
    title: Option<String>,
    /// What the fix is called.
    label: Option<String>,
    /// The command that fixes it.
    command: Option<String>,
    /// There is no fix, for want of a value.
    #[serde(default)]
    unfixed: bool,
    /// Nothing fires at all.
    #[serde(default)]
    silent: bool,
    /// All that fires, in order.
    only: Option<Vec<String>>,
    /// The severity, where the lint has two.
    severity: Option<Severity>,
}

/// The lints, how bad each is, and whether it has a fix wherever the values for it are known.
const LINTS: [(&str, Severity, bool); 32] = {
    use Severity::{Error, Info, Security, Warning};
    [
        ("TP001", Security, true),
        ("TP002", Security, true),
        ("TP003", Security, true),
        ("TP004", Security, false),
        ("TP005", Error, true),
        ("TP006", Error, true),
        ("TP007", Error, true),
        ("TP008", Warning, true),
        ("TP009", Error, true),
        ("TP010", Security, false),
        ("TP011", Security, true),
        ("TP012", Error, true),
        ("TP013", Error, true),
        ("TP014", Warning, true),
        ("TP015", Error, false),
        ("TP016", Error, true),
        ("TP017", Warning, true),
        ("TP018", Warning, false),
        ("TP019", Warning, false),
        ("TP020", Security, false),
        ("TP021", Warning, false),
        ("TP022", Info, false),
        ("TP023", Warning, false),
        ("TP024", Warning, false),
        ("TP025", Info, false),
        ("TP026", Warning, false),
        ("TP027", Info, true),
        ("TP028", Security, false),
        ("TP029", Security, false),
        ("TP030", Warning, false),
        ("TP031", Warning, false),
        ("TP032", Warning, false),
    ]
};

fn files<T: DeserializeOwned>(name: &str) -> Vec<(String, T)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/policy");
    let mut files: Vec<_> =
        fs::read_dir(folder.join(name)).expect(name).flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect(&stem);
        let content = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{stem}: {e}"));
        (stem, content)
    };
    files.iter().map(read).collect()
}

fn cases() -> Vec<(String, Case)> {
    let all = files::<Vec<Case>>("lint").into_iter();
    all.flat_map(|(stem, cases)| cases.into_iter().map(move |case| (stem.clone(), case))).collect()
}

fn edits(finding: &Finding) -> Option<Vec<Edit>> {
    match &finding.fix {
        Some(Fix::Plan(plan)) => {
            let label = plan["label"].as_str().expect("a label");
            assert!(!label.is_empty() && !label.ends_with('.'), "{label}");
            Some(serde_json::from_value(plan["edits"].clone()).expect("edits"))
        }
        _ => None,
    }
}

#[test]
fn lints_fire_where_they_must_and_nowhere_else() {
    let cases = cases();
    let mut wrong = Vec::new();
    for (file, case) in &cases {
        let text = case.text.text();
        let findings = lint_text(&text, &case.facts).expect("a policy");
        for fault in faults(case, &text, &findings) {
            wrong.push(format!("{file}: {}: {fault}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let names: BTreeSet<&String> = cases.iter().map(|(_, case)| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    for (id, _, has_fix) in LINTS {
        let of = |fires| cases.iter().filter(move |(_, one)| one.lint == id && one.fires == fires);
        assert!(of(true).count() >= 2, "{id} fires in fewer than 2 cases");
        assert!(of(false).count() >= 2, "{id} is silent in fewer than 2 cases");
        let fixed = of(true).any(|(_, case)| {
            let found = lint_text(&case.text.text(), &case.facts).expect("a policy");
            found.iter().any(|one| one.id == id && one.fix.is_some())
        });
        assert!(fixed || !has_fix, "{id} has no case with a fix");
    }
}

fn faults(case: &Case, text: &str, findings: &[Finding]) -> Vec<String> {
    let mut wrong = Vec::new();
    let ids: Vec<&str> = findings.iter().map(|one| one.id.as_str()).collect();
    let of: Vec<&Finding> = findings.iter().filter(|one| one.id == case.lint).collect();
    let count = if case.fires { case.count.unwrap_or(1) } else { 0 };
    if of.len() != count {
        let titles: Vec<&str> = of.iter().map(|one| one.title.as_str()).collect();
        wrong.push(format!("fires {} times and not {count}: {titles:?}", of.len()));
    }
    if case.silent && !ids.is_empty() {
        let titles: Vec<&str> = findings.iter().map(|one| one.title.as_str()).collect();
        wrong.push(format!("is not silent: {ids:?} {titles:?}"));
    }
    if case.only.as_ref().is_some_and(|only| *only != ids) {
        wrong.push(format!("{ids:?} fire"));
    }
    let Some(first) = of.first() else { return wrong };
    if case.statement.is_some() && case.statement != first.statement {
        wrong.push(format!("in statement {:?}", first.statement));
    }
    if case.title.as_deref().is_some_and(|title| first.title != title) {
        wrong.push(format!("says {}", first.title));
    }
    let covered = first.range.map_or("", |range| &text[range.start..range.end]);
    if case.at.as_ref().is_some_and(|at| at != covered) {
        wrong.push(format!("stands at {covered}"));
    }
    let known = LINTS.iter().find(|(id, ..)| *id == case.lint).expect("a lint");
    if first.severity != case.severity.unwrap_or(known.1) {
        wrong.push(format!("is {:?}", first.severity));
    }
    let fixed = edits(first).map(|edits| apply_all(text, &edits).expect("a fix"));
    if let Some(expected) = &case.fixed
        && fixed.as_ref() != Some(&expected.text())
    {
        wrong.push(format!("is mended as {}", fixed.as_deref().unwrap_or("not at all")));
    }
    let label = match &first.fix {
        Some(Fix::Plan(plan)) => plan["label"].as_str(),
        _ => None,
    };
    if case.label.is_some() && case.label.as_deref() != label {
        wrong.push(format!("is mended by {label:?}"));
    }
    if case.command.is_some()
        && first.fix != case.command.as_ref().map(|command| Fix::Command(command.clone()))
    {
        wrong.push(format!("is mended by {:?}", first.fix));
    }
    if case.unfixed && first.fix.is_some() {
        wrong.push(format!("has a fix: {:?}", first.fix));
    }
    wrong
}

/// What holds of every finding, whatever lint it is of.
#[test]
fn findings_are_sorted_and_well_formed() {
    for (file, case) in cases() {
        let text = case.text.text();
        let findings = lint_text(&text, &case.facts).expect("a policy");
        let order = |one: &Finding| match one.severity {
            Severity::Error => 0,
            Severity::Security => 1,
            Severity::Warning => 2,
            Severity::Info => 3,
        };
        assert!(findings.is_sorted_by_key(order), "{file}: {}", case.name);
        for one in &findings {
            let name = format!("{file}: {}: {}", case.name, one.id);
            for part in [&one.title, &one.meaning, &one.because] {
                assert!(part.matches('`').count() % 2 == 0, "{name}: {part}");
                assert!(!part.contains("``") && !part.contains("  "), "{name}: {part}");
                // A part of a sentence that is cleaned as if it were a value.
                assert!(text.contains('`') || !part.contains(r"\u{60}"), "{name}: {part}");
                for word in ["please", "oops", "successfully", "!"] {
                    assert!(!part.to_lowercase().contains(word), "{name}: {part}");
                }
            }
            assert!(!one.title.is_empty() && !one.title.ends_with('.'), "{name}: {}", one.title);
            assert!(one.meaning.ends_with('.'), "{name}: {}", one.meaning);
            assert!(one.because.ends_with('.'), "{name}: {}", one.because);
            assert_eq!((one.step, one.evidence.len()), (4, 0), "{name}");
            let bad = matches!(one.severity, Severity::Error | Severity::Security);
            let status = if bad { FindingStatus::Failed } else { FindingStatus::Warning };
            assert_eq!(one.status, status, "{name}");
            if let Some(range) = one.range {
                assert!(text.get(range.start..range.end).is_some_and(|t| !t.is_empty()), "{name}");
            }
        }
    }
}

/// After a fix the lint has less to say, a valid text is valid still, and no cell changes that must not.
#[test]
fn fixes_remove_their_finding_and_change_nothing_else() {
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for (file, case) in cases() {
        let text = case.text.text();
        let reading = read(&text);
        let findings = lint_text(&text, &case.facts).expect("a policy");
        for one in &findings {
            let Some(edits) = edits(one) else { continue };
            let name = format!("{file}: {}: {} {}", case.name, one.id, one.title);
            let after = apply_all(&text, &edits).unwrap_or_else(|error| panic!("{name}: {error}"));
            *tried.entry(one.id.clone()).or_default() += 1;
            let left = lint_text(&after, &case.facts).expect(&name);
            let count = |findings: &[Finding]| findings.iter().filter(|f| f.id == one.id).count();
            assert!(count(&left) < count(&findings), "{name}: fires still in {after}");
            let (old, new) = (reading.policy.as_ref().unwrap(), read(&after).policy.expect(&name));
            let opened = opened(old, &new, &case.facts, one);
            assert!(opened.is_empty(), "{name}: opens {opened:?}");
            if !reading.problems.is_empty() {
                continue;
            }
            assert!(read(&after).problems.is_empty(), "{name}: {after}");
            let worse: Vec<&str> = left
                .iter()
                .filter(|one| matches!(one.severity, Severity::Error | Severity::Security))
                .map(|one| one.id.as_str())
                .filter(|id| !findings.iter().any(|one| one.id == *id))
                .collect();
            assert!(worse.is_empty(), "{name}: makes {worse:?} fire in {after}");
            let role = case.facts.role.as_ref();
            let axes = axes(&[old, &new], &case.facts.goals, role);
            // What a cell that depends depends on is written otherwise; the decisions count.
            let mut changed = changes(old, &new, &axes, role);
            changed.retain(|one| one.before != one.after);
            match one.id.as_str() {
                "TP014" | "TP017" | "TP022" => assert!(changed.is_empty(), "{name}: {changed:?}"),
                "TP027" => assert!(
                    changed.is_empty() && semantic_hash(old, role) != semantic_hash(&new, role),
                    "{name}"
                ),
                "TP001" | "TP002" | "TP003" | "TP011" => {
                    let shut = [Decision::ImplicitDeny, Decision::ExplicitDeny];
                    let opens = changed
                        .iter()
                        .find(|one| one.after == Decision::Allow && shut.contains(&one.before));
                    assert!(opens.is_none(), "{name}: opens {opens:?}");
                }
                _ => {}
            }
        }
    }
    assert!(tried.len() >= 15, "{tried:?}");
}

/// The cells that a fix opens without saying so, for somebody who is not to get in by what is known.
fn opened(old: &Policy, new: &Policy, facts: &Facts, finding: &Finding) -> Vec<CellChange> {
    let Some(Fix::Plan(plan)) = &finding.fix else { return Vec::new() };
    if plan["label"].as_str().is_some_and(|label| label.contains(", which lets ")) {
        return Vec::new();
    }
    let role = facts.role.as_ref();
    let mut wanted: Vec<String> = facts.goals.iter().map(|goal| goal.principal.clone()).collect();
    wanted.extend(facts.credential.iter().map(|one| one.unity_catalog_arn.clone()));
    wanted.extend(role.map(ToString::to_string));
    wanted.extend(facts.segment.iter().flat_map(|one| one.principals.clone()));
    wanted.push(SEGMENT_ROLE.to_owned());
    let mut changed = changes(old, new, &axes(&[old, new], &facts.goals, role), role);
    changed.retain(|one| {
        let open = |decision| matches!(decision, Decision::Allow | Decision::Unknown);
        let named = match &one.principal {
            Named::Aws(text) => text,
            _ => "",
        };
        !open(one.before) && open(one.after) && !wanted.iter().any(|arn| arn == named)
    });
    changed
}

/// What the planner makes lacks nothing that its goals want, and what IAM refuses is linted as far as it
/// can be read.
#[test]
fn the_other_corpora_are_linted_too() {
    let after: BTreeMap<String, BTreeMap<String, Vec<String>>> =
        files("patch/after").into_iter().collect();
    let mut planned = 0;
    for (file, cases) in files::<Vec<Value>>("patch") {
        for case in cases {
            let Some(lines) = after.get(&file).and_then(|of| of.get(case["name"].as_str()?)) else {
                continue;
            };
            let goals = &case["goals"];
            let facts = serde_json::json!({"role": goals["role"], "goals": goals["allow"]});
            let facts: Facts = serde_json::from_value(facts).expect("facts");
            let findings = lint_text(&lines.join("\n"), &facts).expect("a policy");
            let lacks = findings.iter().find(|one| {
                ["TP005", "TP006", "TP009"].contains(&one.id.as_str())
                    && !one.title.contains("develops")
            });
            assert!(lacks.is_none(), "{file}: {}: {lacks:?}", case["name"]);
            planned += 1;
        }
    }
    assert!(planned > 50, "{planned}");
    let mut linted = 0;
    for (file, cases) in files::<Vec<Value>>("validate") {
        for case in cases {
            let Ok(text) = serde_json::from_value::<Lines>(case["text"].clone()) else { continue };
            let text = text.text();
            let readable = read(&text).policy.is_some();
            let findings = lint_text(&text, &Facts::default());
            assert_eq!(findings.is_some(), readable, "{file}: {}", case["name"]);
            for one in findings.unwrap_or_default() {
                if let Some(edits) = edits(&one) {
                    apply_all(&text, &edits).unwrap_or_else(|error| panic!("{file}: {error}"));
                }
                linted += 1;
            }
        }
    }
    assert!(linted > 20, "{linted}");
}

#[test]
fn unreadable_text_has_no_findings() {
    for text in ["", "{", "[]", "{\"Version\": \"2012-10-17\"}", "{\"Statement\": [1]}"] {
        assert_eq!(lint_text(text, &Facts::default()), None, "{text}");
    }
}

#[test]
fn facts_cross_as_json() {
    let text = r#"{"role":"arn:aws:iam::417620938841:role/headgate-lake","goals":[{"principal":"arn:aws:iam::595280932656:root","externalId":"wk9Qm3TzR7"}],"credential":{"externalId":"id-1","unityCatalogArn":"arn:aws:iam::414351767826:root"},"maxSessionSeconds":3600}"#;
    let facts: Facts = serde_json::from_str(text).expect("facts");
    let again = serde_json::to_string(&facts).expect("facts");
    assert_eq!(serde_json::from_str::<Facts>(&again).expect("facts"), facts);
    assert!(again.contains(r#""role":"arn:aws:iam::417620938841:role/headgate-lake""#), "{again}");
    assert!(serde_json::from_str::<Facts>(r#"{"role":"headgate-lake"}"#).is_err());
}

#[test]
fn a_text_beyond_all_quotas_is_judged_as_a_whole() {
    let entry =
        "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"417620938842\"},\"Action\":\"sts:*\"}";
    let text =
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", vec![entry; 1_500].join(","));
    let findings = lint_text(&text, &Facts::default()).expect("a policy");
    let ids: Vec<String> = findings.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["TP019"]);
}
