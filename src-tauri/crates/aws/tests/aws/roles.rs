//! Reading and creating roles in moto, an implementation of the API that is independent of AWS's SDK.

use std::collections::BTreeMap;

use headgate_aws::{Aws, NewRole};

use crate::alone::{Home, KEYS, alone};
use crate::moto::Moto;

const TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::595280932656:root"},
    "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "a+b c"}}}]
}"#;

const OWN: &str = r#"{"Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}"#;

fn with_tag(action: &str) -> String {
    TRUST.replace("\"sts:AssumeRole\"", &format!("[\"sts:AssumeRole\", \"{action}\"]"))
}

#[test]
fn a_role_is_made_read_and_rewritten() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("roles::a_role_is_made_read_and_rewritten", &home, async || {
        let moto = Moto::start();
        let aws = Aws::open(&moto.access()).await.expect("moto is open");
        assert!(aws.is_local() && aws.endpoints().iter().all(|one| one.url == moto.address));
        let caller = aws.who().await.expect("a caller");
        assert_eq!(caller.account, "123456789012");

        let new = NewRole {
            name: "lake".into(),
            path: Some("/data/".into()),
            trust_policy: TRUST.into(),
            description: Some("What the lake is read with".into()),
            max_session_seconds: Some(7200),
            tags: BTreeMap::from([("team".into(), "data".into())]),
        };
        let made = aws.create_role(&new).await.expect("a role");
        let role = aws.role("lake").await.expect("the role");
        assert_eq!(role.trust_policy, TRUST, "decoded once, the plus kept");
        assert_eq!((role.role_id.as_str(), role.path.as_str()), (made.role_id.as_str(), "/data/"));
        assert_eq!(role.arn, "arn:aws:iam::123456789012:role/data/lake");
        assert_eq!(role.tags, new.tags);
        assert_eq!(
            (role.max_session_seconds, role.description),
            (Some(7200), new.description.clone())
        );
        assert!(role.created.ends_with('Z') && role.read_at > role.created, "{}", role.created);
        assert_eq!(aws.role(&role.arn).await.expect("by ARN").role_id, role.role_id);

        let error = aws.create_role(&new).await.expect_err("it exists");
        assert_eq!(error.code, "role_exists");
        for absent in ["nobody", "arn:aws:iam::123456789012:role/lake", "arn:aws:s3:::bucket"] {
            let error = aws.role(absent).await.expect_err(absent);
            assert_eq!(
                (error.code.as_ref(), error.field.as_deref()),
                ("role_not_found", Some("role"))
            );
        }
        assert_eq!(aws.quota().await, Ok(Some(2048)));
        assert_eq!(aws.put_role_policy("lake", "own", OWN).await, Ok(()));
        let error = aws.put_role_policy("nobody", "own", "{}").await.expect_err("no role");
        assert_eq!(error.code, "role_not_found");

        // Neither is served there.
        assert_eq!(aws.self_assume_allowed(&role.arn, Some("x")).await, Ok(None));
        assert_eq!(aws.validate(TRUST).await, Ok(None));

        let exists = async |arn: &str| aws.principal_exists(arn).await.expect(arn);
        assert_eq!(exists(&role.arn).await, Some(true));
        assert_eq!(exists("arn:aws:iam::123456789012:role/nobody").await, Some(false));
        assert_eq!(exists("arn:aws:iam::123456789012:user/nobody").await, Some(false));
        assert_eq!(exists("arn:aws:iam::595280932656:role/elsewhere").await, None);
        assert_eq!(exists("arn:aws:iam::123456789012:root").await, None);
        assert_eq!(exists("AROAEXAMPLE").await, None);
    });
}

#[test]
fn a_policy_is_written_and_read_back() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("roles::a_policy_is_written_and_read_back", &home, async || {
        let moto = Moto::start();
        let aws = Aws::open(&moto.access()).await.expect("moto is open");
        let new = NewRole { name: "lake".into(), trust_policy: TRUST.into(), ..NewRole::default() };
        aws.create_role(&new).await.expect("a role");
        let after = with_tag("sts:TagSession");
        assert!(aws.put_trust("lake", &after).await.is_ok_and(|id| !id.is_empty()));
        assert_eq!(aws.role("lake").await.expect("the role").trust_policy, after);
        let refused = aws.put_trust("lake", "{\"Version\": ").await.expect_err("no JSON");
        assert_eq!((&*refused.error.code, refused.outcome_unknown), ("policy_refused", false));
    });
}
