//! Changes to a role's trust policy: planned, shown, written, proved, remembered and put back.
//!
//! Nothing is written that was not shown: a plan holds the text as it was read and the one to write,
//! and applying it begins by looking whether the role still is what was shown.

use headgate_aws::{Access, AnalyzerFinding, Aws, NotWritten, Role, WriteStep, WriteTrust};
use headgate_policy::{Change as CellChange, Goal, QUOTA, Size};
use headgate_store::Store;
use headgate_terms::{Arn, Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::App;
use crate::calls::Call;
use crate::roles::{AwsAccess, RoleName, own_principals};

/// A change to plan.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ChangeAsked {
    /// The role's ARN.
    pub role: String,
    /// Its id when it was read; none for a text that did not come from AWS.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// Who is to get in, to be remembered for this role.
    pub goals: Vec<Goal>,
    /// How AWS is reached.
    pub access: AwsAccess,
    /// Whether it puts back what a change of the journal replaced.
    pub restores: Option<String>,
    /// The role's quota, where AWS is not to be asked for it.
    #[serde(default)]
    #[ts(optional)]
    pub quota: Option<usize>,
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
    /// The role's ARN.
    pub role: String,
    /// The role's id when it was read.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// The cells that change.
    pub cells: Vec<CellChange>,
    /// How large it is and may be.
    pub size: Size,
    /// The calls, in order.
    pub calls: Vec<PlannedCall>,
    /// What Access Analyzer says of the new text; none where it may not be asked.
    pub analyzer: Option<Vec<AnalyzerFinding>>,
    /// The change that it puts back.
    pub restores: Option<String>,
}

/// One call of a plan.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlannedCall {
    /// Such as `iam:GetRole`.
    pub call: String,
    /// Whether it changes something.
    pub changes: bool,
    /// What it is for.
    pub what: String,
}

/// A plan to apply.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PlanName {
    /// Its id.
    pub plan: String,
    /// How AWS is reached.
    pub access: AwsAccess,
}

/// How far a change is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct WriteProgress {
    /// The call of the plan that goes on, from 0.
    pub call: usize,
    /// How often the text was read back.
    pub reads: u32,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It was sent, and no answer is recorded.
    Sent,
    /// AWS answers with the new text.
    Done,
    /// AWS meant this already; nothing was sent.
    Unneeded,
    /// Nothing was changed.
    Refused,
    /// AWS took it and answers with another text.
    Drifted,
}

/// A change in the journal.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ChangeRecord {
    /// Its id.
    pub id: String,
    /// When it was sent.
    pub at: String,
    /// Who sent it.
    pub by: String,
    /// The role.
    pub role: String,
    /// The role's id.
    pub role_id: String,
    /// How it ended.
    pub state: ChangeState,
    /// The text just before.
    pub before: String,
    /// The text as it was read back, or as it was sent.
    pub after: String,
    /// Its name at AWS.
    pub request_id: Option<String>,
    /// The cells that changed.
    pub cells: Vec<CellChange>,
    /// The change that it put back.
    pub restores: Option<String>,
    /// The endpoint, when it is not AWS's own.
    pub endpoint: Option<String>,
    /// Why it was refused.
    pub error: Option<Error>,
}

/// What became of a plan.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Applied {
    /// 1.
    pub v: u8,
    /// The change as the journal has it.
    pub change: ChangeRecord,
    /// The role as it is now, where that was read; the next plan begins from it.
    pub now: Option<Role>,
    /// How often the text was read back.
    pub reads: u32,
    /// How long that took.
    pub waited_ms: u64,
}

/// Whose changes.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct HistoryOf {
    /// A role's ARN; all roles without.
    pub role: Option<String>,
}

/// Changes, newest first.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ChangeHistory {
    /// 1.
    pub v: u8,
    /// The changes.
    pub changes: Vec<ChangeRecord>,
}

