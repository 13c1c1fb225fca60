//! Applies plans of trust policies: the question to the user, the reads and the write, the journal, the history
//! and restores.
//!
//! `plans` does what is the same for every kind; here is what it means for a role, with the sentences for it.

use std::time::Duration;

use headgate_aws::{Aws, Endpoint, Role};
use headgate_terms::{Arn, Error, Result, Shown, say};
use serde_json::{Map, Value, json};

use crate::App;
use crate::api::{
    Applied, AwsAccess, ChangeHistory, ChangeRecord, ChangeRef, ChangeRequest, ChangeState,
    HistoryOf, PlanRef, Step, TrustPlan,
};
use crate::cx::Cx;
use crate::host::Confirm;
use crate::plans::{
    Change, ChangesPage, NotChanged, OnPage, PlanKind, PlanObserver, RetryPolicy, Sender, Why,
};
use crate::roles::own_principals;
use crate::world::World;

use super::KIND;
use super::plan::{cells_of, change_fingerprint};

impl ChangeRecord {
    fn of(change: &Change) -> Option<Self> {
        let mut record: Self = change.shown()?;
        if matches!(record.state, ChangeState::Refused | ChangeState::Unneeded) {
            record.cells.clear();
        }
        Some(record)
    }
}

/// A role whose trust policy is written.
struct TrustPolicy<'a> {
    aws: &'a Aws,
    /// Its ARN.
    role: &'a str,
    role_id: String,
    /// Between which texts.
    before: &'a str,
    after: &'a str,
    /// Whether the new text names a principal that was just made: AWS takes seconds to know it.
    adds_principal: bool,
}

impl TrustPolicy<'_> {
    fn drifted(&self, failure: Option<&Error>, waited: Duration, stopped: bool) -> Error {
        let why = match failure {
            Some(failure) => say!("it could not be read back: {}", failure.message),
            None if stopped => "reading it back was stopped.".into(),
            None => say!("the role still has another one after {} s.", waited.as_secs()),
        };
        Error::new(
            "role_drifted",
            say!("AWS accepted the new trust policy of role `{}`, but {}", self.role, why),
        )
        .hint("Read the role again: AWS may need a minute, or someone else wrote at the same time.")
    }
}

impl PlanKind for TrustPolicy<'_> {
    type Found = Role;

    const RETRIES: RetryPolicy = RetryPolicy {
        first: Duration::from_millis(250),
        most: Duration::from_secs(5),
        cap: Duration::from_mins(1),
    };

    async fn read(&self, target: &str) -> Result<Role> {
        self.aws.role(target).await
    }

    fn value(&self, found: &Role) -> Value {
        found.trust_policy.as_str().into()
    }

    fn is(&self, found: &Role, value: &Value) -> bool {
        let text = value.as_str().unwrap_or_default();
        let tells = change_fingerprint(self.role, self.before, self.after);
        let same = match (tells(&found.trust_policy), tells(text)) {
            (Some(now), Some(then)) => now == then,
            // Text that is not a policy means only itself.
            _ => found.trust_policy == text,
        };
        same && found.role_id == self.role_id
    }

    fn refusal(&self, found: &Role, step: &Step) -> Option<Error> {
        let name = &found.name;
        if let Some(why) = found.protected() {
            return Some(
                Error::new("role_protected", say!("Role `{}` cannot be edited: {}.", name, why))
                    .hint("Choose a role of your own.")
                    .field("role"),
            );
        }
        if found.role_id != self.role_id {
            return Some(
                Error::new(
                    "role_recreated",
                    say!("Role `{}` was deleted and created again since it was read.", name),
                )
                .hint("Read the role and plan again: nothing was written."),
            );
        }
        let is_as_planned = step.before.as_ref().is_some_and(|before| self.is(found, before));
        (!is_as_planned).then(|| {
            Error::new(
                "role_changed",
                say!("The trust policy of role `{}` was changed by someone else meanwhile.", name),
            )
            .hint("Look at the policy as it is now and plan again: nothing was written.")
        })
    }

    async fn change(&self, found: &Role, step: &Step) -> Result<String, NotChanged> {
        let text = step.after.as_ref().and_then(Value::as_str).unwrap_or_default();
        self.aws.put_trust(&found.name, text).await.map_err(|failed| NotChanged {
            error: failed.error,
            outcome_unknown: failed.outcome_unknown,
        })
    }

    fn may_pass(&self, refusal: &Error) -> bool {
        self.adds_principal
            && refusal.code == "policy_refused"
            && refusal.message.to_lowercase().contains("invalid principal")
    }

    fn explain(&self, why: Why<'_, Role>) -> Error {
        match why {
            Why::Stopped => Error::new(
                "cancelled",
                say!("Writing the trust policy of role `{}` was stopped.", self.role),
            )
            .hint("Apply the plan again when you want to write it."),
            Why::OutcomeUnknown(error) => Error::new(
                "outcome_unknown",
                say!(
                    "It is not known whether AWS took the new trust policy of role `{}`: {}",
                    self.role,
                    error.message
                ),
            )
            .hint("AWS may have taken it. Read the role again to see which policy it has."),
            Why::NotProved { failure, waited, stopped } => self.drifted(failure, waited, stopped),
            Why::Moved(now) if now.role_id != self.role_id => Error::new(
                "role_recreated",
                say!("`{}` was deleted and created again since.", self.role),
            )
            .hint("Read its policy as it is now, and change that."),
            Why::Moved(_) => Error::new(
                "role_changed",
                say!("`{}` has another policy since that change.", self.role),
            )
            .hint("Read its policy as it is now; a later change may have to be put back first."),
        }
    }

    fn own(&self) -> Map<String, Value> {
        let role: Option<Arn> = self.role.parse().ok();
        let cells = role.map_or_else(Vec::new, |role| cells_of(&role, self.before, self.after));
        [("role", json!(self.role)), ("role_id", json!(self.role_id)), ("cells", json!(cells))]
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect()
    }
}

