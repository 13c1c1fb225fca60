//! Whether a change opens the role to those whom the policy does not name: everyone, an account as a
//! whole, whoever a pattern matches, or a vendor with any customer's id.

use headgate_terms::{Arn, Shown, say};

use crate::axes::axes;
use crate::evaluate::{Caller, Decision};
use crate::issuers::shared_issuer;
use crate::matrix::{CallerKind, CallerRow, IdColumn, Named};
use crate::policy::{Effect, Policy, Who};
use crate::read::read;
use crate::stranger::{Stranger, stranger};
use crate::widening::widened;

/// What a change opens, the worst of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Everyone with an AWS account.
    Everyone,
    /// Everyone with an AWS account who knows one of the external ids.
    EveryoneWithId,
    /// Everyone with an account at an identity provider that many customers share.
    EveryoneAt {
        /// The provider's address.
        issuer: String,
    },
    /// All of an account that is not the role's own.
    Account {
        /// Its number.
        account: String,
        /// Whether other conditions must hold too.
        depends: bool,
    },
    /// Those whom a condition's pattern matches.
    Like {
        /// One of them, made up.
        example: String,
        /// Whether other conditions must hold too.
        depends: bool,
    },
    /// A caller of another account with any external id, or with all that a pattern matches.
    AnyId {
        /// Who.
        principal: String,
        /// Whether other conditions must hold too.
        depends: bool,
    },
}

impl Opening {
    /// What to tell whoever is about to make the change.
    #[must_use]
    pub fn sentence(&self) -> Shown {
        let when = |depends: &bool| {
            Shown::from(if *depends { " if the statement's other conditions hold" } else { "" })
        };
        match self {
            Self::Everyone => "This opens the role to everyone with an AWS account.".into(),
            Self::EveryoneWithId => {
                "This opens the role to everyone with an AWS account who knows the external id."
                    .into()
            }
            Self::EveryoneAt { issuer } => {
                say!("This opens the role to everyone with an account at `{}`.", issuer)
            }
            Self::Account { account, depends } => say!(
                "This opens the role to every role and user of account `{}`{}.",
                account,
                when(depends)
            ),
            Self::Like { example, depends } => say!(
                "This opens the role to everyone whose ARN matches a pattern, such as `{}`{}.",
                example,
                when(depends)
            ),
            Self::AnyId { principal, depends } => say!(
                "This opens the role to `{}` with any external id{}.",
                principal,
                when(depends)
            ),
        }
    }
}

/// What a change of a trust policy opens to those whom it does not name; none when it opens nothing of
/// the kind. A text that cannot be read lets nobody in. Without `role` every account is foreign.
#[must_use]
pub fn opens(before: &str, after: &str, role: Option<&Arn>) -> Option<Opening> {
    let after = read(after).policy?;
    let nobody = Policy { version: None, id: None, statements: Vec::new() };
    let before = read(before).policy.unwrap_or(nobody);
    let axes = axes(&[&before, &after], &[], role);
    let (was, is) = (stranger(&before, &axes, role), stranger(&after, &axes, role));
    if is > was {
        return Some(match is {
            Stranger::In => Opening::Everyone,
            _ => Opening::EveryoneWithId,
        });
    }
    let open_before = issuers(&before);
    if let Some(issuer) = issuers(&after).into_iter().find(|one| !open_before.contains(one)) {
        return Some(Opening::EveryoneAt { issuer: issuer.to_owned() });
    }
    let row = |named: &Named| axes.callers.iter().find(|row| row.principal == *named);
    let column = |id: &Option<String>| axes.ids.iter().find(|one| one.external_id == *id);
    widened(&before, &after, &[], role)
        .iter()
        .filter_map(|(caller, id, decision)| {
            let depends = *decision == Decision::Unknown;
            unnamed(row(caller)?, column(id)?, role, depends)
        })
        .min_by_key(|opening| match opening {
            Opening::Everyone => 0,
            Opening::EveryoneWithId => 1,
            Opening::EveryoneAt { .. } => 2,
            Opening::Account { .. } => 3,
            Opening::Like { .. } => 4,
            Opening::AnyId { .. } => 5,
        })
}

/// The shared identity providers of which a policy lets every tenant's tokens in.
fn issuers(policy: &Policy) -> Vec<&'static str> {
    let allows = policy.statements.iter().filter(|one| one.effect == Effect::Allow);
    let mut issuers = Vec::new();
    for statement in allows {
        for principal in &statement.principals {
            let Who::Provider(provider) = &principal.who else { continue };
            let action = Caller::Federated(provider.clone()).action();
            if let Some(shared) = shared_issuer(provider)
                && statement.covers(action)
                && shared.lets_strangers(statement, policy.has_variables())
            {
                issuers.push(shared.issuer);
            }
        }
    }
    issuers
}

