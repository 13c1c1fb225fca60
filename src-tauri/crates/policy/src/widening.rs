//! Whether one policy allows anyone whom another does not: cell by cell, and condition by condition where a
//! cell depends on keys that are not known.

use headgate_terms::Arn;

use crate::axes::axes;
use crate::evaluate::Decision;
use crate::matrix::{Cell, Goal, Named, cells};
use crate::operator::{Operator, SetPrefix, Test};
use crate::policy::{Condition, Effect, Policy, Statement};

/// A caller, the external id that it passes, and the decision.
pub(crate) type Place = (Named, Option<String>, Decision);

/// The cells that are open further in `after`, or that cannot be shown not to be.
pub(crate) fn widened(
    before: &Policy,
    after: &Policy,
    goals: &[Goal],
    role: Option<&Arn>,
) -> Vec<Place> {
    let axes = axes(&[before, after], goals, role);
    let (old, new) = (cells(before, &axes, role), cells(after, &axes, role));
    old.iter()
        .zip(new)
        .filter(|(old, new)| match (old.decision, new.decision) {
            (Decision::Allow, _) | (_, Decision::ImplicitDeny | Decision::ExplicitDeny) => false,
            (Decision::Unknown, Decision::Unknown) => !narrows(before, old, after, new),
            _ => true,
        })
        .map(|(_, new)| (new.principal, new.external_id, new.decision))
        .collect()
}

/// Whether a cell that depends is open in `after` only where it is in `before`: each Allow there stands
/// for one here that asks for no more, and each Deny here for one there that asks for no more.
fn narrows(before: &Policy, old: &Cell, after: &Policy, new: &Cell) -> bool {
    let of = |policy: &'_ Policy, cell: &Cell, effect| -> Vec<Statement> {
        let statements = cell.statements.iter().filter_map(|at| policy.statements.get(*at));
        statements.filter(|one| one.effect == effect).cloned().collect()
    };
    let is_variable =
        |policy: &Policy| policy.has_variables() && policy.statements.iter().any(has_variable);
    if before.has_variables() != after.has_variables()
        && (is_variable(before) || is_variable(after))
    {
        return false;
    }
    let allows = of(before, old, Effect::Allow);
    let denies = of(after, new, Effect::Deny);
    of(after, new, Effect::Allow).iter().all(|one| allows.iter().any(|other| implies(one, other)))
        && of(before, old, Effect::Deny)
            .iter()
            .all(|one| denies.iter().any(|other| implies(one, other)))
}

fn has_variable(statement: &Statement) -> bool {
    let mut values = statement.conditions.iter().flat_map(|test| &test.values);
    values.any(|value| value.value.contains("${"))
}

/// Whether the conditions of one statement hold only where those of another do.
fn implies(one: &Statement, other: &Statement) -> bool {
    other.conditions.iter().all(|wide| one.conditions.iter().any(|narrow| is_within(narrow, wide)))
}

fn is_within(narrow: &Condition, wide: &Condition) -> bool {
    let plain = |operator: Operator| Operator { set: None, if_exists: false, ..operator };
    let (from, to) = (narrow.operator, wide.operator);
    let looser = from == to
        || plain(from) == plain(to)
            && from.set.is_none()
            && (to.set.is_none() || to.set == Some(SetPrefix::ForAllValues))
            && (to.if_exists || !from.if_exists);
    let has = |all: &Condition, one: &str| all.values.iter().any(|value| value.value == one);
    let within =
        |few: &Condition, all: &Condition| few.values.iter().all(|one| has(all, &one.value));
    let values = match to.test {
        Test::Null => within(narrow, wide) && within(wide, narrow),
        Test::Compare { negated: true, .. } => within(wide, narrow),
        Test::Compare { .. } => within(narrow, wide),
    };
    narrow.key.value.eq_ignore_ascii_case(&wide.key.value)
        && looser
        && values
        && narrow.values.is_empty() == wide.values.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;

    fn policy(condition: &str) -> Policy {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"210987654321"}},
            "Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
        );
        read(&text).valid().unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    #[test]
    fn a_policy_with_fewer_conditions_is_wider() {
        for (before, after, wider) in [
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, "{}", true),
            ("{}", r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            (
                r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1","aws:PrincipalTag/a":"b"}}"#,
                r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
                true,
            ),
            (
                r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
                r#"{"StringEquals":{"aws:PrincipalOrgID":["o-1","o-2"]}}"#,
                true,
            ),
            (
                r#"{"StringNotEquals":{"aws:PrincipalTag/a":["x","y"]}}"#,
                r#"{"StringNotEquals":{"aws:PrincipalTag/a":"x"}}"#,
                true,
            ),
            (
                r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#,
                r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
                false,
            ),
            (
                r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
                r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#,
                true,
            ),
        ] {
            let found = widened(&policy(before), &policy(after), &[], None);
            assert_eq!(!found.is_empty(), wider, "{before} {after} {found:?}");
        }
    }
}
