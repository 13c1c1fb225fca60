//! [`Opening`]: whether a change opens the role to strangers, that is everyone, a whole account, callers that
//! a pattern matches, a vendor with any customer's ID, or a caller of an account that was not allowed before.
//!
//! Users read its sentence before they write the change.

use std::collections::BTreeSet;

use headgate_terms::{Arn, Shown, is_account_id, say};

use crate::axes::axes;
use crate::evaluate::{Caller, Decision, decide};
use crate::issuers::shared_issuer;
use crate::matrix::{CallerKind, CallerRow, EXTERNAL_ID, IdColumn, Named, request_of};
use crate::policy::{Effect, Policy, Who};
use crate::read::read;
use crate::stranger::{Stranger, stranger};
use crate::well_known::{SEGMENT_ROLE, UNITY_CATALOG_ROLES};
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
    /// A caller of another account without an external id.
    NoId {
        /// Who.
        principal: String,
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
    /// A caller of another account, of which the old text allows nobody by name. The roles with which
    /// Unity Catalog and Segment call are none when they must pass an id: a plan adds them on purpose,
    /// and a warning in every such plan would teach users to skip it.
    Foreign {
        /// Who: an ARN.
        principal: String,
        /// The number of its account.
        account: String,
        /// Whether other conditions must hold too.
        depends: bool,
    },
}

impl Opening {
    /// The warning for a user who is about to make the change.
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
            Self::NoId { principal, depends } => say!(
                "This opens the role to `{}` without an external id{}.",
                principal,
                when(depends)
            ),
            Self::AnyId { principal, depends } => say!(
                "This opens the role to `{}` with any external id{}.",
                principal,
                when(depends)
            ),
            Self::Foreign { principal, account, depends } => say!(
                "This opens the role to `{}` of account `{}`{}. The policy did not allow that account \
                 by name before.",
                principal,
                account,
                when(depends)
            ),
        }
    }
}

/// What a change of a trust policy opens to strangers; `None` when it opens nothing of the kind. A text
/// that cannot be read lets nobody in. Without `role` every account is foreign.
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
    let known: BTreeSet<String> =
        allowed(&before, role).into_iter().map(|arn| arn.account).collect();
    let row = |named: &Named| axes.callers.iter().find(|row| row.principal == *named);
    let column = |id: &Option<String>| axes.ids.iter().find(|one| one.external_id == *id);
    let found = widened(&before, &after, &[], role)
        .iter()
        .filter_map(|(caller, id, decision)| {
            let depends = *decision == Decision::Unknown;
            opened(row(caller)?, column(id)?, role, &known, depends)
        })
        .min_by_key(|opening| match opening {
            Opening::Everyone => 0,
            Opening::EveryoneWithId => 1,
            Opening::EveryoneAt { .. } => 2,
            Opening::Account { .. } => 3,
            Opening::Like { .. } => 4,
            Opening::NoId { .. } => 5,
            Opening::AnyId { .. } => 6,
            Opening::Foreign { .. } => 7,
        });
    // Not every caller has a cell, and a long list of ids must not hide one.
    found.or_else(|| {
        let is_new =
            |arn: &Arn| is_foreign(arn, role) && !known.contains(&arn.account) && !is_vendor(arn);
        let new = (axes.left_out > 0).then(|| allowed(&after, role).into_iter().find(is_new));
        new.flatten().map(|arn| foreign(&arn, true))
    })
}

/// Those whom the Allow statements of a policy name, in principals and in conditions, and let in.
fn allowed(policy: &Policy, role: Option<&Arn>) -> Vec<Arn> {
    let mut callers: Vec<Caller> = Vec::new();
    for statement in policy.statements.iter().filter(|one| one.effect == Effect::Allow) {
        callers.extend(statement.principals.iter().filter_map(|one| match &one.who {
            Who::Provider(provider) => Some(Caller::Federated(provider.clone())),
            _ => Caller::aws(&one.text.value, role),
        }));
        for key in ["aws:PrincipalArn", "aws:PrincipalAccount"] {
            let values = statement.tests(key).flat_map(|test| &test.values);
            callers.extend(values.filter_map(|value| Caller::aws(&value.value, role)));
        }
    }
    // A name in a statement that lets nobody in must not make its account familiar.
    let gets_in = |caller: &Caller| {
        let mut request = request_of(caller, None, role);
        request.context.hide(EXTERNAL_ID);
        matches!(decide(policy, &request).decision, Decision::Allow | Decision::Unknown)
    };
    let arns = callers.into_iter().filter(gets_in).filter_map(|caller| match caller {
        Caller::Aws(arn) => Some(arn),
        Caller::Federated(provider) => provider.parse().ok(),
        Caller::Service(_) => None,
    });
    arns.filter(|arn| is_account_id(&arn.account)).collect()
}

fn is_foreign(arn: &Arn, role: Option<&Arn>) -> bool {
    role.is_none_or(|role| role.account != arn.account)
}

/// Whether a role is exactly one with which Unity Catalog or Segment calls.
fn is_vendor(arn: &Arn) -> bool {
    let text = arn.to_string();
    text == SEGMENT_ROLE || UNITY_CATALOG_ROLES.contains(&text.as_str())
}

