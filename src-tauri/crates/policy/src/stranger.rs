//! Whether a stranger can assume the role: someone with an AWS account that nobody named, who controls
//! everything a caller controls.
//!
//! A caller chooses the names and tags of its own principals, its session's name and tags, its MFA device and
//! the time of the call. It does not choose its account number, its organization, or keys that only AWS
//! services set. It can invent an external ID, or know one.

use headgate_terms::Arn;

use crate::condition::Context;
use crate::evaluate::{Caller, Decision, Request, decide};
use crate::matrix::{Axes, EXTERNAL_ID};
use crate::policy::Policy;

/// How far a stranger gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stranger {
    /// Nowhere.
    Out,
    /// In, with one of the external ids that the policy requires.
    KnowsId,
    /// In, without an external id or with any.
    In,
}

/// The keys whose value a caller chooses, or waits for. Those that end with a slash are families.
const CHOSEN: [&str; 20] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:referer",
    "aws:RequestTag/",
    "aws:RequestedRegion",
    "aws:SourceIdentity",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "sts:DurationSeconds",
    "sts:RequestContext/",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
];

/// How far a stranger gets in a policy. `axes` are those of the policy, perhaps with others'.
pub(crate) fn stranger(policy: &Policy, axes: &Axes, role: Option<&Arn>) -> Stranger {
    let arns = arns(axes, role);
    let ids = axes.ids.iter().map(|column| {
        let known = column.external_id.is_some() && !column.any_other;
        (column.external_id.as_deref(), if known { Stranger::KnowsId } else { Stranger::In })
    });
    let mut ids: Vec<_> = ids.collect();
    ids.sort_by_key(|(_, gets)| std::cmp::Reverse(*gets));
    ids.into_iter()
        .find(|(id, _)| arns.iter().any(|arn| enters(policy, arn, *id, role)))
        .map_or(Stranger::Out, |(_, gets)| gets)
}

/// The principals that a stranger can create, as far as the policies distinguish them.
fn arns(axes: &Axes, role: Option<&Arn>) -> Vec<Arn> {
    let Some(Caller::Aws(nobody)) = axes.callers.last().and_then(|row| row.principal.caller(role))
    else {
        return Vec::new();
    };
    let mut resources: Vec<String> = Vec::new();
    for row in &axes.callers {
        if let Some(Caller::Aws(arn)) = row.principal.caller(role)
            && arn.service == "iam"
            && !resources.contains(&arn.resource)
        {
            resources.push(arn.resource);
        }
    }
    resources.into_iter().map(|resource| Arn { resource, ..nobody.clone() }).collect()
}

fn enters(policy: &Policy, arn: &Arn, id: Option<&str>, role: Option<&Arn>) -> bool {
    // A stranger is in no organisation, or in one of its own.
    [None, Some("o-zz9strangers")].into_iter().any(|organisation| {
        let caller = Caller::Aws(arn.clone());
        let mut context = Context::new();
        for statement in &policy.statements {
            for test in &statement.conditions {
                let key = &test.key.value;
                let is_chosen = CHOSEN.iter().any(|chosen| {
                    if chosen.ends_with('/') {
                        key.get(..chosen.len()).is_some_and(|one| one.eq_ignore_ascii_case(chosen))
                    } else {
                        key.eq_ignore_ascii_case(chosen)
                    }
                });
                if is_chosen {
                    context.hide(key);
                }
            }
        }
        context.set("aws:PrincipalArn", vec![arn.to_string()]);
        context.set("aws:PrincipalAccount", vec![arn.account.clone()]);
        context.set("aws:PrincipalIsAWSService", vec!["false".to_owned()]);
        context.set("aws:ViaAWSService", vec!["false".to_owned()]);
        context.set("aws:SecureTransport", vec!["true".to_owned()]);
        // An address that is kept for examples, so nobody confines callers to it.
        context.set("aws:SourceIp", vec!["203.0.113.7".to_owned()]);
        if let Some(id) = id {
            context.set(EXTERNAL_ID, vec![id.to_owned()]);
        }
        if let Some(id) = organisation {
            context.set("aws:PrincipalOrgID", vec![id.to_owned()]);
            context.set("aws:PrincipalOrgPaths", vec![format!("{id}/r-zz9/ou-zz9-1/")]);
        }
        let action = caller.action().to_owned();
        let request = Request { caller, action, context, role: role.cloned() };
        // What depends now depends on the stranger's own choice.
        matches!(decide(policy, &request).decision, Decision::Allow | Decision::Unknown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::axes;
    use crate::read::read;

    fn gets(principal: &str, condition: &str) -> Stranger {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
        );
        let policy = read(&text).valid().unwrap_or_else(|problems| panic!("{problems:?}"));
        let role: Arn = "arn:aws:iam::417620938841:role/lake".parse().unwrap();
        stranger(&policy, &axes(&[&policy], &[], Some(&role)), Some(&role))
    }

    #[test]
    fn a_stranger_chooses_what_a_caller_chooses_and_nothing_else() {
        for (condition, is) in [
            ("{}", Stranger::In),
            (
                r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/x"}}"#,
                Stranger::In,
            ),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, Stranger::In),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/deploy"}}"#, Stranger::In),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#, Stranger::In),
            (
                r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/*"}}"#,
                Stranger::Out,
            ),
            (r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, Stranger::In),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, Stranger::Out),
            (r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#, Stranger::In),
            (
                r#"{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1/r-ab12/*"}}"#,
                Stranger::In,
            ),
            (
                r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1/r-ab12/*"}}"#,
                Stranger::Out,
            ),
            (r#"{"StringEquals":{"aws:PrincipalTag/team":"data"}}"#, Stranger::In),
            (r#"{"StringLike":{"sts:RoleSessionName":"jane-*"}}"#, Stranger::In),
            (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, Stranger::In),
            (r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#, Stranger::Out),
            (r#"{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#, Stranger::In),
            (r#"{"StringEquals":{"aws:SourceAccount":"417620938841"}}"#, Stranger::Out),
            (r#"{"StringEquals":{"sts:ExternalId":"7c0d9e52"}}"#, Stranger::KnowsId),
            (r#"{"StringEqualsIfExists":{"sts:ExternalId":"7c0d9e52"}}"#, Stranger::In),
            (r#"{"StringNotEquals":{"sts:ExternalId":"7c0d9e52"}}"#, Stranger::In),
            (r#"{"Null":{"sts:ExternalId":"false"}}"#, Stranger::In),
            (r#"{"StringLike":{"sts:ExternalId":"*"}}"#, Stranger::In),
            (r#"{"StringEquals":{"aws:PrincipalAccount":"210987654321"}}"#, Stranger::Out),
            (r#"{"StringNotEquals":{"aws:PrincipalAccount":"210987654321"}}"#, Stranger::In),
        ] {
            assert_eq!(gets("*", condition), is, "{condition}");
        }
        assert_eq!(gets("arn:aws:iam::210987654321:root", "{}"), Stranger::Out);
    }
}
