//! TP001, TP010, TP011, TP014 and TP015: Allow statements that name strangers without an external ID,
//! everyone, whole accounts, and principals that were deleted or do not exist.

use headgate_terms::{Arn, Severity, say};

use super::context::{LintContext, MADE_UP, confined_to};
use super::finding::{FindingDraft, named, page};
use super::ids::ask_for_ids;
use super::trusted_parties::{Party, account, is_known_vendor, is_workspace};
use crate::axes::axes;
use crate::edit::Edit;
use crate::evaluate::Decision;
use crate::matrix::EXTERNAL_ID;
use crate::policy::{Effect, Policy, Principal, PrincipalKind, Statement, Who};
use crate::stranger::{Stranger, stranger};
use crate::well_known;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.allows() {
        strangers(scene, found, at, statement);
        for principal in &statement.principals {
            match &principal.who {
                Who::Everyone => found.push(everyone(scene, at, statement, principal)),
                Who::Account { account, .. } => {
                    found.extend(whole_account(scene, at, statement, principal, account));
                }
                _ => {}
            }
        }
    }
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        for principal in &statement.principals {
            if let Who::Gone(id) = &principal.who {
                found.push(gone(scene, at, statement, principal, id));
            }
            let text = &principal.text.value;
            if scene.facts.existing.get(text) == Some(&false) {
                found.push(missing(at, principal));
            }
        }
    }
}

/// The keys by which a statement keeps a vendor's other customers out.
const CONFINING: [&str; 7] = [
    EXTERNAL_ID,
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
];

/// TP001. Where the id is tested, however badly, TP002 and TP004 speak.
fn strangers(
    scene: &LintContext<'_>,
    found: &mut Vec<FindingDraft>,
    at: usize,
    statement: &Statement,
) {
    let confined = CONFINING.iter().flat_map(|key| statement.tests(key)).any(|test| {
        let values: Vec<&str> = test.values.iter().map(|value| value.value.as_str()).collect();
        test.key.value.eq_ignore_ascii_case(EXTERNAL_ID)
            || !test.operator.passes_when_absent(&values)
    });
    if confined {
        return;
    }
    let denied = |principal: &Principal| {
        scene.caller(principal).is_some_and(|caller| {
            [None, Some(MADE_UP)]
                .into_iter()
                .all(|id| scene.decision(&caller, id) == Decision::ExplicitDeny)
        })
    };
    let foreign: Vec<&Principal> = statement
        .principals
        .iter()
        .filter(|one| {
            scene.is_foreign(one)
                && scene.party(statement, one) != Party::Itself
                && !scene.is_placeholder(&one.text.value)
                && !denied(one)
                && !is_wanted_bare(scene, one)
                && !is_service_linked(one)
        })
        .collect();
    let Some(first) = foreign.first() else { return };
    let who = named(foreign.iter().map(|one| one.text.value.as_str()));
    // Whether an account is foreign is not known where the role's is not, but for vendors'.
    let is_known =
        scene.own().is_some() || foreign.iter().filter_map(|one| account(one)).any(is_known_vendor);
    let (severity, whose) = match (scene.role(), is_known) {
        (Some(_), _) => (Severity::Security, "Its account is not the role's."),
        (None, true) => {
            (Severity::Security, "The role is not known here; name it if the account is its own.")
        }
        (None, false) => (
            Severity::Info,
            "The role is not known here; name it to hear whether the account is another.",
        ),
    };
    let fix = ask_for_ids(scene, at, statement, &[]);
    found.push(
        FindingDraft::new(
            "TP001",
            severity,
            say!("Statement {} lets {} in without an external id", at + 1, who),
            "Whoever else is a customer there may have it write to your lake in their name.",
            say!("{} A vendor is kept to its customer by `sts:ExternalId`, or by the organisation ({}).", whose, page("id_roles_create_for-user_externalid")),
        )
        .at(at, first.text.range)
        .fix_if("Ask for the external id", fix),
    );
}

