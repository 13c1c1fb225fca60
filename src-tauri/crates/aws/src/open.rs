//! [`Aws`]: opens a login from an [`Access`] and the AWS configuration, with an MFA session where a profile
//! requires one, and holds the clients of the three services.
//!
//! Also here: the names of the configured profiles, and a fingerprint of the configuration files by which
//! `app` notices that they have changed. Logins are kept in `app`.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_types::os_shim_internal::{Env, Fs};
use headgate_terms::{Error, Result, say};
use tokio::sync::OnceCell;

use crate::access::Access;
use crate::caller::Identity;
use crate::chain::{Base, Chain, Hop, Login, LoginBy};
use crate::endpoint::{Endpoint, endpoints};
use crate::failure::{self, ApiCall, Route, failed};
use crate::http::{self, LastHost};

/// The longest that one try of a call may take.
const TRY: Duration = Duration::from_secs(30);

/// How long before its end a session counts as over: a change that begins with it has to end with it.
const MARGIN: Duration = Duration::from_mins(2);

/// AWS, as one person reaches it. Copies share connections and what is known of the caller.
#[derive(Debug, Clone)]
pub struct Aws {
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) analyzer: aws_sdk_accessanalyzer::Client,
    endpoints: Vec<Endpoint>,
    login: Login,
    last_host: HashMap<&'static str, LastHost>,
    pub(crate) caller: Arc<OnceCell<Identity>>,
    /// When a session ends that was opened with an MFA code.
    ends: Option<SystemTime>,
    /// Whether AWS refused the credentials.
    refused: Arc<AtomicBool>,
}

impl Aws {
    /// Reads the configuration and, where a profile requires an MFA code, opens a session with it,
    /// which lives as long as this value. No other call is made yet.
    ///
    /// # Errors
    /// `aws_profile_unknown`, `mfa_needed`, `mfa_refused`; with a code also those of a call.
    /// `endpoint_refused` when an endpoint is not an address or is plain HTTP to another machine,
    /// `aws_failed` when the CA bundle cannot be used.
    pub async fn open(access: &Access) -> Result<Self> {
        let profiles = profiles(access.profile.as_deref()).await?;
        let chain = chain(access, &profiles)?;
        let bundle = variable("AWS_CA_BUNDLE")
            .or_else(|| profiles.get("ca_bundle").map(str::to_owned))
            .filter(|file| !file.is_empty());
        let http = http::client(bundle.as_deref())?;
        let region = access
            .region
            .clone()
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| profiles.get("region").map(str::to_owned))
            .filter(|region| !region.is_empty())
            .unwrap_or_else(|| "us-east-1".to_owned());

        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(Region::new(region.clone()))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(TRY).build());
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &access.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        let endpoints = endpoints(access.endpoint.as_deref(), &config)?;

        let provider = ProviderConfig::without_region()
            .with_http_client(http)
            .with_region(Some(Region::new(region)));
        let opening =
            Opener { config, provider, code: access.mfa_code.as_deref(), login: &chain.login };
        let (config, ends) = opening.with_credentials(&chain).await?;
        let last_host: HashMap<_, _> =
            ["iam", "sts", "access-analyzer"].map(|service| (service, LastHost::default())).into();
        Ok(Self {
            iam: aws_sdk_iam::Client::from_conf(
                aws_sdk_iam::config::Builder::from(&config)
                    .interceptor(last_host["iam"].clone())
                    .build(),
            ),
            sts: sts(&config, &last_host["sts"]),
            analyzer: aws_sdk_accessanalyzer::Client::from_conf(
                aws_sdk_accessanalyzer::config::Builder::from(&config)
                    .interceptor(last_host["access-analyzer"].clone())
                    .build(),
            ),
            endpoints,
            login: chain.login,
            last_host,
            caller: Arc::default(),
            ends,
            refused: Arc::default(),
        })
    }

    /// The endpoints in place of AWS's own, service by service: from [`Access::endpoint`], the
    /// environment or the configuration. Empty when all calls go to AWS itself.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Whether IAM's endpoint is on this machine, so that no real account is affected.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.endpoints.iter().any(|one| one.service == "IAM" && one.is_loopback())
    }

    /// Whether these credentials are of no more use: AWS refused them, or their MFA session ends.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let ends = self.ends.is_some_and(|ends| ends <= SystemTime::now() + MARGIN);
        ends || self.refused.load(Ordering::Relaxed)
    }

    /// That the login has expired, with what renews it.
    #[must_use]
    pub fn expired(&self) -> Error {
        failure::expired(&self.login)
    }

    /// The failure of a call of this door.
    pub(crate) fn failed<E>(&self, call: &ApiCall, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let service = call.name.split(':').next().unwrap_or_default();
        let route = Route { login: &self.login, last_host: &self.last_host[service] };
        let failure = failed(call, route, error);
        if matches!(&*failure.code, "aws_login_expired" | "aws_no_credentials") {
            self.refused.store(true, Ordering::Relaxed);
        }
        failure
    }
}

