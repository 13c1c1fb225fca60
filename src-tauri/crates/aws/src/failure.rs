//! Errors of AWS, of the credential chain and of the network as Headgate's [`Error`], with a code, a hint and
//! the permission or login that is missing.
//!
//! The error code of AWS decides; where one code has two meanings, a pattern in its text does. AWS's own text
//! is shown unless it quotes the request, which could contain a secret.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use headgate_terms::{Error, Shown, say};

use crate::chain::{Login, LoginBy};
use crate::http::{LastHost, proxy};

/// A call and what it is about, for the words.
#[derive(Debug, Clone)]
pub(crate) struct ApiCall {
    /// Such as `iam:GetRole`: also the right that it takes.
    pub(crate) name: &'static str,
    /// Such as "on role `x`"; may be empty.
    pub(crate) about: Shown,
}

impl ApiCall {
    pub(crate) fn on_role(name: &'static str, role: &str) -> Self {
        Self { name, about: say!(" on role `{}`", role) }
    }

    pub(crate) fn plain(name: &'static str) -> Self {
        Self { name, about: Shown::default() }
    }
}

/// Who calls and where to, for the words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) login: &'a Login,
    pub(crate) last_host: &'a LastHost,
}

/// An answer that is a refusal.
struct Refusal<'a> {
    code: &'a str,
    text: Option<&'a str>,
    status: u16,
}

/// The failure of a call.
pub(crate) fn failed<E>(call: &ApiCall, route: Route<'_>, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let ApiCall { name, about } = call;
    let error = match error {
        SdkError::ServiceError(context) => {
            let refusal = Refusal {
                code: context.err().code().unwrap_or_default(),
                text: context.err().message(),
                status: context.raw().status().as_u16(),
            };
            refused(call, route.login, &refusal)
        }
        SdkError::ResponseError(_) => Error::new(
            "aws_failed",
            say!("The answer to `{}`{} is not one of AWS{}.", name, about, from(route.last_host)),
        )
        .hint("Check the endpoint and the proxy: something else than AWS answered."),
        SdkError::TimeoutError(_) => unreachable(call, route.last_host, "no answer in time"),
        SdkError::DispatchFailure(_) => match find::<CredentialsError>(error) {
            Some(cause) => without_credentials(route, cause),
            None => unreachable(call, route.last_host, &innermost(error)),
        },
        _ => Error::new("aws_failed", say!("`{}`{} failed: {}.", name, about, innermost(error))),
    };
    tracing::debug!(call = *name, code = %error.code, "AWS call failed");
    error
}

/// Whether AWS refused for want of a right.
pub(crate) fn is_denied(error: &Error) -> bool {
    error.code == "aws_access_denied"
}

/// What a refusal means.
fn refused(call: &ApiCall, login: &Login, refusal: &Refusal<'_>) -> Error {
    let ApiCall { name, about } = call;
    let said = refusal.text.and_then(shown);
    let text = match said {
        // A failure on AWS's side says nothing of what was asked.
        Some(said) if refusal.status >= 500 => {
            say!("AWS could not complete `{}`{}: {}.", name, about, said)
        }
        None if refusal.status >= 500 => {
            say!("AWS could not complete `{}`{}: `{}`.", name, about, coded(refusal))
        }
        Some(said) => say!("AWS refused `{}`{}: {}.", name, about, said),
        None => say!("AWS refused `{}`{} with `{}`.", name, about, coded(refusal)),
    };
    let has = |pattern: &str| contains(refusal.text.unwrap_or_default(), pattern);
    match refusal.code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            if has("MultiFactorAuthentication failed") {
                return mfa_refused(text);
            }
            denied(name, text, said)
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => expired(login),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure" => Error::new(
            "aws_no_credentials",
            say!(
                "AWS does not accept the credentials{} for `{}`: `{}`.",
                of(login),
                name,
                refusal.code
            ),
        )
        .hint(check(login)),
        "NoSuchEntity" | "NoSuchEntityException" => Error::new("role_not_found", text)
            .hint("Check the role's name and that the credentials are of its account.")
            .field("role"),
        "EntityAlreadyExists" => Error::new("role_exists", text)
            .hint("Take the role that exists, or choose another name.")
            .field("role"),
        "UnmodifiableEntity" => Error::new("role_protected", text)
            .hint("A service owns this role and alone may change it; choose a role of your own.")
            .field("role"),
        "MalformedPolicyDocument" => policy_refused(said, has("Invalid principal")),
        "LimitExceeded" if has("ACLSizePerRole") => Error::new("policy_too_large", text).hint(
            "Join or remove statements, or have the quota `Role trust policy length` raised; \
                 white space does not count.",
        ),
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "RequestThrottled" => Error::new("aws_throttled", text)
            .hint("Wait a minute and try again: others use the account's allowance as well.")
            .retryable(),
        _ => {
            let error = Error::new("aws_failed", text);
            if refusal.status >= 500
                || matches!(refusal.code, "ServiceFailure" | "ConcurrentModification")
            {
                error.hint("Try again in a minute.").retryable()
            } else {
                error.hint("Change what AWS names and try again.")
            }
        }
    }
}

