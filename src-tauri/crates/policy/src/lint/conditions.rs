//! TP023, TP024 and TP032: conditions on MFA, addresses, time and session ARNs that a vendor cannot meet.

use headgate_terms::{Severity, Shown, say};

use super::context::LintContext;
use super::finding::{FindingDraft, named, page, words};
use super::principals::is_vendor;
use crate::condition::{Context, Truth, holds};
use crate::edit::Edit;
use crate::evaluate::is_named;
use crate::operator::{How, Operator, Order, Test};
use crate::policy::{Condition, Effect, Statement};

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        found.extend(optional_mfa(at, statement));
        found.extend(session_arn(at, statement));
        if let Some(vendor) = vendor(scene, statement) {
            found.extend(vendor_mfa(at, statement, &vendor));
            found.extend(vendor_address(at, statement, &vendor));
        }
        if statement.effect == Effect::Allow {
            found.extend(not_now(scene, at, statement));
        }
    }
}

const MFA: [&str; 2] = ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"];

/// The vendor, or the role itself, that a statement speaks of: for a Deny, one that an Allow lets in.
fn vendor(scene: &LintContext<'_>, statement: &Statement) -> Option<String> {
    if !statement.covers("sts:AssumeRole") {
        return None;
    }
    if statement.effect == Effect::Allow {
        let one = statement.principals.iter().find(|one| is_vendor(scene, statement, one))?;
        return Some(one.text.value.clone());
    }
    let vendors = scene
        .allows()
        .flat_map(|(_, one)| one.principals.iter().map(move |entry| (one, entry)))
        .filter(|(one, entry)| is_vendor(scene, one, entry));
    for (_, entry) in vendors {
        let caller = scene.caller(entry)?;
        if statement.principals.iter().any(|one| is_named(one, &caller, scene.role())) {
            return Some(entry.text.value.clone());
        }
    }
    None
}

/// TP032: a session's ARN where callers have their role's.
fn session_arn(at: usize, statement: &Statement) -> Option<FindingDraft> {
    let (test, value) = statement.tests("aws:PrincipalArn").find_map(|test| {
        let is_session = |one: &str| one.contains(":assumed-role/");
        Some((test, test.values.iter().find(|value| is_session(&value.value))?))
    })?;
    let arn = &value.value;
    let (_, named) = arn.split_once(":assumed-role/")?;
    let account = arn.split(':').nth(4).unwrap_or("*");
    let name = named.split('/').next().unwrap_or("*");
    let says = if test.operator.negated() {
        "always differs from what a session brings"
    } else {
        "never matches what a session brings"
    };
    Some(
        FindingDraft::new(
            "TP032",
            Severity::Warning,
            say!("Statement {} compares `aws:PrincipalArn` with `{}`, which {}", at + 1, arn, Shown::from(says)),
            "A session brings the ARN of its role, with the role's path. Name the role, or test `aws:userid` or `sts:RoleSessionName`.",
            say!(
                "For an assumed role `aws:PrincipalArn` is the ARN of the role ({}).",
                page("reference_policies_condition-keys")
            ),
        )
        .at(at, value.range)
        .values(&format!("arn:aws:iam::{account}:role/{name}"), arn),
    )
}

fn says(test: &Condition, wanted: &str) -> bool {
    words(&test.values).any(|value| value.eq_ignore_ascii_case(wanted))
}

/// TP023: an Allow that requires MFA and allows callers without it.
fn optional_mfa(at: usize, statement: &Statement) -> Option<FindingDraft> {
    if statement.effect == Effect::Deny {
        return None;
    }
    let test = statement.tests(MFA[0]).find(|test| {
        let values: Vec<&str> = words(&test.values).collect();
        matches!(test.operator.test, Test::Compare { how: How::Bool, .. })
            && says(test, "true")
            && test.operator.passes_when_absent(&values)
    })?;
    let with = Operator { set: None, if_exists: false, ..test.operator }.to_string();
    let operator = &test.operator_text.value;
    Some(
        FindingDraft::new(
            "TP023",
            Severity::Warning,
            say!(
                "Statement {} asks for MFA with `{}`, which takes callers without it",
                at + 1,
                operator
            ),
            "Long-term access keys bring no word on MFA at all, so they get in.",
            say!(
                "`aws:MultiFactorAuthPresent` is absent for long-term keys ({}).",
                page("reference_policies_condition-keys")
            ),
        )
        .at(at, test.range)
        .values(&with, operator)
        .fix(
            "Demand MFA",
            vec![Edit::SetOperator {
                statement: at,
                operator: operator.clone(),
                key: test.key.value.clone(),
                with: with.clone(),
            }],
        ),
    )
}

