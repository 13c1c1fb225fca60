//! Changes to a role's trust policy: written, proved, remembered and put back.
//!
//! Nothing is written that was not shown: applying a plan begins by looking whether the role still is
//! what was shown. A change ends in one of three ways, `written`, `not_written` or `unknown`, and a lost
//! answer is never reported as a refusal. Plans are made in `plans`.

use std::sync::{Mutex, PoisonError};

use headgate_aws::{
    Aws, Caller, Endpoint, NotWritten, Role, WriteStep, WriteTrust, WriteWatch, Written,
};
use headgate_policy::Change as CellChange;
use headgate_store::JournalRecord;
use headgate_terms::{Arn, Error, Result, Shown, say};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::App;
use crate::calls::Call;
use crate::cx::Cx;
use crate::host::Confirm;
use crate::jobs::{JobKind, JobState, NewWork, Work};
use crate::plans::{ChangeRequest, WritePlan, cells_of, change_fingerprint};
use crate::roles::{AwsAccess, RoleName, own_principals};
use crate::serve::line;

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

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The role has the new policy, read back from AWS.
    Written,
    /// The role was not changed by this.
    NotWritten,
    /// AWS may have taken it: only reading the role again tells.
    Unknown,
}

/// How a change of the journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It was sent, and no answer is recorded.
    Sent,
    /// AWS returns the new text.
    Done,
    /// AWS meant this already; nothing was sent.
    Unneeded,
    /// Nothing was changed.
    Refused,
    /// AWS took it and returns another text.
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
    /// The endpoint of IAM, when it is not AWS's own.
    pub endpoint: Option<String>,
    /// Why it was not written, or why that is not known.
    pub error: Option<Error>,
}

/// What became of a plan.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Applied {
    /// 1.
    pub v: u8,
    /// Whether the role has the new policy.
    pub outcome: Outcome,
    /// The change as the journal has it.
    pub change: ChangeRecord,
    /// AWS's id of the write, where AWS accepted one.
    pub request_id: Option<String>,
    /// Why it was not written, or why that is not known.
    pub error: Option<Error>,
    /// Why the journal does not have this outcome; the outcome holds all the same.
    pub journal: Option<Error>,
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

/// Who watches a change: hears how far it is, can stop it before it is sent, and confirms it.
pub trait ApplyWatch: Sync {
    /// It is known who calls and where to; nothing was sent yet.
    ///
    /// # Errors
    /// When this cannot be shown: then nothing is sent.
    fn begins(&self, caller: &Caller, endpoints: &[Endpoint]) -> Result<()>;
    /// How far it is.
    fn progress(&self, progress: &WriteProgress);
    /// Whether to stop before the next call.
    fn stopped(&self) -> bool;
    /// Asks whether to change a real account.
    ///
    /// # Errors
    /// When nobody can be asked.
    fn confirm(&self, confirm: &Confirm) -> Result<bool>;
}

/// The page as a watcher: what it reports to is a page, what confirms is the desktop.
struct OnDesktop<'a> {
    call: &'a Call,
    app: &'a App,
}

impl ApplyWatch for OnDesktop<'_> {
    fn begins(&self, _: &Caller, _: &[Endpoint]) -> Result<()> {
        Ok(())
    }

    fn progress(&self, progress: &WriteProgress) {
        // The journal has the change from here on.
        self.call.sends();
        self.call.report(progress);
    }

    fn stopped(&self) -> bool {
        self.call.stopped()
    }

    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        self.app.ask(confirm)
    }
}

/// A watcher whose change is a job: on record from the moment it is sent.
struct OnJob<'a, 'w> {
    work: &'a Work<'w>,
    watch: &'a dyn ApplyWatch,
}

impl ApplyWatch for OnJob<'_, '_> {
    fn begins(&self, caller: &Caller, endpoints: &[Endpoint]) -> Result<()> {
        self.watch.begins(caller, endpoints)
    }

