//! `access-analyzer:ValidatePolicy`: the findings of IAM Access Analyzer for a trust policy, with character
//! offsets converted to bytes. They are passed on in AWS's words.

use aws_sdk_accessanalyzer::types::{PolicyType, Span, ValidatePolicyResourceType};
use headgate_terms::{Range, Result};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::caller::{is_unsupported, none_if_denied};
use crate::failure::ApiCall;
use crate::open::Aws;

/// One finding of Access Analyzer, in its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AnalyzerFinding {
    /// `error`, `security_warning`, `warning` or `suggestion`.
    pub kind: String,
    /// Such as `MISSING_ACTION_FOR_CONDITION_KEY`.
    pub code: String,
    /// What is so, and what to do.
    pub details: String,
    /// Where AWS explains it.
    pub learn_more: String,
    /// Where in the text.
    pub spans: Vec<Range>,
}

impl Aws {
    /// Validates a trust policy; `None` where the permission is missing, or the endpoint has no such call.
    ///
    /// # Errors
    /// Those of every call to AWS.
    pub async fn validate(&self, text: &str) -> Result<Option<Vec<AnalyzerFinding>>> {
        let call = ApiCall::plain("access-analyzer:ValidatePolicy");
        let mut pages = self
            .analyzer
            .validate_policy()
            .policy_document(text)
            .policy_type(PolicyType::ResourcePolicy)
            .validate_policy_resource_type(ValidatePolicyResourceType::RoleTrust)
            .into_paginator()
            .send();
        let mut findings = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(error) if is_unsupported(&error) => return Ok(None),
                page => none_if_denied(page.map_err(|error| self.failed(&call, &error)))?,
            };
            let Some(page) = page else { return Ok(None) };
            findings.extend(page.findings().iter().map(|finding| {
                AnalyzerFinding {
                    kind: finding.finding_type().as_str().to_ascii_lowercase(),
                    code: finding.issue_code().to_owned(),
                    details: finding.finding_details().to_owned(),
                    learn_more: finding.learn_more_link().to_owned(),
                    spans: finding
                        .locations()
                        .iter()
                        .filter_map(|place| place.span().and_then(|span| range(text, span)))
                        .collect(),
                }
            }));
        }
        Ok(Some(findings))
    }
}

/// The bytes of a span, whose offsets count characters.
fn range(text: &str, span: &Span) -> Option<Range> {
    let byte = |offset: i32| {
        let offset = usize::try_from(offset).ok()?;
        let after = std::iter::once(text.len());
        text.char_indices().map(|(byte, _)| byte).chain(after).nth(offset)
    };
    Some(Range { start: byte(span.start()?.offset())?, end: byte(span.end()?.offset())? })
}
