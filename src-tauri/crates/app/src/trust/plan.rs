//! Plans to write a trust policy: made for a change, and read from a file that another administrator made.
//!
//! A plan in a file is a claim. Only the role, its id, the text that was read and the text to write are taken
//! from it; steps, cells, size and the warning about strangers are computed again, and a file that says
//! otherwise is reported. `write` applies a plan.

use headgate_policy::{CellChange, Facts, QUOTA, Size};
use headgate_terms::{Arn, Error, Finding, Result, Shown, say};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::App;
use crate::api::{ChangeRef, ChangeRequest, Plan, Step, StepRole, TrustPlan};
use crate::cx::Cx;

use super::KIND;

/// The call that writes one.
const WRITE: &str = "iam:UpdateAssumeRolePolicy";

/// What only this program decides about a plan: no request and no file can switch a check off.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The change of the journal that the plan puts back. AWS has had that text, so it is not checked.
    pub(crate) restores: Option<String>,
    /// The role's quota, where AWS is not asked for it.
    pub(crate) quota: Option<usize>,
}

/// A plan from a file, with all that can be computed of it computed again.
#[derive(Debug, Clone, Serialize)]
pub struct HandedPlan {
    /// The plan.
    #[serde(flatten)]
    pub plan: TrustPlan,
    /// What the lints report for the new text.
    pub findings: Vec<Finding>,
    /// Where the file says something else than what would happen.
    pub disagrees: Vec<Shown>,
}

impl HandedPlan {
    /// A plan of this program's own, shown as one that was handed over.
    #[must_use]
    pub fn own(plan: TrustPlan) -> Self {
        Self::new(plan, Vec::new())
    }

    fn new(plan: TrustPlan, disagrees: Vec<Shown>) -> Self {
        let facts = Facts {
            role: plan.role.parse().ok(),
            quota: Some(plan.size.quota),
            now: Some(crate::roles::now()),
            ..Facts::default()
        };
        let findings = headgate_policy::lint_text(&plan.after, &facts).unwrap_or_default();
        Self { plan, findings, disagrees }
    }
}

/// What is taken from a file.
#[derive(Deserialize)]
#[serde(rename = "plan")]
struct Handed {
    v: u8,
    kind: String,
    role: String,
    role_id: Option<String>,
    before: String,
    after: String,
    #[serde(flatten)]
    claims: Map<String, Value>,
}

/// The largest text of a policy in a plan's file, in bytes; AWS takes far less.
const MOST_POLICY: usize = 131_072;

impl TrustPlan {
    /// A plan with all that follows from the role and the two texts.
    fn new(cx: &Cx, role: &Arn, role_id: Option<String>, before: String, after: String) -> Self {
        Self {
            plan: Plan::new(cx, KIND, steps_of(role, &before, &after)),
            role: role.to_string(),
            role_id,
            opens: headgate_policy::opens(&before, &after, Some(role)).map(|it| it.sentence()),
            cells: cells_of(role, &before, &after),
            size: Size {
                before: headgate_policy::size(&before),
                after: headgate_policy::size(&after),
                quota: QUOTA,
            },
            before,
            after,
            analyzer: None,
        }
    }
}

/// The steps that write a trust policy and prove it.
fn steps_of(role: &Arn, before: &str, after: &str) -> Vec<Step> {
    [
        (StepRole::Check, "iam:GetRole", "Stops here if the policy is no longer the one above"),
        (StepRole::Change, WRITE, "Replaces the whole trust policy with the new text"),
        (StepRole::Prove, "iam:GetRole", "Reads until AWS returns the new text twice"),
    ]
    .into_iter()
    .zip(1..)
    .map(|((step, call, what), n)| {
        let changes = step == StepRole::Change;
        Step {
            n,
            call: call.to_owned(),
            role: step,
            changes,
            target: role.to_string(),
            what: what.into(),
            before: changes.then(|| before.into()),
            after: changes.then(|| after.into()),
            undo: changes.then(|| WRITE.to_owned()),
        }
    })
    .collect()
}

/// The cells that a change of text changes; empty when one of both is not a policy.
pub(crate) fn cells_of(role: &Arn, before: &str, after: &str) -> Vec<CellChange> {
    let policy = |text| headgate_policy::read(text).valid().ok();
    let (Some(old), Some(new)) = (policy(before), policy(after)) else { return Vec::new() };
    let axes = headgate_policy::axes(&[&old, &new], &[], Some(role));
    headgate_policy::changes(&old, &new, &axes, Some(role))
}

