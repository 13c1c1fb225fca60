//! The settings of a profile: read from a JSON document, and checked field by field.

use headgate_aws::{Endpoint, is_region};
use headgate_terms::{Arn, Error, Result, Shown, acts, is_account_id, say};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::{ProfileKind, ProfileSettings};

/// The largest document of a profile, in bytes.
const MOST_BYTES: usize = 65_536;
/// What a report says of a profile that nobody decides.
const REPORTED: [&str; 3] = ["id", "in_use", "credentials"];

impl ProfileSettings {
    /// Refuses credentials of another account than the one that the profile names.
    ///
    /// # Errors
    /// `wrong_account`.
    pub(crate) fn refuse_other_account(&self, account: &str) -> Result<()> {
        match &self.aws.account_id {
            Some(own) if own != account => {
                let message = say!(
                    "The credentials are of account {}, and profile `{}` is for account {}.",
                    account,
                    self.name,
                    own
                );
                Err(Error::new("wrong_account", message)
                    .hint("Sign in to that account, or choose the profile that this one belongs to. Nothing was changed."))
            }
            _ => Ok(()),
        }
    }

    /// With what a document says in place of what is here; what it leaves out stays. The document is a
    /// profile, or the report of one that `headgate profile show --json` prints.
    ///
    /// # Errors
    /// `profile_invalid` for a document that is too large, is not one, or says what is not known.
    pub fn with(&self, document: &str) -> Result<Self> {
        let wrong = |message: Shown| {
            Error::new("profile_invalid", message)
                .hint("Begin with what `headgate profile show --json` prints.")
                .field("from")
        };
        if document.len() > MOST_BYTES {
            let most = MOST_BYTES >> 10;
            return Err(wrong(say!("The profile has more than {} KiB.", most)));
        }
        let given: Value = serde_json::from_str(document)
            .map_err(|error| wrong(say!("The profile is not JSON: {}.", error)))?;
        let report = given.get("profile").filter(|profile| profile.is_object());
        let Some(given) = report.or(Some(&given)).and_then(Value::as_object) else {
            return Err(wrong("The profile is not a JSON object.".into()));
        };
        let given = given.iter().filter(|(key, _)| !REPORTED.contains(&key.as_str()));
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        for (key, value) in given {
            take(&mut whole, key, value, key)?;
        }
        serde_json::from_value(whole).map_err(|error| wrong(say!("The profile says {}.", error)))
    }