/// A change to put back.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ChangeName {
    /// Its id in the journal.
    pub change: String,
    /// How AWS is reached.
    pub access: AwsAccess,
}
/// The most changes that are shown.
const MOST_CHANGES: usize = 500;
/// How long a plan waits.
const PLAN_DAYS: i64 = 30;
/// The fingerprint of what a text means, and of how it is spelled where that is the change. None for
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

/// How a change of a role's text is told from none: by what it means, unless it only respells.
fn telling(
    role: &str,
    before: &str,
    after: &str,
) -> impl Fn(&str) -> Option<String> + Sync + use<> {
    let means = meaning(role, false);
    let respells = means(before).is_some() && means(before) == means(after);
    meaning(role, respells)
}

/// The cells that a change of text changes; none when one of both is no policy.
fn cells_of(role: &str, before: &str, after: &str, goals: &[Goal]) -> Vec<CellChange> {
    let role: Option<Arn> = role.parse().ok();
    let policy = |text| headgate_policy::read(text).valid().ok();
    let (Some(old), Some(new)) = (policy(before), policy(after)) else { return Vec::new() };
    let axes = headgate_policy::axes(&[&old, &new], goals, role.as_ref());
    headgate_policy::changes(&old, &new, &axes, role.as_ref())
}
impl App {
    /// Plans a change: shows what would be sent, and keeps it.
    ///
    /// # Errors
    /// `policy_invalid`, `policy_too_large`, `role_protected`, `nothing_to_change`, and what AWS says.
    pub fn role_plan(&self, asked: &ChangeAsked) -> Result<WritePlan> {
        let role: Arn =
            asked.role.parse().ok().filter(|arn: &Arn| arn.role_name().is_some()).ok_or_else(
                || {
                    Error::new("wrong_use", format!("`{}` is no role's ARN.", asked.role))
                        .hint("Write the ARN of the role that has this policy.")
                        .field("role")
                },
            )?;
        let after = asked.after.trim_start_matches('\u{feff}');
        // What AWS has had it takes again, whatever the reader says of it.
        if asked.restores.is_none() {
            crate::policies::valid(after)?;
        }
        if headgate_policy::is_protected(&role) {
            return Err(Error::new(
                "role_protected",
                format!("`{role}` is managed by AWS and cannot be edited."),
            )
            .hint("Use a role of your own."));
        }
        let tells = telling(&asked.role, &asked.before, after);
        let same = match (tells(&asked.before), tells(after)) {
            (Some(old), Some(new)) => old == new,
            _ => asked.before == after,
        };
        if same {
            return Err(Error::new(
                "nothing_to_change",
                "To AWS the draft means what the role has now.",
            )
            .hint("Nothing needs to be written."));
        }
        let read_from_aws = asked.role_id.is_some();
        let (by, quota, analyzer) = if read_from_aws {
            self.runtime().block_on(async {
                let aws = Aws::open(&Access::from(&asked.access)).await?;
                let (who, quota, analyzer) =
                    tokio::join!(aws.who(), aws.quota(), aws.validate(after));
                // A second opinion that cannot be had does not stop a plan.
                let analyzer = analyzer
                    .inspect_err(|failed| tracing::warn!(error = %failed, "not analysed"))
                    .unwrap_or_default();
                Ok::<_, Error>((Some(who?.arn), quota.ok().flatten(), analyzer))
            })?
        } else {
            (None, None, None)
        };
        let quota = asked.quota.or(quota.map(|quota| quota as usize)).unwrap_or(QUOTA);
        let size = Size {
            before: headgate_policy::size(&asked.before),
            after: headgate_policy::size(after),
            quota,
        };
        if size.after > size.quota {
            return Err(Error::new(
                "policy_too_large",
                format!(
                    "The draft has {} characters, and the role's quota is {}.",
                    size.after, size.quota
                ),
            )
            .hint("The guide's form is smaller; AWS raises the quota to 4,096 on request."));
        }
        let cells = cells_of(&asked.role, &asked.before, after, &asked.goals);
        let call = |call: &str, changes, what: &str| PlannedCall {
            call: call.to_owned(),
            changes,
            what: what.to_owned(),
        };
        let now = Timestamp::now();
        let plan = WritePlan {
            v: 1,
            kind: "trust_policy".to_owned(),
            id: short_id(),
            made: now.to_string(),
            by,
            role: role.to_string(),
            role_id: asked.role_id.clone(),
            before: asked.before.clone(),
            after: after.to_owned(),
            cells,
            size,
            calls: vec![
                call("iam:GetRole", false, "Stops here if the policy is no longer the one above"),
                call("iam:UpdateAssumeRolePolicy", true, "Writes the new text, whole"),
                call("iam:GetRole", false, "Until AWS answers with the new text, 60 s at most"),
            ],
            analyzer,
            restores: asked.restores.clone(),
        };
        self.data().make()?;
        let store = Store::open(self.data().path())?;
        let since = (now - SignedDuration::from_hours(24 * PLAN_DAYS)).to_string();
        let text = serde_json::to_string(&plan).unwrap_or_default();
        store.keep_plan(&plan.id, &plan.made, &since, &text)?;
        Ok(plan)
    }