/// What a cell that opens says, unless the policy names both its caller and its id.
fn unnamed(row: &CallerRow, id: &IdColumn, role: Option<&Arn>, depends: bool) -> Option<Opening> {
    let Some(Caller::Aws(arn)) = row.principal.caller(role) else { return None };
    let foreign = role.is_none_or(|role| role.account != arn.account);
    // One of AWS's own services, which brings no id.
    let linked = arn.resource.starts_with("role/aws-service-role/");
    match row.kind {
        CallerKind::Like => Some(Opening::Like { example: arn.to_string(), depends }),
        CallerKind::OtherRole if foreign => {
            Some(Opening::Account { account: arn.account, depends })
        }
        CallerKind::Goal | CallerKind::Named
            if foreign && !linked && (id.any_other || id.like.is_some()) =>
        {
            Some(Opening::AnyId { principal: arn.to_string(), depends })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: &str = "arn:aws:iam::595280932656:role/segment";
    const ROOT: &str = "arn:aws:iam::210987654321:root";

    fn policy(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
        )
    }

    fn opened(before: &str, after: &str) -> Option<Opening> {
        let role: Arn = "arn:aws:iam::417620938841:role/lake".parse().unwrap();
        opens(before, after, Some(&role))
    }

    #[test]
    fn a_change_says_whom_it_opens_the_role_to() {
        let id = r#"{"StringEquals":{"sts:ExternalId":"7c0d9e52"}}"#;
        let named = policy(VENDOR, id);
        let account =
            |depends| Some(Opening::Account { account: "210987654321".to_owned(), depends });
        let like =
            |example: &str| Some(Opening::Like { example: example.to_owned(), depends: false });
        let any_id = Some(Opening::AnyId { principal: VENDOR.to_owned(), depends: false });
        let org = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
        for (after, opening) in [
            (named.clone(), None),
            ("no policy".to_owned(), None),
            (policy("*", "{}"), Some(Opening::Everyone)),
            (
                policy("*", r#"{"StringLike":{"sts:RoleSessionName":"lake-*"}}"#),
                Some(Opening::Everyone),
            ),
            (policy("*", r#"{"StringLike":{"sts:ExternalId":"*"}}"#), Some(Opening::Everyone)),
            (policy("*", id), Some(Opening::EveryoneWithId)),
            (policy(ROOT, id), account(false)),
            (policy(ROOT, org), account(true)),
            (
                policy(
                    ROOT,
                    r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/team-*"}}"#,
                ),
                like("arn:aws:iam::210987654321:role/team-any"),
            ),
            (
                policy(ROOT, r#"{"StringEquals":{"aws:PrincipalOrgID":["o-1","o-2"]}}"#),
                account(true),
            ),
            (policy(VENDOR, "{}"), any_id.clone()),
            (policy(VENDOR, r#"{"StringLike":{"sts:ExternalId":"7c0d*"}}"#), any_id),
            (
                policy(
                    "arn:aws:iam::210987654321:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
                    "{}",
                ),
                None,
            ),
            (policy("arn:aws:iam::417620938841:root", "{}"), None),
            (policy("arn:aws:iam::417620938841:role/mine", "{}"), None),
        ] {
            assert_eq!(opened(&named, &after), opening, "{after}");
            assert_eq!(opened(&after, &after), None, "{after}");
        }
    }

    #[test]
    fn a_shared_issuer_is_everyone_who_has_an_account_there() {
        let github = |condition: &str| {
            policy("x", condition)
                .replace(r#""AWS":"x""#, r#""Federated":"token.actions.githubusercontent.com""#)
                .replace("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity")
        };
        let own = github(
            r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme-data/*"}}"#,
        );
        let any = github(r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*"}}"#);
        let issuer = "token.actions.githubusercontent.com".to_owned();
        assert_eq!(opened("", &own), None);
        assert_eq!(opened(&own, &any), Some(Opening::EveryoneAt { issuer }));
        assert_eq!(opened(&any, &own), None);
    }

    #[test]
    fn what_was_open_is_not_opened_and_what_cannot_be_read_was_closed() {
        let id = policy("*", r#"{"StringEquals":{"sts:ExternalId":"7c0d9e52"}}"#);
        let all = policy("*", "{}");
        assert_eq!(opened(&id, &all), Some(Opening::Everyone));
        assert_eq!(opened(&all, &id), None);
        let org = |ids: &str| {
            policy(ROOT, &format!(r#"{{"StringEquals":{{"aws:PrincipalOrgID":{ids}}}}}"#))
        };
        let account = Opening::Account { account: "210987654321".to_owned(), depends: true };
        assert_eq!(opened(&org(r#""o-1""#), &org(r#"["o-1","o-2"]"#)), Some(account));
        assert_eq!(opened(&org(r#"["o-1","o-2"]"#), &org(r#""o-1""#)), None);
        assert_eq!(opened("{", &all), Some(Opening::Everyone));
        assert_eq!(
            Opening::Everyone.sentence(),
            "This opens the role to everyone with an AWS account."
        );
    }
}
