//! Roles against moto: the shapes of the API as another implementation speaks it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use headgate_aws::{Aws, NewRole, Pace, Role, WriteStep, WriteTrust};

use crate::alone::{Home, KEYS, alone};
use crate::moto::Moto;
use crate::writing::{QUICK, meaning};

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

fn write(role: &Role, after: &str) -> WriteTrust {
    WriteTrust {
        role: role.arn.clone(),
        role_id: role.role_id.clone(),
        before: role.trust_policy.clone(),
        after: after.to_owned(),
        new_principal: false,
        pace: QUICK,
    }
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
fn a_change_of_someone_else_is_never_overwritten() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("roles::a_change_of_someone_else_is_never_overwritten", &home, async || {
        let moto = Moto::start();
        let aws = Aws::open(&moto.access()).await.expect("moto is open");
        let new = NewRole { name: "lake".into(), trust_policy: TRUST.into(), ..NewRole::default() };
        let role = aws.create_role(&new).await.expect("a role");

        let steps = Mutex::new(Vec::new());
        let after = with_tag("sts:TagSession");
        let written = aws
            .write_trust(&write(&role, &after), &meaning, &|step| steps.lock().unwrap().push(step))
            .await
            .expect("it is written");
        assert_eq!(
            (written.reads, written.before.as_str(), written.after.as_str()),
            (2, TRUST, after.as_str())
        );
        assert!(written.request_id.is_some_and(|id| !id.is_empty()));
        let (one, two) = (WriteStep::ReadingBack(1), WriteStep::ReadingBack(2));
        assert_eq!(
            steps.into_inner().unwrap(),
            [WriteStep::Checking, WriteStep::Writing, one, two]
        );

        // Whoever still has the text of before is refused, and gets the text of now.
        let other = with_tag("sts:SetSourceIdentity");
        let refused = aws.write_trust(&write(&role, &other), &meaning, &|_| ()).await;
        let refused = refused.expect_err("someone wrote meanwhile");
        assert_eq!((refused.error.code.as_ref(), refused.request_id), ("role_changed", None));
        let now = refused.now.expect("the role as it is");
        assert_eq!(now.trust_policy, after);

        // Two at once: the second sees what the first wrote.
        let mut also = write(&now, TRUST);
        also.pace = Pace::default();
        let first = write(&now, &other);
        let (a, b) = tokio::join!(
            aws.write_trust(&first, &meaning, &|_| ()),
            aws.write_trust(&also, &meaning, &|_| ())
        );
        assert!(a.is_ok());
        assert_eq!(b.expect_err("it is late").error.code, "role_changed");
        assert_eq!(aws.role("lake").await.expect("the role").trust_policy, other);

        let broken = write(&aws.role("lake").await.expect("the role"), "{\"Version\": ");
        let refused = aws.write_trust(&broken, &meaning, &|_| ()).await.expect_err("no JSON");
        assert_eq!(refused.error.code, "policy_refused");
    });
}
