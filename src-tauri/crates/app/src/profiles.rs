//! Profiles: listed, added, changed, switched and removed, and how a use-case gets the one that it works in.
//!
//! A profile is an account with its roles, lakes and endpoints. Its settings are checked in `settings`.

mod settings;
#[cfg(test)]
mod tests;

use std::sync::PoisonError;

use headgate_aws::{Access, Identity};
use headgate_store::ProfileRecord;
use headgate_terms::{Error, Result, Shown, say};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::App;
use crate::api::{
    AwsAccess, Credentials, DatabricksSource, Empty, Profile, ProfileChange, ProfileName,
    ProfileRemoved, ProfileReport, ProfileSettings, ProfileShow, Profiles,
};
use crate::callers::Writer;
use crate::calls::Call;
use crate::cx::{Actor, Cx};
use crate::host::Confirm;
use crate::plans::short_id;

/// The profile that there is before another is made.
const DEFAULT_PROFILE: &str = "default";

/// A profile's document, as the store keeps it. What this version does not know stays as it is.
#[derive(Debug, Default)]
pub(crate) struct ProfileDocument {
    /// What this installation is to policies of the profile.
    pub(crate) writer: Option<Writer>,
    /// What a user decided, without the name.
    pub(crate) settings: ProfileSettings,
    kept: Value,
}

impl ProfileDocument {
    fn of(record: &ProfileRecord) -> Result<Self> {
        let read = || {
            let kept: Value = serde_json::from_str(&record.document)?;
            let mut settings = ProfileSettings::deserialize(&kept)?;
            let writer: Option<Writer> =
                kept.get("writer").map(Option::deserialize).transpose()?.flatten();
            settings.name.clone_from(&record.name);
            settings.external_ids.headgate = writer.as_ref().map(|one| one.external_id.clone());
            Ok(Self { writer, settings, kept })
        };
        read().map_err(|error: serde_json::Error| {
            Error::new("store_failed", say!("Profile `{}` cannot be read: {}.", record.name, error))
                .hint("Use the version of Headgate that wrote it.")
        })
    }

    /// Takes what a user decided; Headgate's external id is made where nobody has named one.
    fn decide(&mut self, settings: ProfileSettings) {
        let writer = self.writer_mut();
        if let Some(named) = &settings.external_ids.headgate {
            writer.external_id.clone_from(named);
        }
        self.settings = settings;
    }

    /// What this installation is to policies, made where it is nothing yet.
    pub(crate) fn writer_mut(&mut self) -> &mut Writer {
        self.writer.get_or_insert_with(|| Writer {
            principal: None,
            external_id: Uuid::new_v4().to_string(),
        })
    }

    fn text(&self) -> String {
        let mut known = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(known) = known.as_object_mut() {
            known.remove("name");
            if let Some(ids) = known.get_mut("external_ids").and_then(Value::as_object_mut) {
                ids.remove("headgate");
            }
            known.extend(self.writer.as_ref().map(|writer| {
                ("writer".to_owned(), serde_json::to_value(writer).unwrap_or_default())
            }));
        }
        let mut whole = self.kept.clone();
        lay_over(&mut whole, known);
        whole.to_string()
    }
}

/// Lays what is known over what is kept; keys that are not known stay.
fn lay_over(kept: &mut Value, known: Value) {
    match (kept, known) {
        (Value::Object(kept), Value::Object(known)) => {
            for (key, value) in known {
                lay_over(kept.entry(key).or_insert(Value::Null), value);
            }
        }
        (kept, known) => *kept = known,
    }
}

impl Profile {
    fn of(record: &ProfileRecord) -> Result<Self> {
        Ok(Self {
            id: record.id.clone(),
            in_use: record.in_use,
            settings: ProfileDocument::of(record)?.settings,
            databricks: DatabricksSource::default(),
            credentials: Credentials { admin: "none", principal: "none" },
        })
    }
}

fn report(record: &ProfileRecord) -> Result<ProfileReport> {
    Ok(ProfileReport { v: 1, profile: Profile::of(record)? })
}

fn gone() -> Error {
    Error::new("profile_not_found", "The profile was removed, or cannot be read.")
        .hint("Choose another profile and try again.")
}

fn not_found(name: &str) -> Error {
    Error::new("profile_not_found", say!("There is no profile `{}`.", name))
        .hint("See `headgate profile list`.")
        .field("name")
}

/// The profile that every database begins with, before there is a database.
fn first() -> ProfileRecord {
    ProfileRecord {
        id: DEFAULT_PROFILE.to_owned(),
        name: DEFAULT_PROFILE.to_owned(),
        in_use: true,
        made: String::new(),
        document: "{}".to_owned(),
    }
}