    fn progress(&self, progress: &WriteProgress) {
        if progress.call == 0 {
            self.work.begin(None);
        }
        self.watch.progress(progress);
        self.work.reports(progress);
    }

    fn stopped(&self) -> bool {
        self.watch.stopped()
    }

    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        self.watch.confirm(confirm)
    }
}

struct Steps<'a>(&'a dyn ApplyWatch);

impl WriteWatch for Steps<'_> {
    fn step(&self, step: WriteStep) {
        self.0.progress(&match step {
            WriteStep::Checking => WriteProgress { call: 0, reads: 0 },
            WriteStep::Writing => WriteProgress { call: 1, reads: 0 },
            WriteStep::ReadingBack(reads) => WriteProgress { call: 2, reads },
        });
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

/// A change that can be put back: what to plan, and the change's id.
pub(crate) struct Restorable {
    pub(crate) request: ChangeRequest,
    pub(crate) restores: String,
}

/// The most changes that are shown.
const MOST_CHANGES: u32 = 500;

impl App {
    pub(crate) fn role_apply(&self, cx: &Cx, request: &PlanName) -> Result<Applied> {
        let found = match self.store_if_any()? {
            Some(store) => store.plan(&request.plan)?.filter(|kept| kept.profile == cx.profile),
            None => None,
        };
        let plan =
            found.and_then(|kept| serde_json::from_str(&kept.document).ok()).ok_or_else(|| {
                Error::new("plan_gone", say!("The plan `{}` is no longer kept.", request.plan))
                    .hint("Plan again.")
            })?;
        let watch = OnDesktop { call: &cx.call, app: self };
        self.apply_in_lane(cx, &plan, &request.access, &watch)
    }

    /// Applies a plan: looks, writes, reads back, and keeps it in the journal. The answer has all three
    /// outcomes.
    ///
    /// # Errors
    /// What happened before anything was sent: `read_only`, `not_confirmed`, a login that fails, a journal that
    /// cannot be written, a role that cannot be read.
    pub fn apply_plan(
        &self,
        cx: &Cx,
        plan: &WritePlan,
        access: &AwsAccess,
        watch: &dyn ApplyWatch,
    ) -> Result<Applied> {
        self.carry_out(&line::role_apply, cx, || self.apply_in_lane(cx, plan, access, watch))
    }

    fn apply_in_lane(
        &self,
        cx: &Cx,
        plan: &WritePlan,
        access: &AwsAccess,
        watch: &dyn ApplyWatch,
    ) -> Result<Applied> {
        let lane = format!("changes of {}", cx.profile);
        let new = NewWork { kind: JobKind::Change, lane, about: None, watch: &cx.call };
        self.job(
            cx,
            new,
            |work| self.write_plan(cx, plan, access, &OnJob { work, watch }),
            |applied| {
                let state = match applied.outcome {
                    Outcome::Written => JobState::Succeeded,
                    Outcome::NotWritten | Outcome::Unknown => JobState::Failed,
                };
                (state, applied.error.clone())
            },
        )
    }

    fn write_plan(
        &self,
        cx: &Cx,
        plan: &WritePlan,
        access: &AwsAccess,
        watch: &dyn ApplyWatch,
    ) -> Result<Applied> {
        let access = self.access(cx, access)?;
        let store = Mutex::new(self.store()?);
        let keep = |record: &ChangeRecord| {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            store.journal(&JournalRecord {
                id: record.id.clone(),
                profile: cx.profile.clone(),
                kind: "trust_policy".to_owned(),
                at: record.at.clone(),
                object: record.role.clone(),
                document: serde_json::to_string(record).unwrap_or_default(),
            })
        };
        self.runtime().block_on(async {
            let aws = Aws::open(&access).await?;
            let caller = aws.who().await?;
            watch.begins(&caller, aws.endpoints())?;
            let by = caller.arn;
            let role_id = match &plan.role_id {
                Some(id) => id.clone(),
                // A plan that was made from a file knows the role by its name only.
                None => aws.role(&plan.role).await?.role_id,
            };
            if !aws.is_local() && !watch.confirm(&question(plan, &by, aws.endpoints()))? {
                return Err(Error::new(
                    "not_confirmed",
                    say!("The change of `{}` was not confirmed.", plan.role),
                )
                .hint("Nothing was sent. Apply the plan again to be asked again."));
            }
            let mut record = sent(plan, &aws, by, role_id);
            let write = WriteTrust {
                role: plan.role.clone(),
                role_id: record.role_id.clone(),
                before: plan.before.clone(),
                after: plan.after.clone(),
                new_principal: adds_principal(&aws, plan).await,
                pace: headgate_aws::Pace::default(),
            };
            // On disk before it is sent: a process that dies then leaves a trace of what it did.
            keep(&record)?;
            let same = change_fingerprint(&plan.role, &plan.before, &plan.after);
            let ended = aws.write_trust(&write, &same, &Steps(watch)).await;
            let (outcome, mut now, reads, waited_ms) = record.end(ended);
            // The outcome is true whether or not the journal can be told.
            let journal = keep(&record)
                .inspect_err(|failed| tracing::error!(error = %failed, "journal not written"))
                .err();
            if outcome == Outcome::Written {
                now = aws.role(&plan.role).await.ok();
            }
            let (request_id, error) = (record.request_id.clone(), record.error.clone());
            Ok(Applied {
                v: 1,
                outcome,
                change: record,
                request_id,
                error,
                journal,
                now,
                reads,
                waited_ms,
            })
        })
    }

    /// The changes to trust policies, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn role_history(&self, cx: &Cx, request: &HistoryOf) -> Result<ChangeHistory> {
        let Some(store) = self.store_if_any()? else {
            return Ok(ChangeHistory { v: 1, changes: Vec::new() });
        };
        let found = store.journal_of(&cx.profile, request.role.as_deref(), None, MOST_CHANGES)?;
        let kept = found.entries.iter();
        let changes = kept.filter_map(|kept| serde_json::from_str(&kept.document).ok()).collect();
        Ok(ChangeHistory { v: 1, changes })
    }

    /// What to plan to put a change back, once the role still has what the change wrote.
    pub(crate) fn restorable(&self, cx: &Cx, request: &ChangeName) -> Result<Restorable> {
        let found = match self.store_if_any()? {
            Some(store) => {
                store.journal_entry(&request.change)?.filter(|kept| kept.profile == cx.profile)
            }
            None => None,
        };
        let change: ChangeRecord =
            found.and_then(|kept| serde_json::from_str(&kept.document).ok()).ok_or_else(|| {
                Error::new("change_not_found", say!("There is no change `{}`.", request.change))
                    .hint("See `headgate policy history`.")
                    .field("change")
            })?;
        if matches!(change.state, ChangeState::Refused | ChangeState::Unneeded) {
            return Err(Error::new(
                "nothing_to_change",
                say!("The change `{}` wrote nothing, so there is nothing to put back.", change.id),
            )
            .hint("See `headgate policy history` for those that did."));
        }
        let role = RoleName { role: change.role.clone(), access: request.access.clone() };
        let now = self.role_read(cx, &role)?;
        if now.role.role_id != change.role_id {
            return Err(Error::new(
                "role_recreated",
                say!("`{}` was deleted and created again since.", change.role),
            )
            .hint("Read its policy as it is now, and change that."));
        }
        let tells = change_fingerprint(&change.role, &change.before, &change.after);
        let is = |text: &str| match (tells(&now.role.trust_policy), tells(text)) {
            (Some(now), Some(then)) => now == then,
            _ => now.role.trust_policy == text,
        };
        if !is(&change.after) {
            return Err(Error::new(
                "role_changed",
                say!("`{}` has another policy since that change.", change.role),
            )
            .hint("Read its policy as it is now; a later change may have to be put back first."));
        }
        let request = ChangeRequest {
            role: change.role,
            role_id: Some(change.role_id),
            before: now.role.trust_policy,
            after: change.before,
            goals: Vec::new(),
            access: request.access.clone(),
        };
        Ok(Restorable { request, restores: change.id })
    }
}

