//! Amazon Resource Names: [`Arn`], read from `arn:partition:service:region:account:resource` and written
//! back unchanged.
//!
//! It knows accounts, roles and sessions, because trust policies name those. Whether the resource exists is
//! not checked here.

use std::fmt;
use std::str::FromStr;

/// An ARN in its six parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-us-gov`, `aws-cn` or another.
    pub partition: String,
    /// `iam`, `sts` or another.
    pub service: String,
    /// Empty for what belongs to no region, as all identities do.
    pub region: String,
    /// Twelve digits, or empty.
    pub account: String,
    /// All that follows, such as `role/path/name`.
    pub resource: String,
}

/// The error of text that is not an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoArn;

impl FromStr for Arn {
    type Err = NoArn;

    fn from_str(text: &str) -> Result<Self, NoArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned).ok_or(NoArn);
        if next()? != "arn" {
            return Err(NoArn);
        }
        let arn = Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(NoArn);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl Arn {
    /// The account as a whole, `arn:…:iam::account:root`.
    #[must_use]
    pub fn root(partition: &str, account: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            service: "iam".to_owned(),
            region: String::new(),
            account: account.to_owned(),
            resource: "root".to_owned(),
        }
    }

    /// Whether it names an account as a whole.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.service == "iam" && self.resource == "root"
    }

    /// The name of an IAM role without its path; `None` for anything else.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        let path = self.resource.strip_prefix("role/").filter(|_| self.service == "iam")?;
        path.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The role's name and the session's name of an assumed role; `None` for anything else.
    #[must_use]
    pub fn session(&self) -> Option<(&str, &str)> {
        let path = self.resource.strip_prefix("assumed-role/").filter(|_| self.service == "sts")?;
        path.split_once('/').filter(|(role, session)| !role.is_empty() && !session.is_empty())
    }
}

/// Whether text is an account's number.
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_parsed_and_printed() {
        for text in [
            "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access",
            "arn:aws-us-gov:iam::044793339203:root",
            "arn:aws:sts::417620938841:assumed-role/lake/session",
            "arn:aws:s3:::bucket/key:with:colons",
        ] {
            assert_eq!(text.parse::<Arn>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "arn",
            "arn:aws:iam::1",
            "aws:iam::1:root:x",
            "arn::iam::1:root",
            "arn:aws:iam::1:",
        ] {
            assert_eq!(text.parse::<Arn>(), Err(NoArn), "{text}");
        }
    }

    #[test]
    fn a_role_has_a_name_without_its_path() {
        let role: Arn = "arn:aws:iam::417620938841:role/team/lake/writer".parse().unwrap();
        assert_eq!(role.role_name(), Some("writer"));
        let session: Arn = "arn:aws:sts::417620938841:assumed-role/writer/s1".parse().unwrap();
        assert_eq!((session.role_name(), session.session()), (None, Some(("writer", "s1"))));
    }
}
