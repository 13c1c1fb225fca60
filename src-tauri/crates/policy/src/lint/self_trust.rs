//! TP007 and TP008: the role's trust in itself, which Unity Catalog requires of a storage credential.

use headgate_terms::{Arn, Severity, Shown, say, shell_word};

use super::context::{LintContext, asks};
use super::expected::{add_id, replace_id};
use super::finding::{FindingDraft, page};
use super::ids::asked;
use super::trusted_parties::Party;
use crate::condition::{Truth, holds};
use crate::edit::{ConditionDraft, Edit};
use crate::evaluate::{Caller, Decision, is_named};
use crate::export::role_name_option;
use crate::matrix::{EXTERNAL_ID, context_of};
use crate::policy::{Principal, PrincipalKind, Statement, Text, Who};
use crate::style::quoted;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let Some(role) = scene.role() else { return };
    let itself = Caller::Aws(role.clone());
    found.extend(itself_missing(scene, role, &itself));
    found.extend(by_root_alone(scene, role, &itself));
}

/// The ids that Databricks passes: the credential's, else those that the policy requires of it.
fn databricks_ids(scene: &LintContext<'_>) -> Option<Vec<String>> {
    let known: Vec<String> = [Party::Itself, Party::Databricks]
        .into_iter()
        .flat_map(|party| scene.required_of(party))
        .filter_map(|one| one.id)
        .take(1)
        .collect();
    if !known.is_empty() {
        return Some(known);
    }
    let mut ids: Vec<String> = Vec::new();
    let mut tested = false;
    for (_, statement, _) in scene.databricks() {
        tested |= statement.tests(EXTERNAL_ID).next().is_some();
        for id in asked(statement) {
            if !scene.is_placeholder(id) && !id.contains(['*', '?']) {
                ids.push(id.to_owned());
            }
        }
    }
    // Ids that cannot be told say nothing of what the role itself must bring.
    (!tested || !ids.is_empty()).then_some(ids)
}

/// TP007
fn itself_missing(scene: &LintContext<'_>, role: &Arn, itself: &Caller) -> Option<FindingDraft> {
    let catalog = scene.databricks().into_iter().next();
    let wanted = [Party::Databricks, Party::Itself].map(|party| scene.required_of(party));
    if catalog.is_none() && wanted.iter().all(Vec::is_empty) {
        return None;
    }
    let ids = databricks_ids(scene)?;
    let decide = |id: Option<&str>| scene.decision(itself, id);
    let enters = if ids.is_empty() {
        decide(None) != Decision::ImplicitDeny
    } else {
        ids.iter().any(|id| decide(Some(id)) != Decision::ImplicitDeny)
    };
    let own = role.to_string();
    if enters || scene.placeholder_for(&own) || is_elsewhere(scene, role) {
        return None;
    }
    let new = |title: Shown, found: &str| {
        FindingDraft::new(
            "TP007",
            Severity::Error,
            title,
            "Databricks refuses the storage credential: it proves that the role can assume itself, with the credential's id.",
            say!("Since 2023 a role is not trusted by itself unless its policy says so, even within its account ({}).", "aws.amazon.com/blogs/security/announcing-an-update-to-iam-role-trust-policy-behavior"),
        )
        .values(&own, found)
    };
    if let Some((at, place, edit)) = named_otherwise(scene, role) {
        return Some(
            new(
                say!("Statement {} names `{}`, and the role is `{}`", at + 1, place.value, own),
                &place.value,
            )
            .at(at, place.range)
            .opening("Name the role itself", Some(vec![edit])),
        );
    }
    let other_id = scene.naming(itself).into_iter().find_map(|(at, statement, entry)| {
        let test = statement.tests(EXTERNAL_ID).find(|test| asks(test))?;
        let only_id = !ids.is_empty() && statement.tests(EXTERNAL_ID).count() == 1;
        (only_id && reaches(scene, statement, itself)).then_some((at, statement, entry, test))
    });
    if let Some((at, statement, _, test)) = other_id {
        if scene.asks_placeholders(statement) {
            return None;
        }
        let id = &ids[0];
        let alone = statement.principals.iter().all(|one| is_named(one, itself, Some(role)));
        let (range, label, edit) = match test.values.as_slice() {
            [one] if alone => (one.range, "Replace the id", replace_id(at, test, &one.value, id)),
            _ => (test.range, "Add the id", add_id(at, test, id)),
        };
        let title = say!("The role may not assume itself with Databricks' id `{}`", id);
        return Some(
            new(title, "")
                .at(at, range)
                .values(id, &asked(statement).join(", "))
                .opening(label, Some(vec![edit])),
        );
    }
    let missing = new(say!("The role `{}` may not assume itself", own), "").opening(
        "Add a statement for the role itself",
        Some(vec![own_statement(scene, role, &ids)]),
    );
    Some(match catalog {
        Some((at, _, entry)) => missing.at(at, entry.text.range),
        None => missing,
    })
}

