//! Callers that a role may need to allow: Unity Catalog, Segment, the role itself and this installation, with
//! their names and what is known of their ARNs and external IDs.
//!
//! ARNs of vendors are data in `policy`. Users may change every proposal.

use headgate_policy::{
    CallerKind, CallerRow, EXTERNAL_ID, Facts, IdColumn, Named, SEGMENT_ROLE, UNITY_CATALOG_ROLES,
    Who,
};
use headgate_terms::{Arn, Result, say};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::api::{KnownId, Template, Templates, TemplatesFor};
use crate::cx::Cx;

/// What people call Unity Catalog's roles, in the order in which they are known.
const CATALOGS: [&str; 3] =
    ["Unity Catalog", "Unity Catalog, GovCloud", "Unity Catalog, GovCloud DoD"];

/// Unity Catalog's roles with their names.
fn catalogs() -> impl Iterator<Item = (&'static str, &'static str)> {
    CATALOGS.into_iter().zip(UNITY_CATALOG_ROLES)
}

/// What this installation is to a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Writer {
    pub(crate) principal: Option<String>,
    pub(crate) external_id: String,
}

/// What is known when callers get their names.
pub(crate) struct Known<'k> {
    /// Who this installation is to AWS.
    pub writer: Option<String>,
    /// What is known of the role.
    pub facts: &'k Facts,
}

impl Known<'_> {
    /// What people call a principal.
    pub(crate) fn principal(&self, text: &str) -> Option<String> {
        if self.facts.role.as_ref().is_some_and(|role| role.to_string() == text) {
            return Some("This role itself".to_owned());
        }
        if let Some((label, _)) = catalogs().find(|(_, arn)| *arn == text) {
            return Some(label.to_owned());
        }
        if self.writer.as_deref() == Some(text) {
            return Some("Headgate".to_owned());
        }
        let arn: Arn = text.parse().ok()?;
        if headgate_policy::is_unity_catalog(&arn) {
            return Some("Unity Catalog".to_owned());
        }
        (text == SEGMENT_ROLE).then(|| "Segment".to_owned())
    }

    /// What a row is called.
    pub(crate) fn row(&self, row: &CallerRow) -> String {
        match (&row.principal, row.kind) {
            (_, CallerKind::Stranger) => "Anyone else in any account".to_owned(),
            (Named::Aws(text), CallerKind::Like) => format!("Such as {}", self.plain(text)),
            (Named::Aws(text), CallerKind::OtherRole) => {
                let account = text.parse::<Arn>().map(|arn| arn.account).unwrap_or_default();
                format!("Other roles in account {account}")
            }
            (Named::Aws(text), _) => self.principal(text).unwrap_or_else(|| self.plain(text)),
            (Named::Service { service }, _) => service.clone(),
            (Named::Federated { federated }, _) => federated.clone(),
        }
    }

    fn plain(&self, text: &str) -> String {
        let Ok(arn) = text.parse::<Arn>() else { return text.to_owned() };
        if arn.is_root() {
            let own = self.facts.role.as_ref().is_some_and(|role| role.account == arn.account);
            return if own {
                "This account".to_owned()
            } else {
                format!("Account {}", arn.account)
            };
        }
        if let Some((role, session)) = arn.session() {
            return format!("Session {session} of {role}");
        }
        arn.resource.rsplit('/').next().unwrap_or(text).to_owned()
    }

    /// What a column is called: by the goals that have its id.
    pub(crate) fn column(&self, id: &IdColumn) -> String {
        let Some(text) = &id.external_id else { return "No id".to_owned() };
        if id.any_other {
            return "Any other id".to_owned();
        }
        if let Some(pattern) = &id.like {
            return say!("Ids like `{}`", pattern).to_string();
        }
        let goals =
            || self.facts.goals.iter().filter(|goal| goal.external_id.as_ref() == Some(text));
        let of = |known: &dyn Fn(&str) -> bool| goals().any(|goal| known(&goal.principal));
        let catalog = |text: &str| {
            text.parse::<Arn>().is_ok_and(|arn| headgate_policy::is_unity_catalog(&arn))
        };
        if self.facts.credential.as_ref().is_some_and(|known| known.external_id == *text)
            || of(&catalog)
        {
            "Databricks’ id".to_owned()
        } else if of(&|principal| principal == SEGMENT_ROLE) {
            "Segment’s id".to_owned()
        } else if self.writer.as_deref().is_some_and(|writer| of(&|principal| principal == writer))
        {
            "Headgate’s id".to_owned()
        } else if headgate_policy::is_placeholder(text) {
            "Placeholder".to_owned()
        } else {
            "External id".to_owned()
        }
    }
}

/// What a principal means, in a few words.
pub(crate) fn means(who: &Who) -> &'static str {
    match who {
        Who::Everyone => "Everyone",
        Who::Account { .. } => "A whole account",
        Who::Role(_) => "A role and its sessions",
        Who::User(_) => "A user",
        Who::Session(_) => "One session",
        Who::FederatedUser(_) => "A federated user",
        Who::Gone(_) => "Deleted, nobody",
        Who::Service(_) => "A service of AWS",
        Who::Provider(_) => "An identity provider",
        Who::Nobody => "No principal",
    }
}

