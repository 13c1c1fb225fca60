//! The settings of the installation: their defaults, limits and storage, and the removal of what is kept longer
//! than they say.

use std::fs;
use std::path::Path;
use std::time::Duration;

use headgate_sync::{Retention, RunRequest};
use headgate_terms::{Error, Result, say};

use crate::App;
use crate::api::{Empty, Settings, SettingsChange, SettingsReport};
use crate::cx::Cx;

impl Settings {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// `setting_out_of_range`, naming the field.
    pub fn check(&self) -> Result<()> {
        let within = |field: &'static str, is: u32, from: u32, to: u32, unit: &str| {
            if (from..=to).contains(&is) {
                return Ok(());
            }
            Err(Error::new(
                "setting_out_of_range",
                say!("`{}` is outside {} to {} {}.", is, from, to, unit),
            )
            .hint(say!("Give a whole number of {} from {} to {}.", unit, from, to))
            .field(field))
        };
        within("zoom_percent", self.zoom_percent, 80, 200, "percent")?;
        within("keep_runs_days", self.keep_runs_days, 1, 3_650, "days")?;
        within("keep_letters_days", self.keep_letters_days, 1, 3_650, "days")?;
        within("batch_mb", self.batch_mb, 1, 1_024, "MB")
    }

    /// Puts them into a run.
    pub fn apply(&self, request: &mut RunRequest) {
        request.batch_bytes = self.batch_bytes();
        request.keep = Some(self.keep());
    }

    /// The most bytes of events, inflated, in one batch.
    #[must_use]
    pub fn batch_bytes(&self) -> u64 {
        u64::from(self.batch_mb) << 20
    }

    fn keep(&self) -> Retention {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
        Retention { runs: days(self.keep_runs_days), letters: days(self.keep_letters_days) }
    }
}

impl SettingsChange {
    /// One setting, as a user names it.
    ///
    /// # Errors
    /// `wrong_use` for a name or a value that there is not.
    pub fn named(name: &str, value: &str) -> Result<Self> {
        let mut change = Self::default();
        let wrong = |what: &str| {
            Error::new("wrong_use", say!("`{}` is not a {}.", value, what))
                .hint("See `headgate settings show`.")
                .field(say!("{}", name))
        };
        let number = || value.parse::<u32>().map_err(|_| wrong("whole number"));
        match name {
            "theme" => {
                let text = serde_json::Value::from(value);
                change.theme = serde_json::from_value(text)
                    .map_err(|_| wrong("theme: `system`, `light` or `dark`"))?;
            }
            "letter_keys" => {
                change.letter_keys =
                    Some(value.parse().map_err(|_| wrong("choice: `true` or `false`"))?);
            }
            "zoom_percent" => change.zoom_percent = Some(number()?),
            "keep_runs_days" => change.keep_runs_days = Some(number()?),
            "keep_letters_days" => change.keep_letters_days = Some(number()?),
            "batch_mb" => change.batch_mb = Some(number()?),
            _ => {
                return Err(Error::new("wrong_use", say!("There is no setting `{}`.", name))
                    .hint("See `headgate settings show`.")
                    .field("name"));
            }
        }
        Ok(change)
    }
}

/// The name under which the store keeps them.
const NAME: &str = "settings";

impl App {
    /// The settings as they are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Ok(self.chosen()?.unwrap_or_default())
    }

    /// The settings as they are; `None` when what was chosen is not understood.
    fn chosen(&self) -> Result<Option<Settings>> {
        let Some(store) = self.store_if_any()? else {
            return Ok(Some(Settings::default()));
        };
        let Some(text) = store.setting(NAME)? else { return Ok(Some(Settings::default())) };
        let settings: Option<Settings> = serde_json::from_str(&text).ok();
        Ok(settings.filter(|settings| settings.check().is_ok()))
    }

    /// The settings with what there is to know about them.
    ///
    /// # Errors
    /// As [`Self::settings`].
    pub(crate) fn settings_show(&self, _: &Cx, _: &Empty) -> Result<SettingsReport> {
        let data = self.data();
        let (_, database_bytes) = files(data.path());
        let (letters_files, letters_bytes) = files(&data.dead_letters());
        let (_, spool_bytes) = files(&data.spool());
        Ok(SettingsReport {
            v: 1,
            settings: self.settings()?,
            installed: Settings::default(),
            data_folder: data.path().display().to_string(),
            named_by: ["HEADGATE_DATA", "XDG_DATA_HOME"]
                .into_iter()
                .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
                .map(str::to_owned),
            database_bytes,
            letters_files,
            letters_bytes,
            spool_bytes,
            sample: self.sample().is_dir(),
        })
    }

    /// Changes settings; what is kept too long from now on is removed.
    ///
    /// # Errors
    /// `setting_out_of_range`, and when the store cannot be written.
    pub(crate) fn settings_change(
        &self,
        cx: &Cx,
        change: &SettingsChange,
    ) -> Result<SettingsReport> {
        let was = self.settings()?;
        let settings = Settings {
            theme: change.theme.unwrap_or(was.theme),
            zoom_percent: change.zoom_percent.unwrap_or(was.zoom_percent),
            letter_keys: change.letter_keys.unwrap_or(was.letter_keys),
            keep_runs_days: change.keep_runs_days.unwrap_or(was.keep_runs_days),
            keep_letters_days: change.keep_letters_days.unwrap_or(was.keep_letters_days),
            batch_mb: change.batch_mb.unwrap_or(was.batch_mb),
        };
        settings.check()?;
        let text = serde_json::to_string(&settings).unwrap_or_default();
        self.store()?.save_setting(NAME, Some(&text))?;
        if settings.zoom_percent != was.zoom_percent {
            self.host.zoom(settings.zoom_percent);
        }
        self.expire();
        self.settings_show(cx, &Empty {})
    }

    /// Removes what is kept no longer. While a run holds the folder it stays: the run will do so at
    /// its end. Nobody has to wait for it or to know when it fails.
    pub(crate) fn expire(&self) {
        let expired = self.chosen().and_then(|settings| {
            // What a later version chose may be to keep it.
            let Some(settings) = settings else { return Ok(()) };
            let held = self.data().hold()?;
            headgate_sync::expire(self.data(), &held, settings.keep())
        });
        if let Err(error) = expired {
            tracing::warn!(%error, "what is old stays");
        }
    }
}

/// How many files are directly in a folder, and their size in bytes.
fn files(folder: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if let Ok(file) = entry.metadata()
            && file.is_file()
        {
            sum = (sum.0 + 1, sum.1 + file.len());
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_value_names_its_field() {
        let settings = Settings::default();
        assert_eq!(settings.check(), Ok(()));
        for (wrong, field) in [
            (Settings { zoom_percent: 79, ..settings }, "zoom_percent"),
            (Settings { zoom_percent: 201, ..settings }, "zoom_percent"),
            (Settings { keep_runs_days: 0, ..settings }, "keep_runs_days"),
            (Settings { keep_letters_days: 4_000, ..settings }, "keep_letters_days"),
            (Settings { batch_mb: 2_000, ..settings }, "batch_mb"),
        ] {
            let error = wrong.check().unwrap_err();
            assert_eq!(error.code, "setting_out_of_range");
            assert_eq!(error.field.as_deref(), Some(field));
        }
    }
}