fn sts(config: &SdkConfig, last_host: &LastHost) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(config).interceptor(last_host.clone()).build();
    aws_sdk_sts::Client::from_conf(config)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The profiles that the configuration files name, in the order of their names.
///
/// # Errors
/// `aws_failed` when a file cannot be read.
pub async fn profile_names() -> Result<Vec<String>> {
    let found = profiles(None).await?;
    let mut names: Vec<String> = found.profiles().map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// A fingerprint of the files that say how AWS is reached: another one once a file has changed.
#[must_use]
pub fn configuration_stamp() -> u64 {
    let file = |name, usual: &str| {
        variable(name).map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(usual)))
    };
    let mut stamp = DefaultHasher::new();
    for file in [
        file("AWS_CONFIG_FILE", ".aws/config"),
        file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    ] {
        file.and_then(|file| fs::read(file).ok()).hash(&mut stamp);
    }
    stamp.finish()
}

/// The endpoints in place of AWS's own before any profile of its configuration is chosen: the one that
/// is given for all services, else as the environment and the configuration name them.
///
/// # Errors
/// `endpoint_refused`, as [`Aws::open`].
pub async fn configured_endpoints(given: Option<&str>) -> Result<Vec<Endpoint>> {
    let region = Region::new("us-east-1");
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(region).no_credentials();
    endpoints(given, &loader.load().await)
}

/// What the configuration files say, with the profile in effect chosen.
async fn profiles(named: Option<&str>) -> Result<ProfileSet> {
    #[expect(deprecated, reason = "the name that replaces it is of a crate that is internal")]
    let files = aws_config::profile::profile_file::ProfileFiles::default();
    let named = named.map(|name| name.to_owned().into());
    aws_config::profile::load(&Fs::real(), &Env::real(), &files, named).await.map_err(|error| {
        Error::new(
            "aws_failed",
            say!("The configuration of AWS cannot be read: {}.", error.to_string()),
        )
        .hint("Correct `~/.aws/config` or `~/.aws/credentials`.")
    })
}

/// Where the credentials come from. A profile that is named goes before keys in the environment,
/// as everywhere but in the SDK.
fn chain(access: &Access, profiles: &ProfileSet) -> Result<Chain> {
    if let Some(profile) = &access.profile {
        return Chain::of(profiles, profile);
    }
    if variable("AWS_ACCESS_KEY_ID").is_some() && variable("AWS_SECRET_ACCESS_KEY").is_some() {
        return Ok(Chain::ordinary(LoginBy::Environment));
    }
    let selected = profiles.selected_profile();
    if selected == "default" && profiles.get_profile(selected).is_none() {
        return Ok(Chain::ordinary(LoginBy::Other));
    }
    let mut chain = Chain::of(profiles, selected)?;
    // A profile without credentials is no end: the SDK goes on to the container and the instance.
    if matches!(&chain.base, Base::Profile(name) if name == selected) && chain.hops.is_empty() {
        chain.base = Base::Ordinary;
    }
    Ok(chain)
}

/// What it takes to walk a chain.
struct Opener<'a> {
    config: SdkConfig,
    provider: ProviderConfig,
    code: Option<&'a str>,
    login: &'a Login,
}

