//! The form `Guide` of a plan: the statement of Segment's guide that callers and IDs are added to, and what it
//! lacks.
//!
//! `plan` proves that the change opens nothing else.

use headgate_terms::{Shown, say};

use crate::condition::Truth;
use crate::edit::Edit;
use crate::evaluate::is_named;
use crate::goals::Wanted;
use crate::matrix::{EXTERNAL_ID, request_of};
use crate::operator::{SetPrefix, Test};
use crate::plan::{PlanContext, Refusal, Refused, refused};
use crate::policy::{Condition, Effect, Principal, PrincipalKind, Statement, Who};
use crate::well_known::is_unity_catalog;

impl PlanContext<'_> {
    /// Adds the callers and ids that the guide's statement lacks.
    pub(crate) fn guide(&self, missing: &[&Wanted]) -> Result<Vec<Edit>, Refused> {
        if let Some(bare) = missing.iter().find(|one| one.goal.external_id.is_none()) {
            return Err(refused(
                Refusal::NoIdInGuide,
                say!(
                    "The guide's statement asks everyone for an id, and `{}` brings none.",
                    bare.arn
                ),
            ));
        }
        let (at, statement) = self.target()?;
        let test = id_test(at, statement)?;
        let mut edits = Vec::new();
        let mut named: Vec<&str> = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        for one in missing {
            let covered = statement
                .principals
                .iter()
                .any(|entry| is_named(entry, &one.caller, Some(self.role)));
            let principal = one.goal.principal.as_str();
            if !covered && !named.contains(&principal) {
                named.push(principal);
                edits.push(Edit::AddPrincipal {
                    statement: at,
                    kind: PrincipalKind::Aws,
                    value: principal.to_owned(),
                });
            }
            let id = one.goal.external_id.as_deref().unwrap_or_default();
            let request = request_of(&one.caller, Some(id), Some(self.role));
            let variables = self.policy.has_variables();
            let passes = crate::condition::holds(test, &request.context, variables) == Truth::Yes;
            if !passes && !asked.contains(&id) {
                asked.push(id);
                edits.push(Edit::AddConditionValue {
                    statement: at,
                    operator: test.operator_text.value.clone(),
                    key: test.key.value.clone(),
                    value: id.to_owned(),
                });
            }
        }
        Ok(edits)
    }

    /// The statement that the guide speaks of: the one that names Unity Catalog's role.
    fn target(&self) -> Result<(usize, &Statement), Refused> {
        let is_catalog = |entry: &Principal| match &entry.who {
            Who::Role(arn) => is_unity_catalog(arn) && arn.partition == self.role.partition,
            _ => false,
        };
        let names = |statement: &Statement, one: &Wanted| {
            statement.principals.iter().any(|entry| {
                entry.kind == PrincipalKind::Aws && entry.text.value == one.goal.principal
            })
        };
        let those = |is_meant: &dyn Fn(&Statement) -> bool| -> Vec<(usize, &Statement)> {
            let statements = self.policy.statements.iter().enumerate();
            statements
                .filter(|(_, one)| one.effect == Effect::Allow && one.covers("sts:AssumeRole"))
                .filter(|(_, one)| is_meant(one))
                .collect()
        };
        let catalogs: Vec<&Wanted> =
            self.wanted.iter().filter(|one| is_unity_catalog(&one.arn)).collect();
        let others = || self.wanted.iter().filter(|one| one.arn != *self.role);
        let (anchors, candidates) = if catalogs.is_empty() {
            let mut found = those(&|one| others().any(|goal| names(one, goal)));
            if found.is_empty() {
                // Whoever is asked for, Databricks' statement is the one that the guide adds to.
                found = those(&|one| one.principals.iter().any(is_catalog));
            }
            (others().collect(), found)
        } else {
            let found = those(&|one| catalogs.iter().any(|goal| names(one, goal)));
            (catalogs, found)
        };
        let holds_id = |statement: &Statement| {
            let mut ids = statement.tests(EXTERNAL_ID).flat_map(|test| &test.values);
            ids.any(|value| {
                anchors.iter().any(|goal| goal.goal.external_id.as_ref() == Some(&value.value))
            })
        };
        match candidates.as_slice() {
            [] => Err(refused(
                Refusal::NoTarget,
                "No statement names Databricks' role for Unity Catalog, so there is none to add to.",
            )),
            [one] => Ok(*one),
            several => {
                let mut with_id = several.iter().filter(|(_, one)| holds_id(one));
                match (with_id.next(), with_id.next()) {
                    (Some(one), None) => Ok(*one),
                    _ => Err(refused(
                        Refusal::AmbiguousTarget,
                        say!(
                            "Statements {} all name Databricks' role. Merge them to use this form.",
                            numbers(several.iter().map(|(at, _)| *at))
                        ),
                    )),
                }
            }
        }
    }
}