impl ChangeRecord {
    /// Notes how a write ended. Returns the outcome, the role where it was read, how often the text was
    /// read back and for how long.
    fn end(
        &mut self,
        ended: Result<Written, Box<NotWritten>>,
    ) -> (Outcome, Option<Role>, u32, u64) {
        match ended {
            Ok(written) => {
                let unneeded = written.request_id.is_none() && written.before == written.after;
                self.state = if unneeded { ChangeState::Unneeded } else { ChangeState::Done };
                if unneeded {
                    self.cells.clear();
                }
                self.before = written.before;
                self.after = written.after;
                self.request_id = written.request_id;
                (Outcome::Written, None, written.reads, written.waited_ms)
            }
            Err(failed) => {
                let NotWritten { error, now, request_id, unknown } = *failed;
                self.request_id = request_id;
                if error.code == "role_drifted" {
                    self.state = ChangeState::Drifted;
                } else if !unknown {
                    self.state = ChangeState::Refused;
                    self.cells.clear();
                }
                if let Some(now) = &now {
                    self.after.clone_from(&now.trust_policy);
                }
                self.error = Some(error);
                let outcome = if unknown { Outcome::Unknown } else { Outcome::NotWritten };
                (outcome, now, 0, 0)
            }
        }
    }
}

/// A change that is about to be sent.
fn sent(plan: &WritePlan, aws: &Aws, by: String, role_id: String) -> ChangeRecord {
    let role: Option<Arn> = plan.role.parse().ok();
    ChangeRecord {
        id: short_id(),
        at: Timestamp::now().to_string(),
        by,
        role: plan.role.clone(),
        role_id,
        state: ChangeState::Sent,
        before: plan.before.clone(),
        after: plan.after.clone(),
        request_id: None,
        cells: role.map_or_else(Vec::new, |role| cells_of(&role, &plan.before, &plan.after)),
        restores: plan.restores.clone(),
        endpoint: aws
            .endpoints()
            .iter()
            .find(|one| one.service == "IAM")
            .map(|one| one.url.clone()),
        error: None,
    }
}

