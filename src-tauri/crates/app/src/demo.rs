//! The sample day: a small shop's events that ship with Headgate, made into a lake.

use std::fs;
use std::path::{Path, PathBuf};

use headgate_lake::Location;
use headgate_sync::{
    DataFolder, Preview, PreviewRequest, RunReport, RunRequest, Watch, preview, run,
};
use headgate_terms::{Error, Result};
use serde::Serialize;

use crate::App;

/// The day's events, as Segment lays them down: one file an hour that had any.
const DAY: &[(&str, &str)] = &[
    ("2026-11-21T08.ndjson", include_str!("../sample/2026-11-21T08.ndjson")),
    ("2026-11-21T13.ndjson", include_str!("../sample/2026-11-21T13.ndjson")),
    ("2026-11-21T19.ndjson", include_str!("../sample/2026-11-21T19.ndjson")),
];

/// The sample's source.
const SOURCE: &str = "shop";

/// What the demonstration did.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// The run.
    #[serde(flatten)]
    pub run: RunReport,
    /// The lake's folder.
    pub lake: PathBuf,
    /// What the preview said before it.
    pub preview: Preview,
}

impl App {
    /// Makes a lake of the sample day, in a new temporary folder if none is named. Its data folder
    /// is its own, below the lake.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn demo(&self, to: Option<&str>, watch: &dyn Watch) -> Result<DemoReport> {
        let lake = match to {
            Some(to) => Location::parse(to).map_err(|e| e.field("to"))?.folder().to_owned(),
            None => tempfile::Builder::new()
                .prefix("headgate-demo-")
                .tempdir()
                .map(tempfile::TempDir::keep)
                .map_err(|error| unwritable(&std::env::temp_dir(), &error))?,
        };
        let own = lake.join("_headgate").join("demo");
        let events = own.join("events");
        fs::create_dir_all(&events).map_err(|error| unwritable(&events, &error))?;
        for (name, text) in DAY {
            let path = events.join(name);
            // A file that is there stays: written again it would count as changed.
            if !path.exists() {
                fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
            }
        }
        let data = DataFolder::new(own.join("data"));
        let address = lake.display().to_string();
        let preview = preview(
            &PreviewRequest {
                from: events.clone(),
                lake: None,
                source: Some(SOURCE.to_owned()),
                data: data.clone(),
            },
            self.runtime().handle(),
        )?;
        let mut request = RunRequest::new(Some(events), address, data);
        request.source = Some(SOURCE.to_owned());
        let run = run(&request, self.runtime().handle(), watch)?;
        Ok(DemoReport { run, lake, preview })
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new("permission_denied", format!("`{}` cannot be written: {error}.", path.display()))
        .hint("Name a folder that this user may write: `headgate demo --to PATH`.")
        .field("to")
}