fn foreign(arn: &Arn, depends: bool) -> Opening {
    Opening::Foreign { principal: arn.to_string(), account: arn.account.clone(), depends }
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

/// What a cell that opens says; `None` for a caller of the role's account, and for one of an account that
/// was allowed before and must pass an id that is written out.
fn opened(
    row: &CallerRow,
    id: &IdColumn,
    role: Option<&Arn>,
    known: &BTreeSet<String>,
    depends: bool,
) -> Option<Opening> {
    let (arn, can_pass_id) = match &row.caller {
        // One of AWS's own services passes no id.
        Caller::Aws(arn) => (arn.clone(), !arn.resource.starts_with("role/aws-service-role/")),
        Caller::Federated(provider) => (provider.parse().ok()?, false),
        Caller::Service(_) => return None,
    };
    let principal = arn.to_string();
    match row.kind {
        CallerKind::Like => Some(Opening::Like { example: principal, depends }),
        CallerKind::Stranger => None,
        _ if !is_foreign(&arn, role) => None,
        CallerKind::OtherRole => Some(Opening::Account { account: arn.account, depends }),
        CallerKind::Goal | CallerKind::Named => {
            if can_pass_id && id.external_id.is_none() {
                Some(Opening::NoId { principal, depends })
            } else if can_pass_id && (id.any_other || id.like.is_some()) {
                Some(Opening::AnyId { principal, depends })
            } else {
                let is_new = !known.contains(&arn.account) && !is_vendor(&arn);
                is_new.then(|| foreign(&arn, depends))
            }
        }
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

    fn change(before: &str, after: &str) -> Option<Opening> {
        let role: Arn = "arn:aws:iam::417620938841:role/lake".parse().unwrap();
        opens(before, after, Some(&role))
    }

    #[test]
    fn openings_of_a_change() {
        let id = r#"{"StringEquals":{"sts:ExternalId":"7c0d9e52"}}"#;
        let named = policy(VENDOR, id);
        let account =
            |depends| Some(Opening::Account { account: "210987654321".to_owned(), depends });
        let like =
            |example: &str| Some(Opening::Like { example: example.to_owned(), depends: false });
        let any_id = Some(Opening::AnyId { principal: VENDOR.to_owned(), depends: false });
        let no_id = Some(Opening::NoId { principal: VENDOR.to_owned(), depends: false });
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
            (policy(VENDOR, "{}"), no_id.clone()),
            (
                policy(VENDOR, r#"{"StringEqualsIfExists":{"sts:ExternalId":"7c0d9e52"}}"#),
                no_id.clone(),
            ),
            (policy(VENDOR, r#"{"Null":{"sts:ExternalId":"true"}}"#), no_id),
            (policy(VENDOR, r#"{"Null":{"sts:ExternalId":"false"}}"#), any_id.clone()),
            (policy(VENDOR, r#"{"StringLike":{"sts:ExternalId":"7c0d*"}}"#), any_id),
            (
                policy(
                    "arn:aws:iam::595280932656:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
                    "{}",
                ),
                None,
            ),
            (policy("arn:aws:iam::417620938841:root", "{}"), None),
            (policy("arn:aws:iam::417620938841:role/mine", "{}"), None),
        ] {
            assert_eq!(change(&named, &after), opening, "{after}");
            assert_eq!(change(&after, &after), None, "{after}");
        }
    }

    #[test]
    fn a_caller_of_a_new_account_is_a_stranger() {
        const ID: &str = r#"{"StringEquals":{"sts:ExternalId":"x"}}"#;
        let own = policy("arn:aws:iam::417620938841:role/lake", "{}");
        let with = |text: &str| own.replace("}]}", &format!("}},{text}]}}"));
        let statement = |effect: &str,
                         kind: &str,
                         action: &str,
                         principal: &str,
                         condition: &str| {
            format!(
                r#"{{"Effect":"{effect}","Principal":{{"{kind}":"{principal}"}},"Action":"sts:{action}",
                "Condition":{condition}}}"#
            )
        };
        let aws = |principal: &str| with(&statement("Allow", "AWS", "AssumeRole", principal, ID));
        let opening = |principal: &str, depends| {
            let (principal, account) = (principal.to_owned(), "999999999999".to_owned());
            Some(Opening::Foreign { principal, account, depends })
        };
        let evil = "arn:aws:iam::999999999999:role/evil";
        for principal in [
            evil,
            "arn:aws:iam::999999999999:user/evil",
            "arn:aws:sts::999999999999:assumed-role/evil/s",
            "arn:aws:sts::999999999999:federated-user/evil",
            "arn:aws:iam::999999999999:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        ] {
            assert_eq!(change(&own, &aws(principal)), opening(principal, false), "{principal}");
            assert_eq!(change("{", &aws(principal)), opening(principal, false), "{principal}");
            assert_eq!(change(&aws(principal), &own), None, "{principal}");
        }
        let root = "arn:aws:iam::999999999999:root";
        for principal in [root, "999999999999"] {
            let account = Opening::Account { account: "999999999999".to_owned(), depends: false };
            assert_eq!(change(&own, &aws(principal)), Some(account), "{principal}");
        }
        let only = |principal: &str, arn: &str| {
            let condition = format!(
                r#"{{"StringEquals":{{"sts:ExternalId":"x"}},"ArnEquals":{{"aws:PrincipalArn":"{arn}"}}}}"#
            );
            with(&statement("Allow", "AWS", "AssumeRole", principal, &condition))
        };
        assert_eq!(change(&own, &only(root, root)), opening(root, false));
        assert_eq!(change(&own, &only("*", evil)), opening(evil, false));
        assert_eq!(change(&only("*", evil), &aws("arn:aws:iam::999999999999:role/b")), None);
        let provider = "arn:aws:iam::999999999999:saml-provider/evil";
        let saml = statement("Allow", "Federated", "AssumeRoleWithSAML", provider, "{}");
        assert_eq!(change(&own, &with(&saml)), opening(provider, false));
        assert_eq!(change(&own, &with(&saml).replace("999999999999", "417620938841")), None);
        // Neither a Deny nor an Allow that nobody can use makes an account familiar.
        let unused = format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"{evil}"}}}}"#);
        let own_root = "arn:aws:iam::417620938841:root";
        let unused = statement("Allow", "AWS", "AssumeRole", own_root, &unused);
        assert_eq!(change(&with(&unused), &aws(evil)), opening(evil, false));
        let never = r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/x"}}"#;
        let never = with(&statement("Allow", "AWS", "AssumeRole", evil, never));
        assert_eq!(change(&own, &never), None);
        assert_eq!(change(&never, &aws(evil)), opening(evil, false));
        let denied = with(&statement("Deny", "AWS", "AssumeRole", root, "{}"));
        assert_eq!(change(&denied, &aws(evil)), opening(evil, false));
        let tagged = r#"{"StringEquals":{"sts:ExternalId":"x","aws:PrincipalTag/a":"b"}}"#;
        let tagged = with(&statement("Allow", "AWS", "AssumeRole", evil, tagged));
        assert_eq!(change(&own, &tagged), opening(evil, true));
        // So many ids that not every caller has a cell.
        let ids: Vec<String> = (0..2_000).map(|id| format!("{id:04}")).collect();
        let mut many = vec!["arn:aws:iam::417620938841:root".to_owned()];
        many.extend((0..20).map(|n| format!("arn:aws:iam::417620938841:role/r{n}")));
        many.push(evil.to_owned());
        let many = aws("x")
            .replace(r#""AWS":"x""#, &format!(r#""AWS":["{}"]"#, many.join(r#"",""#)))
            .replace(r#":"x"}"#, &format!(r#":["{}"]}}"#, ids.join(r#"",""#)));
        assert_eq!(change(&own, &many), opening(evil, true));
        assert_eq!(
            opening(evil, false).unwrap().sentence(),
            "This opens the role to `arn:aws:iam::999999999999:role/evil` of account `999999999999`. \
             The policy did not allow that account by name before."
        );
    }

    #[test]
    fn vendor_roles_with_an_external_id_are_not_strangers() {
        let id = r#"{"StringEquals":{"sts:ExternalId":"x"}}"#;
        for vendor in UNITY_CATALOG_ROLES.into_iter().chain([SEGMENT_ROLE]) {
            assert_eq!(change("", &policy(vendor, id)), None, "{vendor}");
            let principal = format!("{vendor}-2");
            let account = vendor.split(':').nth(4).unwrap().to_owned();
            assert_eq!(
                change("", &policy(&principal, id)),
                Some(Opening::Foreign { principal, account, depends: false })
            );
            let no_id = change("", &policy(vendor, "{}")).unwrap();
            assert_eq!(
                no_id.sentence(),
                say!("This opens the role to `{}` without an external id.", vendor)
            );
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
        assert_eq!(change("", &own), None);
        assert_eq!(change(&own, &any), Some(Opening::EveryoneAt { issuer }));
        assert_eq!(change(&any, &own), None);
    }

    #[test]
    fn an_open_policy_is_not_opened_again_and_an_invalid_one_counts_as_closed() {
        let id = policy("*", r#"{"StringEquals":{"sts:ExternalId":"7c0d9e52"}}"#);
        let all = policy("*", "{}");
        assert_eq!(change(&id, &all), Some(Opening::Everyone));
        assert_eq!(change(&all, &id), None);
        let org = |ids: &str| {
            policy(ROOT, &format!(r#"{{"StringEquals":{{"aws:PrincipalOrgID":{ids}}}}}"#))
        };
        let account = Opening::Account { account: "210987654321".to_owned(), depends: true };
        assert_eq!(change(&org(r#""o-1""#), &org(r#"["o-1","o-2"]"#)), Some(account));
        assert_eq!(change(&org(r#"["o-1","o-2"]"#), &org(r#""o-1""#)), None);
        assert_eq!(change("{", &all), Some(Opening::Everyone));
        assert_eq!(
            Opening::Everyone.sentence(),
            "This opens the role to everyone with an AWS account."
        );
    }
}
