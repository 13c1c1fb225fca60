//! TP013: ARNs of another AWS partition than the role's.

use headgate_terms::{Arn, Severity, say};

use super::context::LintContext;
use super::expected::replace_id;
use super::finding::{FindingDraft, page};
use super::trusted_parties::Party;
use crate::edit::Edit;
use crate::policy::Text;
use crate::well_known::{
    UNITY_CATALOG_ROLES, is_databricks, unity_catalog_of_account, unity_catalog_of_partition,
};

/// TP013
pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        for principal in &statement.principals {
            let Ok(arn) = principal.text.value.parse::<Arn>() else { continue };
            let right = right(scene, &arn);
            let edits = right.clone().map(|with| {
                vec![if statement.principals.iter().any(|one| one.text.value == with) {
                    Edit::RemovePrincipal {
                        statement: at,
                        kind: principal.kind,
                        value: principal.text.value.clone(),
                    }
                } else {
                    Edit::ReplacePrincipal {
                        statement: at,
                        kind: principal.kind,
                        value: principal.text.value.clone(),
                        with,
                    }
                }]
            });
            found.extend(elsewhere(scene, at, &principal.text, &arn, right.as_deref(), edits));
        }
        for key in ["aws:PrincipalArn", "aws:SourceArn"] {
            for test in statement.tests(key).filter(|test| !test.operator.negated()) {
                for value in &test.values {
                    let Ok(arn) = value.value.parse::<Arn>() else { continue };
                    if arn.partition.contains(['*', '?', '$']) {
                        continue;
                    }
                    let right = right(scene, &arn);
                    let edits =
                        right.clone().map(|with| vec![replace_id(at, test, &value.value, &with)]);
                    found.extend(elsewhere(scene, at, value, &arn, right.as_deref(), edits));
                }
            }
        }
    }
}

/// What the ARN would be where it is known: of the role's own account, or Unity Catalog's.
fn right(scene: &LintContext<'_>, arn: &Arn) -> Option<String> {
    if scene.is_unity_catalog(arn) || is_databricks(&arn.account) {
        let partition = scene.role().map(|role| role.partition.as_str());
        let required = scene.required_of(Party::Databricks);
        let fits = |text: &&str| {
            partition.is_none_or(|partition| text.split(':').nth(1) == Some(partition))
        };
        return required
            .iter()
            .map(|one| one.principal.as_str())
            .find(fits)
            .or_else(|| unity_catalog_of_account(&arn.account).filter(fits))
            .or_else(|| partition.and_then(unity_catalog_of_partition))
            .map(str::to_owned);
    }
    let role = scene.role()?;
    let here = Arn { partition: role.partition.clone(), ..arn.clone() };
    (arn.account == role.account).then(|| here.to_string())
}

fn elsewhere(
    scene: &LintContext<'_>,
    at: usize,
    place: &Text,
    arn: &Arn,
    right: Option<&str>,
    edits: Option<Vec<Edit>>,
) -> Option<FindingDraft> {
    let home = UNITY_CATALOG_ROLES
        .iter()
        .filter_map(|role| role.parse::<Arn>().ok())
        .find(|role| role.account == arn.account)
        .map(|role| role.partition);
    let text = &place.value;
    let title = match scene.role() {
        Some(role) if role.partition != arn.partition => say!(
            "`{}` is in the partition `{}`, and the role is in `{}`",
            text,
            arn.partition,
            role.partition
        ),
        _ => {
            let home = home.filter(|home| *home != arn.partition)?;
            say!(
                "`{}` names the partition `{}`, and Databricks' account `{}` is in `{}`",
                text,
                arn.partition,
                arn.account,
                home
            )
        }
    };
    Some(
        FindingDraft::new(
            "TP013",
            Severity::Error,
            title,
            "IAM refuses the policy, or nobody ever fits the name: no role is trusted from one partition to another. Name the role of this cloud.",
            say!("Commercial regions, GovCloud and China are partitions of their own, each with its own accounts ({}).", page("reference_identifiers")),
        )
        .at(at, place.range)
        .values(right.unwrap_or_default(), text)
        .opening("Name the role of this partition", edits),
    )
}
