//! Writing a trust policy when AWS refuses it, and when the answer is lost.

use headgate_aws::{Aws, PutFailed};

use crate::alone::{Home, KEYS, alone};
use crate::canned::{Answer, Canned, REQUEST_ID, error, result};

async fn put(answer: Answer) -> (Canned, Result<String, PutFailed>) {
    let canned = Canned::start(move |_| answer.clone());
    let aws = Aws::open(&canned.access()).await.expect("it opens");
    let put = aws.put_trust("lake", "{\"after\":  1}").await;
    (canned, put)
}

fn with_keys(name: &str, body: impl AsyncFnOnce()) {
    alone(name, &Home { variables: &KEYS, ..Home::default() }, body);
}

#[test]
fn a_policy_is_sent_once_and_as_it_is() {
    with_keys("writing::a_policy_is_sent_once_and_as_it_is", async || {
        let (canned, put) = put(result("UpdateAssumeRolePolicy", "")).await;
        assert_eq!(put.expect("it is taken"), REQUEST_ID);
        let sent = canned.last("UpdateAssumeRolePolicy");
        assert_eq!(sent.parameters["PolicyDocument"], "{\"after\":  1}", "as text, not encoded");
        assert_eq!(sent.parameters["RoleName"], "lake");
    });
}

#[test]
fn only_an_error_of_aws_itself_means_not_written() {
    with_keys("writing::only_an_error_of_aws_itself_means_not_written", async || {
        for (what, answer, outcome_unknown) in [
            ("no answer", (0, String::new()), true),
            ("AWS's side", error(500, "ServiceFailure", "we are sorry"), true),
            ("a proxy's page", (502, "<html>Bad Gateway</html>".to_owned()), true),
            ("no right", error(403, "AccessDenied", "no"), false),
            ("no policy", error(400, "MalformedPolicyDocument", "no"), false),
            ("too often", error(400, "Throttling", "no"), false),
            ("at once", error(409, "ConcurrentModification", "busy"), false),
        ] {
            let (canned, put) = put(answer).await;
            let failed = put.expect_err(what);
            assert_eq!(failed.outcome_unknown, outcome_unknown, "{what}: {:?}", failed.error);
            assert_eq!(canned.actions().len(), 1, "{what}: nothing is repeated without a look");
        }
    });
}
