//! Tests of logins against a simulated AWS account in which a code is valid once, as with AWS.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use headgate_terms::Result;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::played::User;
use crate::{
    Actor, App, AwsAccess, AwsSource, COMMANDS, Call, ChangeRef, ChangeRequest, Colour, Cx,
    Endpoint, Identity, Outcome, PlanObserver, PlanProgress, ProfileChange, ProfileSettings,
    RoleRead, RoleRef,
};

#[allow(dead_code, reason = "the tests of the door to AWS use the rest")]
#[path = "../../../aws/tests/aws/alone.rs"]
mod alone;
#[allow(dead_code, reason = "the tests of the door to AWS use the rest")]
#[path = "../../../aws/tests/aws/canned.rs"]
mod canned;

use alone::{Home, alone};
use canned::{Answer, Canned, Request, error, identity, result};

const CONFIG: &str = "\
[profile user]
aws_access_key_id = AKIAUSER
aws_secret_access_key = secret-of-user
[profile admin]
role_arn = arn:aws:iam::417620938841:role/admin
source_profile = user
mfa_serial = arn:aws:iam::417620938841:mfa/ann
[profile auditor]
role_arn = arn:aws:iam::417620938841:role/auditor
source_profile = user
mfa_serial = arn:aws:iam::417620938841:mfa/ann
";

pub(crate) const ROLE: &str = "arn:aws:iam::417620938841:role/lake";

pub(crate) fn policy(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"x"}}}}}}]}}"#
    )
}

/// What the account has.
struct Account {
    policy: String,
    /// The codes that were used.
    codes: HashSet<String>,
    /// Keys whose session is over.
    expired: HashSet<String>,
    /// When the next sessions end.
    ends: &'static str,
    /// The key of the session that a code gets.
    key_for: fn(&str) -> String,
}

/// `GetRole` for the role with this policy.
fn role(policy: &str) -> Answer {
    let policy: String = url::form_urlencoded::byte_serialize(policy.as_bytes()).collect();
    let policy = policy.replace('+', "%20");
    let inner = format!(
        "<Role><Path>/</Path><RoleName>lake</RoleName><RoleId>AROAEXAMPLEEXAMPLEEX</RoleId>\
         <Arn>{ROLE}</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate>\
         <AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument>\
         <MaxSessionDuration>3600</MaxSessionDuration></Role>"
    );
    result("GetRole", &inner)
}

fn session(key: &str, ends: &str) -> Answer {
    let (status, body) = canned::session("AssumeRole", key);
    (status, body.replace("2099-01-01T00:00:00Z", ends))
}

fn answer(account: &mut Account, request: &Request) -> Answer {
    let key = request.headers.split_once("Credential=").map(|(_, rest)| rest);
    let key = key.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if account.expired.contains(key) {
        return error(403, "ExpiredToken", "The security token included in the request is expired");
    }
    match request.action() {
        "AssumeRole" => {
            let code = request.parameters["TokenCode"].clone();
            let session = session(&(account.key_for)(&code), account.ends);
            if account.codes.insert(code.clone()) {
                session
            } else if code == SEEDS[0] {
                // As AWS says of a code of another shape.
                let said = format!("Value '{code}' at 'tokenCode' failed to satisfy constraint");
                error(400, "ValidationError", &said)
            } else {
                error(
                    403,
                    "AccessDenied",
                    "MultiFactorAuthentication failed with invalid MFA one time pass code.",
                )
            }
        }
        "GetCallerIdentity" => identity("arn:aws:sts::417620938841:assumed-role/admin/ann"),
        "GetRole" => role(&account.policy),
        "UpdateAssumeRolePolicy" => {
            account.policy.clone_from(&request.parameters["PolicyDocument"]);
            result("UpdateAssumeRolePolicy", "")
        }
        _ => error(403, "AccessDenied", "no right"),
    }
}

pub(crate) struct Played {
    pub(crate) app: App,
    account: Arc<Mutex<Account>>,
    canned: Canned,
    pub(crate) folder: tempfile::TempDir,
}

