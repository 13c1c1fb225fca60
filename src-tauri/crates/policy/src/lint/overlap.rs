//! TP020 and TP022: what a Deny takes away from the goals or from an Allow, and statements and values that
//! repeat others.

use std::collections::{BTreeMap, BTreeSet};

use headgate_terms::{Arn, Severity, Shown, say};

use super::context::{LintContext, asks};
use super::finding::{FindingDraft, named, page};
use super::ids::needless_prefix;
use crate::axes::axes;
use crate::condition::Truth;
use crate::edit::Edit;
use crate::evaluate::{truth, verdict};
use crate::matrix::{EXTERNAL_ID, request_of};
use crate::operator::Test;
use crate::policy::{Effect, Principal, PrincipalKind, Statement, Text, Who};

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let denying = denied_goals(scene, found);
    shadowed(scene, &denying, found);
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        repeated_values(scene, at, statement, found);
        sessions(at, statement, found);
        found.extend(needless_prefix(at, statement));
    }
    overlapping(scene, found);
}

const LOGIC: &str = "reference_policies_evaluation-logic";

/// TP020, a Deny before what is wanted. The statements that it speaks of come back.
fn denied_goals(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) -> Vec<usize> {
    let mut denying = Vec::new();
    let required = scene.required();
    for (at, statement) in scene.statements(Effect::Deny) {
        let hit = required.iter().find(|one| {
            let request = request_of(&one.caller, one.id.as_deref(), scene.role());
            truth(scene.policy, statement, &request) == Truth::Yes
        });
        if let Some(one) = hit {
            denying.push(at);
            let with = one.id.as_ref().map_or(Shown::default(), |id| say!(" with the id `{}`", id));
            found.push(
                FindingDraft::new(
                    "TP020",
                    Severity::Security,
                    say!("Statement {} denies `{}`{}, who is to get in", at + 1, one.principal, with),
                    "No Allow helps against it. Change or remove the Deny by hand, when its reason is known.",
                    say!("One Deny that matches outweighs every Allow ({}).", page(LOGIC)),
                )
                .at(at, statement.effect_range),
            );
        }
    }
    denying
}

/// TP020, an Allow that Denies take away as a whole, but for those that were spoken of.
fn shadowed(scene: &LintContext<'_>, spoken: &[usize], found: &mut Vec<FindingDraft>) {
    if scene.statements(Effect::Deny).next().is_none() {
        return;
    }
    let policy = scene.policy;
    let axes = axes(&[policy], &scene.facts.goals, scene.role());
    // Someone who was left out may get in.
    if axes.left_out > 0 {
        return;
    }
    let mut dead: BTreeMap<usize, (bool, usize)> = BTreeMap::new();
    for row in &axes.callers {
        let Some(caller) = row.principal.caller(scene.role()) else { continue };
        for id in &axes.ids {
            let request = request_of(&caller, id.external_id.as_deref(), scene.role());
            let truths: Vec<(Effect, Truth)> = policy
                .statements
                .iter()
                .map(|one| (one.effect, truth(policy, one, &request)))
                .collect();
            let decided = verdict(truths.iter().copied());
            let by = decided.statements.first().copied().unwrap_or_default();
            let denied = decided.decision == crate::evaluate::Decision::ExplicitDeny;
            for (at, _) in truths
                .iter()
                .enumerate()
                .filter(|(_, (effect, truth))| *effect == Effect::Allow && *truth != Truth::No)
            {
                let entry = dead.entry(at).or_insert((true, by));
                entry.0 &= denied;
            }
        }
    }
    for (at, (_, by)) in dead.into_iter().filter(|(_, (dead, by))| *dead && !spoken.contains(by)) {
        let statement = &policy.statements[at];
        found.push(
            FindingDraft::new(
                "TP020",
                Severity::Security,
                say!("Statement {} lets nobody in: statement {} denies all that it allows", at + 1, by + 1),
                "Whoever reads the policy takes them for trusted, and they are not. Remove one of the two by hand.",
                say!("One Deny that matches outweighs every Allow ({}).", page(LOGIC)),
            )
            .at(at, statement.effect_range),
        );
    }
}

fn redundant(title: Shown, meaning: &'static str, because: Shown) -> FindingDraft {
    FindingDraft::new("TP022", Severity::Info, title, meaning, because)
}