impl Opener<'_> {
    /// The configuration with the credentials of a chain, and when an MFA session in it ends.
    async fn with_credentials(&self, chain: &Chain) -> Result<(SdkConfig, Option<SystemTime>)> {
        let mut ends = None;
        let first = match &chain.base {
            Base::Ordinary => self.config.credentials_provider(),
            Base::Profile(name) => Some(SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&self.provider)
                    .profile_name(name)
                    .build(),
            )),
            Base::Keys(keys) => Some(SharedCredentialsProvider::new(keys.clone())),
            Base::MfaKeys { keys, profile, serial, seconds } => {
                let config = self.with(Some(SharedCredentialsProvider::new(keys.clone())));
                let session = self.session(&config, profile, serial, *seconds).await?;
                ends = session.expiry();
                Some(SharedCredentialsProvider::new(session))
            }
            Base::Source(source) => Some(self.source(source)?),
        };
        let mut config = self.with(first);
        for hop in &chain.hops {
            let next = match &hop.serial {
                Some(serial) => {
                    let session = self.assume_role_with_mfa(&config, hop, serial).await?;
                    ends = ends.into_iter().chain(session.expiry()).min();
                    SharedCredentialsProvider::new(session)
                }
                None => role(&config, hop).await,
            };
            config = self.with(Some(next));
        }
        Ok((config, ends))
    }

    fn with(&self, credentials: Option<SharedCredentialsProvider>) -> SdkConfig {
        let mut builder = self.config.to_builder();
        builder.set_credentials_provider(credentials);
        builder.build()
    }

    /// What `credential_source` of a profile names.
    fn source(&self, name: &str) -> Result<SharedCredentialsProvider> {
        let provider = &self.provider;
        Ok(match name.to_ascii_lowercase().as_str() {
            "environment" => {
                SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
            }
            "ec2instancemetadata" => SharedCredentialsProvider::new(
                ImdsCredentialsProvider::builder().configure(provider).build(),
            ),
            "ecscontainer" => SharedCredentialsProvider::new(
                EcsCredentialsProvider::builder().configure(provider).build(),
            ),
            _ => {
                return Err(Error::new(
                    "aws_no_credentials",
                    say!("AWS knows no `credential_source` called `{}`.", name),
                )
                .hint("Use `Environment`, `Ec2InstanceMetadata` or `EcsContainer`."));
            }
        })
    }

    /// The code, or what asks for it.
    fn code(&self, profile: &str, serial: &str) -> Result<&str> {
        let code = self.code.map(str::trim).filter(|code| !code.is_empty()).ok_or_else(|| {
            Error::new(
                "mfa_needed",
                say!("Profile `{}` asks for a code of the MFA device `{}`.", profile, serial),
            )
            .hint("Give the six digits that the device shows now.")
            .field("mfa_code")
        })?;
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::new("mfa_refused", "A code of an MFA device is six digits.")
                .hint("Give the six digits that the device shows now.")
                .field("mfa_code"));
        }
        Ok(code)
    }

    async fn assume_role_with_mfa(
        &self,
        config: &SdkConfig,
        hop: &Hop,
        serial: &str,
    ) -> Result<Credentials> {
        let code = self.code(&hop.profile, serial)?;
        let last_host = LastHost::default();
        let answer = sts(config, &last_host)
            .assume_role()
            .role_arn(&hop.role)
            .role_session_name(hop.session.as_deref().unwrap_or("headgate"))
            .set_external_id(hop.external_id.clone())
            .set_duration_seconds(hop.seconds)
            .serial_number(serial)
            .token_code(code)
            .send()
            .await;
        let call = ApiCall {
            name: "sts:AssumeRole",
            about: say!(" for `{}` with MFA device `{}`", hop.role, serial),
        };
        let answer = answer.map_err(|error| self.failed(&call, &last_host, &error))?;
        session_of(answer.credentials(), &call)
    }

    async fn session(
        &self,
        config: &SdkConfig,
        profile: &str,
        serial: &str,
        seconds: Option<i32>,
    ) -> Result<Credentials> {
        let code = self.code(profile, serial)?;
        let last_host = LastHost::default();
        let answer = sts(config, &last_host)
            .get_session_token()
            .set_duration_seconds(seconds)
            .serial_number(serial)
            .token_code(code)
            .send()
            .await;
        let call =
            ApiCall { name: "sts:GetSessionToken", about: say!(" with MFA device `{}`", serial) };
        let answer = answer.map_err(|error| self.failed(&call, &last_host, &error))?;
        session_of(answer.credentials(), &call)
    }

    fn failed<E>(&self, call: &ApiCall, last_host: &LastHost, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        failed(call, Route { login: self.login, last_host }, error)
    }
}

/// A role that is assumed again whenever its session ends.
async fn role(config: &SdkConfig, hop: &Hop) -> SharedCredentialsProvider {
    let mut builder = AssumeRoleProvider::builder(&hop.role)
        .configure(config)
        .session_name(hop.session.as_deref().unwrap_or("headgate"));
    if let Some(id) = &hop.external_id {
        builder = builder.external_id(id);
    }
    if let Some(seconds) = hop.seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        builder = builder.session_length(Duration::from_secs(seconds));
    }
    SharedCredentialsProvider::new(builder.build().await)
}

/// The credentials of a session. Nothing renews them.
fn session_of(
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    call: &ApiCall,
) -> Result<Credentials> {
    let credentials = credentials.ok_or_else(|| {
        Error::new("aws_failed", say!("`{}`{} answered nothing.", call.name, call.about))
            .hint("Check the endpoint.")
    })?;
    Ok(Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some(credentials.session_token().to_owned()),
        (*credentials.expiration()).try_into().ok(),
        "mfa",
    ))
}
