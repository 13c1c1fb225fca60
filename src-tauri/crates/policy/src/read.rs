//! Parses a text into a [`Policy`], with every reason why IAM would refuse it.
//!
//! A policy is returned even when values in it are wrong, so that as much as possible can be shown. Only a
//! text whose shape cannot be read gives none.

use std::collections::{HashMap, HashSet};

use headgate_terms::{Range, Shown, say};

use crate::issuers::shared_issuer;
use crate::operator::{How, Operator, Test};
use crate::policy::{Condition, Effect, Policy, Principal, PrincipalKind, Statement, Text, Who};
use crate::problem::{Code, Problem};
use crate::text::{self, Kind, Node, Property};
use crate::whom::who;

/// What reading a text gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedPolicy {
    /// The policy, if its shape can be read.
    pub policy: Option<Policy>,
    /// Why IAM would refuse it, in the order of the text; empty for a valid policy.
    pub problems: Vec<Problem>,
}

impl ParsedPolicy {
    /// The policy if IAM can have it, else the reasons why not. One that was saved before IAM refused
    /// its like is as good as any; whether it can be saved again is what `problems` says.
    ///
    /// # Errors
    /// At least one problem.
    pub fn valid(self) -> Result<Policy, Vec<Problem>> {
        match self.policy {
            Some(policy) if self.problems.iter().all(|one| one.code.stays()) => Ok(policy),
            _ => Err(self.problems),
        }
    }
}

/// The actions that a trust policy may speak of, in lower case.
pub(crate) const FAMILY: [&str; 6] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
];

