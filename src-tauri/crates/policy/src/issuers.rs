//! Identity providers that many customers share, such as GitHub's, and the claim that names the tenant of a
//! token. A statement that does not test that claim allows every tenant.

use headgate_terms::Arn;

use crate::classes::Pattern;
use crate::condition::{Context, Truth, holds};
use crate::operator::Test;
use crate::policy::{Condition, Statement};

/// A shared issuer's claim of the tenant, as a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    /// Its address without a scheme.
    pub issuer: &'static str,
    /// The claim behind the issuer's name, or a whole key.
    claim: &'static str,
    /// Whether IAM refuses to save trust in it without that claim.
    pub is_demanded: bool,
    /// How the claim begins for a tenant that nobody means.
    pub stranger: &'static str,
}

const fn shared(issuer: &'static str, claim: &'static str, stranger: &'static str) -> Shared {
    Shared { issuer, claim, is_demanded: true, stranger }
}

const fn social(issuer: &'static str, claim: &'static str) -> Shared {
    Shared { issuer, claim, is_demanded: false, stranger: "zz9" }
}

const SHARED: [Shared; 20] = [
    shared("token.actions.githubusercontent.com", "sub", "repo:zz9-stranger/"),
    shared("vstoken.actions.githubusercontent.com", "sub", "repo:zz9-stranger/"),
    shared("oidc-configuration.audit-log.githubusercontent.com", "sub", "zz9"),
    shared("gitlab.com", "sub", "project_path:zz9-stranger/"),
    shared("app.terraform.io", "sub", "organization:zz9-stranger:"),
    shared("agent.buildkite.com", "sub", "organization:zz9-stranger:"),
    shared("oidc.codefresh.io", "sub", "account:zz9"),
    shared("studio.datachain.ai/api", "sub", "zz9"),
    shared("scalr.io", "sub", "account:zz9"),
    shared("tokens.cloud.shisho.dev", "sub", "zz9"),
    shared("proidc.upbound.io", "sub", "zz9"),
    shared("oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb", "sub", "zz9"),
    shared("oidc.vercel.com", "aud", "https://vercel.com/zz9-stranger"),
    shared("api.pulumi.com/oidc", "aud", "zz9"),
    shared("sandboxes.cloud", "aud", "zz9"),
    shared("cognito-identity.amazonaws.com", "aud", "zz9"),
    shared("sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d", "sts:RoleSessionName", "zz9"),
    social("accounts.google.com", "aud"),
    social("graph.facebook.com", "app_id"),
    social("www.amazon.com", "app_id"),
];

impl Shared {
    /// The condition key of the claim.
    pub(crate) fn key(&self) -> String {
        if self.claim.contains(':') {
            self.claim.to_owned()
        } else {
            format!("{}:{}", self.issuer, self.claim)
        }
    }

    /// Whether a statement that names the issuer lets in tokens of tenants that nobody means.
    pub(crate) fn lets_strangers(&self, statement: &Statement, variables: bool) -> bool {
        let key = self.key();
        !statement.tests(&key).any(|test| keeps_out(test, self, variables))
            && !is_told_otherwise(statement, &key)
    }
}

/// The issuer of a provider, which is named by its ARN or domain.
pub(crate) fn issuer(provider: &str) -> String {
    let arn = provider.parse::<Arn>().ok();
    let name = arn.as_ref().and_then(|arn| arn.resource.strip_prefix("oidc-provider/"));
    name.unwrap_or(provider).trim_end_matches('/').to_ascii_lowercase()
}

/// The shared issuer of a provider, if it is one.
pub(crate) fn shared_issuer(provider: &str) -> Option<&'static Shared> {
    let issuer = issuer(provider);
    SHARED.iter().find(|one| issuer == one.issuer)
}

/// Whether a test of the tenant's claim keeps the token of a stranger out, whatever it says beyond the
/// tenant, and one that lacks the claim.
fn keeps_out(test: &Condition, shared: &Shared, variables: bool) -> bool {
    let key = test.key.value.as_str();
    if holds(test, &Context::new(), variables) != Truth::No {
        return false;
    }
    let Test::Compare { how, negated: false } = test.operator.test else {
        let mut context = Context::new();
        context.set(key, vec![format!("{}any", shared.stranger)]);
        return holds(test, &context, variables) == Truth::No;
    };
    test.values.iter().all(|value| match Pattern::of(how, &value.value) {
        // Some token of the stranger's may still match.
        Some(pattern) => pattern.walk_all(shared.stranger).is_empty(),
        None => !value.value.contains("${"),
    })
}

/// Whether another claim of the issuer is tested by name, as a repository's owner is.
fn is_told_otherwise(statement: &Statement, key: &str) -> bool {
    let Some((issuer, _)) = key.rsplit_once(':') else { return false };
    statement.conditions.iter().any(|test| {
        let name = test.key.value.to_ascii_lowercase();
        let claim = name.strip_prefix(issuer).and_then(|rest| rest.strip_prefix(':'));
        let values: Vec<&str> = test.values.iter().map(|value| value.value.as_str()).collect();
        claim.is_some_and(|claim| !["aud", "sub", "amr", "iss"].contains(&claim))
            && matches!(test.operator.test, Test::Compare { negated: false, .. })
            && !test.operator.passes_when_absent(&values)
            && !values.iter().any(|value| value.starts_with(['*', '?']))
    })
}
