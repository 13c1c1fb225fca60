//! `iam:UpdateAssumeRolePolicy`, sent once, without the SDK's retries.
//!
//! IAM keeps no versions, has no conditional write, and an answer can be lost. [`PutFailed`] says whether AWS
//! refused the call or may have carried it out. The caller reads the role before, tries again, and proves the
//! change by reading it back.

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId;
use headgate_terms::Error;

use crate::failure::ApiCall;
use crate::open::Aws;

/// A write that has no answer, or one that refuses it.
#[derive(Debug, Clone)]
pub struct PutFailed {
    /// What went wrong.
    pub error: Error,
    /// Whether AWS may have taken it all the same.
    pub outcome_unknown: bool,
}

impl Aws {
    /// Replaces the trust policy of a role, by its name. The SDK would repeat it without looking first, so
    /// it is sent once. Returns AWS's id of the request, for its support.
    ///
    /// # Errors
    /// [`PutFailed`].
    pub async fn put_trust(&self, name: &str, text: &str) -> Result<String, PutFailed> {
        let call = ApiCall::on_role("iam:UpdateAssumeRolePolicy", name);
        let once = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = self
            .iam
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(text)
            .customize()
            .config_override(once)
            .send()
            .await;
        let answer = answer.map_err(|error| PutFailed {
            outcome_unknown: is_outcome_unknown(&error),
            error: self.failed(&call, &error),
        })?;
        let id = answer.request_id().unwrap_or_default().to_owned();
        tracing::info!(role = name, request_id = %id, "trust policy written");
        Ok(id)
    }
}

/// Whether AWS may have carried out the call: only a refusal of AWS's own shows that it did not.
fn is_outcome_unknown<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(context) => {
            let refused = (400..500).contains(&context.raw().status().as_u16());
            let throttled = error.code().is_some_and(|code| code.contains("Throttl"));
            !refused && !throttled
        }
        _ => true,
    }
}
