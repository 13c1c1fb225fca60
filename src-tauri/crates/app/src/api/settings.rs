//! The settings of the installation.
//!
//! Errors: `setting_out_of_range`, which names the field.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the page looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// How the page looks.
    pub theme: Theme,
    /// How large the page is, in percent of its own size.
    pub zoom_percent: u32,
    /// Whether single letters and signs are keys of the page.
    pub letter_keys: bool,
    /// How many days records of runs are kept.
    pub keep_runs_days: u32,
    /// How many days rejected lines are kept.
    pub keep_letters_days: u32,
    /// The most megabytes (2^20 bytes) of events, inflated, in one batch.
    pub batch_mb: u32,
}

/// Settings to change; what is left out stays.
#[derive(Debug, Clone, Copy, Default, Deserialize, TS)]
#[serde(default)]
#[ts(optional_fields)]
pub struct SettingsChange {
    /// How the page looks.
    pub theme: Option<Theme>,
    /// How large the page is, in percent of its own size.
    pub zoom_percent: Option<u32>,
    /// Whether single letters and signs are keys of the page.
    pub letter_keys: Option<bool>,
    /// How many days records of runs are kept.
    pub keep_runs_days: Option<u32>,
    /// How many days rejected lines are kept.
    pub keep_letters_days: Option<u32>,
    /// The most megabytes in one batch.
    pub batch_mb: Option<u32>,
}

/// The settings, and what there is to know about them.
#[derive(Debug, Clone, Serialize, TS)]
pub struct SettingsReport {
    /// The shape's version.
    pub v: u32,
    /// As they are.
    pub settings: Settings,
    /// As installed.
    pub installed: Settings,
    /// The data folder.
    pub data_folder: String,
    /// The variable that names the data folder; null when it is the default folder.
    pub named_by: Option<String>,
    /// The size of the database, in bytes.
    pub database_bytes: u64,
    /// Files of rejected lines.
    pub letters_files: u64,
    /// Their size in bytes.
    pub letters_bytes: u64,
    /// What waits to be landed, in bytes.
    pub spool_bytes: u64,
    /// Whether the sample day is in the data folder.
    pub sample: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            zoom_percent: 100,
            letter_keys: true,
            keep_runs_days: 90,
            keep_letters_days: 90,
            batch_mb: 128,
        }
    }
}
