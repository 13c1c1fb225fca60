//! The cases in `tests/fixtures/policy`, with expected answers that follow AWS's rules and not this code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use headgate_policy::{
    CellChange, Context, Decision, Edit, Form, Goals, Named, PatchPlan, Policy, QUOTA, Request,
    axes, cells, changes, decide, explain, plan, read,
};
use headgate_terms::Arn;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/policy").join(name)
}

/// Every case of a folder, with the file that it stands in.
pub(crate) fn cases<T: DeserializeOwned>(name: &str) -> Vec<(String, T)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder(name)).expect(name).flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    let mut cases = Vec::new();
    for path in files {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect(&stem);
        let found: Vec<T> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{stem}: {error}"));
        cases.extend(found.into_iter().map(|case| (stem.clone(), case)));
    }
    cases
}

/// Fails with all that is wrong, not with the first.
pub(crate) fn all_right(wrong: &[String], of: usize, least: usize) {
    assert!(of >= least, "{of} cases, and {least} are promised");
    assert!(wrong.is_empty(), "{} of {of} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Several(Vec<String>),
    Repeat { repeat: String, times: usize },
}

impl Lines {
    fn text(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Several(lines) => lines.join("\n"),
            Self::Repeat { repeat, times } => repeat.repeat(*times),
        }
    }
}

#[derive(Deserialize)]
struct Validate {
    name: String,
    text: Lines,
    errors: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    code: String,
    line: Option<usize>,
    column: Option<usize>,
    /// What the message says, among other things.
    says: Option<String>,
}

#[test]
fn texts_are_refused_as_iam_refuses_them() {
    let cases = cases::<Validate>("validate");
    let mut wrong = Vec::new();
    for (file, case) in &cases {
        let reading = read(&case.text.text());
        let found: Vec<(String, usize, usize)> = reading
            .problems
            .iter()
            .map(|problem| {
                let code = serde_json::to_value(problem.code).unwrap();
                (code.as_str().unwrap().to_owned(), problem.line, problem.column)
            })
            .collect();
        let fits = found.len() == case.errors.len()
            && found.iter().zip(&case.errors).all(|(found, expected)| {
                found.0 == expected.code
                    && expected.line.is_none_or(|line| line == found.1)
                    && expected.column.is_none_or(|column| column == found.2)
            });
        for (problem, expected) in reading.problems.iter().zip(&case.errors) {
            if problem.message.contains(r"\u{60}") && !case.text.text().contains('`') {
                wrong.push(format!("{file}: {}: says {}", case.name, problem.message));
            }
            if expected.says.as_deref().is_some_and(|says| !problem.message.contains(says)) {
                wrong.push(format!("{file}: {}: says {}", case.name, problem.message));
            }
        }
        if !fits {
            let expected: Vec<_> =
                case.errors.iter().map(|one| (&one.code, one.line, one.column)).collect();
            wrong.push(format!("{file}: {}: {found:?} and not {expected:?}", case.name));
        }
        if case.errors.is_empty() && reading.policy.is_none() {
            wrong.push(format!("{file}: {}: no policy", case.name));
        }
    }
    all_right(&wrong, cases.len(), 120);
}

#[derive(Deserialize)]
struct Evaluate {
    name: String,
    policy: Value,
    requests: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    name: Option<String>,
    principal: Named,
    action: String,
    context: BTreeMap<String, Value>,
    #[serde(default)]
    unknown: Vec<String>,
    role: Option<String>,
    decision: Decision,
    statements: Vec<usize>,
}

fn request(asked: &Asked) -> Request {
    let role: Option<Arn> = asked.role.as_ref().map(|role| role.parse().expect("a role"));
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut context = Context::new();
    for (key, value) in &asked.context {
        let values = match value {
            Value::Array(values) => values.iter().map(word).collect(),
            one => vec![word(one)],
        };
        context.set(key, values);
    }
    asked.unknown.iter().for_each(|key| context.hide(key));
    let caller = asked.principal.caller(role.as_ref()).expect("a caller");
    Request { caller, action: asked.action.clone(), context, role }
}

