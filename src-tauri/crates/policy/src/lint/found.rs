//! A finding of a lint while it is made, and its fix, which is proved to apply before it is offered.

use headgate_terms::{Finding, FindingStatus, Fix, Range, Severity, Shown};
use serde_json::json;

use crate::edit::{Edit, apply_all};
use crate::policy::Text;
use crate::read::read;

pub(super) struct Found {
    finding: Finding,
    edits: Option<(String, Vec<Edit>)>,
}

impl Found {
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
        Self { finding, edits: None }
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

    pub(super) fn fix(mut self, label: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.edits = Some((label.into(), edits)).filter(|(_, edits)| !edits.is_empty());
        self
    }

    /// As [`Found::fix`], where it depends on what is known whether there is one.
    pub(super) fn fix_if(self, label: impl Into<String>, edits: Option<Vec<Edit>>) -> Self {
        self.fix(label, edits.unwrap_or_default())
    }

    pub(super) fn command(mut self, command: String) -> Self {
        self.finding.fix = Some(Fix::Command(command));
        self
    }

    /// The finding. A fix that cannot be carried out, or that would break a valid text, is left out.
    pub(super) fn done(mut self, text: &str, valid: bool) -> Finding {
        if let Some((label, edits)) = self.edits {
            let works = apply_all(text, &edits)
                .is_ok_and(|after| after != text && (!valid || read(&after).problems.is_empty()));
            if works {
                self.finding.fix = Some(Fix::Plan(json!({"label": label, "edits": edits})));
            }
        }
        self.finding
    }
}

/// A page of IAM's guide.
pub(super) fn page(name: &str) -> String {
    format!("docs.aws.amazon.com/IAM/latest/UserGuide/{name}.html")
}

/// Values as a sentence names them: the first two, and how many more.
pub(super) fn named<'v>(values: impl IntoIterator<Item = &'v str>) -> String {
    let values: Vec<&str> = values.into_iter().collect();
    match values.as_slice() {
        [] => "nothing".to_owned(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, two, more @ ..] => format!("`{one}`, `{two}` and {} more", more.len()),
    }
}

/// The values of texts.
pub(super) fn words(texts: &[Text]) -> impl Iterator<Item = &str> {
    texts.iter().map(|text| text.value.as_str())
}

/// A number with its thousands apart.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
