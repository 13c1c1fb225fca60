//! The HTTP client for AWS: proxies of the environment, the certificates of `AWS_CA_BUNDLE`, and `LastHost`,
//! which remembers the host that a client called, for error messages.
//!
//! Every request passes `Guarded`, wherever its address was configured: plain HTTP carries tokens
//! unencrypted, so it never leaves this machine, not even through a proxy. The only exceptions are the
//! link-local addresses at which instances and containers get their credentials.

use std::fs;
use std::sync::{Arc, OnceLock};

use aws_sdk_iam::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, SharedHttpClient};
use aws_sdk_iam::error::BoxError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use headgate_terms::{Error, Result, say};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

/// A client that takes the proxies of the environment, and trusts the certificates in the file
/// `bundle` in place of the system's.
pub(crate) fn client(bundle: Option<&str>) -> Result<SharedHttpClient> {
    let trusted = bundle.map_or_else(|| Ok(TrustStore::default()), trust)?;
    let tls = TlsContext::builder().with_trust_store(trusted).build().map_err(|error| {
        Error::new("aws_failed", say!("TLS could not be set up: {}.", error.to_string()))
    })?;
    let through = |proxy: fn() -> ProxyConfig| {
        let tls = tls.clone();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder();
            connector
                .set_connector_settings(settings.cloned())
                .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl))
                .set_proxy_config(Some(proxy()));
            let connector = connector.tls_provider(Provider::rustls(CryptoMode::AwsLc));
            connector.tls_context(tls.clone()).build()
        })
    };
    let secure = through(ProxyConfig::from_env);
    let plain = through(ProxyConfig::disabled);
    Ok(SharedHttpClient::new(Guarded { secure, plain }))
}

/// HTTPS by the proxies of the environment; plain HTTP on this machine, and to where AWS hands
/// credentials to its own machines and containers.
#[derive(Debug)]
struct Guarded<T> {
    secure: T,
    plain: T,
}

/// Where instances and containers get their credentials, over plain HTTP and from the next hop alone.
const LINK_LOCAL: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]"];

impl HttpClient for Guarded<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Guarded {
            secure: self.secure.http_connector(settings, components),
            plain: self.plain.http_connector(settings, components),
        })
    }
}

impl HttpConnector for Guarded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = Url::parse(request.uri()).ok();
        match url.as_ref().map(Url::scheme) {
            Some("https") => self.secure.call(request),
            Some("http") if url.as_ref().is_some_and(stays) => self.plain.call(request),
            _ => HttpConnectorFuture::ready(Err(ConnectorError::user(
                "plain HTTP to another machine is refused, for tokens could be read on the way"
                    .into(),
            ))),
        }
    }
}

/// Whether plain HTTP to an address can be read by nobody else.
fn stays(url: &Url) -> bool {
    is_loopback(url.as_str()) || url.host_str().is_some_and(|host| LINK_LOCAL.contains(&host))
}

/// Whether an address is this machine.
pub(crate) fn is_loopback(address: &str) -> bool {
    let url = Url::parse(address).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The certificates of a file that can be used.
fn trust(file: &str) -> Result<TrustStore> {
    let refused = |why: String| {
        Error::new("aws_failed", say!("The certificates in `{}` cannot be used: {}.", file, why))
            .hint("Name a file of PEM certificates with `AWS_CA_BUNDLE` or `ca_bundle`.")
    };
    // What stands between certificates may be in any encoding.
    let bytes = fs::read(file).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut trusted = TrustStore::empty();
    let mut count = 0;
    for part in text.split_inclusive("-----END CERTIFICATE-----") {
        // The client panics on what it cannot take; bundles hold such certificates among good ones.
        let usable = CertificateDer::from_pem_slice(part.as_bytes())
            .is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok());
        if usable {
            trusted.add_pem_certificate(part);
            count += 1;
        }
    }
    if count == 0 { Err(refused("it holds none".to_owned())) } else { Ok(trusted) }
}

/// The proxy that a request to this address goes through, without the password.
pub(crate) fn proxy(address: &str) -> Option<String> {
    let through = Matcher::from_env().intercept(&address.parse().ok()?)?;
    origin(&through.uri().to_string())
}

/// Scheme, host and port of an address of the web; `None` for anything else.
pub(crate) fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// Remembers where the requests of a client go: one service has one address.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastHost(Arc<OnceLock<String>>);

impl LastHost {
    pub(crate) fn to(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl Intercept for LastHost {
    fn name(&self) -> &'static str {
        "LastHost"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(origin) = origin(context.request().uri()) {
            self.0.get_or_init(|| origin);
        }
        Ok(())
    }
}