/// Whether a principal is a role with which one of AWS's services calls, and which passes no id.
fn is_service_linked(principal: &Principal) -> bool {
    matches!(&principal.who, Who::Role(arn) if arn.resource.starts_with("role/aws-service-role/"))
}

/// Whether a goal allows a caller without an id.
pub(super) fn is_wanted_bare(scene: &LintContext<'_>, principal: &Principal) -> bool {
    scene.required().iter().any(|one| one.id.is_none() && one.principal == principal.text.value)
}

/// TP010. Whether strangers are kept out is asked of the statement, with one who chooses what a caller
/// can choose.
fn everyone(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
) -> FindingDraft {
    let gets = |others: Option<Effect>| {
        let beside = scene.policy.statements.iter().filter(|one| Some(one.effect) == others);
        let statements = beside.chain([statement]).cloned().collect();
        let policy = Policy { statements, ..scene.policy.clone() };
        stranger(&policy, &axes(&[&policy], &[], scene.role()), scene.role())
    };
    let keys: Vec<&str> = statement.conditions.iter().map(|test| test.key.value.as_str()).collect();
    let (title, meaning) = match gets(Some(Effect::Deny)) {
        Stranger::In => (
            say!("Statement {} lets everyone with an AWS account in", at + 1),
            "Anyone may read and change what the role may: assume that the lake is public.",
        ),
        Stranger::KnowsId => (
            say!(
                "Statement {} lets everyone with an AWS account in who knows the external id",
                at + 1
            ),
            "External ids are no secrets: vendors show them, and policies are full of them.",
        ),
        Stranger::Out if gets(None) != Stranger::Out => (
            say!("Statement {} names everyone, and only a Deny keeps strangers out", at + 1),
            "Who changes or removes the Deny opens the lake to every AWS account.",
        ),
        Stranger::Out => (
            say!(
                "Statement {} names everyone, and only {} keeps strangers out",
                at + 1,
                named(keys)
            ),
            "One slip in a condition opens the lake to every AWS account.",
        ),
    };
    FindingDraft::new(
        "TP010",
        Severity::Security,
        title,
        meaning,
        say!(
            "`*` means every principal of every account ({}); name the roles that are meant.",
            page("reference_policies_elements_principal")
        ),
    )
    .at(at, principal.text.range)
    .values("", "*")
}

/// TP011. A stranger's account as a whole is an ordinary way to trust, and fires only where a role of it
/// is known to be meant.
fn whole_account(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
    account: &str,
) -> Option<FindingDraft> {
    if !scene.is_foreign(principal) || confined_to(statement).next().is_some() {
        return None;
    }
    let mut meant: Vec<String> = scene
        .required()
        .iter()
        .map(|one| one.principal.clone())
        .filter(|text| {
            text.parse::<Arn>().is_ok_and(|arn| arn.account == account && !arn.is_root())
        })
        .collect();
    meant.dedup();
    if meant.is_empty() {
        let known = if account == well_known::SEGMENT_ACCOUNT {
            Some(well_known::SEGMENT_ROLE)
        } else {
            well_known::unity_catalog_of_account(account)
        };
        meant.extend(known.map(str::to_owned));
    }
    if is_workspace(statement, principal) {
        return Some(workspace(scene, at, principal));
    }
    let vendor = match scene.party(statement, principal) {
        Party::Databricks => "Databricks' whole account",
        Party::Segment => "Segment's whole account",
        _ => "a whole account",
    };
    let value = &principal.text.value;
    let edits = match meant.as_slice() {
        [] => return None,
        [first, more @ ..] => {
            let stands =
                |role: &String| statement.principals.iter().any(|one| one.text.value == *role);
            let add = |role: &String| Edit::AddPrincipal {
                statement: at,
                kind: PrincipalKind::Aws,
                value: role.clone(),
            };
            let (value, kind) = (value.clone(), PrincipalKind::Aws);
            let mut edits = vec![if stands(first) {
                Edit::RemovePrincipal { statement: at, kind, value }
            } else {
                Edit::ReplacePrincipal { statement: at, kind, value, with: first.clone() }
            }];
            edits.extend(more.iter().filter(|role| !stands(role)).map(add));
            edits
        }
    };
    let roles = named(meant.iter().map(String::as_str));
    Some(
        FindingDraft::new(
            "TP011",
            Severity::Security,
            say!("Statement {} lets {} in, `{}`, where {} is meant", at + 1, vendor, value, roles),
            "Every role and user there that its own account lets call has the same access as the one that you mean.",
            say!("An account as a principal hands the choice of who may call to that account ({}).", page("reference_policies_elements_principal")),
        )
        .at(at, principal.text.range)
        .values(&meant[0], value)
        .fix("Narrow to the role", edits),
    )
}

