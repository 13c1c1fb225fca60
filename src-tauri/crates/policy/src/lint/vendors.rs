//! TP003 and TP028: several vendors that share a statement's external IDs, and vendors that no goal names.

use headgate_terms::{Severity, say};

use super::context::{LintContext, asks};
use super::finding::{FindingDraft, named, page};
use super::ids::asked;
use super::trusted_parties::{Party, account, is_known_vendor};
use crate::axes::axes;
use crate::edit::{Edit, PrincipalRef};
use crate::evaluate::{Caller, Decision, decide, is_named};
use crate::matrix::{CallerKind, EXTERNAL_ID, request_of, shown};
use crate::policy::{Effect, Statement, Who};

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.allows() {
        found.extend(shared(scene, at, statement));
    }
    unannounced(scene, found);
}

/// TP003
fn shared(scene: &LintContext<'_>, at: usize, statement: &Statement) -> Option<FindingDraft> {
    let ids = asked(statement);
    let mut vendors: Vec<&str> = statement
        .principals
        .iter()
        .filter(|one| scene.is_foreign(one) && scene.party(statement, one) != Party::Itself)
        .filter_map(account)
        .collect();
    vendors.sort_unstable();
    vendors.dedup();
    let mut count = vendors.len();
    // One of the accounts may be the role's, as long as nobody said which.
    if scene.own().is_none() && !vendors.iter().all(|one| is_known_vendor(one)) {
        count -= 1;
    }
    if count < 2 || ids.len() < 2 {
        return None;
    }
    let test = statement.tests(EXTERNAL_ID).find(|test| asks(test))?;
    Some(
        FindingDraft::new(
            "TP003",
            Severity::Security,
            say!("Statement {} lets each of {} vendors in with any of its {} ids", at + 1, vendors.len(), ids.len()),
            "A vendor that lets its customers choose the id can be made to come with the id of another. A statement for each vendor closes that.",
            say!("Every principal of a statement may use every value of its condition, and external ids are no secrets ({}).", page("id_roles_create_for-user_externalid")),
        )
        .at(at, test.range)
        .fix_if("A statement for each vendor", parted(scene, at, statement, &ids)),
    )
}

/// One statement for each set of ids, where it is known whose each id is.
fn parted(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    asked: &[&str],
) -> Option<Vec<Edit>> {
    let mut groups: Vec<(Vec<String>, Vec<PrincipalRef>)> = Vec::new();
    for one in &statement.principals {
        let mut ids = scene.ids(statement, one);
        ids.retain(|id| asked.contains(&id.as_str()));
        ids.sort_unstable();
        if ids.is_empty() {
            return None;
        }
        let entry = PrincipalRef { kind: one.kind, value: one.text.value.clone() };
        match groups.iter_mut().find(|(known, _)| *known == ids) {
            Some((_, principals)) => principals.push(entry),
            None => groups.push((ids, vec![entry])),
        }
    }
    let owned: usize = groups.iter().map(|(ids, _)| ids.len()).sum();
    let known =
        asked.iter().all(|id| groups.iter().any(|(ids, _)| ids.iter().any(|one| one == id)));
    // An id of two groups would be taken from one of them.
    if groups.len() < 2 || !known || owned != asked.len() {
        return None;
    }
    let split = groups.into_iter().skip(1).rev().map(|(external_ids, principals)| {
        Edit::SplitStatement { statement: at, principals, external_ids }
    });
    Some(split.collect())
}

/// TP028. Everyone and the whole accounts of vendors have findings of their own.
fn unannounced(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let Some(role) = scene.role() else { return };
    if scene.databricks().is_empty() {
        return;
    }
    let axes = axes(&[scene.policy], &scene.facts.goals, Some(role));
    let mut said: Vec<(usize, usize)> = Vec::new();
    for row in &axes.callers {
        let Some(caller) = row.principal.caller(Some(role)) else { continue };
        if matches!(row.kind, CallerKind::Goal | CallerKind::Stranger)
            || scene.is_placeholder(shown(&row.principal))
        {
            continue;
        }
        let ids = axes.ids.iter().map(|column| column.external_id.as_deref());
        let mut entered: Vec<usize> = ids
            .filter(|id| id.is_none() || matches!(caller, Caller::Aws(_)))
            .map(|id| decide(scene.policy, &request_of(&caller, id, Some(role))))
            .filter(|said| matches!(said.decision, Decision::Allow | Decision::Unknown))
            .flat_map(|said| said.statements)
            .collect();
        entered.sort_unstable();
        entered.dedup();
        for at in entered {
            let statement = &scene.policy.statements[at];
            let entry = statement
                .principals
                .iter()
                .position(|one| is_named(one, &caller, Some(role)) && one.who != Who::Everyone);
            let Some(entry) = entry.filter(|_| statement.effect == Effect::Allow) else { continue };
            let principal = &statement.principals[entry];
            let announced = caller == Caller::Aws(role.clone())
                || !matches!(scene.party(statement, principal), Party::Own | Party::Other);
            if announced || said.contains(&(at, entry)) {
                continue;
            }
            said.push((at, entry));
            let who = match &principal.who {
                Who::Account { account, .. }
                    if statement.tests("aws:PrincipalArn").next().is_some() =>
                {
                    say!("other roles of account `{}`", account)
                }
                Who::Account { account, .. } => say!("all of account `{}`", account),
                _ => named([shown(&row.principal)]),
            };
            found.push(
                FindingDraft::new(
                    "TP028",
                    Severity::Security,
                    say!("Statement {} also lets {} in", at + 1, who),
                    "It can change the lake as Databricks and Segment can. Remove it, or add it to the goals if it is meant.",
                    "The role of a storage credential is for Unity Catalog, for itself, for Segment, and for whom the goals name.",
                )
                .at(at, principal.text.range)
                .values("", &principal.text.value),
            );
        }
    }
}