const NOTHING: &str = "It changes nothing for anybody, and takes characters of the quota.";

/// TP022, a value twice in one list.
fn repeated_values(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    found: &mut Vec<FindingDraft>,
) {
    let because =
        || say!("A list means each of its values once ({}).", page("reference_policies_grammar"));
    let mut twice = |text: &Text, edit: Edit| {
        found.push(
            redundant(say!("`{}` stands twice in one list", text.value), NOTHING, because())
                .at(at, text.range)
                .values("", &text.value)
                .fix("Remove one", vec![edit]),
        );
    };
    let mut seen: BTreeSet<(PrincipalKind, String)> = BTreeSet::new();
    for one in &statement.principals {
        if !seen.insert((one.kind, meant(one, scene.partition()))) {
            let (kind, value) = (one.kind, one.text.value.clone());
            twice(&one.text, Edit::RemovePrincipal { statement: at, kind, value });
        }
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for action in &statement.actions {
        if !seen.insert(action.value.to_ascii_lowercase()) {
            twice(action, Edit::RemoveAction { statement: at, value: action.value.clone() });
        }
    }
    for test in &statement.conditions {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for value in &test.values {
            if !seen.insert(&value.value) {
                let edit = Edit::RemoveConditionValue {
                    statement: at,
                    operator: test.operator_text.value.clone(),
                    key: test.key.value.clone(),
                    value: value.value.clone(),
                };
                twice(value, edit);
            }
        }
    }
}

/// A principal as IAM keeps it: an account as its root.
fn meant(one: &Principal, partition: &str) -> String {
    match &one.who {
        Who::Account { account, partition: of } => {
            Arn::root(of.as_deref().unwrap_or(partition), account).to_string()
        }
        _ => one.text.value.clone(),
    }
}

/// TP022, a session beside its role.
fn sessions(at: usize, statement: &Statement, found: &mut Vec<FindingDraft>) {
    for one in &statement.principals {
        let Who::Session(session) = &one.who else { continue };
        let role = statement.principals.iter().find(|other| {
            matches!(&other.who, Who::Role(role)
                if (&role.partition, &role.account) == (&session.partition, &session.account)
                    && role.role_name() == session.session().map(|(name, _)| name))
        });
        let Some(role) = role else { continue };
        let (kind, value) = (one.kind, one.text.value.clone());
        found.push(
            redundant(
                say!("`{}` is a session of `{}`, which stands beside it", value, role.text.value),
                NOTHING,
                say!(
                    "A role as principal means all of its sessions ({}).",
                    page("reference_policies_elements_principal")
                ),
            )
            .at(at, one.text.range)
            .values("", &one.text.value)
            .fix("Remove the session", vec![Edit::RemovePrincipal { statement: at, kind, value }]),
        );
    }
}

/// A statement as far as it can be compared with another.
struct Sense<'s> {
    statement: &'s Statement,
    principals: BTreeSet<(PrincipalKind, String)>,
    actions: BTreeSet<String>,
    tests: BTreeMap<(String, String), (bool, BTreeSet<&'s str>)>,
}

impl<'s> Sense<'s> {
    fn of(statement: &'s Statement, partition: &str) -> Self {
        let principals =
            statement.principals.iter().map(|one| (one.kind, meant(one, partition))).collect();
        let actions =
            statement.actions.iter().map(|action| action.value.to_ascii_lowercase()).collect();
        let mut tests: BTreeMap<_, (bool, BTreeSet<&str>)> = BTreeMap::new();
        for test in &statement.conditions {
            let name = (test.operator.to_string(), test.key.value.to_ascii_lowercase());
            let grows = !test.operator.negated() && test.operator.test != Test::Null;
            let entry = tests.entry(name).or_insert((grows, BTreeSet::new()));
            entry.1.extend(test.values.iter().map(|value| value.value.as_str()));
        }
        Self { statement, principals, actions, tests }
    }

    /// Whether what matches another for a caller of both matches this too.
    fn holds_for(&self, other: &Self) -> bool {
        let actions = if self.statement.not_action {
            self.actions == other.actions
        } else {
            other.actions.is_subset(&self.actions)
        };
        (self.statement.effect, self.statement.not_action)
            == (other.statement.effect, other.statement.not_action)
            && actions
            && self.tests.iter().all(|(name, (grows, values))| {
                other.tests.get(name).is_some_and(|(_, others)| {
                    !values.is_empty()
                        && !others.is_empty()
                        && if *grows { others.is_subset(values) } else { others == values }
                })
            })
    }

    /// Whether two differ in the ids that they require by name, and in nothing else.
    fn differs_in_ids(&self, other: &Self) -> bool {
        let by_name = |sense: &Self| {
            let mut tests = sense.statement.tests(EXTERNAL_ID);
            tests.next().is_some_and(asks) && tests.next().is_none()
        };
        let id = EXTERNAL_ID.to_ascii_lowercase();
        let rest = |sense: &'_ Self| -> Vec<((String, String), Vec<String>)> {
            let own =
                |values: &BTreeSet<&str>| values.iter().map(|one| (*one).to_owned()).collect();
            sense
                .tests
                .iter()
                .map(|(name, (_, values))| {
                    (name.clone(), if name.1 == id { Vec::new() } else { own(values) })
                })
                .collect()
        };
        self.principals == other.principals
            && !self.principals.is_empty()
            && self.statement.effect == Effect::Allow
            && self.statement.effect == other.statement.effect
            && (self.statement.not_action, &self.actions)
                == (other.statement.not_action, &other.actions)
            && by_name(self)
            && by_name(other)
            && rest(self) == rest(other)
    }
}

