//! The trust policy of a role that does not exist yet.
//!
//! A role cannot be named as a principal before it exists, so it trusts itself through its account's root with
//! its own ARN as a condition. Databricks' tools write the same two statements.

use headgate_terms::{Arn, Result, Shown, say};

use crate::goals::{id_fault, invalid};
use crate::matrix::EXTERNAL_ID;
use crate::policy::{PrincipalKind, Who};
use crate::style::quoted;
use crate::whom::who;

/// Lets Unity Catalog in with the id of its storage credential, and the role itself.
///
/// # Errors
/// `goals_invalid` when one of the three cannot be what it should.
pub fn new_policy(role: &Arn, unity_catalog: &str, external_id: &str) -> Result<String> {
    if role.role_name().is_none() {
        return Err(invalid(say!("`{}` is no role's ARN.", role), "role"));
    }
    if !matches!(who(PrincipalKind::Aws, unity_catalog), Who::Role(_)) {
        return Err(invalid(say!("`{}` is no role's ARN.", unity_catalog), "principal"));
    }
    if let Some(fault) = id_fault(external_id) {
        return Err(invalid(
            say!("`{}` is no external id: {}.", external_id, Shown::from(fault)),
            "externalId",
        ));
    }
    let root = Arn::root(&role.partition, &role.account).to_string();
    let (catalog, root, role) = (quoted(unity_catalog), quoted(&root), quoted(&role.to_string()));
    let (key, id) = (quoted(EXTERNAL_ID), quoted(external_id));
    Ok(format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Sid": "UnityCatalogAssumeRole",
      "Effect": "Allow",
      "Principal": {{ "AWS": {catalog} }},
      "Action": "sts:AssumeRole",
      "Condition": {{ "StringEquals": {{ {key}: {id} }} }}
    }},
    {{
      "Sid": "ExplicitSelfRoleAssumption",
      "Effect": "Allow",
      "Principal": {{ "AWS": {root} }},
      "Action": "sts:AssumeRole",
      "Condition": {{
        "ArnLike": {{ "aws:PrincipalArn": {role} }},
        "StringEquals": {{ {key}: {id} }}
      }}
    }}
  ]
}}
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facts, Form, Goal, Goals, QUOTA, UNITY_CATALOG_ROLES, lint_text, plan, read};

    #[test]
    fn the_policy_of_a_new_role_has_no_findings() {
        for catalog in UNITY_CATALOG_ROLES {
            let partition = catalog.split(':').nth(1).unwrap();
            let role: Arn =
                format!("arn:{partition}:iam::417620938841:role/team/lake").parse().unwrap();
            let text = new_policy(&role, catalog, "7c0d9e52-41b8-4f0e").unwrap();
            let policy = read(&text).valid().unwrap();
            let allow: Vec<Goal> = [catalog.to_owned(), role.to_string()]
                .into_iter()
                .map(|principal| Goal {
                    principal,
                    external_id: Some("7c0d9e52-41b8-4f0e".to_owned()),
                    sid: None,
                })
                .collect();
            let goals = Goals { role: role.to_string(), allow };
            let planned = plan(&text, &policy, &goals, Form::Separate, QUOTA).unwrap();
            assert!(planned.satisfied, "{catalog}");
            let facts = Facts { role: Some(role), goals: goals.allow, ..Facts::default() };
            assert_eq!(lint_text(&text, &facts), Some(Vec::new()));
        }
    }

    #[test]
    fn invalid_values_for_a_new_policy_are_refused() {
        let role: Arn = "arn:aws:iam::417620938841:role/lake".parse().unwrap();
        let catalog = UNITY_CATALOG_ROLES[0];
        for (role, catalog, id, field) in [
            (&"arn:aws:iam::417620938841:root".parse().unwrap(), catalog, "abc", "role"),
            (&role, "arn:aws:iam::414351767826:root", "abc", "principal"),
            (&role, catalog, "<ID>", "externalId"),
        ] {
            let error = new_policy(role, catalog, id).unwrap_err();
            assert_eq!(
                (error.code.as_ref(), error.field.as_deref()),
                ("goals_invalid", Some(field))
            );
        }
    }
}
