//! Error codes of AWS, and the code and hint that Headgate makes of each.

use headgate_aws::Aws;

use crate::alone::{Home, alone};
use crate::canned::{Canned, error, identity};

const TOKEN: &str = "FwoGZXIvYXdzEXAMPLE-the-session-token";

const DENIED: &str = "User: arn:aws:iam::417620938841:user/ann is not authorized to perform: \
                      iam:GetRole on resource: role lake because no identity-based policy allows \
                      the iam:GetRole action";

/// Status, AWS's code and text; our code, and what message and hint have to say.
const CASES: &[(u16, &str, &str, &str, &str, &str)] = &[
    (
        403,
        "AccessDenied",
        DENIED,
        "aws_access_denied",
        "no identity-based policy",
        "`iam:GetRole` to `arn:aws:iam::417620938841:user/ann`",
    ),
    (
        403,
        "AccessDenied",
        "",
        "aws_access_denied",
        "`iam:GetRole` on role `lake`",
        "`iam:GetRole` to these credentials",
    ),
    (
        404,
        "NoSuchEntity",
        "The role with name lake cannot be found.",
        "role_not_found",
        "cannot be found.",
        "account",
    ),
    (
        409,
        "EntityAlreadyExists",
        "Role with name lake already exists.",
        "role_exists",
        "already exists",
        "another name",
    ),
    (
        400,
        "UnmodifiableEntity",
        "Cannot perform the operation on the protected role",
        "role_protected",
        "protected role",
        "of your own",
    ),
    (
        400,
        "MalformedPolicyDocument",
        "This policy contains invalid Json",
        "policy_refused",
        "This policy contains invalid Json. ",
        "Correct",
    ),
    (
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:role/x\"",
        "policy_refused",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:role/x\". ",
        "principal",
    ),
    (
        409,
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
        "policy_too_large",
        "2048",
        "quota",
    ),
    (
        409,
        "LimitExceeded",
        "Cannot exceed quota for RolesPerAccount: 1000",
        "aws_failed",
        "RolesPerAccount",
        "Change",
    ),
    (400, "Throttling", "Rate exceeded", "aws_throttled", "Rate exceeded", "minute"),
    (
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
        "aws_login_expired",
        "has expired",
        "AWS_SESSION_TOKEN",
    ),
    (
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
        "aws_no_credentials",
        "does not accept",
        "AWS_ACCESS_KEY_ID",
    ),
    (500, "ServiceFailure", "Try later", "aws_failed", "Try later", "again"),
    (400, "SomethingNew", "A text of tomorrow", "aws_failed", "A text of tomorrow", "names"),
];

#[test]
fn each_refusal_has_a_code_words_and_a_next_step() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-key"),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    let home = Home { variables: &variables, ..Home::default() };
    alone("refusals::each_refusal_has_a_code_words_and_a_next_step", &home, async || {
        for (status, code, text, ours, message, hint) in CASES.iter().copied() {
            let canned = Canned::start(move |_| error(status, code, text));
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            let error = aws.role("lake").await.expect_err(code);
            let hinted = error.hint.clone().unwrap_or_default();
            assert_eq!(error.code, ours, "{error:?}");
            assert!(error.message.contains(message), "{error:?}");
            assert!(hinted.contains(hint), "{error:?}");
            let later = matches!(code, "Throttling" | "ServiceFailure");
            assert_eq!(error.retryable, later, "{error:?}");
            assert!(error.message.ends_with('.') && hinted.ends_with('.'), "{error:?}");
            assert!(!error.message.contains(".."), "{error:?}");
        }
    });
}

#[test]
fn error_text_that_quotes_the_request_is_not_shown() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-key"),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    let home = Home { variables: &variables, ..Home::default() };
    alone("refusals::error_text_that_quotes_the_request_is_not_shown", &home, async || {
        for code in ["SignatureDoesNotMatch", "IncompleteSignature", "AccessDenied", "Unknown"] {
            // AWS quotes the canonical request back, with the token in it.
            let canned = Canned::start(move |request| {
                error(
                    403,
                    code,
                    &format!("The Canonical String should have been\n{}", request.headers),
                )
            });
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            let error = aws.role("lake").await.expect_err(code);
            let sent = canned.last("GetRole").headers;
            assert!(sent.contains(TOKEN) && sent.contains("AWS4-HMAC"), "the quote would tell");
            let all = format!("{error:?} {aws:?}");
            for secret in [TOKEN, "the-secret-key", "AWS4-HMAC", "Signature="] {
                assert!(!all.contains(secret), "{code}: {secret} in {all}");
            }
        }
    });
}

#[test]
fn an_answer_that_is_not_from_aws_is_reported() {
    let variables = [("AWS_MAX_ATTEMPTS", "1"), crate::alone::KEYS[0], crate::alone::KEYS[1]];
    let home = Home { variables: &variables, ..Home::default() };
    alone("refusals::an_answer_that_is_not_from_aws_is_reported", &home, async || {
        for (status, body, retryable) in [
            (200, "<html>Sign in to the guests' network</html>", false),
            (502, "<html>Bad gateway</html>", true),
        ] {
            let canned = Canned::start(move |_| (status, body.to_owned()));
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            let error = aws.who().await.expect_err("that is no answer");
            assert_eq!(
                (error.code.as_ref(), error.retryable),
                ("aws_failed", retryable),
                "{error:?}"
            );
        }
        let canned = Canned::start(|_| identity("arn:aws:sts::417620938841:assumed-role/lake/ann"));
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        assert_eq!(aws.who().await.expect("a caller").role.as_deref(), Some("lake"));
        aws.who().await.expect("again");
        assert_eq!(canned.actions().len(), 1, "asked once");
    });
}
