//! Whom the text of a principal means: everyone, an account, a role, a session, a service, a provider, or
//! nobody.

use headgate_terms::{Arn, is_account_id};

use crate::policy::{PrincipalKind, Who};

/// Whom a principal's text means.
#[must_use]
pub fn who(kind: PrincipalKind, text: &str) -> Who {
    if kind != PrincipalKind::Aws && text.contains(['*', '?']) {
        return Who::Nobody;
    }
    match kind {
        PrincipalKind::Aws => aws(text),
        PrincipalKind::Service if crate::services::name(text).is_some() => {
            Who::Service(text.to_owned())
        }
        PrincipalKind::Federated => match text.parse::<Arn>() {
            Ok(arn) if is_provider(&arn) => Who::Provider(text.to_owned()),
            Err(_) if is_domain(text) => Who::Provider(text.to_owned()),
            _ => Who::Nobody,
        },
        PrincipalKind::Service | PrincipalKind::CanonicalUser => Who::Nobody,
    }
}

/// Names parted by dots, two at least, without a scheme, a port or a path.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    text.contains('.') && text.split('.').all(label)
}

/// An OIDC provider is named by its domain and path, a SAML provider by its name.
fn is_provider(arn: &Arn) -> bool {
    let named = match arn.resource.split_once('/') {
        Some(("saml-provider", name)) => !name.is_empty(),
        Some(("oidc-provider", name)) => {
            let (host, path) = name.split_once('/').unwrap_or((name, "x"));
            is_domain(host)
                && !path.is_empty()
                && path.bytes().all(|b| b.is_ascii_graphic() && !b"*?<>\"".contains(&b))
        }
        _ => false,
    };
    named && arn.service == "iam" && is_account_id(&arn.account)
}

fn aws(text: &str) -> Who {
    if text == "*" {
        return Who::Everyone;
    }
    if is_account_id(text) {
        return Who::Account { account: text.to_owned(), partition: None };
    }
    if is_unique_id(text) {
        return Who::Gone(text.to_owned());
    }
    let Ok(arn) = text.parse::<Arn>() else { return Who::Nobody };
    let name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_".contains(&b))
    };
    // A path may hold more, but nothing that is a pattern, a placeholder or a blank.
    let path = |path: &str| {
        let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
        name(last) && folders.bytes().all(|b| b.is_ascii_graphic() && !b"*?<>\"".contains(&b))
    };
    let partition = arn.partition == "aws" || arn.partition.starts_with("aws-");
    if !partition || !arn.region.is_empty() || !is_account_id(&arn.account) {
        return Who::Nobody;
    }
    match (arn.service.as_str(), arn.resource.split_once('/')) {
        ("iam", None) if arn.resource == "root" => {
            Who::Account { account: arn.account, partition: Some(arn.partition) }
        }
        ("iam", Some(("role", rest))) if path(rest) => Who::Role(arn),
        ("iam", Some(("user", rest))) if path(rest) => Who::User(arn),
        ("sts", Some(("assumed-role", rest)))
            if rest.split_once('/').is_some_and(|(role, session)| name(role) && name(session)) =>
        {
            Who::Session(arn)
        }
        ("sts", Some(("federated-user", rest))) if name(rest) => Who::FederatedUser(arn),
        _ => Who::Nobody,
    }
}

/// The ids that IAM shows for a role (`AROA…`) or user (`AIDA…`) that was deleted.
fn is_unique_id(text: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|start| text.starts_with(start))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