/// What the desktop asks before a real account is changed.
fn question(plan: &WritePlan, by: &str, endpoints: &[Endpoint]) -> Confirm {
    let lines = headgate_policy::lines(&plan.before, &plan.after);
    let what = say!(
        "As `{}`, replace the trust policy of `{}`: {} lines added, {} removed.",
        by,
        plan.role,
        lines.added,
        lines.removed
    );
    let at = endpoints.iter().map(|one| say!(" {} is `{}`.", one.service, one.url));
    let at = Shown::join(&at.collect::<Vec<_>>(), "");
    Confirm {
        title: "Change the trust policy?".into(),
        text: match &plan.opens {
            Some(opens) => say!("{} {}{}", opens, what, at),
            None => say!("{}{}", what, at),
        },
        yes: "Change it".into(),
    }
}

/// Whether the new text names a role or user that the old one does not and that IAM knows: it may have
/// been made a moment ago, and then writing it waits until IAM takes its name.
async fn adds_principal(aws: &Aws, plan: &WritePlan) -> bool {
    let Ok(caller) = aws.who().await else { return false };
    let old = own_principals(&plan.before, &caller.account);
    for arn in own_principals(&plan.after, &caller.account).difference(&old) {
        if let Ok(Some(true)) = aws.principal_exists(arn).await {
            return true;
        }
    }
    false
}

pub(crate) fn short_id() -> String {
    Uuid::new_v4().simple().to_string()[..12].to_owned()
}
