//! What is known of each secret: where its value is kept, and until when it is valid.
//!
//! It never holds a value. Values are in the keyring, in memory or in the environment.

use headgate_terms::Result;
use rusqlite::{Row, params};

use crate::profiles::not_saved_in;
use crate::{Store, failed, or_nothing};

/// What is known of a secret. It is bound to one host of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// What it is, in `app`'s words, such as a token or a client secret.
    pub kind: String,
    /// The host that it was made for.
    pub host: String,
    /// Where its value is kept, in `app`'s words, such as `keyring`.
    pub kept: String,
    /// When it was saved, in RFC 3339.
    pub at: String,
    /// When it expires, in RFC 3339; none when that is not known or never.
    pub expires: Option<String>,
}

impl Store {
    /// What is known of a profile's secrets, in order of kind and host.
    ///
    /// # Errors
    /// When the database fails.
    pub fn secrets(&self, profile: &str) -> Result<Vec<SecretRecord>> {
        let sql = "SELECT kind, host, kept, at, expires FROM secrets
             WHERE profile = ?1 ORDER BY kind, host";
        let found = self.connection.prepare(sql).and_then(|mut query| {
            let read = |row: &Row<'_>| {
                Ok(SecretRecord {
                    kind: row.get(0)?,
                    host: row.get(1)?,
                    kept: row.get(2)?,
                    at: row.get(3)?,
                    expires: row.get(4)?,
                })
            };
            query.query_map([profile], read)?.collect()
        });
        or_nothing(found, "list the secrets")
    }

    /// Saves what is known of a secret, in place of one of the same kind and host.
    ///
    /// # Errors
    /// `profile_not_found` when the profile was removed, and when the database fails.
    pub fn save_secret(&self, profile: &str, secret: &SecretRecord) -> Result<()> {
        let SecretRecord { kind, host, kept, at, expires } = secret;
        self.connection
            .execute(
                "INSERT OR REPLACE INTO secrets (profile, kind, host, kept, at, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![profile, kind, host, kept, at, expires],
            )
            .map(|_| ())
            .map_err(|error| not_saved_in("save what is known of a secret", &error))
    }

    /// Forgets a secret. False when it was not known.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_secret(&self, profile: &str, kind: &str, host: &str) -> Result<bool> {
        self.connection
            .execute(
                "DELETE FROM secrets WHERE profile = ?1 AND kind = ?2 AND host = ?3",
                [profile, kind, host],
            )
            .map(|changed| changed > 0)
            .map_err(|error| failed("forget a secret", &error))
    }

    /// Forgets all secrets that a profile has for a host. False when there were none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_host(&self, profile: &str, host: &str) -> Result<bool> {
        self.connection
            .execute("DELETE FROM secrets WHERE profile = ?1 AND host = ?2", [profile, host])
            .map(|changed| changed > 0)
            .map_err(|error| failed("forget the secrets of a host", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: &str, host: &str, expires: Option<&str>) -> SecretRecord {
        SecretRecord {
            kind: kind.to_owned(),
            host: host.to_owned(),
            kept: "keyring".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
            expires: expires.map(str::to_owned),
        }
    }

    #[test]
    fn a_secret_is_known_by_profile_kind_and_host() {
        let store = Store::of(crate::schema::in_memory());
        store.add_profile("other", "other", "", "{}").unwrap();
        let (first, second) =
            (secret("pat", "a", Some("2026-04-01T00:00:00Z")), secret("pat", "b", None));
        let client = secret("client", "a", None);
        for known in [&secret("pat", "a", None), &first, &second, &client] {
            store.save_secret("default", known).unwrap();
        }
        store.save_secret("other", &first).unwrap();
        assert_eq!(
            store.secrets("default").unwrap(),
            [client.clone(), first.clone(), second.clone()]
        );

        assert!(store.forget_secret("default", "pat", "b").unwrap());
        assert!(!store.forget_secret("default", "pat", "b").unwrap());
        assert_eq!(store.secrets("default").unwrap(), [client, first.clone()]);
        assert!(store.forget_host("default", "a").unwrap());
        assert!(!store.forget_host("default", "a").unwrap());
        assert_eq!(store.secrets("default").unwrap(), []);
        assert_eq!(store.secrets("other").unwrap(), std::slice::from_ref(&first));
        assert_eq!(store.save_secret("gone", &first).unwrap_err().code, "profile_not_found");
    }
}
