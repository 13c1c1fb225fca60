//! TP029, TP030 and TP031: identity providers and services, such as tokens of other tenants, an action that
//! the caller cannot use, and an unknown service.

use headgate_terms::{Severity, say};

use super::context::LintContext;
use super::finding::{FindingDraft, page};
use crate::evaluate::Caller;
use crate::issuers::{issuer, shared_issuer};
use crate::policy::{Condition, Effect, Principal, PrincipalKind, Statement, Who};
use crate::services::is_known;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.statements(Effect::Allow) {
        for principal in &statement.principals {
            if let Who::Provider(provider) = &principal.who {
                found.extend(strangers(scene, at, statement, principal, provider));
            }
            found.extend(mismatched(scene, at, statement, principal));
            found.extend(unknown(at, principal));
        }
    }
}

/// TP029
fn strangers(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
    provider: &str,
) -> Option<FindingDraft> {
    let shared = shared_issuer(provider)?;
    let caller = Caller::Federated(provider.to_owned());
    if !statement.covers(caller.action()) {
        return None;
    }
    if !shared.lets_strangers(statement, scene.policy.has_variables()) {
        return None;
    }
    let key = shared.key();
    let tests: Vec<&Condition> = statement.tests(&key).collect();
    let title = match tests.first() {
        None => say!(
            "Statement {} lets in every token of `{}`, whosever it is",
            at + 1,
            issuer(provider)
        ),
        Some(test) => say!(
            "Statement {} tests `{}` with `{}`, which tokens of others pass too",
            at + 1,
            test.key.value,
            test.operator_text.value
        ),
    };
    Some(
        FindingDraft::new(
            "TP029",
            Severity::Security,
            title,
            "Everyone who has an account there can make such a token: any repository, project or identity pool of any customer gets in.",
            say!(
                "A shared issuer says whose a token is in `{}`; name your own with `StringEquals`, or with a pattern that begins with it ({}).",
                key,
                page("id_roles_providers_oidc_secure-by-default")
            ),
        )
        .at(at, tests.first().map_or(principal.text.range, |test| test.range)),
    )
}

/// TP030: who is named beside an action that its kind cannot call.
fn mismatched(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
) -> Option<FindingDraft> {
    let text = &principal.text.value;
    let caller = match (&principal.who, principal.kind) {
        (Who::Provider(provider), _) => Caller::Federated(provider.clone()),
        (Who::Service(service), _) => Caller::Service(service.clone()),
        (Who::Everyone | Who::Gone(_) | Who::Nobody, _) => return None,
        (_, PrincipalKind::Aws) => scene.caller(principal)?,
        _ => return None,
    };
    let action = caller.action();
    let others = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
    let covered = others.into_iter().find(|one| statement.covers(one))?;
    if statement.covers(action) {
        return None;
    }
    Some(
        FindingDraft::new(
            "TP030",
            Severity::Warning,
            say!("Statement {} allows `{}` to `{}`, which can only call `{}`", at + 1, covered, text, action),
            "The grant is dead: nobody gets in by it. Name the action that this kind of caller uses.",
            say!(
                "Web identities call `sts:AssumeRoleWithWebIdentity`, SAML providers `sts:AssumeRoleWithSAML`, and all others `sts:AssumeRole` ({}).",
                page("access-analyzer-reference-policy-checks")
            ),
        )
        .at(at, principal.text.range)
        .values(action, covered),
    )
}

/// TP031
fn unknown(at: usize, principal: &Principal) -> Option<FindingDraft> {
    let Who::Service(service) = &principal.who else { return None };
    if is_known(service) {
        return None;
    }
    Some(
        FindingDraft::new(
            "TP031",
            Severity::Warning,
            say!("`{}` is not a service that is known here", service),
            "AWS refuses the whole policy if it has no service of that name. Look for a slip of the pen; a new service may be right all the same.",
            say!(
                "A service's principal is written as AWS's page for the service has it ({}).",
                page("reference_policies_elements_principal")
            ),
        )
        .at(at, principal.text.range)
        .values("", service),
    )
}