/// Whether the role's account is named in another partition, which has TP013.
fn is_elsewhere(scene: &LintContext<'_>, role: &Arn) -> bool {
    let strays = |text: &str| {
        text.parse::<Arn>().is_ok_and(|arn| {
            arn.account == role.account
                && arn.partition != role.partition
                && !arn.partition.contains('*')
        })
    };
    scene.allows().any(|(_, statement)| {
        let values = statement.tests("aws:PrincipalArn").flat_map(|test| &test.values);
        let principals = statement.principals.iter().map(|one| &one.text);
        values.chain(principals).any(|text| strays(&text.value))
    })
}

/// Whether a statement's conditions on the caller's ARN hold for the role.
fn reaches(scene: &LintContext<'_>, statement: &Statement, itself: &Caller) -> bool {
    let context = context_of(itself, None);
    let variables = scene.policy.has_variables();
    statement.tests("aws:PrincipalArn").all(|test| holds(test, &context, variables) != Truth::No)
}

/// A principal or `aws:PrincipalArn` that is the role but for its path, or that confines the account's
/// root to one other role beside Databricks' own layout.
fn named_otherwise<'s>(scene: &LintContext<'s>, role: &Arn) -> Option<(usize, &'s Text, Edit)> {
    let name = role.role_name()?;
    let text = role.to_string();
    let twin =
        |arn: &Arn| arn != role && arn.account == role.account && arn.role_name() == Some(name);
    for (at, statement) in scene.allows() {
        for principal in &statement.principals {
            if matches!(&principal.who, Who::Role(arn) if twin(arn)) {
                let edit = Edit::ReplacePrincipal {
                    statement: at,
                    kind: PrincipalKind::Aws,
                    value: principal.text.value.clone(),
                    with: text.clone(),
                };
                return Some((at, &principal.text, edit));
            }
        }
        let by_root = |one: &Principal| matches!(&one.who, Who::Account { account, .. } if *account == role.account);
        if !statement.principals.iter().all(by_root) {
            continue;
        }
        for test in statement.tests("aws:PrincipalArn").filter(|test| !test.operator.negated()) {
            let parsed = |value: &&Text| value.value.parse::<Arn>();
            let wrong = test.values.iter().find(|value| parsed(value).is_ok_and(|arn| twin(&arn)));
            if let Some(value) = wrong {
                return Some((at, value, replace_id(at, test, &value.value, &text)));
            }
            let account = |value: &&Text| {
                parsed(value).is_ok_and(|arn| {
                    arn.account == role.account && arn.role_name().is_some() && arn != *role
                })
            };
            if let Some(value) = test.values.iter().find(account)
                && !test.values.iter().any(|value| value.value == text)
                && !scene.is_placeholder(&value.value)
            {
                return Some((at, value, add_id(at, test, &text)));
            }
        }
    }
    None
}

/// The role's own ARN, or its account's root confined to it where the role is not made yet.
fn own_statement(scene: &LintContext<'_>, role: &Arn, ids: &[String]) -> Edit {
    let text = role.to_string();
    let mut edit = scene.statement_for(&text, ids, "ExplicitSelfRoleAssumption");
    if scene.facts.existing.get(&text) == Some(&false)
        && let Edit::AddStatement { draft, .. } = &mut edit
    {
        draft.principals[0].value = Arn::root(&role.partition, &role.account).to_string();
        draft.conditions.insert(
            0,
            ConditionDraft {
                operator: "ArnLike".to_owned(),
                key: "aws:PrincipalArn".to_owned(),
                values: vec![text],
            },
        );
    }
    edit
}

/// TP008
fn by_root_alone(scene: &LintContext<'_>, role: &Arn, itself: &Caller) -> Option<FindingDraft> {
    if scene.facts.self_assume_allowed != Some(false) {
        return None;
    }
    let naming = scene.naming(itself);
    let direct = |entry: &Principal| !matches!(entry.who, Who::Account { .. });
    if naming.iter().any(|(_, statement, _)| {
        statement.principals.iter().any(|one| direct(one) && is_named(one, itself, Some(role)))
    }) {
        return None;
    }
    let (at, _, entry) =
        naming.into_iter().find(|(_, statement, _)| reaches(scene, statement, itself))?;
    let name = role_name_option(role.role_name()?);
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":{}}}]}}"#,
        quoted(&role.to_string())
    );
    Some(
        FindingDraft::new(
            "TP008",
            Severity::Warning,
            say!("The role is trusted through `{}`, and its own policies do not let it call", entry.text.value),
            "Trust in an account lets in whom that account's own policies let call, so the role still cannot assume itself and Databricks refuses the credential.",
            say!("Within an account a role's ARN as principal is enough; the account's root is not ({}).", page("reference_policies_evaluation-logic")),
        )
        .at(at, entry.text.range)
        .values("sts:AssumeRole on itself", "")
        .command(format!(
            "aws iam put-role-policy {name} --policy-name AssumeItself --policy-document {}",
            shell_word(&document)
        )),
    )
}
