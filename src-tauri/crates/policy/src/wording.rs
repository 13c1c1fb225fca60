//! The sentences for a principal that IAM refuses: what is wrong with it, and what it should be.

use headgate_terms::{Arn, Shown, is_account_id, say};

use crate::policy::PrincipalKind;

/// What is wrong with a principal, and what it should be.
pub(crate) fn principal(kind: PrincipalKind, text: &str) -> Shown {
    if let Some(fault) = anywhere(kind, text) {
        return fault;
    }
    match kind {
        PrincipalKind::Aws => aws(text),
        PrincipalKind::Service => service(text),
        PrincipalKind::Federated | PrincipalKind::CanonicalUser => provider(text),
    }
}

fn anywhere(kind: PrincipalKind, text: &str) -> Option<Shown> {
    Some(if text.is_empty() {
        "It is empty.".into()
    } else if text.starts_with(char::is_whitespace) {
        "It begins with a blank.".into()
    } else if text.ends_with(char::is_whitespace) {
        "It ends with a blank.".into()
    } else if text.contains(['<', '>']) {
        "A placeholder is left in it.".into()
    } else if text.ends_with(',') {
        "It ends with a comma.".into()
    } else if text.contains([',', ' ']) && text.matches("arn:").count() > 1 {
        "These are several principals in one text. Write a list, with a text for each.".into()
    } else if text.contains(['*', '?']) && (kind != PrincipalKind::Aws || text != "*") {
        "A principal has no wildcards; only `\"AWS\": \"*\"` means everyone.".into()
    } else if text.ends_with('/') {
        "It ends with a slash.".into()
    } else {
        return None;
    })
}

fn aws(text: &str) -> Shown {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(text) {
        return say!("The account number has {} digits, not 12.", text.len());
    }
    if is_account_id(&text.replace(['-', ' '], "")) {
        return "Write the account number without dashes or blanks.".into();
    }
    if crate::services::name(text).is_some() {
        return "A service stands under `Service`.".into();
    }
    let Ok(arn) = text.parse::<Arn>() else {
        return if text.contains(":role/") || text.starts_with("role/") || !text.contains(':') {
            "Name it by its whole ARN, such as `arn:aws:iam::123456789012:role/name`.".into()
        } else {
            whole()
        };
    };
    let account = &arn.account;
    if arn.resource.starts_with("group/") {
        return "A group cannot assume a role.".into();
    }
    if arn.resource.contains("-provider/") {
        return "A provider stands under `Federated`.".into();
    }
    if digits(account) && !is_account_id(account) {
        return say!("The account number has {} digits, not 12.", account.len());
    }
    if account.is_empty() {
        return "The account number is missing.".into();
    }
    if !is_account_id(account) {
        return say!("`{}` is not an account number; it has 12 digits.", account);
    }
    if !arn.region.is_empty() {
        return say!(
            "An ARN of IAM has no region: leave `{}` out, but not the colons.",
            arn.region
        );
    }
    if arn.partition != "aws" && !arn.partition.starts_with("aws-") {
        return say!(
            "`{}` is not a partition: `aws`, `aws-us-gov` and `aws-cn` are.",
            arn.partition
        );
    }
    match (arn.service.as_str(), arn.resource.split_once('/').map(|(kind, _)| kind)) {
        ("iam", Some("instance-profile")) => {
            "An instance profile is not a principal. Name its role.".into()
        }
        ("iam", Some("policy")) => "A policy is not a principal.".into(),
        ("iam", Some("assumed-role")) | ("sts", Some("role" | "user")) => {
            "Roles and users are of `iam`, and sessions (`assumed-role`) of `sts`.".into()
        }
        ("sts", Some("assumed-role")) => {
            "The ARN of a session ends with the role's name and the session's.".into()
        }
        _ => whole(),
    }
}

fn whole() -> Shown {
    "Name a role, a user, a session or an account, such as `arn:aws:iam::123456789012:role/name`."
        .into()
}

fn service(text: &str) -> Shown {
    if text.starts_with("arn:") || is_account_id(text) {
        return "A role, a user or an account stands under `AWS`.".into();
    }
    if text == "amazonaws.com" || text == "amazonaws.com.cn" {
        return "The service's own name is missing, as in `ec2.amazonaws.com`.".into();
    }
    if text.contains("://") {
        return "Name the service without a scheme, such as `ec2.amazonaws.com`.".into();
    }
    "A service is named as `ec2.amazonaws.com` is.".into()
}

fn provider(text: &str) -> Shown {
    if text.contains("://") {
        return "Name the provider without `https://`.".into();
    }
    "Federated principals must be valid domain names or SAML metadata ARNs: name an OIDC or SAML provider's ARN, or a provider's domain."
        .into()
}