/// TP023: MFA required of a vendor.
fn vendor_mfa(at: usize, statement: &Statement, vendor: &str) -> Option<FindingDraft> {
    let demands = |test: &&Condition| {
        let values: Vec<&str> = words(&test.values).collect();
        let absent = test.operator.passes_when_absent(&values);
        match (statement.effect, test.operator.test) {
            (Effect::Allow, _) if test.key.value.eq_ignore_ascii_case(MFA[0]) => {
                !absent && !says(test, "false")
                    || matches!(test.operator.test, Test::Null) && says(test, "false")
            }
            (Effect::Allow, _) => !absent,
            (Effect::Deny, Test::Null) => says(test, "true"),
            (Effect::Deny, Test::Compare { how: How::Bool, .. }) => {
                says(test, "false") && test.operator.if_exists
            }
            (Effect::Deny, _) => absent,
        }
    };
    let test = MFA.iter().flat_map(|key| statement.tests(key)).find(demands)?;
    Some(
        FindingDraft::new(
            "TP023",
            Severity::Warning,
            say!("Statement {} asks `{}` for MFA, which no service can bring", at + 1, vendor),
            "The vendor is kept out, and nothing is read or written. Give people and vendors statements of their own.",
            say!("A role that runs on a server has no MFA device ({}).", page("id_credentials_mfa_configure-api-require")),
        )
        .at(at, test.range),
    )
}

/// TP024: an address required of a vendor.
fn vendor_address(at: usize, statement: &Statement, vendor: &str) -> Option<FindingDraft> {
    const KEYS: [&str; 4] = ["aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpce"];
    let denies = statement.effect == Effect::Deny;
    let everywhere = |test: &&Condition| words(&test.values).any(|value| value == "0.0.0.0/0");
    let test = KEYS.iter().flat_map(|key| statement.tests(key)).find(|test| {
        matches!(test.operator.test, Test::Compare { negated, .. } if negated == denies)
            && !everywhere(test)
    })?;
    Some(
        FindingDraft::new(
            "TP024",
            Severity::Warning,
            say!("Statement {} asks `{}` to call from {}", at + 1, vendor, named(words(&test.values))),
            "A vendor calls from addresses of its own that change without notice, and is kept out then. The external id is what confines it.",
            say!("`{}` is where the caller's request comes from ({}).", test.key.value, page("reference_policies_condition-keys")),
        )
        .at(at, test.range),
    )
}

/// TP024: a time that is over, or has not come.
fn not_now(scene: &LintContext<'_>, at: usize, statement: &Statement) -> Option<FindingDraft> {
    let now = scene.facts.now.as_ref()?;
    let seconds = crate::instant::parse(now)? / 1_000_000_000;
    let variables = scene.policy.has_variables();
    let mut iso = Context::open();
    iso.set("aws:CurrentTime", vec![now.clone()]);
    iso.set("aws:EpochTime", vec![seconds.to_string()]);
    let test = ["aws:CurrentTime", "aws:EpochTime"]
        .iter()
        .flat_map(|key| statement.tests(key))
        .find(|test| holds(test, &iso, variables) == Truth::No)?;
    let later = matches!(
        test.operator.test,
        Test::Compare {
            how: How::Date(Order::Greater | Order::GreaterOrEqual)
                | How::Numeric(Order::Greater | Order::GreaterOrEqual),
            ..
        }
    );
    let when = named(words(&test.values));
    let title = if later {
        say!("Statement {} lets nobody in before {}", at + 1, when)
    } else {
        say!("Statement {} has let nobody in since {}", at + 1, when)
    };
    Some(
        FindingDraft::new(
            "TP024",
            Severity::Warning,
            title,
            "Whoever it names is kept out now. Remove the condition, or the statement when it has served.",
            say!("A condition on the time is asked with every call ({}).", page("reference_policies_elements_condition_operators")),
        )
        .at(at, test.range)
        .values("", now),
    )
}