impl Played {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = Arc::new(Mutex::new(Account {
            policy: policy("595280932656"),
            codes: HashSet::new(),
            expired: HashSet::new(),
            ends: "2099-01-01T00:00:00Z",
            key_for: |code| format!("ASIA{code}"),
        }));
        let played = Arc::clone(&account);
        let canned = Canned::start(move |request| answer(&mut played.lock().unwrap(), request));
        let app = App::with_data(folder.path().join("data")).unwrap();
        let app = app.on(Box::new(User::new(true)));
        Self { app, account, canned, folder }
    }

    /// Where the account is reached.
    pub(crate) fn address(&self) -> &str {
        &self.canned.address
    }

    fn cx(&self) -> Cx {
        self.app.cx(Actor::Terminal, Call::unheard())
    }

    fn access(&self, profile: &str, code: Option<&str>) -> AwsAccess {
        AwsAccess {
            profile: Some(profile.to_owned()),
            region: None,
            endpoint: Some(self.canned.address.clone()),
            mfa_code: code.map(str::to_owned),
        }
    }

    fn read_in(&self, cx: &Cx, access: AwsAccess) -> Result<RoleRead> {
        self.app.role_read(cx, &RoleRef { role: ROLE.to_owned(), access })
    }

    /// Reads the role, or says with which code that failed.
    fn read(&self, profile: &str, code: Option<&str>) -> Result<RoleRead, String> {
        let read = self.read_in(&self.cx(), self.access(profile, code));
        read.map_err(|error| error.code.to_string())
    }

    /// Has the profile in use reach the account.
    fn change_profile(&self, aws_profile: &str, colour: Colour) {
        let aws = AwsSource {
            profile: Some(aws_profile.to_owned()),
            endpoint_url: Some(self.canned.address.clone()),
            ..AwsSource::default()
        };
        let name = "default".to_owned();
        let settings =
            ProfileSettings { name: name.clone(), aws, colour, ..ProfileSettings::default() };
        self.app.profiles_change(&self.cx(), &ProfileChange { name, settings }).unwrap();
    }

    /// How often a code was given to AWS.
    fn logins(&self) -> usize {
        self.canned.actions().iter().filter(|action| *action == "AssumeRole").count()
    }
}

struct Unwatched;

impl PlanObserver for Unwatched {
    fn begins(&self, _: &Identity, _: &[Endpoint]) -> Result<()> {
        Ok(())
    }

    fn progress(&self, _: &PlanProgress) {}

    fn stopped(&self) -> bool {
        false
    }
}

/// In a home with that configuration, outside of any runtime.
fn at_home(name: &str, body: impl FnOnce(&Played) + Send) -> String {
    home_of(&format!("sessions::tests::{name}"), |played| body(&played))
}

/// The same for a test of any module.
pub(crate) fn home_of(name: &str, body: impl FnOnce(Played) + Send) -> String {
    let variables = [("AWS_MAX_ATTEMPTS", "1")];
    let home = Home { config: CONFIG, variables: &variables, ..Home::default() };
    alone(name, &home, async || {
        std::thread::scope(|scope| scope.spawn(|| body(Played::new())).join()).unwrap();
    })
}

#[test]
fn one_mfa_code_serves_read_plan_apply_and_restore() {
    at_home("one_mfa_code_serves_read_plan_apply_and_restore", |played| {
        let (app, cx, access) = (&played.app, played.cx(), played.access("admin", None));
        assert_eq!(played.read("admin", None).unwrap_err(), "mfa_needed");
        let read = played.read("admin", Some("111111")).unwrap();
        let request = ChangeRequest {
            role: ROLE.to_owned(),
            role_id: Some(read.role.role_id),
            before: read.role.trust_policy,
            after: policy("414351767826"),
            goals: Vec::new(),
            access: access.clone(),
        };
        let plan = app.role_plan(&cx, &request).unwrap();
        let applied = app.door(&cx).apply_plan(&plan, &access, &Unwatched).unwrap();
        assert_eq!(applied.outcome, Outcome::Written);
        let change = ChangeRef { change: applied.change.id, access: access.clone() };
        let back = app.role_restore(&cx, &change).unwrap();
        let applied = app.door(&cx).apply_plan(&back, &access, &Unwatched).unwrap();
        assert_eq!(applied.outcome, Outcome::Written);
        assert_eq!(played.account.lock().unwrap().policy, policy("595280932656"));
        assert_eq!(played.logins(), 1);
        let kept: Vec<PathBuf> = std::fs::read_dir(app.data().path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        for path in kept {
            let bytes = std::fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!holds("111111") && !holds("token-of-ASIA"), "{}", path.display());
        }
    });
}

#[test]
fn an_expired_login_is_renewed_with_a_new_mfa_code() {
    at_home("an_expired_login_is_renewed_with_a_new_mfa_code", |played| {
        played.read("admin", Some("111111")).unwrap();
        // AWS says that it is over.
        played.account.lock().unwrap().expired.insert("ASIA111111".to_owned());
        for _ in 0..2 {
            let over = played.read_in(&played.cx(), played.access("admin", None)).unwrap_err();
            assert_eq!(
                (&*over.code, over.field.as_deref()),
                ("aws_login_expired", Some("mfa_code"))
            );
            assert_eq!(over.hint.as_deref(), Some("Give a new code of your MFA device."));
        }
        assert_eq!(played.read("admin", Some("111111")).unwrap_err(), "mfa_refused");
        // It is over by its own clock.
        played.account.lock().unwrap().ends = "2020-01-01T00:00:00Z";
        let _ = played.read("admin", Some("222222"));
        let asked = played.canned.actions().len();
        assert_eq!(played.read("admin", None).unwrap_err(), "aws_login_expired");
        assert_eq!(played.canned.actions().len(), asked, "AWS is not asked for that");
        played.account.lock().unwrap().ends = "2099-01-01T00:00:00Z";
        played.read("admin", Some("333333")).unwrap();
        played.read("admin", None).unwrap();
    });
}