    pub(crate) fn role_apply(&self, asked: &PlanName, call: &Call) -> Result<Applied> {
        let found = Store::open(self.data().path())?.plan_document(&asked.plan)?;
        let plan = found.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(|| {
            Error::new("plan_gone", format!("The plan `{}` is no longer kept.", asked.plan))
                .hint("Plan again.")
        })?;
        self.apply_plan(&plan, &asked.access, &|progress| {
            call.report(progress);
        })
    }

    /// Applies a plan: looks, writes, reads back, and keeps it in the journal.
    ///
    /// # Errors
    /// `role_changed` and `role_recreated` when the role is no longer the one of the plan, and what
    /// AWS says. A refusal that AWS gave is in the journal too.
    pub fn apply_plan(
        &self,
        plan: &WritePlan,
        access: &AwsAccess,
        progress: &(dyn Fn(&WriteProgress) + Sync),
    ) -> Result<Applied> {
        let same = telling(&plan.role, &plan.before, &plan.after);
        self.data().make()?;
        let store = std::sync::Mutex::new(Store::open(self.data().path())?);
        let keep = |record: &ChangeRecord| {
            let text = serde_json::to_string(record).unwrap_or_default();
            let store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            store.journal(&record.id, &record.at, &record.role, &text)
        };
        self.runtime().block_on(async {
            let aws = Aws::open(&Access::from(access)).await?;
            let by = aws.who().await?.arn;
            let role_id = match &plan.role_id {
                Some(id) => id.clone(),
                // A plan that was made from a file knows the role by its name only.
                None => aws.role(&plan.role).await?.role_id,
            };
            let mut record = ChangeRecord {
                id: short_id(),
                at: Timestamp::now().to_string(),
                by,
                role: plan.role.clone(),
                role_id: role_id.clone(),
                state: ChangeState::Sent,
                before: plan.before.clone(),
                after: plan.after.clone(),
                request_id: None,
                // As they are, whatever the plan's file says.
                cells: cells_of(&plan.role, &plan.before, &plan.after, &[]),
                restores: plan.restores.clone(),
                endpoint: aws.endpoint().map(str::to_owned),
                error: None,
            };
            let write = WriteTrust {
                role: plan.role.clone(),
                role_id,
                before: plan.before.clone(),
                after: plan.after.clone(),
                new_principal: names_new(&aws, plan).await,
                pace: headgate_aws::Pace::default(),
            };
            // On disk before it is sent: a process that dies then leaves a trace of what it did.
            keep(&record)?;
            let written = aws
                .write_trust(&write, &same, &|step| {
                    progress(&match step {
                        WriteStep::Checking => WriteProgress { call: 0, reads: 0 },
                        WriteStep::Writing => WriteProgress { call: 1, reads: 0 },
                        WriteStep::ReadingBack(reads) => WriteProgress { call: 2, reads },
                    });
                })
                .await;
            match written {
                Ok(written) => {
                    let unneeded = written.request_id.is_none() && written.before == written.after;
                    record.state = if unneeded { ChangeState::Unneeded } else { ChangeState::Done };
                    if unneeded {
                        record.cells.clear();
                    }
                    record.before = written.before;
                    record.after = written.after;
                    record.request_id = written.request_id;
                    keep(&record)?;
                    let now = aws.role(&plan.role).await.ok();
                    let (reads, waited_ms) = (written.reads, written.waited_ms);
                    Ok(Applied { v: 1, change: record, now, reads, waited_ms })
                }
                Err(refused) => {
                    let NotWritten { error, now, request_id, unknown } = *refused;
                    record.request_id = request_id;
                    record.error = Some(error.clone());
                    if error.code == "role_drifted" {
                        record.state = ChangeState::Drifted;
                    } else if !unknown {
                        record.state = ChangeState::Refused;
                        record.cells.clear();
                    }
                    if let Some(now) = &now {
                        record.after.clone_from(&now.trust_policy);
                    }
                    keep(&record)?;
                    Err(error)
                }
            }
        })
    }