/// Reads a text.
#[must_use]
pub fn read(text: &str) -> ParsedPolicy {
    let mut reader = Reader { text, problems: Vec::new() };
    let policy = match text::tree(text) {
        Ok(root) => reader.policy(&root),
        Err(problem) => {
            reader.problems.push(problem);
            None
        }
    };
    reader.problems.sort_by_key(|problem| problem.range.start);
    let problems = reader.problems.into_iter().map(|problem| problem.placed(text)).collect();
    ParsedPolicy { policy, problems }
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn wrong(&mut self, code: Code, range: Range, message: impl Into<Shown>) {
        self.problems.push(Problem::new(code, range, message));
    }

    fn policy(&mut self, root: &Node) -> Option<Policy> {
        let Some(elements) = root.object() else {
            self.wrong(Code::NotAnObject, root.range, "A policy is one JSON object, `{…}`.");
            return None;
        };
        self.characters();
        self.repeated(root);
        for element in elements {
            if !["Version", "Id", "Statement"].contains(&element.name.as_str()) {
                self.unknown(element, "a policy", &["Version", "Id", "Statement"]);
            }
        }
        let version = root.property("Version").and_then(|version| {
            let known = ["2008-10-17", "2012-10-17"];
            if version.value.text().is_none_or(|text| !known.contains(&text)) {
                self.wrong(
                    Code::InvalidVersion,
                    version.value.range,
                    "The policy must contain a valid version string: `2012-10-17`, or the older `2008-10-17`.",
                );
            }
            scalar(&version.value)
        });
        let id = root.property("Id").and_then(|id| {
            if id.value.text().is_none() {
                self.wrong(Code::InvalidId, id.value.range, "`Id` is a text.");
            }
            scalar(&id.value)
        });
        let Some(listed) = root.property("Statement") else {
            let is_answer = root.property("Role").is_some()
                || root.property("AssumeRolePolicyDocument").is_some();
            let message = if is_answer {
                "This is the answer of `get-role`. The policy is what stands in its `AssumeRolePolicyDocument`."
            } else {
                "There is no `Statement`."
            };
            self.wrong(Code::MissingStatement, root.range, message);
            return None;
        };
        if matches!(listed.value.kind, Kind::Scalar { .. } | Kind::Null) {
            let message = "`Statement` is an object or a list of objects.";
            self.wrong(Code::InvalidStatement, listed.value.range, message);
            return None;
        }
        if listed.value.elements().is_empty() {
            let message = "Could not parse the policy: `Statement` is empty.";
            self.wrong(Code::EmptyStatement, listed.value.range, message);
            return None;
        }
        let statements: Vec<Option<Statement>> =
            listed.value.elements().iter().map(|statement| self.statement(statement)).collect();
        let statements: Option<Vec<Statement>> = statements.into_iter().collect();
        let statements = statements?;
        let mut sids: HashSet<&str> = HashSet::new();
        for sid in statements.iter().filter_map(|statement| statement.sid.as_ref()) {
            if !sid.value.is_empty() && !sids.insert(&sid.value) {
                let message = say!(
                    "The statement ids in the policy are not unique: `{}` stands twice.",
                    sid.value
                );
                self.problems.push(Problem::new(Code::DuplicateSid, sid.range, message));
            }
        }
        Some(Policy { version, id, statements })
    }

    /// IAM takes tab, line feed, carriage return and U+0020 to U+00FF.
    fn characters(&mut self) {
        let bad = |c: char| !matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        let mut run: Option<Range> = None;
        let mut runs = Vec::new();
        for (at, character) in self.text.char_indices() {
            let here = Range { start: at, end: at + character.len_utf8() };
            match &mut run {
                _ if !bad(character) || (at == 0 && character == '\u{feff}') => {
                    runs.extend(run.take());
                }
                Some(run) => run.end = here.end,
                None => run = Some(here),
            }
        }
        runs.extend(run);
        for range in runs {
            let message = say!(
                "IAM takes only characters up to U+00FF; `{}` is not among them. Type it again by hand.",
                &self.text[range.start..range.end]
            );
            self.wrong(Code::BadCharacter, range, message);
        }
    }

    /// Finds repeated keys, and characters that are hidden by escapes.
    fn repeated(&mut self, node: &Node) {
        let bad = |c: &char| !matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        let hidden = |text: &str, range: Range| {
            let written = &self.text[range.start..range.end];
            text.chars().filter(bad).any(|c| !written.contains(c))
        };
        let mut found = Vec::new();
        match &node.kind {
            Kind::Scalar { value, .. } if hidden(value, node.range) => found.push(node.range),
            Kind::Object(properties) => found.extend(
                properties
                    .iter()
                    .filter(|property| hidden(&property.name, property.name_range))
                    .map(|property| property.name_range),
            ),
            _ => {}
        }
        for range in found {
            let message = "An escape in this text stands for a character that IAM does not take.";
            self.wrong(Code::BadCharacter, range, message);
        }
        match &node.kind {
            Kind::List(elements) => elements.iter().for_each(|element| self.repeated(element)),
            Kind::Object(properties) => {
                let mut seen: HashSet<&str> = HashSet::new();
                for property in properties {
                    if !seen.insert(&property.name) {
                        let next = match (&property.value.kind, property.name.as_str()) {
                            (Kind::Object(_), _) => "Put the keys of both into one.",
                            (_, "Version" | "Id" | "Sid" | "Effect") => "Keep one.",
                            _ => "Put the values of both into one list.",
                        };
                        self.problems.push(Problem::new(
                            Code::DuplicateKey,
                            property.name_range,
                            say!(
                                "`{}` stands twice in one object. {}",
                                property.name,
                                Shown::from(next)
                            ),
                        ));
                    }
                    self.repeated(&property.value);
                }
            }
            Kind::Scalar { .. } | Kind::Null => {}
        }
    }

    fn unknown(&mut self, element: &Property, of: &str, known: &[&str]) {
        let meant = known.iter().find(|known| known.eq_ignore_ascii_case(&element.name));
        let message = if let Some(meant) = meant {
            say!("`{}` is written `{}`.", element.name, meant)
        } else {
            say!("`{}` is no element of {}.", element.name, of)
        };
        self.wrong(Code::UnknownElement, element.name_range, message);
    }

    fn statement(&mut self, node: &Node) -> Option<Statement> {
        const KNOWN: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let Some(elements) = node.object() else {
            self.wrong(Code::InvalidStatement, node.range, "A statement is an object, `{…}`.");
            return None;
        };
        for element in elements {
            match element.name.as_str() {
                "Resource" | "NotResource" => self.wrong(
                    Code::ResourceNotAllowed,
                    element.name_range,
                    say!("Has prohibited field {}: a trust policy belongs to one role and names no resource. Is this a permission policy?", element.name),
                ),
                "NotPrincipal" => self.wrong(
                    Code::NotPrincipal,
                    element.name_range,
                    "A trust policy must not contain `NotPrincipal`. Name those who may, in `Principal`.",
                ),
                name if !KNOWN.contains(&name) => self.unknown(element, "a statement", &KNOWN),
                _ => {}
            }
        }
        let sid = node.property("Sid").and_then(|sid| {
            let fine = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if sid.value.text().is_none_or(|text| !fine(text)) {
                let message = "`Sid` is a text of letters and digits (A-Z, a-z, 0-9).";
                self.wrong(Code::InvalidSid, sid.value.range, message);
            }
            scalar(&sid.value)
        });
        let effect = self.effect(node);
        let principals = self.principals(node);
        let (not_action, actions) = self.actions(node);
        let conditions = self.conditions(node);
        let (effect, effect_range) = effect?;
        if effect == Effect::Allow {
            self.claims(&principals, &conditions);
        }
        Some(Statement {
            range: node.range,
            sid,
            effect,
            effect_range,
            principals,
            not_action,
            actions,
            conditions,
        })
    }

    fn effect(&mut self, node: &Node) -> Option<(Effect, Range)> {
        let Some(effect) = node.property("Effect") else {
            self.wrong(
                Code::MissingEffect,
                node.range,
                "Missing required field Effect: `Allow` or `Deny`.",
            );
            return None;
        };
        match effect.value.text() {
            Some("Allow") => Some((Effect::Allow, effect.value.range)),
            Some("Deny") => Some((Effect::Deny, effect.value.range)),
            _ => {
                let message = "`Effect` is `Allow` or `Deny`, in these capitals.";
                self.wrong(Code::InvalidEffect, effect.value.range, message);
                None
            }
        }
    }

    fn principals(&mut self, node: &Node) -> Vec<Principal> {
        let Some(element) = node.property("Principal") else {
            if node.property("NotPrincipal").is_none() {
                let message =
                    "Missing required field Principal: a trust policy says whom it trusts.";
                self.wrong(Code::MissingPrincipal, node.range, message);
            }
            return Vec::new();
        };
        let place = element.value.range;
        let Some(lists) = element.value.object() else {
            if element.value.text().is_some() {
                let message =
                    "Principal must be a JSON object: for everyone write `{\"AWS\": \"*\"}`.";
                self.wrong(Code::BarePrincipal, place, message);
            } else {
                let message = "`Principal` is an object of `AWS`, `Service` and `Federated`.";
                self.wrong(Code::InvalidPrincipalElement, place, message);
            }
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut named = 0;
        for list in lists {
            let kind = match list.name.as_str() {
                "AWS" => PrincipalKind::Aws,
                "Service" => PrincipalKind::Service,
                "Federated" => PrincipalKind::Federated,
                "CanonicalUser" => {
                    let message =
                        "`CanonicalUser` is for buckets; a trust policy names `AWS` principals.";
                    self.wrong(Code::CanonicalUser, list.name_range, message);
                    PrincipalKind::CanonicalUser
                }
                _ => {
                    let message = say!(
                        "`{}` is no kind of principal: `AWS`, `Service` and `Federated` are.",
                        list.name
                    );
                    self.wrong(Code::UnknownPrincipalType, list.name_range, message);
                    named += 1;
                    continue;
                }
            };
            named += list.value.elements().len();
            for one in list.value.elements() {
                let who = one.text().map_or(Who::Nobody, |text| who(kind, text));
                if who == Who::Nobody && kind != PrincipalKind::CanonicalUser {
                    let message = say!(
                        "Invalid principal in policy: \"{}\":{}. {}",
                        kind.name(),
                        &self.text[one.range.start..one.range.end],
                        match one.text() {
                            Some(text) => crate::wording::principal(kind, text),
                            None => "A principal is a text.".into(),
                        }
                    );
                    self.wrong(Code::InvalidPrincipal, one.range, message);
                }
                if let Who::Gone(id) = &who {
                    let message = say!(
                        "Invalid principal in policy: \"AWS\":\"{}\". IAM shows the id of a principal that was deleted, and refuses every update that still names it. Remove it, or name who is meant by ARN.",
                        id
                    );
                    self.wrong(Code::DeletedPrincipal, one.range, message);
                }
                if let Some(text) = scalar(one) {
                    found.push(Principal { kind, text, who });
                }
            }
        }
        if named == 0 {
            let place = lists.first().map_or(place, |list| list.value.range);
            let message = "The statement has no principals: it names nobody.";
            self.wrong(Code::EmptyPrincipal, place, message);
        }
        found
    }

    fn actions(&mut self, node: &Node) -> (bool, Vec<Text>) {
        let (element, not) = match (node.property("Action"), node.property("NotAction")) {
            (Some(_), Some(not)) => {
                let message = "A statement has `Action` or `NotAction`, not both.";
                self.wrong(Code::ActionAndNotAction, not.name_range, message);
                return (true, Vec::new());
            }
            (Some(action), None) => (action, false),
            (None, Some(not)) => (not, true),
            (None, None) => {
                self.wrong(Code::MissingAction, node.range, "Missing required field Action.");
                return (false, Vec::new());
            }
        };
        if element.value.elements().is_empty() {
            let message = say!("`{}` is empty: it means nothing.", element.name);
            self.wrong(Code::EmptyAction, element.value.range, message);
        }
        // IAM puts the actions of a key that stands twice together.
        let all = node.object().unwrap_or_default().iter().filter(|one| one.name == element.name);
        let mut actions = Vec::new();
        for one in all.flat_map(|one| one.value.elements()) {
            match one.text() {
                Some(action) => match action_fault(action) {
                    None => {}
                    Some(Code::NotStsAction) => {
                        let message = say!(
                            "AssumeRole policy may only specify STS AssumeRole actions, and `{}` is none.",
                            action
                        );
                        self.wrong(Code::NotStsAction, one.range, message);
                    }
                    Some(code) => {
                        let message = say!("`{}` is no action: `sts:AssumeRole` is one.", action);
                        self.wrong(code, one.range, message);
                    }
                },
                None => self.wrong(Code::InvalidAction, one.range, "An action is a text."),
            }
            actions.extend(scalar(one));
        }
        (not, actions)
    }

    fn conditions(&mut self, node: &Node) -> Vec<Condition> {
        let Some(element) = node.property("Condition") else { return Vec::new() };
        let Some(blocks) = element.value.object() else {
            let message = "`Condition` is an object of operators.";
            self.wrong(Code::InvalidCondition, element.value.range, message);
            return Vec::new();
        };
        self.repeated_by_case(blocks);
        let mut found = Vec::new();
        for block in blocks {
            let operator = Operator::parse(&block.name);
            if operator.is_none() {
                let message = say!("`{}` is no condition operator.", block.name);
                self.wrong(Code::InvalidOperator, block.name_range, message);
            }
            let Some(keys) = block.value.object() else {
                let message = say!("`{}` holds an object of condition keys.", block.name);
                self.wrong(Code::InvalidCondition, block.value.range, message);
                continue;
            };
            self.repeated_by_case(keys);
            for key in keys {
                let named = key.name.split_once(':');
                if named.is_none_or(|(prefix, name)| prefix.is_empty() || name.is_empty()) {
                    let message =
                        say!("`{}` is no condition key: `sts:ExternalId` is one.", key.name);
                    self.wrong(Code::InvalidConditionKey, key.name_range, message);
                }
                let mut values = Vec::new();
                for value in key.value.elements() {
                    match scalar(value) {
                        Some(text) => {
                            self.date(operator, &text);
                            values.push(text);
                        }
                        None => self.wrong(
                            Code::InvalidConditionValue,
                            value.range,
                            "A condition's value is a text, a number or a boolean, or a list of them.",
                        ),
                    }
                }
                if let Some(operator) = operator {
                    found.push(Condition {
                        operator,
                        operator_text: Text { value: block.name.clone(), range: block.name_range },
                        key: Text { value: key.name.clone(), range: key.name_range },
                        values,
                        range: key.range(),
                    });
                }
            }
        }
        found
    }

    /// IAM saves no trust in an issuer that many customers share unless the policy looks at whose a
    /// token is.
    fn claims(&mut self, principals: &[Principal], conditions: &[Condition]) {
        for principal in principals {
            let Who::Provider(provider) = &principal.who else { continue };
            let Some(shared) = shared_issuer(provider).filter(|one| one.is_demanded) else {
                continue;
            };
            let key = shared.key();
            if !conditions.iter().any(|test| test.key.value.eq_ignore_ascii_case(&key)) {
                let message = say!(
                    "AWS refuses to save trust in `{}`, which many customers share, without a condition on `{}`. Name your own there.",
                    shared.issuer,
                    key
                );
                self.wrong(Code::MissingClaim, principal.text.range, message);
            }
        }
    }

    fn date(&mut self, operator: Option<Operator>, value: &Text) {
        let dated = matches!(
            operator.map(|operator| operator.test),
            Some(Test::Compare { how: How::Date(_), .. })
        );
        if dated && crate::instant::parse(&value.value).is_none() {
            let message = say!(
                "`{}` is no date: write it as `2026-11-22T00:00:00Z` or in seconds since 1970.",
                value.value
            );
            self.wrong(Code::InvalidConditionValue, value.range, message);
        }
    }

    /// IAM reads operators and keys without regard to case, so two spellings of one are two of one.
    fn repeated_by_case(&mut self, properties: &[Property]) {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for property in properties {
            let first = *seen.entry(property.name.to_ascii_lowercase()).or_insert(&property.name);
            if first != property.name {
                let message = say!(
                    "`{}` and `{}` are one and the same to IAM. Keep one, with the values of both.",
                    property.name,
                    first
                );
                self.problems.push(Problem::new(
                    Code::DuplicateConditionKey,
                    property.name_range,
                    message,
                ));
            }
        }
    }
}

fn scalar(node: &Node) -> Option<Text> {
    match &node.kind {
        Kind::Scalar { value, .. } => Some(Text { value: value.clone(), range: node.range }),
        _ => None,
    }
}

fn action_fault(action: &str) -> Option<Code> {
    if action == "*" {
        return Some(Code::NotStsAction);
    }
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*?-".contains(&byte))
    };
    match action.split_once(':') {
        Some((service, name)) if word(service) && word(name) => {
            let fits = service.eq_ignore_ascii_case("sts")
                && FAMILY.iter().any(|known| crate::glob::matches_action(action, known));
            (!fits).then_some(Code::NotStsAction)
        }
        _ => Some(Code::InvalidAction),
    }
}