/// The fingerprint of what a text means, and of how it is spelled where that is the change; absent for
/// what AWS would not take: of that only the bytes are compared.
fn fingerprint(role: &str, spelled: bool) -> impl Fn(&str) -> Option<String> + Sync + use<> {
    let role: Option<Arn> = role.parse().ok();
    let hash =
        if spelled { headgate_policy::structural_hash } else { headgate_policy::semantic_hash };
    move |text| {
        let policy = headgate_policy::read(text).valid().ok()?;
        Some(hash(&policy, role.as_ref()))
    }
}

/// How a change of a role's text is distinguished from none: by what it means, unless it only respells.
pub(crate) fn change_fingerprint(
    role: &str,
    before: &str,
    after: &str,
) -> impl Fn(&str) -> Option<String> + Sync + use<> {
    let means = fingerprint(role, false);
    let respells = means(before).is_some() && means(before) == means(after);
    fingerprint(role, respells)
}

/// The ARN of a role whose policy may be planned.
fn role_arn(text: &str) -> Result<Arn> {
    text.parse().ok().filter(|arn: &Arn| arn.role_name().is_some()).ok_or_else(|| {
        Error::new("wrong_use", say!("`{}` is not a role ARN.", text))
            .hint("Write the ARN of the role that has this policy.")
            .field("role")
    })
}

impl App {
    /// Plans a change: shows what would be sent, and keeps it.
    ///
    /// # Errors
    /// `policy_invalid`, `policy_too_large`, `role_protected`, `nothing_to_change`, and what AWS reports.
    pub(crate) fn role_plan(&self, cx: &Cx, request: &ChangeRequest) -> Result<TrustPlan> {
        self.plan_change(cx, request, Given::default())
    }

    /// As [`Self::role_plan`] under a quota that the caller knows; AWS is not asked for it.
    ///
    /// # Errors
    /// As [`Self::role_plan`].
    pub(crate) fn role_plan_within(
        &self,
        cx: &Cx,
        request: &ChangeRequest,
        quota: usize,
    ) -> Result<TrustPlan> {
        self.plan_change(cx, request, Given { quota: Some(quota), ..Given::default() })
    }

    /// Plans to put back what a change replaced. It is applied like any other.
    ///
    /// # Errors
    /// `change_not_found`, `role_changed` when the role has another policy since, and as
    /// [`Self::role_plan`].
    pub(crate) fn role_restore(&self, cx: &Cx, request: &ChangeRef) -> Result<TrustPlan> {
        let (request, restores) = self.restorable(cx, request)?;
        self.plan_change(cx, &request, Given { restores: Some(restores), quota: None })
    }

    fn plan_change(&self, cx: &Cx, request: &ChangeRequest, given: Given) -> Result<TrustPlan> {
        let role = role_arn(&request.role)?;
        let after = request.after.trim_start_matches('\u{feff}');
        if given.restores.is_none() {
            crate::policies::saved(after)?;
        }
        if headgate_policy::is_protected(&role) {
            return Err(Error::new(
                "role_protected",
                say!("`{}` is managed by AWS and cannot be edited.", role),
            )
            .hint("Use a role of your own."));
        }
        let tells = change_fingerprint(&request.role, &request.before, after);
        let same = match (tells(&request.before), tells(after)) {
            (Some(old), Some(new)) => old == new,
            _ => request.before == after,
        };
        if same {
            return Err(Error::new(
                "nothing_to_change",
                "To AWS the draft means what the role has now.",
            )
            .hint("Nothing needs to be written."));
        }
        let (role_id, before) = (request.role_id.clone(), request.before.clone());
        let mut made = TrustPlan::new(cx, &role, role_id, before, after.to_owned());
        made.plan.restores = given.restores;
        let mut quota = given.quota;
        if request.role_id.is_some() {
            self.runtime().block_on(async {
                let aws = self.aws(cx, &request.access).await?;
                let (who, of_account, analyzer) =
                    tokio::join!(aws.ask_who(), aws.quota(), aws.validate(after));
                // A second opinion that cannot be had does not stop a plan.
                made.analyzer = analyzer
                    .inspect_err(|failed| tracing::warn!(error = %failed, "not analysed"))
                    .unwrap_or_default();
                let who = who?;
                self.refuse_other_account(cx, &who)?;
                made.plan.by = Some(who.arn);
                made.plan.endpoints = aws.endpoints().to_vec();
                quota = quota.or(of_account.ok().flatten().map(|quota| quota as usize));
                Ok::<_, Error>(())
            })?;
        }
        made.size.quota = quota.unwrap_or(QUOTA);
        if made.size.after > made.size.quota {
            return Err(Error::new(
                "policy_too_large",
                say!(
                    "The draft has {} characters, and the role's quota is {}.",
                    made.size.after,
                    made.size.quota
                ),
            )
            .hint("Use the guide's form, which is smaller, or raise the quota `Role trust policy length`."));
        }
        self.save_plan(cx, &made.plan, &made)?;
        Ok(made)
    }

