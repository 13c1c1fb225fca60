//! Logins: profiles, credential chains, SSO, and MFA sessions.

use std::sync::atomic::{AtomicUsize, Ordering};

use headgate_aws::{Access, Aws};

use crate::alone::{Home, KEYS, alone};
use crate::canned::{Canned, Request, error, identity, session};
use crate::network::{free, named};

fn access(profile: &str) -> Access {
    Access { profile: Some(profile.to_owned()), ..Access::default() }
}

fn signed_by(request: &Request) -> &str {
    let (_, rest) = request.headers.split_once("Credential=").expect("it is signed");
    rest.split('/').next().expect("a key")
}

#[test]
fn an_unknown_aws_profile_is_named() {
    let config = "[profile a]\nregion = eu-west-1\n[profile b]\nrole_arn = arn:aws:iam::417620938841:role/x\nsource_profile = gone\n";
    let home = Home { config, ..Home::default() };
    alone("login::an_unknown_aws_profile_is_named", &home, async || {
        let error = Aws::open(&access("c")).await.expect_err("no profile");
        assert_eq!(
            (error.code.as_ref(), error.field.as_deref()),
            ("aws_profile_unknown", Some("profile"))
        );
        assert_eq!(error.hint.as_deref(), Some("Name one of `a`, `b`."));
        let error = Aws::open(&access("b")).await.expect_err("no source");
        assert_eq!(error.message, "Profile `b` builds on profile `gone`, which does not exist.");

        for access in [access("a"), Access::default()] {
            let aws = Aws::open(&access).await.expect("nothing is asked yet");
            let error = aws.who().await.expect_err("no credentials");
            assert_eq!(error.code, "aws_no_credentials", "{error:?}");
        }
        let nowhere = Access { endpoint: Some("localhost:1".into()), ..Access::default() };
        let error = Aws::open(&nowhere).await.expect_err("no address");
        assert_eq!(error.field.as_deref(), Some("endpoint"));
    });
}