impl App {
    /// Who this installation is to AWS, if it has ever been there.
    pub(crate) fn writer_principal(&self, profile: &str) -> Result<Option<String>> {
        Ok(self.writer(profile)?.and_then(|writer| writer.principal))
    }

    fn writer(&self, profile: &str) -> Result<Option<Writer>> {
        Ok(self.profile_document(profile)?.writer)
    }

    /// Remembers who this installation is to AWS.
    pub(crate) fn know_writer(&self, profile: &str, principal: String) -> Result<()> {
        if self.writer_principal(profile)?.as_ref() == Some(&principal) {
            return Ok(());
        }
        self.change_profile(profile, |document| document.writer_mut().principal = Some(principal))
    }

    pub(crate) fn policy_templates(&self, cx: &Cx, request: &TemplatesFor) -> Result<Templates> {
        let writer = self.writer(&cx.profile)?;
        let role: Option<Arn> = request.role.as_ref().and_then(|role| role.parse().ok());
        let partition = role.as_ref().map_or("aws", |role| role.partition.as_str());
        let kept = self.saved_goals(&cx.profile, request.role.as_deref())?;
        let segment = self.profile_document(&cx.profile)?.settings.external_ids.segment;
        let ids = |principal: &str| {
            let mut known: Vec<KnownId> = kept
                .iter()
                .filter(|goal| goal.principal == principal)
                .filter_map(|goal| goal.external_id.clone())
                .map(|id| KnownId { id, from: "used for this role before".to_owned() })
                .collect();
            for id in in_policy(&request.text, principal) {
                if !known.iter().any(|one| one.id == id) {
                    known.push(KnownId { id, from: "in this policy".to_owned() });
                }
            }
            known
        };
        let mut templates = Vec::new();
        let here = catalogs()
            .filter(|(_, arn)| arn.parse::<Arn>().is_ok_and(|arn| arn.partition == partition));
        let databricks_id = "Databricks shows it on the storage credential, as External ID.";
        for (label, principal) in here {
            templates.push(Template {
                id: "unity_catalog",
                label: label.to_owned(),
                principal: Some(principal.to_owned()),
                known_ids: ids(principal),
                where_id: databricks_id,
                required: true,
                sid: Some("UnityCatalogAssumeRole"),
            });
        }
        if let Some(role) = &request.role {
            let mut known_ids = ids(role);
            for known in templates.iter().flat_map(|template| &template.known_ids) {
                if !known_ids.iter().any(|one| one.id == known.id) {
                    known_ids.push(known.clone());
                }
            }
            templates.push(Template {
                id: "self",
                label: "This role itself".to_owned(),
                principal: Some(role.clone()),
                known_ids,
                where_id: "The same as Unity Catalog’s.",
                required: true,
                sid: Some("ExplicitSelfRoleAssumption"),
            });
        }
        let mut segment_ids = ids(SEGMENT_ROLE);
        if let Some(id) = segment.filter(|id| !segment_ids.iter().any(|one| one.id == *id)) {
            segment_ids.insert(0, KnownId { id, from: "in this profile".to_owned() });
        }
        templates.push(Template {
            id: "segment",
            label: "Segment".to_owned(),
            principal: Some(SEGMENT_ROLE.to_owned()).filter(|_| partition == "aws"),
            known_ids: segment_ids,
            where_id: "Segment shows it under Settings, Workspace settings, ID.",
            required: false,
            sid: Some("SegmentStorageDestinations"),
        });
        templates.push(Template {
            id: "headgate",
            label: "Headgate".to_owned(),
            principal: writer.as_ref().and_then(|writer| writer.principal.clone()),
            known_ids: writer
                .map(|writer| KnownId {
                    id: writer.external_id,
                    from: "made by this installation".to_owned(),
                })
                .into_iter()
                .collect(),
            where_id: "This installation made it; nobody else has it.",
            required: false,
            sid: Some("HeadgateWriter"),
        });
        templates.push(Template {
            id: "custom",
            label: "Another caller".to_owned(),
            principal: None,
            known_ids: Vec::new(),
            where_id: "The vendor gives it; never choose one of another vendor.",
            required: false,
            sid: None,
        });
        Ok(Templates { templates })
    }
}

/// The ids that a policy requires of a principal, without placeholders.
fn in_policy(text: &str, principal: &str) -> Vec<String> {
    let Some(policy) = headgate_policy::read(text).policy else { return Vec::new() };
    let mut ids = Vec::new();
    let naming = policy.statements.iter().filter(|statement| {
        statement.effect == headgate_policy::Effect::Allow
            && statement.principals.iter().any(|one| one.text.value == principal)
    });
    for value in naming.flat_map(|one| one.tests(EXTERNAL_ID)).flat_map(|test| &test.values) {
        let id = &value.value;
        let usable =
            headgate_policy::id_fault(id).is_none() && !headgate_policy::is_placeholder(id);
        if usable && !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}
