//! The way to AWS: proxies, certificates, and the addresses that were gone to.

use std::fs;
use std::sync::{Arc, OnceLock};

use aws_sdk_iam::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, SharedHttpClient};
use aws_sdk_iam::error::BoxError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use headgate_terms::{Error, Result, say};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

/// A client that takes the proxies of the environment, and trusts the certificates in the file
/// `bundle` in place of the system's.
pub(crate) fn client(bundle: Option<&str>) -> Result<SharedHttpClient> {
    let trusted = bundle.map_or_else(|| Ok(TrustStore::default()), trust)?;
    let tls = TlsContext::builder().with_trust_store(trusted).build().map_err(|error| {
        Error::new("aws_failed", say!("TLS could not be set up: {}.", error.to_string()))
    })?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl))
            .set_proxy_config(Some(ProxyConfig::from_env()));
        connector.tls_provider(Provider::rustls(CryptoMode::AwsLc)).tls_context(tls.clone()).build()
    }))
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

/// Scheme, host and port of an address of the web; none for anything else.
pub(crate) fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// Remembers where the requests of a client go: one service has one address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Went(Arc<OnceLock<String>>);

impl Went {
    pub(crate) fn to(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl Intercept for Went {
    fn name(&self) -> &'static str {
        "Went"
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