impl App {
    /// What use-cases are carried out with for somebody, in the profile that is in use.
    #[must_use]
    pub fn cx(&self, actor: Actor, call: Call) -> Cx {
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if in_use.is_none() {
            *in_use = self
                .profile_in_use()
                .inspect_err(
                    |error| tracing::error!(%error, "which profile is in use is not known"),
                )
                .ok();
        }
        // Nothing belongs to a profile without an id, and nothing is kept in it.
        Cx::new(in_use.clone().unwrap_or_default(), actor, call)
    }

    /// As [`Self::cx`], in a profile that is named.
    ///
    /// # Errors
    /// `profile_not_found`.
    pub fn cx_in(&self, profile: &str, actor: Actor, call: Call) -> Result<Cx> {
        Ok(Cx::new(self.profile_named(profile)?.id, actor, call))
    }

    fn profile_in_use(&self) -> Result<String> {
        let found = match self.store_if_any()? {
            Some(store) => store.profile_in_use()?,
            None => None,
        };
        Ok(found.map_or_else(|| DEFAULT_PROFILE.to_owned(), |found| found.id))
    }

    /// Has the profile in use looked up again: it may be another one.
    pub(crate) fn forget_profile_in_use(&self) {
        *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn profile_named(&self, name: &str) -> Result<ProfileRecord> {
        let found = match self.store_if_any()? {
            Some(store) => store.profile_named(name.trim())?,
            None => Some(first()).filter(|first| first.name.eq_ignore_ascii_case(name.trim())),
        };
        found.ok_or_else(|| not_found(name))
    }

    fn profile_record(&self, id: &str) -> Result<ProfileRecord> {
        let found = match self.store_if_any()? {
            Some(store) => store.profile(id)?,
            None => Some(first()).filter(|first| first.id == id),
        };
        found.ok_or_else(gone)
    }

    pub(crate) fn profile_document(&self, profile: &str) -> Result<ProfileDocument> {
        ProfileDocument::of(&self.profile_record(profile)?)
    }

    /// Saves a profile with a change.
    pub(crate) fn change_profile(
        &self,
        profile: &str,
        change: impl FnOnce(&mut ProfileDocument),
    ) -> Result<()> {
        let is_there = self.store()?.change_profile(profile, |was| {
            let mut document = ProfileDocument::of(was)?;
            change(&mut document);
            Ok((document.settings.name.clone(), document.text()))
        })?;
        if is_there { Ok(()) } else { Err(gone()) }
    }

    /// How AWS is reached: as requested, and for all else as the profile says.
    pub(crate) fn access(&self, cx: &Cx, asked: &AwsAccess) -> Result<Access> {
        let own = self.profile_document(&cx.profile)?.settings.aws;
        let asked = Access::from(asked);
        Ok(Access {
            profile: asked.profile.or(own.profile),
            region: asked.region.or(own.region),
            endpoint: asked.endpoint.or(own.endpoint_url),
            mfa_code: asked.mfa_code,
        })
    }

    /// Refuses a caller from another account than the profile's.
    pub(crate) fn refuse_other_account(&self, cx: &Cx, caller: &Identity) -> Result<()> {
        self.profile_document(&cx.profile)?.settings.refuse_other_account(&caller.account)
    }

    /// Refuses what changes something outside this machine where the profile is read-only.
    pub(crate) fn refuse_read_only(&self, cx: &Cx) -> Result<()> {
        let ProfileSettings { name, read_only, .. } = self.profile_document(&cx.profile)?.settings;
        if !read_only {
            return Ok(());
        }
        Err(Error::new("read_only", say!("Profile `{}` is read-only, so nothing was sent.", name))
            .hint("Switch `Read-only` off in Settings, or change the profile with `headgate profile change`."))
    }

    pub(crate) fn profiles_list(&self, _: &Cx, _: &Empty) -> Result<Profiles> {
        let mut found = match self.store_if_any()? {
            Some(store) => store.profiles()?,
            None => Vec::new(),
        };
        if found.is_empty() {
            found.push(first());
        }
        Ok(Profiles { v: 1, profiles: found.iter().map(Profile::of).collect::<Result<_>>()? })
    }

    pub(crate) fn profiles_show(&self, cx: &Cx, request: &ProfileShow) -> Result<ProfileReport> {
        report(&match &request.name {
            Some(name) => self.profile_named(name)?,
            None => self.profile_record(&cx.profile)?,
        })
    }

    pub(crate) fn profiles_add(&self, cx: &Cx, request: &ProfileSettings) -> Result<ProfileReport> {
        let settings = request.clone().checked()?;
        self.allow_endpoint(cx, &ProfileSettings::default(), &settings)?;
        let (id, name) = (short_id(), settings.name.clone());
        let mut document =
            ProfileDocument { kept: Value::Object(Map::new()), ..ProfileDocument::default() };
        document.decide(settings);
        self.store()?.add_profile(&id, &name, &cx.now(), &document.text())?;
        report(&self.profile_record(&id)?)
    }

    pub(crate) fn profiles_change(
        &self,
        cx: &Cx,
        request: &ProfileChange,
    ) -> Result<ProfileReport> {
        let ProfileRecord { id, .. } = self.profile_named(&request.name)?;
        let settings = request.settings.clone().checked()?;
        let was = self.profile_document(&id)?.settings;
        self.allow_endpoint(cx, &was, &settings)?;
        self.allow_changes(cx, &was, &settings)?;
        let goes_another_way = settings.aws != was.aws;
        self.change_profile(&id, |document| document.decide(settings))?;
        if goes_another_way {
            self.sessions.forget(&id);
        }
        report(&self.profile_record(&id)?)
    }

    pub(crate) fn profiles_use(&self, _: &Cx, request: &ProfileName) -> Result<ProfileReport> {
        let ProfileRecord { id, .. } = self.profile_named(&request.name)?;
        if !self.store()?.use_profile(&id)? {
            return Err(not_found(&request.name));
        }
        report(&self.profile_record(&id)?)
    }

    pub(crate) fn profiles_remove(&self, _: &Cx, request: &ProfileName) -> Result<ProfileRemoved> {
        let ProfileRecord { id, name, in_use, .. } = self.profile_named(&request.name)?;
        if in_use {
            return Err(Error::new("profile_in_use", say!("Profile `{}` is in use.", name))
                .hint("Use another profile first.")
                .field("name"));
        }
        if let Err(error) = self.end_interrupted_jobs() {
            tracing::warn!(%error, "jobs that were interrupted are not ended on record");
        }
        let others = self.store()?.open_jobs()?;
        if self.has_jobs_of(&id) || others.iter().any(|job| job.profile == id) {
            return Err(Error::new("profile_in_use", say!("A job of profile `{}` is open.", name))
                .hint("Wait for it to end, or cancel it on Syncs, and remove the profile then.")
                .field("name"));
        }
        if !self.store()?.remove_profile(&id)? {
            return Err(not_found(&request.name));
        }
        self.sessions.forget(&id);
        Ok(ProfileRemoved { v: 1, removed: name })
    }

    /// A page cannot let itself change what a user has made read-only, so the desktop asks.
    fn allow_changes(&self, cx: &Cx, was: &ProfileSettings, is: &ProfileSettings) -> Result<()> {
        if cx.actor != Actor::Window || !was.read_only || is.read_only {
            return Ok(());
        }
        let asked = Confirm {
            title: "Allow changes in this profile?".into(),
            text: say!(
                "Profile `{}` is read-only. Allow Headgate to change what it reaches.",
                is.name
            ),
            yes: Shown::from("Allow changes"),
        };
        if self.ask(&asked)? {
            return Ok(());
        }
        let message = say!("Profile `{}` stays read-only.", is.name);
        Err(Error::new("not_confirmed", message)
            .hint("Save the profile again to be asked again.")
            .field("read_only"))
    }

    /// A page that names another endpoint could have tokens sent there, so the desktop asks.
    fn allow_endpoint(&self, cx: &Cx, was: &ProfileSettings, is: &ProfileSettings) -> Result<()> {
        let named = is.aws.endpoint_url.as_deref().filter(|_| cx.actor == Actor::Window);
        let Some(url) = named.filter(|url| was.aws.endpoint_url.as_deref() != Some(*url)) else {
            return Ok(());
        };
        let asked = Confirm {
            title: "Use this endpoint for AWS?".into(),
            text: say!(
                "In profile `{}`, Headgate would send its calls for AWS to `{}`. Allow this only if you entered the address yourself.",
                is.name,
                url
            ),
            yes: Shown::from("Use it"),
        };
        if self.ask(&asked)? {
            return Ok(());
        }
        Err(Error::new("not_confirmed", say!("The endpoint `{}` was not confirmed.", url))
            .hint("Save the profile again to be asked again.")
            .field("aws.endpoint_url"))
    }
}