#[test]
fn an_expired_login_names_the_command_that_renews_it() {
    let config = "\
[profile direct]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
sso_account_id = 417620938841
sso_role_name = admin
[profile by-session]
sso_session = corp
sso_account_id = 417620938841
sso_role_name = admin
[profile through]
role_arn = arn:aws:iam::417620938841:role/x
source_profile = by-session
[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
";
    // Named by the SHA-1 of the session's name; the start URL's is absent: never logged in.
    let cache = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    let token = r#"{"accessToken":"the-sso-token","expiresAt":"2020-01-01T00:00:00Z","region":"us-east-1","startUrl":"https://example.awsapps.com/start"}"#;
    let files = [(cache, token)];
    let home = Home { config, files: &files, ..Home::default() };
    alone("login::an_expired_login_names_the_command_that_renews_it", &home, async || {
        for (profile, renewed) in
            [("direct", "direct"), ("by-session", "by-session"), ("through", "by-session")]
        {
            let aws = Aws::open(&access(profile)).await.expect("nothing is asked yet");
            let error = aws.who().await.expect_err("it has expired");
            assert_eq!(error.code, "aws_login_expired", "{error:?}");
            let hint = format!("Run `aws sso login --profile {renewed}` and try again.");
            assert_eq!(error.hint.as_deref(), Some(hint.as_str()));
            assert!(!format!("{error:?}").contains("the-sso-token"));
        }
    });
}

#[test]
fn errors_of_the_sso_portal_have_their_own_codes() {
    let config = "\
[profile by-session]
sso_session = corp
sso_account_id = 417620938841
sso_role_name = admin
[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
";
    let token = r#"{"accessToken":"the-sso-token","expiresAt":"2099-01-01T00:00:00Z"}"#;
    let files = [(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", token)];
    let portal = format!("http://{}", free());
    let variables = [("AWS_ENDPOINT_URL_SSO", portal.as_str()), ("AWS_MAX_ATTEMPTS", "1")];
    let home = Home { config, files: &files, variables: &variables };
    alone("login::errors_of_the_sso_portal_have_their_own_codes", &home, async || {
        let who = async || Aws::open(&access("by-session")).await.expect("it opens").who().await;
        let error = who().await.expect_err("nobody listens");
        assert_eq!((error.code.as_ref(), error.retryable), ("aws_unreachable", true), "{error:?}");

        let refusals = [("UnauthorizedException", 401), ("ForbiddenException", 403)];
        let turn = AtomicUsize::new(0);
        let portal = Canned::on(named("AWS_ENDPOINT_URL_SSO"), move |_| {
            let (code, status) = refusals[turn.fetch_add(1, Ordering::SeqCst)];
            (status, format!(r#"{{"__type": "{code}", "message": "No access"}}"#))
        });
        for code in ["aws_login_expired", "aws_access_denied"] {
            let error = who().await.expect_err(code);
            assert_eq!(error.code, code, "{error:?}");
            assert!(!format!("{error:?}").contains("the-sso-token"));
        }
        assert!(portal.asked.lock().unwrap()[0].headers.contains("the-sso-token"));
    });
}

#[test]
fn an_mfa_code_is_required_and_used_once() {
    let config = "\
[profile user]
aws_access_key_id = AKIAUSER
aws_secret_access_key = s
[profile admin]
role_arn = arn:aws:iam::417620938841:role/admin
source_profile = user
mfa_serial = arn:aws:iam::417620938841:mfa/ann
external_id = ext
role_session_name = ann
duration_seconds = 1800
[profile beyond]
role_arn = arn:aws:iam::111122223333:role/beyond
source_profile = admin
[profile itself]
aws_access_key_id = AKIAITSELF
aws_secret_access_key = s
mfa_serial = arn:aws:iam::417620938841:mfa/ann
";
    let home = Home { config, ..Home::default() };
    alone("login::an_mfa_code_is_required_and_used_once", &home, async || {
        let canned = Canned::start(|request| match request.action() {
            "AssumeRole"
                if request.parameters.get("TokenCode").is_some_and(|code| code == "000000") =>
            {
                error(
                    403,
                    "AccessDenied",
                    "MultiFactorAuthentication failed with invalid MFA one time pass code.",
                )
            }
            "AssumeRole" => {
                let role =
                    request.parameters["RoleArn"].rsplit('/').next().expect("a name").to_owned();
                session("AssumeRole", &format!("ASIA{role}"))
            }
            "GetSessionToken" => session("GetSessionToken", "ASIASESSION"),
            _ => identity("arn:aws:sts::417620938841:assumed-role/admin/ann"),
        });
        let with = |profile: &str, code: Option<&str>| Access {
            mfa_code: code.map(str::to_owned),
            profile: Some(profile.to_owned()),
            ..canned.access()
        };
        for profile in ["admin", "beyond", "itself"] {
            let error = Aws::open(&with(profile, None)).await.expect_err("a code is needed");
            assert_eq!(
                (error.code.as_ref(), error.field.as_deref()),
                ("mfa_needed", Some("mfa_code"))
            );
            let error = Aws::open(&with(profile, Some("12345"))).await.expect_err("too short");
            assert_eq!(error.code, "mfa_refused");
        }
        assert!(canned.actions().is_empty(), "nothing was asked for that");
        let error = Aws::open(&with("admin", Some("000000"))).await.expect_err("wrong");
        assert_eq!(
            (error.code.as_ref(), error.field.as_deref()),
            ("mfa_refused", Some("mfa_code"))
        );

        let access = with("admin", Some("123456"));
        assert!(!format!("{access:?}").contains("123456"));
        let aws = Aws::open(&access).await.expect("it opens");
        let asked = canned.last("AssumeRole");
        assert_eq!(signed_by(&asked), "AKIAUSER");
        for (key, value) in [
            ("RoleArn", "arn:aws:iam::417620938841:role/admin"),
            ("SerialNumber", "arn:aws:iam::417620938841:mfa/ann"),
            ("TokenCode", "123456"),
            ("ExternalId", "ext"),
            ("RoleSessionName", "ann"),
            ("DurationSeconds", "1800"),
        ] {
            assert_eq!(asked.parameters.get(key).map(String::as_str), Some(value), "{key}");
        }
        aws.who().await.expect("a caller");
        assert_eq!(signed_by(&canned.last("GetCallerIdentity")), "ASIAadmin");
        assert_eq!(aws.clone().quota().await.expect_err("it is no summary").code, "aws_failed");
        let asked = canned.asked.lock().unwrap().clone();
        let code = |it: &&Request| it.parameters.get("TokenCode").is_some_and(|it| it == "123456");
        assert_eq!(asked.iter().filter(code).count(), 1, "the session is kept");

        let aws = Aws::open(&with("beyond", Some("123456"))).await.expect("it opens");
        aws.who().await.expect("a caller");
        let hop = canned.last("AssumeRole");
        assert_eq!((signed_by(&hop), hop.parameters.get("TokenCode")), ("ASIAadmin", None));
        assert_eq!(signed_by(&canned.last("GetCallerIdentity")), "ASIAbeyond");

        let aws = Aws::open(&with("itself", Some("123456"))).await.expect("it opens");
        aws.who().await.expect("a caller");
        assert_eq!(canned.last("GetSessionToken").parameters["TokenCode"], "123456");
        assert_eq!(signed_by(&canned.last("GetCallerIdentity")), "ASIASESSION");
        assert!(!aws.is_over());
    });
}

#[test]
fn credentials_expire_when_aws_refuses_them_or_the_session_ends() {
    let name = "login::credentials_expire_when_aws_refuses_them_or_the_session_ends";
    let config = "\
[profile itself]
aws_access_key_id = AKIAITSELF
aws_secret_access_key = s
mfa_serial = arn:aws:iam::417620938841:mfa/ann
";
    let home = Home { config, variables: &KEYS, ..Home::default() };
    alone(name, &home, async || {
        for (code, over) in [
            ("ExpiredToken", true),
            ("InvalidClientTokenId", true),
            ("AccessDenied", false),
            ("ServiceFailure", false),
        ] {
            let canned = Canned::start(move |_| error(403, code, "no"));
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            let copy = aws.clone();
            assert!(aws.role("lake").await.is_err() && copy.is_over() == over, "{code}");
        }
        let canned = Canned::start(|_| {
            let (status, body) = session("GetSessionToken", "ASIASESSION");
            (status, body.replace("2099", "2020"))
        });
        let profile = Some("itself".to_owned());
        let access = Access { profile, mfa_code: Some("123456".into()), ..canned.access() };
        let aws = Aws::open(&access).await.expect("it opens");
        assert!(aws.is_over());
        let expired = aws.expired();
        assert_eq!(
            (expired.code.as_ref(), expired.field.as_deref()),
            ("aws_login_expired", Some("mfa_code"))
        );
    });
}

#[test]
fn a_role_that_may_not_be_assumed_is_named() {
    let config = "\
[profile user]
aws_access_key_id = AKIAUSER
aws_secret_access_key = s
[profile reader]
role_arn = arn:aws:iam::417620938841:role/reader
source_profile = user
";
    let home = Home { config, ..Home::default() };
    alone("login::a_role_that_may_not_be_assumed_is_named", &home, async || {
        let words = "User: arn:aws:iam::417620938841:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::417620938841:role/reader";
        let canned = Canned::start(move |_| error(403, "AccessDenied", words));
        let access = Access { profile: Some("reader".into()), ..canned.access() };
        let error = Aws::open(&access).await.expect("nothing is asked yet").who().await;
        let error = error.expect_err("no right");
        assert_eq!(error.code, "aws_access_denied", "{error:?}");
        assert!(error.message.contains("role/reader"), "{error:?}");
        assert!(error.hint.is_some_and(|hint| {
            hint.contains("`sts:AssumeRole` to `arn:aws:iam::417620938841:user/ann`")
        }));
    });
}

#[test]
fn a_named_profile_goes_before_keys_in_the_environment() {
    let config = "[profile named]\naws_access_key_id = AKIANAMED\naws_secret_access_key = s\n\
                  [profile broken]\ncredential_process = sh -c 'echo the-secret-key >&2; exit 3'\n";
    let home = Home { config, variables: &KEYS, ..Home::default() };
    alone("login::a_named_profile_goes_before_keys_in_the_environment", &home, async || {
        let canned = Canned::start(|_| identity("arn:aws:iam::417620938841:user/ann"));
        let by = async |profile: Option<&str>| {
            let access = Access { profile: profile.map(str::to_owned), ..canned.access() };
            let aws = Aws::open(&access).await.expect("it opens");
            aws.who().await.map(|_| signed_by(&canned.last("GetCallerIdentity")).to_owned())
        };
        assert_eq!(by(Some("named")).await.as_deref(), Ok("AKIANAMED"));
        assert_eq!(by(None).await.as_deref(), Ok("AKIAEXAMPLE"));
        let error = by(Some("broken")).await.expect_err("the program fails");
        assert_eq!(error.code, "aws_no_credentials");
        assert!(!format!("{error:?}").contains("the-secret-key"), "{error:?}");
    });
}

#[test]
fn a_console_login_has_a_hint_to_export_credentials() {
    let config = "[profile console]\nlogin_session = arn:aws:iam::417620938841:user/ann\n";
    let home = Home { config, ..Home::default() };
    alone("login::a_console_login_has_a_hint_to_export_credentials", &home, async || {
        let aws = Aws::open(&access("console")).await.expect("nothing is asked yet");
        let error = aws.who().await.expect_err("it cannot be read");
        assert_eq!(error.code, "aws_no_credentials");
        let hint = error.hint.expect("a hint");
        assert!(hint.contains("aws configure export-credentials --profile console"), "{hint}");
    });
}

#[test]
fn the_configured_endpoint_is_reported() {
    let config = "[default]\nendpoint_url = http://127.0.0.1:9\n";
    let variables = [KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:8")];
    let home = Home { config, variables: &variables, ..Home::default() };
    alone("login::the_configured_endpoint_is_reported", &home, async || {
        let aws = Aws::open(&Access::default()).await.expect("it opens");
        let shown = |service: &str| {
            let found = aws.endpoints().iter().find(|one| one.service == service);
            found.map(|one| one.url.clone())
        };
        assert_eq!(shown("IAM").as_deref(), Some("http://127.0.0.1:8"));
        assert_eq!(shown("STS").as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(shown("Access Analyzer").as_deref(), Some("http://127.0.0.1:9"));
        let canned = Canned::start(|_| identity("arn:aws:iam::417620938841:user/ann"));
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        aws.who().await.expect("what is named goes first");
        assert_eq!(aws.role("lake").await.expect_err("it is no role").code, "aws_failed");
        assert_eq!(canned.actions(), ["GetCallerIdentity", "GetRole"]);
    });
}

#[test]
fn the_endpoint_of_one_service_is_reported_and_plain_http_to_other_machines_refused() {
    let name =
        "login::the_endpoint_of_one_service_is_reported_and_plain_http_to_other_machines_refused";
    let config = "[default]\nservices = dev\n[services dev]\naccessanalyzer =\n  endpoint_url = https://analyzer.example\n";
    let variables = [KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:7")];
    let home = Home { config, variables: &variables, ..Home::default() };
    alone(name, &home, async || {
        let aws = Aws::open(&Access::default()).await.expect("it opens");
        let told: Vec<_> =
            aws.endpoints().iter().map(|one| (one.service.as_str(), one.url.as_str())).collect();
        assert_eq!(
            told,
            [("STS", "http://127.0.0.1:7"), ("Access Analyzer", "https://analyzer.example")]
        );
        assert!(!aws.is_local(), "IAM itself is asked at AWS");
        for endpoint in ["http://169.254.169.254", "http://10.0.0.7:80", "http://evil.example"] {
            let access = Access { endpoint: Some(endpoint.into()), ..Access::default() };
            let refused = Aws::open(&access).await.expect_err(endpoint);
            assert_eq!(refused.code, "endpoint_refused", "{endpoint}");
        }
    });
}

#[test]
fn a_login_does_not_send_tokens_in_the_clear() {
    let name = "login::a_login_does_not_send_tokens_in_the_clear";
    let variables = [KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL_SSO_OIDC", "http://evil.example")];
    alone(name, &Home { variables: &variables, ..Home::default() }, async || {
        let refused = Aws::open(&Access::default()).await.expect_err("tokens would be sent there");
        assert_eq!(refused.code, "endpoint_refused");
    });
}