fn denied(name: &str, text: Shown, said: Option<&str>) -> Error {
    // AWS names another right than the call's where several are checked.
    let right = said
        .and_then(|said| said.split_once("not authorized to perform: "))
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .filter(|right| right.contains(':'))
        .unwrap_or(name)
        .trim_end_matches(['.', ',']);
    let who = said
        .and_then(|said| said.split_once("User: "))
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .filter(|who| who.starts_with("arn:"));
    let hint = match who {
        Some(who) => say!("Have someone allow `{}` to `{}`, or use other credentials.", right, who),
        None => say!("Have someone allow `{}` to these credentials, or use others.", right),
    };
    Error::new("aws_access_denied", text).hint(hint)
}

fn mfa_refused(text: Shown) -> Error {
    Error::new("mfa_refused", text)
        .hint("Wait for the device's next code, which is good once, and give that one.")
        .field("mfa_code")
}

fn policy_refused(said: Option<&str>, principal: bool) -> Error {
    let said = said.unwrap_or("Malformed policy document");
    if principal {
        Error::new(
            "policy_refused",
            say!("{}. AWS looks up each principal when it saves, and one does not exist.", said),
        )
        .hint("Correct or remove the principal that AWS names; one just made takes some seconds.")
    } else {
        Error::new("policy_refused", say!("{}. Nothing was written.", said))
            .hint("Correct what AWS names; `headgate policy validate` shows where it is.")
    }
}

/// What it means that there are no credentials to call with.
pub(crate) fn without_credentials(route: Route<'_>, cause: &CredentialsError) -> Error {
    let login = route.login;
    // A role on the way was refused: that is what a user has to know.
    let call = |name| ApiCall { name, about: of(login) };
    if let Some(refused) = find::<SdkError<AssumeRoleError>>(cause) {
        return failed(&call("sts:AssumeRole"), route, refused);
    }
    if let Some(refused) = find::<SdkError<AssumeRoleWithWebIdentityError>>(cause) {
        return failed(&call("sts:AssumeRoleWithWebIdentity"), route, refused);
    }
    match (cause, &login.by) {
        (CredentialsError::CredentialsNotLoaded(_), _) => none(login),
        _ if find::<ConnectorError>(cause).is_some_and(|e| e.is_io() || e.is_timeout()) => {
            unreachable(&call("the login"), &LastHost::default(), &innermost(cause))
        }
        (CredentialsError::ProviderError(_), LoginBy::Sso(profile)) => {
            if !is_forbidden(cause) {
                return expired(login);
            }
            Error::new(
                "aws_access_denied",
                say!("The login of profile `{}` has no access to its account and role.", profile),
            )
            .hint("Have it assigned in IAM Identity Center, or correct `sso_role_name`.")
        }
        // What a program prints may hold a secret.
        (_, LoginBy::Process) => Error::new(
            "aws_no_credentials",
            say!("The `credential_process`{} gave no credentials.", of(login)),
        )
        .hint(check(login)),
        (_, LoginBy::Console(profile)) => Error::new(
            "aws_no_credentials",
            say!("Profile `{}` logs in with `aws login`, which only AWS's tool reads.", profile),
        )
        .hint(say!(
            "Run `eval \"$(aws configure export-credentials --profile {} --format env)\"` \
             and start again without a profile.",
            profile
        )),
        _ => Error::new(
            "aws_no_credentials",
            say!("There are no credentials{}: {}.", of(login), innermost(cause)),
        )
        .hint(check(login)),
    }
}

