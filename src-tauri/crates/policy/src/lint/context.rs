//! `LintContext`: the policy, its text and the facts, with the questions that several lints ask of them.

use headgate_terms::Arn;

use super::trusted_parties::{Required, own_account};
use super::{Facts, placeholders};
use crate::condition::{Context, Truth, holds};
use crate::edit::{ConditionDraft, Edit, PrincipalRef, StatementDraft};
use crate::evaluate::{Caller, Decision, decide, is_named, partition_of};
use crate::matrix::{EXTERNAL_ID, request_of};
use crate::operator::{How, Test};
use crate::policy::{Condition, Effect, Policy, Principal, PrincipalKind, Statement};
use crate::text::Node;

/// An id that no policy names.
pub(super) const MADE_UP: &str = "any-other-id-that-nobody-gave";

pub(super) struct LintContext<'s> {
    pub text: &'s str,
    pub root: Option<&'s Node>,
    pub policy: &'s Policy,
    pub facts: &'s Facts,
    /// The role's account, known or derived from the policy.
    own: Option<String>,
    /// Every caller that is to get in.
    required: Vec<Required>,
}

/// Whether a test requires ids by name or pattern, and so denies callers without one.
pub(super) fn asks(test: &Condition) -> bool {
    let compares = matches!(
        test.operator.test,
        Test::Compare {
            how: How::StringEquals | How::StringEqualsIgnoreCase | How::StringLike,
            negated: false
        }
    );
    let values: Vec<&str> = test.values.iter().map(|value| value.value.as_str()).collect();
    compares && !values.is_empty() && !test.operator.passes_when_absent(&values)
}

/// The literal ARNs to which a statement confines its callers.
pub(super) fn confined_to(statement: &Statement) -> impl Iterator<Item = Arn> + '_ {
    statement
        .tests("aws:PrincipalArn")
        .filter(|test| !test.operator.negated() && test.operator.test != Test::Null)
        .flat_map(|test| &test.values)
        .filter_map(|value| value.value.parse().ok())
}
impl<'s> LintContext<'s> {
    pub(super) fn new(
        text: &'s str,
        root: Option<&'s Node>,
        policy: &'s Policy,
        facts: &'s Facts,
    ) -> Self {
        let own = match &facts.role {
            Some(role) => Some(role.account.clone()),
            None => own_account(policy),
        };
        let mut scene = Self { text, root, policy, facts, own, required: Vec::new() };
        scene.required = scene.wanted();
        scene
    }

    /// Every caller that is to get in, each with one id.
    pub(super) fn required(&self) -> &[Required] {
        &self.required
    }

    /// The role's account, where it is known.
    pub(super) fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }
    pub(super) fn role(&self) -> Option<&'s Arn> {
        self.facts.role.as_ref()
    }

    pub(super) fn partition(&self) -> &str {
        partition_of(self.role())
    }

    pub(super) fn statements(
        &self,
        effect: Effect,
    ) -> impl Iterator<Item = (usize, &'s Statement)> + use<'s> {
        self.policy.statements.iter().enumerate().filter(move |(_, one)| one.effect == effect)
    }

    /// The Allows by which accounts, roles and users assume the role.
    pub(super) fn allows(&self) -> impl Iterator<Item = (usize, &'s Statement)> + use<'s> {
        self.statements(Effect::Allow).filter(|(_, one)| one.covers("sts:AssumeRole"))
    }

    /// The Allows that name a caller, with the entry that does.
    pub(super) fn naming(&self, caller: &Caller) -> Vec<(usize, &'s Statement, &'s Principal)> {
        self.allows()
            .filter_map(|(at, one)| {
                let by =
                    one.principals.iter().find(|entry| is_named(entry, caller, self.role()))?;
                Some((at, one, by))
            })
            .collect()
    }

    pub(super) fn decision(&self, caller: &Caller, id: Option<&str>) -> Decision {
        decide(self.policy, &request_of(caller, id, self.role())).decision
    }

    pub(super) fn caller(&self, principal: &Principal) -> Option<Caller> {
        Caller::aws(&principal.text.value, self.role())
    }

    /// Whether a statement's tests of the external id hold for an id, or for none.
    pub(super) fn id_passes(&self, statement: &Statement, id: Option<&str>) -> Truth {
        let mut context = Context::open();
        match id {
            Some(id) => context.set(EXTERNAL_ID, vec![id.to_owned()]),
            None => context.without(EXTERNAL_ID),
        }
        let variables = self.policy.has_variables();
        statement
            .tests(EXTERNAL_ID)
            .map(|test| holds(test, &context, variables))
            .fold(Truth::Yes, Truth::and)
    }

    /// Whether text is a placeholder that somebody forgot.
    pub(super) fn is_placeholder(&self, text: &str) -> bool {
        placeholders::is_placeholder(text, self.role())
    }

    /// Whether all ids that a statement requires are placeholders, which have a finding of their own.
    pub(super) fn asks_placeholders(&self, statement: &Statement) -> bool {
        let mut values = statement
            .tests(EXTERNAL_ID)
            .filter(|test| asks(test))
            .flat_map(|test| &test.values)
            .peekable();
        values.peek().is_some() && values.all(|value| self.is_placeholder(&value.value))
    }

    /// A statement of its own for a caller, at the end.
    pub(super) fn statement_for(&self, principal: &str, ids: &[String], sid: &str) -> Edit {
        let free =
            self.policy.statements.iter().flat_map(|one| &one.sid).all(|one| one.value != sid);
        let asked = ConditionDraft {
            operator: "StringEquals".to_owned(),
            key: EXTERNAL_ID.to_owned(),
            values: ids.to_vec(),
        };
        let draft = StatementDraft {
            sid: free.then(|| sid.to_owned()),
            effect: Effect::Allow,
            principals: vec![PrincipalRef {
                kind: PrincipalKind::Aws,
                value: principal.to_owned(),
            }],
            actions: vec!["sts:AssumeRole".to_owned()],
            conditions: if ids.is_empty() { Vec::new() } else { vec![asked] },
        };
        Edit::AddStatement { statement: self.policy.statements.len(), draft }
    }
}