    /// With blanks around values left out, once all of it makes sense.
    ///
    /// # Errors
    /// `profile_invalid` and `endpoint_refused`, which name the field.
    pub(crate) fn checked(mut self) -> Result<Self> {
        self.name = self.name.trim().to_owned();
        let aws = &mut self.aws;
        let ids = &mut self.external_ids;
        for text in [
            &mut aws.profile,
            &mut aws.region,
            &mut aws.endpoint_url,
            &mut aws.account_id,
            &mut self.role_arn,
            &mut self.bucket,
            &mut self.prefix,
            &mut ids.headgate,
            &mut ids.segment,
        ] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(prefix) = &mut self.prefix {
            *prefix = prefix.trim_end_matches('/').to_owned();
        }
        self.writers.sort_unstable();
        self.writers.dedup();
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<()> {
        let Self { aws, external_ids: ids, .. } = self;
        if self.name.is_empty() {
            return Err(Error::new("wrong_use", "The profile has no name.")
                .hint("Enter a name for it.")
                .field("name"));
        }
        must("name", &self.name, is_name, "a profile’s name", "Use 1 to 64 characters.")?;
        let endpoint = aws.endpoint_url.as_deref().map(endpoint).transpose()?;
        for (field, text, fits, what, hint) in [
            (
                "aws.profile",
                &aws.profile,
                is_name as fn(&str) -> bool,
                "the name of an AWS profile",
                "Name a profile of `~/.aws/config`.",
            ),
            (
                "aws.region",
                &aws.region,
                is_region,
                "an AWS region",
                "Enter a region such as `eu-central-1`.",
            ),
            (
                "aws.account_id",
                &aws.account_id,
                is_account_id,
                "an AWS account id",
                "Enter its twelve digits.",
            ),
            (
                "role_arn",
                &self.role_arn,
                is_role,
                "a role ARN",
                "Enter an ARN such as `arn:aws:iam::123456789012:role/name`.",
            ),
            (
                "bucket",
                &self.bucket,
                is_bucket,
                "the name of a bucket",
                "Enter its name alone, without `s3://`.",
            ),
            (
                "prefix",
                &self.prefix,
                is_prefix,
                "a prefix",
                "Enter a path in the bucket such as `segment/lake`.",
            ),
            (
                "external_ids.headgate",
                &ids.headgate,
                is_external_id,
                "an external id",
                "Use 2 to 1,224 letters, digits and `+ = , . @ : / - _`.",
            ),
            (
                "external_ids.segment",
                &ids.segment,
                is_external_id,
                "an external id",
                "Copy it from Segment, under Settings, Workspace settings, ID.",
            ),
        ] {
            if let Some(text) = text {
                must(field, text, fits, what, hint)?;
            }
        }
        if self.writers.is_empty() {
            return Err(invalid("writers", "A profile has at least one writer.")
                .hint("Name `headgate`, `segment` or both."));
        }
        if self.kind == ProfileKind::Sandbox && !endpoint.is_some_and(|one| one.is_loopback()) {
            return Err(invalid("aws.endpoint_url", "A sandbox has its endpoint on this machine.")
                .hint(
                    "Enter an address such as `http://127.0.0.1:5000`, or make the profile real.",
                ));
        }
        Ok(())
    }
}

/// Takes a value of a document in the place that its key has in what is known.
fn take(into: &mut Value, key: &str, given: &Value, path: &str) -> Result<()> {
    let Some(known) = into.get_mut(key) else {
        // Databricks' fields are null in a report as long as nothing is known of Databricks.
        if given.is_null() {
            return Ok(());
        }
        return Err(invalid(path, say!("This version does not know `{}` of a profile.", path))
            .hint("Leave it out. Secrets do not belong in a profile."));
    };
    match (known.is_object(), given) {
        (true, Value::Object(given)) => given
            .iter()
            .try_for_each(|(key, value)| take(known, key, value, &say!("{}.{}", path, key))),
        (true, _) => Err(invalid(path, say!("`{}` is not an object.", path))
            .hint("Compare with what `headgate profile show --json` prints.")),
        (false, _) => {
            *known = given.clone();
            let mut alone = Map::new();
            let mut at = path.rsplit('.');
            let leaf = at.next().unwrap_or(path);
            alone.insert(leaf.to_owned(), given.clone());
            let alone = at.fold(Value::Object(alone), |inner, outer| {
                Value::Object(Map::from_iter([(outer.to_owned(), inner)]))
            });
            ProfileSettings::deserialize(alone).map(drop).map_err(|error| {
                invalid(path, say!("`{}` of the profile is wrong: {}.", path, error))
                    .hint("Compare with what `headgate profile show --json` prints.")
            })
        }
    }
}

fn invalid(field: &str, message: impl Into<Shown>) -> Error {
    Error::new("profile_invalid", message).field(Shown::clean(field))
}

fn must(
    field: &'static str,
    text: &str,
    fits: impl Fn(&str) -> bool,
    what: &'static str,
    hint: &'static str,
) -> Result<()> {
    if fits(text) {
        return Ok(());
    }
    Err(invalid(field, say!("`{}` is not {}.", text, what)).hint(hint))
}

fn endpoint(text: &str) -> Result<Endpoint> {
    let field = |error: Error| error.field("aws.endpoint_url");
    let found = Endpoint::of("AWS", text).map_err(field)?;
    // A path would be left out, and a password would be kept.
    if text.trim_end_matches('/') == found.url {
        return Ok(found);
    }
    let message = say!("`{}` is more than scheme, host and port.", found.url);
    Err(field(Error::new("endpoint_refused", message).hint(say!("Enter `{}`.", found.url))))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.starts_with('-') && !text.contains(acts)
}

fn is_role(text: &str) -> bool {
    text.parse::<Arn>().is_ok_and(|arn| arn.role_name().is_some())
}

fn is_external_id(text: &str) -> bool {
    headgate_policy::id_fault(text).is_none()
}

fn is_bucket(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&text.len())
        && text.bytes().all(|byte| inside(byte) || b".-".contains(&byte))
        && text.bytes().next().is_some_and(inside)
        && text.bytes().last().is_some_and(inside)
        && !text.contains("..")
}

