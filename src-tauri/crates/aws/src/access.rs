//! [`Access`]: the AWS profile, region, endpoint and MFA code that a caller chooses for a login. Everything
//! that is left out is found as the AWS CLI finds it. `open` uses it.

use std::fmt;

/// A profile, a region, an address and a code, each only where it is not to be as everywhere else.
#[derive(Clone, Default)]
pub struct Access {
    /// A profile of `~/.aws/config`; without one the ordinary chain: environment variables,
    /// `AWS_PROFILE` or `default`, web identity, container, instance.
    pub profile: Option<String>,
    /// Such as `eu-central-1`; without one that of the environment or the profile, else `us-east-1`.
    pub region: Option<String>,
    /// An endpoint for all services of AWS, such as `http://127.0.0.1:4566`.
    pub endpoint: Option<String>,
    /// The six digits that an MFA device shows now.
    pub mfa_code: Option<String>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("mfa_code", &self.mfa_code.as_ref().map(|_| "…"))
            .finish()
    }
}