/// Whether a login holds, and the account or the role is not assigned to it.
fn is_forbidden(cause: &CredentialsError) -> bool {
    let codes = ["ForbiddenException", "ResourceNotFoundException"];
    causes(cause).any(|cause| codes.iter().any(|code| contains(&cause.to_string(), code)))
}

fn none(login: &Login) -> Error {
    let message = match &login.profile {
        Some(profile) => say!("Profile `{}` has no credentials.", profile),
        None => "There are no credentials for AWS.".into(),
    };
    Error::new("aws_no_credentials", message)
        .hint("Log in with `aws configure sso` or `aws configure`, or name another profile.")
        .field("profile")
}

pub(crate) fn expired(login: &Login) -> Error {
    let hint = match &login.by {
        LoginBy::Sso(profile) => say!("Run `aws sso login --profile {}` and try again.", profile),
        LoginBy::Mfa => "Give a new code of your MFA device.".into(),
        LoginBy::Environment => {
            "Set fresh `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.".into()
        }
        LoginBy::Console(_) | LoginBy::Process | LoginBy::Other => {
            "Renew the credentials and try again.".into()
        }
    };
    let error = Error::new("aws_login_expired", say!("The login to AWS{} has expired.", of(login)));
    let error = error.hint(hint);
    if login.by == LoginBy::Mfa { error.field("mfa_code") } else { error }
}

fn unreachable(call: &ApiCall, last_host: &LastHost, why: &str) -> Error {
    let ApiCall { name, about } = call;
    let (at, through) = match last_host.to() {
        Some(at) => (say!("`{}`", at), proxy(at)),
        None => ("AWS".into(), None),
    };
    let through = through.map_or_else(Shown::default, |it| say!(" through the proxy `{}`", it));
    let error = Error::new(
        "aws_unreachable",
        say!("Could not reach {}{} for `{}`{}: {}.", at, through, name, about, why),
    )
    .retryable();
    if contains(why, "certificate") {
        error.hint(
            "Name your network's certificates with `AWS_CA_BUNDLE`, or `ca_bundle` of a profile.",
        )
    } else if through.is_empty() {
        error.hint("Check the network, and whether a proxy has to be named with `HTTPS_PROXY`.")
    } else {
        error.hint("Check `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.")
    }
}

fn of(login: &Login) -> Shown {
    match (&login.profile, &login.by) {
        (Some(profile), _) => say!(" of profile `{}`", profile),
        (None, LoginBy::Environment) => " of the environment".into(),
        (None, _) => Shown::default(),
    }
}

fn check(login: &Login) -> Shown {
    match (&login.profile, &login.by) {
        (Some(profile), _) => {
            say!("Run `aws sts get-caller-identity --profile {}` to see what is wrong.", profile)
        }
        (None, LoginBy::Environment) => {
            "Check `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.".into()
        }
        (None, _) => "Run `aws sts get-caller-identity` to see what is wrong.".into(),
    }
}

fn from(last_host: &LastHost) -> Shown {
    last_host.to().map_or_else(Shown::default, |at| say!(" (from `{}`)", at))
}

fn coded(refusal: &Refusal<'_>) -> String {
    if refusal.code.is_empty() {
        format!("HTTP {}", refusal.status)
    } else {
        refusal.code.to_owned()
    }
}

/// Text of others, unless it quotes the request: the signature, the token, the code.
fn shown(text: &str) -> Option<&str> {
    let quotes = [
        "AWS4-HMAC",
        "Authorization header",
        "Credential=",
        "security-token",
        "canonical",
        "tokenCode",
    ];
    let text = text.trim().trim_end_matches('.');
    (!text.is_empty() && !quotes.iter().any(|quote| contains(text, quote))).then_some(text)
}

fn contains(text: &str, pattern: &str) -> bool {
    text.to_lowercase().contains(&pattern.to_lowercase())
}

/// The innermost cause of an error, in its own words.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let line = last.lines().next().unwrap_or_default();
    shown(line).unwrap_or("it gave no reason").to_owned()
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
