//! Who calls ([`Identity`], from `sts:GetCallerIdentity`), and what IAM reports about the account of a role:
//! its trust-policy quota, whether a principal exists, whether the role's own policies let it assume itself.
//!
//! Where the caller lacks the permission to ask, the answer is `None`, not an error.

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType, SummaryKeyType,
};
use headgate_terms::{Arn, Error, Result, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::failure::{ApiCall, is_denied};
use crate::open::Aws;

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Identity {
    /// The account's twelve digits.
    pub account: String,
    /// The full name of the user or the session.
    pub arn: String,
    /// AWS's id of it, such as `AIDA…` or `AROA…:session`.
    pub user_id: String,
    /// The role's name, of a session.
    pub role: Option<String>,
}

impl Aws {
    /// Who calls; AWS is asked once. It requires no permission.
    ///
    /// # Errors
    /// Those of every call to AWS.
    pub async fn who(&self) -> Result<Identity> {
        self.caller.get_or_try_init(|| self.ask_who()).await.cloned()
    }

    /// Who calls, asked of AWS now: this also shows whether the credentials are still accepted.
    ///
    /// # Errors
    /// Those of every call to AWS.
    pub async fn ask_who(&self) -> Result<Identity> {
        let call = ApiCall::plain("sts:GetCallerIdentity");
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| self.failed(&call, &error))?;
        let (Some(account), Some(arn), Some(user_id)) =
            (answer.account(), answer.arn(), answer.user_id())
        else {
            return Err(Error::new("aws_failed", "`sts:GetCallerIdentity` named no caller.")
                .hint("Check the endpoint: something else than AWS answered."));
        };
        let role = arn.parse::<Arn>().ok().and_then(|arn| Some(arn.session()?.0.to_owned()));
        Ok(Identity {
            account: account.to_owned(),
            arn: arn.to_owned(),
            user_id: user_id.to_owned(),
            role,
        })
    }

    /// How many characters a trust policy may have in this account, white space not counted;
    /// `None` where the permission to read it is missing.
    ///
    /// # Errors
    /// Those of every call to AWS.
    pub async fn quota(&self) -> Result<Option<u32>> {
        let answer = self.iam.get_account_summary().send().await;
        let answer =
            answer.map_err(|error| self.failed(&ApiCall::plain("iam:GetAccountSummary"), &error));
        let Some(answer) = none_if_denied(answer)? else { return Ok(None) };
        let quota = answer
            .summary_map()
            .and_then(|summary| summary.get(&SummaryKeyType::AssumeRolePolicySizeQuota));
        Ok(quota.and_then(|quota| u32::try_from(*quota).ok()))
    }

    /// Whether the role's own policies let it assume itself; `None` where the permission to
    /// ask is missing, or the endpoint has no such call.
    ///
    /// # Errors
    /// `role_not_found`; else those of every call to AWS.
    pub async fn self_assume_allowed(
        &self,
        role_arn: &str,
        external_id: Option<&str>,
    ) -> Result<Option<bool>> {
        let context = external_id.map(|id| {
            ContextEntry::builder()
                .context_key_name("sts:ExternalId")
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(id)
                .build()
        });
        let answer = self
            .iam
            .simulate_principal_policy()
            .policy_source_arn(role_arn)
            .action_names("sts:AssumeRole")
            .resource_arns(role_arn)
            .set_context_entries(context.map(|entry| vec![entry]))
            .send()
            .await;
        let call = ApiCall::on_role("iam:SimulatePrincipalPolicy", role_arn);
        let answer = match answer {
            Err(error) if is_unsupported(&error) => return Ok(None),
            answer => none_if_denied(answer.map_err(|error| self.failed(&call, &error)))?,
        };
        let result = answer.as_ref().and_then(|answer| answer.evaluation_results().first());
        Ok(result.map(|it| *it.eval_decision() == PolicyEvaluationDecisionType::Allowed))
    }

    /// Whether a role or a user of the caller's own account exists; `None` for all others, and where
    /// the permission is missing.
    ///
    /// # Errors
    /// Those of every call to AWS.
    pub async fn principal_exists(&self, arn: &str) -> Result<Option<bool>> {
        let Ok(parts) = arn.parse::<Arn>() else { return Ok(None) };
        if parts.service != "iam" || parts.account != self.who().await?.account {
            return Ok(None);
        }
        let found = if parts.role_name().is_some() {
            self.role(arn).await.map(|_| true)
        } else if let Some(path) = parts.resource.strip_prefix("user/") {
            self.user(path.rsplit('/').next().unwrap_or(path)).await.map(|found| found == arn)
        } else {
            return Ok(None);
        };
        match found {
            Err(error) if error.code == "role_not_found" => Ok(Some(false)),
            found => none_if_denied(found),
        }
    }

    /// The ARN of the user of this name.
    async fn user(&self, name: &str) -> Result<String> {
        let answer = self.iam.get_user().user_name(name).send().await;
        let call = ApiCall { name: "iam:GetUser", about: say!(" on user `{}`", name) };
        let answer = answer.map_err(|error| self.failed(&call, &error))?;
        Ok(answer.user().map(|user| user.arn().to_owned()).unwrap_or_default())
    }
}

/// The answer, or `None` where the permission is missing.
pub(crate) fn none_if_denied<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_denied(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the endpoint has no such call. AWS itself always gives its error a code.
pub(crate) fn is_unsupported<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match (error.code(), error.raw_response()) {
        (Some(code), _) => matches!(code, "InvalidAction" | "NotImplemented"),
        (None, Some(raw)) => matches!(raw.status().as_u16(), 404 | 405 | 500 | 501),
        (None, None) => false,
    }
}