#[test]
fn requests_are_decided_as_aws_decides_them() {
    let cases = cases::<Evaluate>("evaluate");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (file, case) in &cases {
        let text = case.policy.to_string();
        let policy = read(&text).valid().unwrap_or_else(|p| panic!("{file}: {}: {p:?}", case.name));
        for (at, asked) in case.requests.iter().enumerate() {
            count += 1;
            let request = request(asked);
            let verdict = decide(&policy, &request);
            let name = asked.name.clone().unwrap_or_else(|| at.to_string());
            if (verdict.decision, &verdict.statements) != (asked.decision, &asked.statements) {
                wrong.push(format!(
                    "{file}: {}: {name}: {:?} by {:?} and not {:?} by {:?}",
                    case.name,
                    verdict.decision,
                    verdict.statements,
                    asked.decision,
                    asked.statements
                ));
            }
            let explained = explain(&policy, &text, &request);
            if (explained.decision, explained.statements) != (verdict.decision, verdict.statements)
            {
                wrong.push(format!("{file}: {}: {name}: explained otherwise", case.name));
            }
            if !explained.because.ends_with('.')
                || explained.because.contains("``")
                || explained.because.contains(r"\u{60}")
            {
                wrong.push(format!("{file}: {}: {name}: {}", case.name, explained.because));
            }
        }
    }
    all_right(&wrong, count, 300);
}

#[derive(Deserialize)]
struct Patch {
    name: String,
    before: Lines,
    goals: Goals,
    form: Form,
    #[serde(default = "quota")]
    quota: usize,
    expect: Expect,
    operations: Option<Vec<String>>,
    opens: Option<Vec<(String, Option<String>)>>,
    statement: Option<usize>,
    /// What a refusal says, among other things.
    says: Option<String>,
    /// What it does not say.
    unsaid: Option<String>,
}