/// TP022, of two statements.
fn overlapping(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let partition = scene.partition();
    let senses: Vec<Sense<'_>> =
        scene.policy.statements.iter().map(|one| Sense::of(one, partition)).collect();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    let because = || {
        say!("Each statement counts for itself, and one that matches is enough ({}).", page(LOGIC))
    };
    for (at, sense) in senses.iter().enumerate() {
        for (other, wider) in senses.iter().enumerate() {
            if at == other || done.contains(&other) || done.contains(&at) {
                continue;
            }
            let shared: Vec<&Principal> = sense
                .statement
                .principals
                .iter()
                .filter(|one| wider.principals.contains(&(one.kind, meant(one, partition))))
                .collect();
            if shared.is_empty() {
                continue;
            }
            let covered = wider.holds_for(sense);
            let mutual = covered && sense.holds_for(wider);
            if covered && sense.principals.is_subset(&wider.principals) {
                // Of two that say the same the later goes.
                if mutual && wider.principals.is_subset(&sense.principals) && at < other {
                    continue;
                }
                done.insert(at);
                found.push(
                    redundant(
                        say!(
                            "Statement {} says nothing that statement {} does not say",
                            at + 1,
                            other + 1
                        ),
                        NOTHING,
                        because(),
                    )
                    .at(at, sense.statement.range)
                    .fix("Remove the statement", vec![Edit::RemoveStatement { statement: at }]),
                );
            } else if covered
                && !(mutual && (at < other || wider.principals.is_subset(&sense.principals)))
            {
                for one in shared {
                    let (kind, value) = (one.kind, one.text.value.clone());
                    found.push(
                        redundant(
                            say!(
                                "`{}` stands in statement {} too, which lets it in as far",
                                value,
                                other + 1
                            ),
                            NOTHING,
                            because(),
                        )
                        .at(at, one.text.range)
                        .values("", &one.text.value)
                        .fix(
                            "Remove it here",
                            vec![Edit::RemovePrincipal { statement: at, kind, value }],
                        ),
                    );
                }
            } else if !covered
                && at < other
                && sense.differs_in_ids(wider)
                && !wider.holds_for(sense)
                && !sense.holds_for(wider)
            {
                let who =
                    named(sense.statement.principals.iter().map(|one| one.text.value.as_str()));
                found.push(
                    redundant(
                        say!(
                            "{} stands in statements {} and {}, which differ in ids alone",
                            who,
                            at + 1,
                            other + 1
                        ),
                        "One statement with a list of ids says the same in fewer characters.",
                        because(),
                    )
                    .at(other, wider.statement.range)
                    .fix(
                        "Merge the statements",
                        vec![Edit::MergeStatements { statement: at, with: other }],
                    ),
                );
            }
        }
    }
}