/// TP011, where Databricks' account is trusted with an id.
fn workspace(scene: &LintContext<'_>, at: usize, principal: &Principal) -> FindingDraft {
    let is_wanted = scene.required().iter().any(|one| one.party == Party::Databricks);
    let (severity, meaning) = if is_wanted {
        (
            Severity::Security,
            "Unity Catalog calls with one role of it. Name that role alone when no workspace uses this role; a workspace's own credential needs the account.",
        )
    } else {
        (
            Severity::Info,
            "A workspace's own credential needs it so. If the role is for a storage credential of Unity Catalog, name the one role that it calls with, and the role itself.",
        )
    };
    let value = &principal.text.value;
    FindingDraft::new(
        "TP011",
        severity,
        say!("Statement {} lets Databricks' whole account in with the id, `{}`", at + 1, value),
        meaning,
        "Databricks documents the account with the Databricks account's number as the id for a workspace's credential, and one role with an id of its own for Unity Catalog.",
    )
    .at(at, principal.text.range)
    .values("", value)
}

/// TP014
fn gone(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
    id: &str,
) -> FindingDraft {
    let what = if id.starts_with("AIDA") { "user" } else { "role" };
    let (label, edit) = if statement.principals.len() > 1 {
        let (kind, value) = (principal.kind, principal.text.value.clone());
        ("Remove the id", Edit::RemovePrincipal { statement: at, kind, value })
    } else {
        ("Remove the statement", Edit::RemoveStatement { statement: at })
    };
    let closes = match statement.effect {
        Effect::Allow => {
            "The grant is dead, and stays so when a role of the same name is made again; IAM refuses every update that still names the id."
        }
        Effect::Deny => {
            "The Deny is dead, and stays so when a role of the same name is made again; IAM refuses every update that still names the id."
        }
    };
    let last = statement.principals.len() == 1 && scene.policy.statements.len() == 1;
    let fix = (!last).then(|| vec![edit]);
    FindingDraft::new(
        "TP014",
        Severity::Warning,
        say!("`{}` stands for a {} that was deleted", id, what),
        say!("{} Whoever was meant must be named again by its ARN.", closes),
        say!(
            "IAM shows the unique id of a principal when the name is gone ({}).",
            page("reference_identifiers")
        ),
    )
    .at(at, principal.text.range)
    .values("", id)
    .fix_if(label, fix)
}

/// TP015
fn missing(at: usize, principal: &Principal) -> FindingDraft {
    let text = &principal.text.value;
    FindingDraft::new(
        "TP015",
        Severity::Error,
        say!("`{}` does not exist", text),
        "IAM refuses the whole policy as long as one of its principals does not exist, so no other change can be saved either. Create it, or name the one that is meant.",
        say!("IAM turns every role and user into its unique id when a policy is saved ({}).", page("reference_policies_elements_principal")),
    )
    .at(at, principal.text.range)
    .values("", text)
}

/// Whether an entry is of the account of Databricks or Segment, or the role that is looked at.
pub(super) fn is_vendor(
    scene: &LintContext<'_>,
    statement: &Statement,
    principal: &Principal,
) -> bool {
    let party = scene.party(statement, principal);
    account(principal).is_some()
        && matches!(party, Party::Databricks | Party::Segment | Party::Itself)
}
