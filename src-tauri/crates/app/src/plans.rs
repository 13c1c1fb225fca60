//! Plans to write a trust policy: made, kept, shown, and taken from a file of another admin.
//!
//! A plan is a claim about what will happen. Of a plan that was handed over only what cannot be computed
//! is taken: the role, its id, the text as it was read and the text to write. Calls, cells, size and the
//! sentence on whom it opens the role to are computed again, and a file that says otherwise is reported.
//! Carrying a plan out is in `changes`.

use headgate_aws::{AnalyzerFinding, Aws, Endpoint};
use headgate_policy::{Change as CellChange, Facts, Goal, QUOTA, Size};
use headgate_store::PlanRecord;
use headgate_terms::{Arn, Error, Finding, Result, Shown, say};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use ts_rs::TS;

use crate::App;
use crate::changes::{ChangeName, short_id};
use crate::cx::Cx;
use crate::roles::AwsAccess;

/// A change to plan.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ChangeRequest {
    /// The role's ARN.
    pub role: String,
    /// Its id when it was read; absent for a text that did not come from AWS.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// Who is to get in, to be remembered for this role.
    pub goals: Vec<Goal>,
    /// How AWS is reached.
    pub access: AwsAccess,
}

/// What only this program decides about a plan: no request and no file can switch a check off.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The change of the journal that the plan puts back. AWS has had that text, so it is not checked.
    pub(crate) restores: Option<String>,
    /// The role's quota, where AWS is not asked for it.
    pub(crate) quota: Option<usize>,
}

/// A change that is shown and waits; a file of it lets another admin apply it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct WritePlan {
    /// 1.
    pub v: u8,
    /// Always `trust_policy`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub made: String,
    /// Who made it, where AWS was asked.
    pub by: Option<String>,
    /// The endpoints that are not AWS's own, where AWS was asked.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// The role's ARN.
    pub role: String,
    /// The role's id when it was read.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// A warning when it opens the role to those whom the policy does not name.
    #[serde(default)]
    pub opens: Option<Shown>,
    /// The cells that change.
    pub cells: Vec<CellChange>,
    /// How large it is and may be.
    pub size: Size,
    /// The calls, in order.
    pub calls: Vec<PlannedCall>,
    /// What Access Analyzer reports for the new text; absent where it may not be asked.
    pub analyzer: Option<Vec<AnalyzerFinding>>,
    /// The change that it puts back.
    pub restores: Option<String>,
}

/// One call of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PlannedCall {
    /// Its place, from 1.
    #[serde(default)]
    pub n: usize,
    /// Such as `iam:GetRole`.
    pub call: String,
    /// Whether it changes something.
    pub changes: bool,
    /// What it concerns: the role's ARN.
    #[serde(default)]
    pub target: String,
    /// What it is for.
    pub what: Shown,
}

/// A plan from a file, with all that can be computed of it computed again.
#[derive(Debug, Clone, Serialize)]
pub struct HandedPlan {
    /// The plan.
    #[serde(flatten)]
    pub plan: WritePlan,
    /// What the lints report for the new text.
    pub findings: Vec<Finding>,
    /// Where the file says something else than what would happen.
    pub disagrees: Vec<Shown>,
}

impl HandedPlan {
    /// A plan of this program's own, shown as one that was handed over.
    #[must_use]
    pub fn own(plan: WritePlan) -> Self {
        Self::new(plan, Vec::new())
    }