fn quota() -> usize {
    QUOTA
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Expect {
    Satisfied,
    Planned,
    Refused(Value),
}

/// What each plan makes of its text, as it was looked at and found good.
type After = BTreeMap<String, Vec<String>>;

#[test]
fn plans_change_what_they_must_and_nothing_else() {
    let cases = cases::<Patch>("patch");
    let mut wrong = Vec::new();
    let mut after: BTreeMap<String, After> = BTreeMap::new();
    for (file, case) in &cases {
        let text = case.before.text();
        let policy = read(&text).valid().unwrap_or_else(|p| panic!("{file}: {}: {p:?}", case.name));
        let made = plan(&text, &policy, &case.goals, case.form, case.quota)
            .unwrap_or_else(|error| panic!("{file}: {}: {error}", case.name));
        for fault in faults(case, &text, &policy, &made) {
            wrong.push(format!("{file}: {}: {fault}", case.name));
        }
        if !made.operations.is_empty() {
            let lines = made.after.split('\n').map(str::to_owned).collect();
            after.entry(file.clone()).or_default().insert(case.name.clone(), lines);
        }
    }
    for (file, made) in after {
        let path = folder("patch/after").join(format!("{file}.json"));
        if std::env::var_os("HEADGATE_WRITE_EXPECTED").is_some() {
            fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
        }
        let was: After = fs::read_to_string(&path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let names: std::collections::BTreeSet<&String> = was.keys().chain(made.keys()).collect();
        for name in names {
            if was.get(name) != made.get(name) {
                wrong.push(format!("{file}: {name}: the text is another than the recorded one"));
            }
        }
    }
    all_right(&wrong, cases.len(), 150);
}

fn faults(case: &Patch, text: &str, policy: &Policy, made: &PatchPlan) -> Vec<String> {
    let mut wrong = Vec::new();
    let is = match &made.refused {
        Some(refused) => Expect::Refused(serde_json::to_value(refused.code).expect("a code")),
        None if made.satisfied => Expect::Satisfied,
        None => Expect::Planned,
    };
    if is != case.expect {
        let why = made.refused.as_ref().map_or("", |refused| &refused.message);
        wrong.push(format!("{is:?} and not {:?} {why}", case.expect));
        return wrong;
    }
    let message = made.refused.as_ref().map_or("", |refused| &refused.message);
    if message.contains(r"\u{60}") {
        wrong.push(format!("says {message}"));
    }
    if case.says.as_deref().is_some_and(|says| !message.contains(says))
        || case.unsaid.as_deref().is_some_and(|unsaid| message.contains(unsaid))
    {
        wrong.push(format!("says {message}"));
    }
    if is != Expect::Planned {
        if made.after != text || !made.operations.is_empty() {
            wrong.push("the text is not as it was".to_owned());
        }
        return wrong;
    }
    let named: Vec<String> = made
        .operations
        .iter()
        .map(|edit| serde_json::to_value(edit).unwrap()["op"].as_str().unwrap().to_owned())
        .collect();
    if case.operations.as_ref().is_some_and(|expected| *expected != named) {
        wrong.push(format!("{named:?} and not {:?}", case.operations));
    }
    let place = made.operations.first().map(|edit| match edit {
        Edit::AddStatement { statement, .. }
        | Edit::AddPrincipal { statement, .. }
        | Edit::AddConditionValue { statement, .. } => *statement,
        other => panic!("{other:?} in a plan"),
    });
    if case.statement.is_some() && case.statement != place {
        wrong.push(format!("in statement {place:?} and not {:?}", case.statement));
    }
    match read(&made.after).valid() {
        Ok(new) => wrong.extend(stray(case, text, policy, made, &new)),
        Err(problems) => wrong.push(format!("{problems:?}")),
    }
    wrong
}

/// What a plan changes that it should not, or does not change that it should.
fn stray(case: &Patch, text: &str, policy: &Policy, made: &PatchPlan, new: &Policy) -> Vec<String> {
    let mut wrong = Vec::new();
    let role: Arn = case.goals.role.parse().expect("a role");
    let axes = axes(&[policy, new], &case.goals.allow, Some(&role));
    let mut opened: Vec<(String, Option<String>)> = Vec::new();
    for CellChange { principal, external_id, before, after } in
        changes(policy, new, &axes, Some(&role))
    {
        if after == Decision::Allow && before != Decision::Allow {
            if let Named::Aws(principal) = principal {
                opened.push((principal, external_id));
            }
        } else if before == Decision::Allow {
            wrong.push(format!("{principal:?} with {external_id:?} is shut out"));
        }
    }
    // Strangers and made-up ids stand for everyone else; the corpus speaks of those that are named.
    let is_named = |id: &String| {
        case.goals.allow.iter().any(|goal| goal.external_id.as_ref() == Some(id))
            || policy
                .statements
                .iter()
                .flat_map(|statement| &statement.conditions)
                .flat_map(|condition| &condition.values)
                .any(|value| value.value == *id)
    };
    opened.retain(|(principal, id)| {
        !principal.contains("any-other-role") && id.as_ref().is_none_or(is_named)
    });
    if let Some(expected) = &case.opens {
        let mut expected = expected.clone();
        let full = |text: &String| match text.len() {
            12 => Arn::root(&role.partition, text).to_string(),
            _ => text.clone(),
        };
        for one in expected.iter_mut().chain(&mut opened) {
            one.0 = full(&one.0);
        }
        let named = |ids: &[(String, Option<String>)]| {
            let mut ids: Vec<_> = ids.to_vec();
            ids.sort();
            ids.dedup();
            ids
        };
        if named(&expected) != named(&opened) {
            let (expected, opened) = (named(&expected), named(&opened));
            let extra: Vec<_> = opened.iter().filter(|one| !expected.contains(one)).collect();
            let lacks: Vec<_> = expected.iter().filter(|one| !opened.contains(one)).collect();
            wrong.push(format!("opens also {extra:?}, does not open {lacks:?}"));
        }
    }
    // Planned again it is satisfied, and its cells are what the plan says.
    let again = plan(&made.after, new, &case.goals, case.form, case.quota).expect("a plan");
    if !again.satisfied || again.after != made.after {
        wrong.push("a second plan changes something".to_owned());
    }
    let (old, now) = (cells(policy, &axes, Some(&role)), cells(new, &axes, Some(&role)));
    let drawn = made.matrix.iter().map(|one| (one.before, one.after));
    if !drawn.eq(old.iter().zip(&now).map(|(old, now)| (old.decision, now.decision))) {
        wrong.push("the matrix is not that of the two policies".to_owned());
    }
    let undone = headgate_policy::difference(&made.after, text);
    if headgate_policy::apply(&made.after, &undone).map(|edited| edited.text).as_deref() != Ok(text)
    {
        wrong.push("it cannot be undone".to_owned());
    }
    wrong
}