#[test]
fn a_login_is_not_shared_across_accesses_or_profiles() {
    at_home("a_login_is_not_shared_across_accesses_or_profiles", |played| {
        played.read("admin", Some("111111")).unwrap();
        assert_eq!(played.read("auditor", None).unwrap_err(), "mfa_needed");
        let region = AwsAccess { region: Some("eu-west-1".into()), ..played.access("admin", None) };
        assert_eq!(played.read_in(&played.cx(), region).unwrap_err().code, "mfa_needed");
        let other = ProfileSettings { name: "other".to_owned(), ..ProfileSettings::default() };
        played.app.profiles_add(&played.cx(), &other).unwrap();
        let other = played.app.cx_in("other", Actor::Terminal, Call::unheard()).unwrap();
        let failed = played.read_in(&other, played.access("admin", None)).unwrap_err();
        assert_eq!(failed.code, "mfa_needed");
        played.read("auditor", Some("222222")).unwrap();
        let signed = |request: Request| request.headers.contains("Credential=ASIA222222/");
        assert!(signed(played.canned.last("GetRole")));
        played.read("admin", None).unwrap();
        assert!(!signed(played.canned.last("GetRole")));
    });
}

#[test]
fn a_login_is_forgotten_when_its_configuration_changes() {
    at_home("a_login_is_forgotten_when_its_configuration_changes", |played| {
        played.read("admin", Some("111111")).unwrap();
        let file = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".aws/config");
        std::fs::write(&file, CONFIG.replace("role/admin", "role/operator")).unwrap();
        assert_eq!(played.read("admin", None).unwrap_err(), "mfa_needed");
        played.read("admin", Some("222222")).unwrap();
        let role = &played.canned.last("AssumeRole").parameters["RoleArn"];
        assert_eq!(role, "arn:aws:iam::417620938841:role/operator");
    });
}

#[test]
fn a_profile_that_reaches_aws_another_way_has_its_logins_forgotten() {
    at_home("a_profile_that_reaches_aws_another_way_has_its_logins_forgotten", |played| {
        let cx = played.cx();
        let change = |aws_profile: &str, colour| played.change_profile(aws_profile, colour);
        let read = |code: Option<&str>| {
            let access = AwsAccess { mfa_code: code.map(str::to_owned), ..AwsAccess::default() };
            played.read_in(&cx, access).map(drop).map_err(|error| error.code.to_string())
        };
        change("admin", Colour::Grey);
        assert_eq!(read(Some("111111")), Ok(()));
        change("admin", Colour::Plum);
        assert_eq!(read(None), Ok(()), "its colour leads nowhere");
        change("auditor", Colour::Plum);
        assert_eq!(read(None), Err("mfa_needed".to_owned()));
        change("admin", Colour::Plum);
        assert_eq!(read(None), Err("mfa_needed".to_owned()), "nothing is kept of the way it went");
        assert_eq!(read(Some("222222")), Ok(()));
    });
}

#[test]
fn concurrent_logins_share_one_mfa_code() {
    at_home("concurrent_logins_share_one_mfa_code", |played| {
        played.read("user", None).unwrap();
        std::thread::scope(|scope| {
            let each: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| played.read("admin", Some("111111")).map(|_| ())))
                .collect();
            for one in each {
                assert_eq!(one.join().unwrap(), Ok(()));
            }
        });
        assert_eq!(played.logins(), 1);
    });
}

/// What is secret, each a text that is nowhere else: a code, keys, what a login was given, and what is copied.
const SEEDS: [&str; 5] =
    ["740913", "secret-of-user", "secret-of-ASIASEED", "token-of-ASIASEED", "hunter2-copied"];

/// Every byte of every file below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        all.extend(if path.is_dir() { bytes_below(&path) } else { std::fs::read(&path).unwrap() });
    }
    all
}

/// What a page can see, as it asks, is answered, and follows what happens.
struct Page<'p> {
    played: &'p Played,
    seen: Arc<Mutex<String>>,
    asked: BTreeSet<String>,
}