fn is_prefix(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.len() <= 512 && text.split('/').all(is_part) && !text.contains(acts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{AwsSource, Colour, ProfileWriter};

    #[test]
    fn credentials_of_another_account_are_refused_where_one_is_named() {
        for (own, account, code) in [
            (None, "123456789012", None),
            (Some("123456789012"), "123456789012", None),
            (Some("123456789012"), "210987654321", Some("wrong_account")),
        ] {
            let mut profile = named();
            profile.aws.account_id = own.map(str::to_owned);
            let answer = profile.refuse_other_account(account).err();
            assert_eq!(answer.map(|error| error.code.to_string()).as_deref(), code);
        }
    }

    fn named() -> ProfileSettings {
        ProfileSettings { name: "lake".to_owned(), ..ProfileSettings::default() }
    }

    fn with(document: &Value) -> Result<ProfileSettings> {
        named().with(&document.to_string()).and_then(ProfileSettings::checked)
    }

    #[test]
    fn an_invalid_value_names_its_field() {
        let role = "arn:aws:iam::123456789012:user/lake";
        for (document, field, code) in [
            (json!({"name": " "}), "name", "wrong_use"),
            (json!({"name": "a\u{202e}b"}), "name", "profile_invalid"),
            (json!({"name": "-x"}), "name", "profile_invalid"),
            (json!({"name": "x".repeat(65)}), "name", "profile_invalid"),
            (json!({"name": 7}), "name", "profile_invalid"),
            (json!({"kind": "staging"}), "kind", "profile_invalid"),
            (json!({"colour": "pink"}), "colour", "profile_invalid"),
            (json!({"read_only": "yes"}), "read_only", "profile_invalid"),
            (json!({"aws": {"region": "somewhere"}}), "aws.region", "profile_invalid"),
            (json!({"aws": {"account_id": "12"}}), "aws.account_id", "profile_invalid"),
            (
                json!({"aws": {"account_id": 123_456_789_012_u64}}),
                "aws.account_id",
                "profile_invalid",
            ),
            (json!({"aws": "default"}), "aws", "profile_invalid"),
            (
                json!({"aws": {"secret_access_key": "s"}}),
                "aws.secret_access_key",
                "profile_invalid",
            ),
            (json!({"workspace_url": "https://x.example"}), "workspace_url", "profile_invalid"),
            (json!({"aws": {"endpoint_url": "iam"}}), "aws.endpoint_url", "endpoint_refused"),
            (
                json!({"aws": {"endpoint_url": "http://10.0.0.1"}}),
                "aws.endpoint_url",
                "endpoint_refused",
            ),
            (
                json!({"aws": {"endpoint_url": "https://u:p@x.example"}}),
                "aws.endpoint_url",
                "endpoint_refused",
            ),
            (
                json!({"aws": {"endpoint_url": "https://x.example/a"}}),
                "aws.endpoint_url",
                "endpoint_refused",
            ),
            (json!({"kind": "sandbox"}), "aws.endpoint_url", "profile_invalid"),
            (json!({"role_arn": role}), "role_arn", "profile_invalid"),
            (json!({"bucket": "s3://lake"}), "bucket", "profile_invalid"),
            (json!({"bucket": "a..b"}), "bucket", "profile_invalid"),
            (json!({"prefix": "/a"}), "prefix", "profile_invalid"),
            (json!({"prefix": "a/../b"}), "prefix", "profile_invalid"),
            (json!({"writers": []}), "writers", "profile_invalid"),
            (json!({"writers": ["me"]}), "writers", "profile_invalid"),
            (
                json!({"external_ids": {"segment": "<id>"}}),
                "external_ids.segment",
                "profile_invalid",
            ),
        ] {
            let error = with(&document).unwrap_err();
            let found = (error.field.as_deref().unwrap_or_default(), &*error.code);
            assert_eq!(found, (field, code), "{document}: {error}");
            assert!(error.hint.is_some(), "{document}");
            assert!(!error.to_string().contains("u:p"), "{error}");
        }
        let large = format!("{{\"name\": \"{}\"}}", "x".repeat(MOST_BYTES));
        for document in ["", "[]", "7", "{\"name\"", large.as_str()] {
            let error = named().with(document).unwrap_err();
            assert_eq!((&*error.code, error.field.as_deref()), ("profile_invalid", Some("from")));
        }
    }

    #[test]
    fn a_document_changes_only_the_fields_it_has() {
        let whole = json!({
            "name": " Lake ", "kind": "sandbox", "colour": "plum", "read_only": true,
            "aws": {"profile": "work", "region": "eu-central-1", "endpoint_url": "http://127.0.0.1:5000/",
                "account_id": "123456789012"},
            "role_arn": "arn:aws:iam::123456789012:role/path/lake", "bucket": "a-lake.example",
            "prefix": "segment/lake/", "writers": ["segment", "headgate", "segment"],
            "external_ids": {"segment": "w1"}, "workspace_url": null, "in_use": true,
            "credentials": {"admin": "none"},
        });
        let first = with(&whole).unwrap();
        assert_eq!((&*first.name, first.colour, first.read_only), ("Lake", Colour::Plum, true));
        assert_eq!(first.prefix.as_deref(), Some("segment/lake"));
        assert_eq!(first.writers, [ProfileWriter::Headgate, ProfileWriter::Segment]);
        assert_eq!(with(&json!({"v": null, "profile": whole})).unwrap(), first);
        let then = first.with(r#"{"read_only": false, "aws": {"region": null}}"#).unwrap();
        let then = then.checked().unwrap();
        assert_eq!(then.aws, AwsSource { region: None, ..first.aws.clone() });
        assert_eq!(then, ProfileSettings { read_only: false, aws: then.aws.clone(), ..first });
    }
}