    /// Takes a plan from a file that somebody handed over. Nothing is sent.
    ///
    /// # Errors
    /// `plan_invalid` for what is not a plan of this version, and `policy_invalid` when AWS would refuse
    /// the text to write.
    #[allow(clippy::unused_self, reason = "every use-case is alike")]
    pub(crate) fn plan_handed_over(&self, cx: &Cx, text: &str) -> Result<HandedPlan> {
        let invalid = |why: Shown| {
            Error::new("plan_invalid", say!("This is not a plan: {}.", why))
                .hint("Make one with `headgate policy plan … --out plan.json`.")
                .field("PLAN")
        };
        let handed: Handed =
            serde_json::from_str(text).map_err(|error| invalid(say!("{}", error)))?;
        if handed.v != 1 || handed.kind != KIND {
            return Err(invalid(say!("it is a `{}` of version {}", handed.kind, handed.v)));
        }
        let role = role_arn(&handed.role)
            .map_err(|_| invalid(say!("`{}` is not a role ARN", handed.role)))?;
        let id_fits = |id: &String| {
            (16..=128).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if !handed.role_id.as_ref().is_none_or(id_fits) {
            return Err(invalid("`role_id` is not the unique id of a role".into()));
        }
        if handed.before.len().max(handed.after.len()) > MOST_POLICY {
            return Err(invalid(say!("a policy in it has more than {} bytes", MOST_POLICY)));
        }
        crate::policies::saved(&handed.after)?;
        let plan = TrustPlan::new(cx, &role, handed.role_id, handed.before, handed.after);
        let disagrees = disagreements(&plan, &handed.claims);
        Ok(HandedPlan::new(plan, disagrees))
    }
}

/// Where the claims of a file are not what was computed. A claim that is absent claims nothing.
fn disagreements(plan: &TrustPlan, claims: &Map<String, Value>) -> Vec<Shown> {
    let calls: Vec<Value> = plan.plan.steps.iter().map(|step| json!(step)).collect();
    let claimed_calls = claims.get("calls");
    let each = claimed_calls.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let elsewhere =
        each.iter().any(|one| one.get("target").is_some_and(|target| *target != json!(plan.role)));
    let others = claimed_calls.is_some()
        && (each.len() != calls.len()
            || each.iter().zip(&calls).any(|(claim, is)| !is_call(claim, is)));
    let claimed = |key: &str| claims.get(key).cloned();
    let differs = |claim: Option<Value>, is: Value| claim.is_some_and(|claim| claim != is);
    [
        (elsewhere, "The file lists calls on another role than the one it would change."),
        (others, "The file lists other calls than those that would be sent."),
        (
            differs(claimed("cells"), json!(plan.cells)),
            "The file lists other changes of who may assume the role than those that would happen.",
        ),
        (
            differs(
                claimed("size").map(|size| json!([size["before"], size["after"]])),
                json!([plan.size.before, plan.size.after]),
            ),
            "The file states another size than the policies in it have.",
        ),
        (
            differs(claimed("opens"), json!(plan.opens)),
            "The file says something else about whom it opens the role to.",
        ),
    ]
    .into_iter()
    .filter(|(is_so, _)| *is_so)
    .map(|(_, sentence)| sentence.into())
    .collect()
}

/// Whether a file's claim about a call is what would be sent. What older files do not have, they do not
/// claim.
fn is_call(claim: &Value, is: &Value) -> bool {
    ["call", "changes", "what"].iter().all(|key| claim[key] == is[key])
        && ["role", "before", "after", "undo"]
            .iter()
            .all(|key| claim.get(key).is_none_or(|claim| *claim == is[key]))
}