    /// The changes to trust policies, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn role_history(&self, asked: &HistoryOf) -> Result<ChangeHistory> {
        let Some(store) = Store::open_if_any(self.data().path())? else {
            return Ok(ChangeHistory { v: 1, changes: Vec::new() });
        };
        let found = store.journal_of(asked.role.as_deref(), MOST_CHANGES)?;
        let changes = found.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        Ok(ChangeHistory { v: 1, changes })
    }

    /// Plans to put back what a change replaced. It is applied like any other.
    ///
    /// # Errors
    /// `change_not_found`, `role_changed` when the role has another policy since, and as
    /// [`Self::role_plan`].
    pub fn role_restore(&self, asked: &ChangeName) -> Result<WritePlan> {
        let found = match Store::open_if_any(self.data().path())? {
            Some(store) => store.journal_entry(&asked.change)?,
            None => None,
        };
        let change: ChangeRecord =
            found.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(|| {
                Error::new("change_not_found", format!("There is no change `{}`.", asked.change))
                    .hint("See `headgate policy history`.")
                    .field("change")
            })?;
        if matches!(change.state, ChangeState::Refused | ChangeState::Unneeded) {
            return Err(Error::new(
                "nothing_to_change",
                format!(
                    "The change `{}` wrote nothing, so there is nothing to put back.",
                    change.id
                ),
            )
            .hint("See `headgate policy history` for those that did."));
        }
        let role = RoleName { role: change.role.clone(), access: asked.access.clone() };
        let now = self.role_read(&role)?;
        if now.role.role_id != change.role_id {
            return Err(Error::new(
                "role_recreated",
                format!("`{}` was deleted and made anew since.", change.role),
            )
            .hint("Look at its policy as it is, and change that."));
        }
        let tells = telling(&change.role, &change.before, &change.after);
        let is = |text: &str| match (tells(&now.role.trust_policy), tells(text)) {
            (Some(now), Some(then)) => now == then,
            _ => now.role.trust_policy == text,
        };
        if !is(&change.after) {
            return Err(Error::new(
                "role_changed",
                format!("`{}` has another policy since that change.", change.role),
            )
            .hint("Look at its policy as it is; a later change may have to be put back first."));
        }
        self.role_plan(&ChangeAsked {
            role: change.role,
            role_id: Some(change.role_id),
            before: now.role.trust_policy,
            after: change.before,
            goals: Vec::new(),
            access: asked.access.clone(),
            restores: Some(change.id),
            quota: None,
        })
    }
}

/// Whether the new text names a role or user that the old one does not and that IAM knows: it may have
/// been made a moment ago, and then writing it waits until IAM takes its name.
async fn names_new(aws: &Aws, plan: &WritePlan) -> bool {
    let Ok(caller) = aws.who().await else { return false };
    let old = own_principals(&plan.before, &caller.account);
    for arn in own_principals(&plan.after, &caller.account).difference(&old) {
        if let Ok(Some(true)) = aws.principal_exists(arn).await {
            return true;
        }
    }
    false
}

fn short_id() -> String {
    Uuid::new_v4().simple().to_string()[..12].to_owned()
}
