//! [`Endpoint`]: the addresses that are used in place of AWS's own, service by service, and the check that
//! allows them.
//!
//! They come from the environment, from AWS's configuration files and from the profile in use, never from a
//! request for a role. An address that is not AWS's own is shown wherever its service is used. This file
//! refuses plain HTTP to another machine with an error that users can read; `http` guards every request once
//! more, which covers the addresses of services that only the credential chain calls.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use headgate_terms::{Error, Result, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;

use crate::http::{is_loopback, origin};

/// An address that is used in place of AWS's own for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "AwsEndpoint")]
pub struct Endpoint {
    /// The service, such as `IAM` or `Access Analyzer`.
    pub service: String,
    /// Scheme, host and port.
    pub url: String,
}

/// The services that are called: the name in AWS's configuration, the one users know, and how the
/// host names of AWS begin.
const SERVICES: [(&str, &str, &str); 5] = [
    ("IAM", "IAM", "iam"),
    ("STS", "STS", "sts"),
    ("AccessAnalyzer", "Access Analyzer", "access-analyzer"),
    ("SSO", "IAM Identity Center", "portal.sso"),
    ("SSO OIDC", "IAM Identity Center login", "oidc"),
];

/// The domains under which AWS serves its own endpoints.
const OWN: [&str; 7] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
];

impl Endpoint {
    /// The endpoint of a service, from text.
    ///
    /// # Errors
    /// `endpoint_refused` for one that is not an address, or is plain HTTP to another machine.
    pub fn of(service: &str, address: &str) -> Result<Self> {
        let url = origin(address).ok_or_else(|| {
            refused(say!("`{}`, the endpoint for {}, is not a web address.", address, service))
        })?;
        if url.starts_with("http:") && !is_loopback(&url) {
            return Err(refused(say!(
                "`{}`, the endpoint for {}, is plain HTTP to another machine, so session tokens could be read on the way.",
                url,
                service
            )));
        }
        Ok(Self { service: service.to_owned(), url })
    }

    /// Whether requests to it stay on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

/// The endpoints in place of AWS's own: one for all services when it was given, else what the
/// environment and the configuration name for each.
///
/// # Errors
/// `endpoint_refused` for one that is not an address, or is plain HTTP to another machine.
pub(crate) fn endpoints(given: Option<&str>, config: &SdkConfig) -> Result<Vec<Endpoint>> {
    let mut found: Vec<Endpoint> = Vec::new();
    let each = SERVICES.iter().flat_map(|(id, service, begins)| {
        let configured = configured(id, config);
        // A login goes where the configuration says, whatever was given for the calls themselves.
        let login = (*id == "STS" && given.is_some()).then(|| configured.clone()).flatten();
        let called = given.filter(|_| !id.starts_with("SSO")).map(str::to_owned).or(configured);
        let login = login.map(|address| (address, "STS login", *begins));
        called.map(|address| (address, *service, *begins)).into_iter().chain(login)
    });
    for (address, service, begins) in each {
        let endpoint = Endpoint::of(service, &address)?;
        if !is_own(&endpoint.url, begins) {
            found.push(endpoint);
        }
    }
    Ok(found)
}

fn refused(message: headgate_terms::Shown) -> Error {
    Error::new("endpoint_refused", message)
        .hint("Use an address that begins with `https://`, or `http://` and a loopback address.")
        .field("endpoint")
}

fn configured(id: &str, config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config
        .service_config()
        .and_then(|services| services.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned))
        .filter(|address| !address.is_empty())
}

/// Whether it is `service.domain`, `service.region.domain` or the FIPS form of one. Other names below
/// AWS's domains, such as buckets and gateways, belong to customers.
fn is_own(address: &str, begins: &str) -> bool {
    let url = Url::parse(address).ok();
    let host = url.as_ref().filter(|url| url.scheme() == "https" && url.port().is_none());
    let Some(host) = host.and_then(Url::host_str) else { return false };
    OWN.iter().filter_map(|own| host.strip_suffix(own)?.strip_suffix('.')).any(|rest| {
        let rest = rest.strip_prefix(begins).map(|rest| rest.strip_prefix("-fips").unwrap_or(rest));
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_region))
    })
}

/// Whether a text has the form of a region's name, such as `eu-central-1`.
#[must_use]
pub fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    parts.len() >= 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && parts.last().is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IAM, STS and Access Analyzer.
    const CALLED: usize = 3;

    fn of(given: &str) -> Result<Vec<Endpoint>> {
        endpoints(Some(given), &SdkConfig::builder().build())
    }

    #[test]
    fn plain_http_endpoints_are_allowed_on_loopback_only() {
        for local in
            ["http://127.0.0.1:5000", "http://127.9.9.9", "http://localhost:1", "http://[::1]:5"]
        {
            let found = of(local).expect(local);
            assert!(found.len() == CALLED && found.iter().all(Endpoint::is_loopback), "{local}");
        }
        for other in [
            "http://169.254.169.254",
            "http://evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://user:pass@10.0.0.1",
            "ftp://127.0.0.1",
            "127.0.0.1:5000",
            "file:///etc/passwd",
        ] {
            assert_eq!(of(other).unwrap_err().code, "endpoint_refused", "{other}");
        }
    }

    #[test]
    fn custom_endpoints_are_shown_without_credentials() {
        for (own, begins) in [
            ("https://iam.amazonaws.com", "iam"),
            ("https://iam.cn-north-1.amazonaws.com.cn", "iam"),
            ("https://sts-fips.us-gov-west-1.amazonaws.com", "sts"),
            ("https://portal.sso.eu-central-1.amazonaws.com", "portal.sso"),
        ] {
            assert!(is_own(own, begins), "{own}");
        }
        for other in [
            "https://amazonaws.com.evil.example",
            "https://iam.evilamazonaws.com",
            "https://amazonaws.com",
            "https://iam.s3.amazonaws.com",
            "https://iam.x.s3.amazonaws.com",
            "https://a1b2.execute-api.eu-central-1.amazonaws.com",
            "https://iam.amazonaws.com:8443",
        ] {
            assert_eq!(of(other).unwrap().len(), CALLED, "{other}");
        }
        assert_eq!(
            of("https://user:secret@stand-in.example/path").unwrap()[0].url,
            "https://stand-in.example"
        );
    }
}