impl Page<'_> {
    fn ask(&mut self, name: &str, request: &Value) -> Result<Value> {
        self.asked.insert(name.to_owned());
        let seen = self.seen.clone();
        let reports = move |text: &str| {
            seen.lock().unwrap().push_str(text);
            true
        };
        let cx = self.played.app.cx(Actor::Window, Call::new("c1", Box::new(reports)));
        let answer = self.played.app.call(name, &to_raw_value(request).unwrap(), &cx);
        let mut seen = self.seen.lock().unwrap();
        match answer {
            Ok(answer) => {
                seen.push_str(answer.get());
                Ok(serde_json::from_str(answer.get()).unwrap())
            }
            Err(error) => {
                let _ = write!(seen, "{error} {error:?} {}", json!(error));
                Err(error)
            }
        }
    }
}

/// Has every command whose request may hold a secret succeed and fail with one.
#[expect(clippy::disallowed_methods, reason = "the test reads the log of this process there")]
fn use_secrets(played: &Played) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .without_time()
        .with_writer(std::io::stderr)
        .init();
    played.account.lock().unwrap().key_for = |_| "ASIASEED".to_owned();
    played.change_profile("admin", Colour::Grey);
    let listener = played.app.listen();
    let mut page = Page { played, seen: Arc::default(), asked: BTreeSet::new() };
    let access = json!({"profile": null, "region": null, "mfa_code": SEEDS[0]});

    let read = page.ask("role_read", &json!({"role": ROLE, "access": access})).unwrap();
    let change = json!({"role": ROLE, "role_id": read["role"]["role_id"], "goals": [],
        "before": read["role"]["trust_policy"], "after": policy("414351767826"), "access": access});
    let plan = page.ask("role_plan", &change).unwrap();
    let applied = page.ask("role_apply", &json!({"plan": plan["id"], "access": access})).unwrap();
    assert_eq!(applied["outcome"], "written");
    let back = json!({"change": applied["change"]["id"], "access": access});
    page.ask("role_restore", &back).unwrap();
    page.ask("host_copy", &json!({"text": SEEDS[4]})).unwrap();
    let secret: BTreeSet<_> =
        COMMANDS.iter().filter(|line| line.secret).map(|line| line.name.to_owned()).collect();
    assert_eq!(page.asked, secret, "each line of the table that may hold a secret is asked here");

    // AWS takes a code once, and says so with the code in its words.
    played.account.lock().unwrap().expired.insert("ASIASEED".to_owned());
    for name in ["role_read", "role_plan", "role_apply", "role_restore"] {
        let request = json!({"role": ROLE, "role_id": null, "before": "{}", "after": "{}", "goals": [],
            "plan": plan["id"], "change": applied["change"]["id"], "access": access});
        page.ask(name, &request).unwrap_err();
    }
    let code: u32 = SEEDS[0].parse().unwrap();
    for name in &secret {
        for wrong in [
            json!(SEEDS[4]),
            json!([SEEDS[0], SEEDS[4]]),
            json!({"role": ROLE, "plan": "p", "change": "c", "text": {"a": SEEDS[4]},
                "access": {"profile": null, "region": null, "mfa_code": code}}),
        ] {
            assert_eq!(page.ask(name, &wrong).unwrap_err().code, "wrong_request", "{name}");
        }
    }

    page.ask("jobs_list", &json!({"open": false, "before": null, "limit": null})).unwrap();
    let history = page.ask("role_history", &json!({"role": null})).unwrap();
    assert_eq!(history["changes"].as_array().unwrap().len(), 1);
    for name in ["overview_show", "profiles_list", "settings_show", "policy_draft"] {
        page.ask(name, &json!({})).unwrap();
    }
    let mut seen = page.seen.lock().unwrap().clone();
    let events = std::iter::from_fn(|| listener.within(std::time::Duration::ZERO));
    for event in events {
        let _ = write!(seen, "{event:?} {}", json!(event));
    }
    assert!(seen.contains("\"kind\":\"job\"") && seen.contains("wrong_request"));
    let kept = bytes_below(played.folder.path());
    for seed in SEEDS {
        assert!(!seen.contains(seed), "`{seed}` is seen in {seen}");
        assert!(!kept.windows(seed.len()).any(|part| part == seed.as_bytes()), "`{seed}` is kept");
    }
}

#[test]
fn a_secret_of_a_request_is_not_kept_shown_or_logged() {
    let printed = at_home("a_secret_of_a_request_is_not_kept_shown_or_logged", |played| {
        use_secrets(played);
    });
    if std::env::var_os("HEADGATE_ALONE").is_some() {
        return;
    }
    assert!(printed.contains("DEBUG") && printed.contains("command failed"), "{printed}");
    for seed in SEEDS {
        assert!(!printed.contains(seed), "`{seed}` is printed in {printed}");
    }
}