    fn new(plan: WritePlan, disagrees: Vec<Shown>) -> Self {
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

/// How long a plan is kept.
const PLAN_DAYS: i64 = 30;
/// The largest text of a policy in a plan's file, in bytes; AWS takes far less.
const MOST_POLICY: usize = 131_072;

impl WritePlan {
    /// A plan with all that follows from the role and the two texts.
    fn new(role: &Arn, role_id: Option<String>, before: String, after: String) -> Self {
        Self {
            v: 1,
            kind: "trust_policy".to_owned(),
            id: short_id(),
            made: Timestamp::now().to_string(),
            by: None,
            endpoints: Vec::new(),
            role: role.to_string(),
            role_id,
            opens: headgate_policy::opens(&before, &after, Some(role)).map(|it| it.sentence()),
            cells: cells_of(role, &before, &after),
            size: Size {
                before: headgate_policy::size(&before),
                after: headgate_policy::size(&after),
                quota: QUOTA,
            },
            calls: calls_of(role),
            before,
            after,
            analyzer: None,
            restores: None,
        }
    }
}

/// The calls that write a trust policy and prove it.
fn calls_of(role: &Arn) -> Vec<PlannedCall> {
    [
        ("iam:GetRole", false, "Stops here if the policy is no longer the one above"),
        ("iam:UpdateAssumeRolePolicy", true, "Replaces the whole trust policy with the new text"),
        ("iam:GetRole", false, "Reads until AWS returns the new text twice"),
    ]
    .into_iter()
    .zip(1..)
    .map(|((call, changes, what), n)| PlannedCall {
        n,
        call: call.to_owned(),
        changes,
        target: role.to_string(),
        what: what.into(),
    })
    .collect()
}

/// The cells that a change of text changes; none when one of both is not a policy.
pub(crate) fn cells_of(role: &Arn, before: &str, after: &str) -> Vec<CellChange> {
    let policy = |text| headgate_policy::read(text).valid().ok();
    let (Some(old), Some(new)) = (policy(before), policy(after)) else { return Vec::new() };
    let axes = headgate_policy::axes(&[&old, &new], &[], Some(role));
    headgate_policy::changes(&old, &new, &axes, Some(role))
}

/// The fingerprint of what a text means, and of how it is spelled where that is the change; absent for
/// what AWS would not take: of that only the bytes are compared.
fn meaning(role: &str, spelled: bool) -> impl Fn(&str) -> Option<String> + Sync + use<> {
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
    let means = meaning(role, false);
    let respells = means(before).is_some() && means(before) == means(after);
    meaning(role, respells)
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
    pub(crate) fn role_plan(&self, cx: &Cx, request: &ChangeRequest) -> Result<WritePlan> {
        self.plan_change(cx, request, Given::default())
    }

    /// As [`Self::role_plan`] under a quota that the caller knows; AWS is not asked for it.
    ///
    /// # Errors
    /// As [`Self::role_plan`].
    pub fn role_plan_within(
        &self,
        cx: &Cx,
        request: &ChangeRequest,
        quota: usize,
    ) -> Result<WritePlan> {
        self.plan_change(cx, request, Given { quota: Some(quota), ..Given::default() })
    }

    /// Plans to put back what a change replaced. It is applied like any other.
    ///
    /// # Errors
    /// `change_not_found`, `role_changed` when the role has another policy since, and as
    /// [`Self::role_plan`].
    pub(crate) fn role_restore(&self, cx: &Cx, request: &ChangeName) -> Result<WritePlan> {
        let change = self.restorable(cx, request)?;
        let restores = Some(change.restores);
        self.plan_change(cx, &change.request, Given { restores, quota: None })
    }

    fn plan_change(&self, cx: &Cx, request: &ChangeRequest, given: Given) -> Result<WritePlan> {
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
        let mut plan = WritePlan::new(&role, role_id, before, after.to_owned());
        plan.restores = given.restores;
        let mut quota = given.quota;
        if request.role_id.is_some() {
            let access = self.access(cx, &request.access)?;
            self.runtime().block_on(async {
                let aws = Aws::open(&access).await?;
                let (who, of_account, analyzer) =
                    tokio::join!(aws.who(), aws.quota(), aws.validate(after));
                // A second opinion that cannot be had does not stop a plan.
                plan.analyzer = analyzer
                    .inspect_err(|failed| tracing::warn!(error = %failed, "not analysed"))
                    .unwrap_or_default();
                plan.by = Some(who?.arn);
                plan.endpoints = aws.endpoints().to_vec();
                quota = quota.or(of_account.ok().flatten().map(|quota| quota as usize));
                Ok::<_, Error>(())
            })?;
        }
        plan.size.quota = quota.unwrap_or(QUOTA);
        if plan.size.after > plan.size.quota {
            return Err(Error::new(
                "policy_too_large",
                say!(
                    "The draft has {} characters, and the role's quota is {}.",
                    plan.size.after,
                    plan.size.quota
                ),
            )
            .hint("Use the guide's form, which is smaller, or raise the quota `Role trust policy length`."));
        }
        let store = self.store()?;
        let since = (Timestamp::now() - SignedDuration::from_hours(24 * PLAN_DAYS)).to_string();
        let kept = PlanRecord {
            id: plan.id.clone(),
            profile: cx.profile.clone(),
            kind: plan.kind.clone(),
            at: plan.made.clone(),
            document: serde_json::to_string(&plan).unwrap_or_default(),
        };
        store.save_plan(&kept, &since)?;
        Ok(plan)
    }

    /// Takes a plan from a file that somebody handed over. Nothing is sent.
    ///
    /// # Errors
    /// `plan_invalid` for what is not a plan of this version, and `policy_invalid` when AWS would refuse
    /// the text to write.
    pub fn plan_handed_over(&self, text: &str) -> Result<HandedPlan> {
        let invalid = |why: Shown| {
            Error::new("plan_invalid", say!("This is not a plan: {}.", why))
                .hint("Make one with `headgate policy plan … --out plan.json`.")
                .field("PLAN")
        };
        let handed: Handed =
            serde_json::from_str(text).map_err(|error| invalid(say!("{}", error)))?;
        if handed.v != 1 || handed.kind != "trust_policy" {
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
        let plan = WritePlan::new(&role, handed.role_id, handed.before, handed.after);
        let disagrees = disagreements(&plan, &handed.claims);
        Ok(HandedPlan::new(plan, disagrees))
    }
}

/// Where the claims of a file are not what was computed. A claim that is absent claims nothing.
fn disagreements(plan: &WritePlan, claims: &Map<String, Value>) -> Vec<Shown> {
    let calls: Vec<Value> = plan
        .calls
        .iter()
        .map(|one| json!({"call": one.call, "changes": one.changes, "what": one.what}))
        .collect();
    let elsewhere = claims.get("calls").and_then(Value::as_array).is_some_and(|calls| {
        calls.iter().any(|one| one.get("target").is_some_and(|target| *target != json!(plan.role)))
    });
    let claimed_calls = claims.get("calls").map(|claim| {
        let each = claim.as_array().map(Vec::as_slice).unwrap_or_default();
        let part = |one: &Value| json!({"call": one["call"], "changes": one["changes"], "what": one["what"]});
        Value::Array(each.iter().map(part).collect())
    });
    let claimed = |key: &str| claims.get(key).cloned();
    let mut found = Vec::new();
    if elsewhere {
        found.push("The file lists calls on another role than the one it would change.".into());
    }
    for (claim, is, sentence) in [
        (claimed_calls, json!(calls), "The file lists other calls than those that would be sent."),
        (
            claimed("cells"),
            json!(plan.cells),
            "The file lists other changes of who may assume the role than those that would happen.",
        ),
        (
            claimed("size").map(|size| json!([size["before"], size["after"]])),
            json!([plan.size.before, plan.size.after]),
            "The file states another size than the policies in it have.",
        ),
        (
            claimed("opens"),
            json!(plan.opens),
            "The file says something else about whom it opens the role to.",
        ),
    ] {
        if claim.is_some_and(|claim| claim != is) {
            found.push(sentence.into());
        }
    }
    found
}