/// Numbers of statements as a user counts them.
fn numbers(statements: impl Iterator<Item = usize>) -> Shown {
    let all: Vec<Shown> = statements.map(|at| say!("{}", at + 1)).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => say!("{} and {}", Shown::join(rest, ", "), last),
        None => Shown::default(),
    }
}

/// The one test of the external id that a value can be added to.
fn id_test(at: usize, statement: &Statement) -> Result<&Condition, Refused> {
    let number = at + 1;
    if statement.principals.iter().any(|one| one.who == Who::Everyone) {
        return Err(refused(
            Refusal::WildcardPrincipal,
            say!(
                "Statement {} names everyone (`*`), so adding a principal is pointless. Replace `*` first.",
                number
            ),
        ));
    }
    if statement.principals.iter().any(|one| one.kind != PrincipalKind::Aws) {
        return Err(refused(
            Refusal::MixedPrincipal,
            say!(
                "Statement {} also names services or providers, which bring no id. Split it first.",
                number
            ),
        ));
    }
    let tests: Vec<&Condition> = statement.tests(EXTERNAL_ID).collect();
    if tests.is_empty() {
        return Err(refused(
            Refusal::NoCondition,
            say!(
                "Statement {} asks nobody for an id. Asking for one would shut out who brings none; add a condition by hand if that is meant.",
                number
            ),
        ));
    }
    if let Some(other) =
        statement.conditions.iter().find(|one| !one.key.value.eq_ignore_ascii_case(EXTERNAL_ID))
    {
        return Err(refused(
            Refusal::OtherConditions,
            say!(
                "Statement {} also asks for `{}`, which would hold for the new caller too.",
                number,
                other.key.value
            ),
        ));
    }
    // `Null` with `false` only says that there must be an id, as every other test does.
    let demands = |one: &&&Condition| {
        one.operator.test == Test::Null
            && !one.values.iter().any(|v| v.value.eq_ignore_ascii_case("true"))
    };
    let real: Vec<&Condition> = tests.iter().filter(|one| !demands(one)).copied().collect();
    if let Some(one) = real
        .iter()
        .find(|one| one.operator.if_exists || one.operator.set == Some(SetPrefix::ForAllValues))
    {
        return Err(refused(
            Refusal::PassesWithoutId,
            say!(
                "Statement {} tests the id with `{}`, which lets callers without an id in. Use `StringEquals` first.",
                number,
                one.operator_text.value
            ),
        ));
    }
    if let Some(one) =
        real.iter().find(|one| one.operator.test == Test::Null || one.operator.negated())
    {
        return Err(refused(
            Refusal::NegatedId,
            say!(
                "Statement {} tests the id with `{}`, which lets every other id in. Ask for ids by name first.",
                number,
                one.operator_text.value
            ),
        ));
    }
    match real.as_slice() {
        [one] => Ok(one),
        [] => Err(refused(
            Refusal::NoCondition,
            say!("Statement {} asks for an id, whichever. Ask for ids by name first.", number),
        )),
        _ => Err(refused(
            Refusal::TwoIdOperators,
            say!(
                "Statement {} tests the id twice, and an id must pass both. Keep one test first.",
                number
            ),
        )),
    }
}