impl App {
    pub(crate) fn role_apply(
        &self,
        cx: &Cx,
        request: &PlanRef,
        world: &World<'_>,
    ) -> Result<Applied> {
        let plan: TrustPlan = self.saved_plan(cx, KIND, &request.plan)?;
        self.apply_plan(cx, &plan, &request.access, &OnPage(&cx.call), world)
    }

    /// Applies a plan: looks, writes, reads back, and keeps it in the journal. The answer has all three
    /// outcomes.
    ///
    /// # Errors
    /// What happened before anything was sent: `read_only`, `not_confirmed`, a login that fails, a journal that
    /// cannot be written, a role that cannot be read.
    pub(crate) fn apply_plan(
        &self,
        cx: &Cx,
        plan: &TrustPlan,
        access: &AwsAccess,
        watch: &dyn PlanObserver,
        world: &World<'_>,
    ) -> Result<Applied> {
        let work = |watch: &dyn PlanObserver| {
            self.runtime().block_on(self.write_trust(cx, plan, access, watch, world))
        };
        self.change_job(cx, watch, work, |applied| (applied.outcome, applied.error.clone()))
    }

    async fn write_trust(
        &self,
        cx: &Cx,
        plan: &TrustPlan,
        access: &AwsAccess,
        watch: &dyn PlanObserver,
        world: &World<'_>,
    ) -> Result<Applied> {
        let aws = self.aws(cx, access).await?;
        // A login that is kept may have ended: that is found out before anything is on record.
        let caller = aws.ask_who().await?;
        self.refuse_other_account(cx, &caller)?;
        watch.begins(&caller, aws.endpoints())?;
        let role_id = match &plan.role_id {
            Some(id) => id.clone(),
            // A plan that was made from a file knows the role by its name only.
            None => aws.role(&plan.role).await?.role_id,
        };
        let consent = world
            .consent(&plan.role, aws.is_local(), || question(plan, &caller.arn, aws.endpoints()))?;
        let iam = aws.endpoints().iter().find(|one| one.service == "IAM");
        let endpoint = iam.map(|one| one.url.clone());
        let sender = Sender::new(&consent, caller.arn.clone(), endpoint);
        let policy = TrustPolicy {
            aws: &aws,
            role: &plan.role,
            role_id,
            before: &plan.before,
            after: &plan.after,
            adds_principal: adds_principal(&aws, plan, &caller.account).await,
        };
        let carried = self.carry_out_plan(cx, &plan.plan, &policy, &sender, watch).await?;
        let change = carried.changes.last().and_then(ChangeRecord::of).ok_or_else(|| {
            Error::new("internal", "A change was carried out and cannot be shown.")
                .hint("This is a defect in Headgate; read the role to see which policy it has.")
        })?;
        Ok(Applied {
            v: 1,
            outcome: change.state.outcome(),
            request_id: change.request_id.clone(),
            error: change.error.clone(),
            change,
            journal: carried.unrecorded,
            now: carried.last.now,
            reads: carried.last.reads,
            waited_ms: carried.last.waited.as_millis() as u64,
        })
    }

    /// A page of the changes to trust policies, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn role_history(&self, cx: &Cx, request: &HistoryOf) -> Result<ChangeHistory> {
        let HistoryOf { role, before, limit } = request;
        let asked =
            ChangesPage { object: role.as_deref(), before: before.as_deref(), limit: *limit };
        let (changes, next) = self.changes_of(cx, KIND, &asked)?;
        Ok(ChangeHistory {
            v: 1,
            changes: changes.iter().filter_map(ChangeRecord::of).collect(),
            next,
        })
    }

    /// What to plan to put a change back, and the change's id, once the role still has what it wrote.
    pub(super) fn restorable(
        &self,
        cx: &Cx,
        request: &ChangeRef,
    ) -> Result<(ChangeRequest, String)> {
        let found = self.change_to_put_back(cx, KIND, &request.change);
        let change = found.map_err(|error| match &*error.code {
            "change_not_found" | "nothing_to_change" => {
                error.hint("See `headgate policy history` for those that wrote something.")
            }
            _ => error,
        })?;
        let record = ChangeRecord::of(&change).ok_or_else(|| {
            Error::new("change_not_found", say!("The change `{}` cannot be read.", change.id))
                .hint("Use the version of Headgate that wrote it.")
                .field("change")
        })?;
        let now = self.runtime().block_on(async {
            let aws = self.aws(cx, &request.access).await?;
            let policy = TrustPolicy {
                aws: &aws,
                role: &record.role,
                role_id: record.role_id.clone(),
                before: &record.before,
                after: &record.after,
                adds_principal: false,
            };
            self.still_has(&policy, &change).await
        })?;
        let request = ChangeRequest {
            role: record.role,
            role_id: Some(record.role_id),
            before: now.trust_policy,
            after: record.before,
            goals: Vec::new(),
            access: request.access.clone(),
        };
        Ok((request, change.id))
    }
}

/// What the user is asked before a real account is changed.
fn question(plan: &TrustPlan, by: &str, endpoints: &[Endpoint]) -> Confirm {
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

/// Whether the new text names a role or user of this account that the old one does not and that IAM
/// knows: it may have been made a moment ago, and then writing it waits until IAM takes its name.
async fn adds_principal(aws: &Aws, plan: &TrustPlan, account: &str) -> bool {
    let old = own_principals(&plan.before, account);
    for arn in own_principals(&plan.after, account).difference(&old) {
        if let Ok(Some(true)) = aws.principal_exists(arn).await {
            return true;
        }
    }
    false
}
