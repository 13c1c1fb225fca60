//! `FindingDraft`: a finding while a lint builds it. A fix is offered only when it applies, leaves the policy
//! valid, and does not let anyone in without its label saying so.

use headgate_terms::{Finding, FindingStatus, Fix, Range, Severity, Shown, say};
use serde_json::json;

use super::context::LintContext;
use crate::edit::{Edit, apply_all};
use crate::evaluate::Caller;
use crate::plan::covers;
use crate::policy::Text;
use crate::read::read;
use crate::widening::{Place, widened};

pub(super) struct FindingDraft {
    finding: Finding,
    fix: Option<Mend>,
}

struct Mend {
    label: Shown,
    edits: Vec<Edit>,
    /// Whether its purpose is to allow somebody.
    opens: bool,
}

impl FindingDraft {
    /// `title` is a sentence without its full stop; `meaning` and `because` are full sentences.
    pub(super) fn new(
        id: &str,
        severity: Severity,
        title: impl Into<Shown>,
        meaning: impl Into<Shown>,
        because: impl Into<Shown>,
    ) -> Self {
        let status = match severity {
            Severity::Error | Severity::Security => FindingStatus::Failed,
            Severity::Warning | Severity::Info => FindingStatus::Warning,
        };
        let finding = Finding {
            id: id.to_owned(),
            step: 4,
            severity,
            status,
            title: title.into(),
            expected: None,
            found: None,
            meaning: meaning.into(),
            because: because.into(),
            evidence: Vec::new(),
            range: None,
            statement: None,
            fix: None,
        };
        Self { finding, fix: None }
    }

    pub(super) fn at(mut self, statement: usize, range: Range) -> Self {
        self.finding.statement = Some(statement);
        self.finding.range = Some(range);
        self
    }

    pub(super) fn in_text(mut self, range: Range) -> Self {
        self.finding.range = Some(range);
        self
    }

    pub(super) fn values(mut self, expected: &str, found: &str) -> Self {
        self.finding.expected = Some(Shown::clean(expected)).filter(|text| !text.is_empty());
        self.finding.found = Some(Shown::clean(found)).filter(|text| !text.is_empty());
        self
    }

    /// A fix that lets nobody in who was kept out; it is left out if it would.
    pub(super) fn fix(self, label: impl Into<Shown>, edits: Vec<Edit>) -> Self {
        self.mend(label.into(), edits, false)
    }

    /// As [`FindingDraft::fix`], where it depends on what is known whether there is one.
    pub(super) fn fix_if(self, label: impl Into<Shown>, edits: Option<Vec<Edit>>) -> Self {
        self.fix(label, edits.unwrap_or_default())
    }

    /// A fix that lets somebody in, as what is wrong is that they are kept out. Its label says so where
    /// that is not what the goals want.
    pub(super) fn opening(self, label: impl Into<Shown>, edits: Option<Vec<Edit>>) -> Self {
        self.mend(label.into(), edits.unwrap_or_default(), true)
    }

    fn mend(mut self, label: Shown, edits: Vec<Edit>, opens: bool) -> Self {
        self.fix = (!edits.is_empty()).then_some(Mend { label, edits, opens });
        self
    }

    pub(super) fn command(mut self, command: String) -> Self {
        self.finding.fix = Some(Fix::Command(command));
        self
    }

    /// The finding. A fix that cannot be carried out, that would break a valid text, or that would let
    /// somebody in unsaid, is left out.
    pub(super) fn done(mut self, scene: &LintContext<'_>, valid: bool) -> Finding {
        if let Some(Mend { label, edits, opens }) = self.fix
            && let Ok(after) = apply_all(scene.text, &edits)
            && after != scene.text
        {
            let reading = read(&after);
            let fine = !valid || reading.problems.is_empty();
            if let Some(policy) = reading.policy.filter(|_| fine) {
                let goals = &scene.facts.goals;
                let opened = widened(scene.policy, &policy, goals, scene.role());
                let wanted = opened.iter().all(|place| is_wanted(scene, opens, place));
                let label = match (opens || wanted, opened.is_empty() || opens && wanted) {
                    (_, true) => Some(label),
                    (true, false) => Some(say!("{}, which lets {} in", label, callers(&opened))),
                    (false, false) => None,
                };
                if let Some(label) = label {
                    self.finding.fix = Some(Fix::Plan(json!({"label": label, "edits": edits})));
                }
            }
        }
        self.finding
    }
}

/// Whether somebody is to get in, by what is known. The fixes that let the role itself in say so.
fn is_wanted(scene: &LintContext<'_>, opens: bool, (principal, id, _): &Place) -> bool {
    let caller = principal.caller(scene.role());
    if opens && scene.role().is_some_and(|role| caller == Some(Caller::Aws(role.clone()))) {
        return true;
    }
    scene.required().iter().any(|one| {
        let arn = one.principal.parse().ok();
        one.id == *id && caller.as_ref().zip(arn).is_some_and(|(caller, arn)| covers(&arn, caller))
    })
}

/// How many callers cells are of.
fn callers(places: &[Place]) -> Shown {
    let mut all: Vec<_> = places.iter().map(|(caller, ..)| caller).collect();
    all.sort_unstable();
    all.dedup();
    match all.len() {
        1 => "1 more caller".into(),
        count => say!("{} more callers", count),
    }
}

/// A page of IAM's guide.
pub(super) fn page(name: &str) -> String {
    format!("docs.aws.amazon.com/IAM/latest/UserGuide/{name}.html")
}

/// Values as a sentence names them: the first two, and how many more.
pub(super) fn named<'v>(values: impl IntoIterator<Item = &'v str>) -> Shown {
    let values: Vec<&str> = values.into_iter().collect();
    match values.as_slice() {
        [] => "nothing".into(),
        [one] => say!("`{}`", one),
        [one, two] => say!("`{}` and `{}`", one, two),
        [one, two, more @ ..] => say!("`{}`, `{}` and {} more", one, two, more.len()),
    }
}

/// The values of texts.
pub(super) fn words(texts: &[Text]) -> impl Iterator<Item = &str> {
    texts.iter().map(|text| text.value.as_str())
}
