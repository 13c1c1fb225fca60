//! The sample day, the events of a small shop that ship with Headgate: written to files, or synced into a new
//! lake.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use headgate_lake::Location;
use headgate_sync::{
    DataFolder, Observer, Preview, PreviewRequest, RunReport, RunRequest, preview, run,
};
use headgate_terms::{Error, Result, say};
use serde::Serialize;

use crate::App;
use crate::api::{Empty, Sample};
use crate::cx::Cx;

/// The day's events, as Segment writes them: one file for each hour that had any.
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
    pub(crate) fn demo(
        &self,
        _: &Cx,
        to: Option<&str>,
        watch: &dyn Observer,
    ) -> Result<DemoReport> {
        let lake = match to {
            Some(to) => Location::parse(to).map_err(|e| e.field("to"))?.folder().to_owned(),
            None => tempfile::Builder::new()
                .prefix("headgate-demo-")
                .tempdir()
                .map(tempfile::TempDir::keep)
                .map_err(|error| unwritable(&std::env::temp_dir(), &error))?,
        };
        let own = lake.join("_headgate").join("demo");
        let events = write_sample(&own)?;
        let data = DataFolder::new(own.join("data"));
        let address = lake.display().to_string();
        let mut looked = PreviewRequest::new(events.clone(), data.clone());
        looked.source = Some(SOURCE.to_owned());
        let preview = preview(&looked, self.runtime().handle(), watch)?;
        let mut request = RunRequest::new(Some(events), address, data);
        request.source = Some(SOURCE.to_owned());
        let run = run(&request, self.runtime().handle(), watch)?;
        Ok(DemoReport { run, lake, preview })
    }

    /// The folder of the sample day.
    pub(crate) fn sample(&self) -> PathBuf {
        self.data().path().join("sample")
    }

    /// The address of the lake that the sample day is meant for, which need not exist; none where no lake can be.
    pub(crate) fn sample_lake(&self) -> Option<String> {
        let lake = self.sample().join("lake").display().to_string();
        Location::parse(&lake).ok().map(|lake| lake.to_string())
    }

    /// Removes the sample day with its lake, and takes the lake off those that are known.
    ///
    /// # Errors
    /// `data_folder_busy` while a sync goes on, and when the folder cannot be removed.
    pub(crate) fn sample_remove(&self, cx: &Cx, _: &Empty) -> Result<Empty> {
        let _held = self.data().hold().map_err(|error| self.with_holder(error))?;
        let own = self.sample();
        match fs::remove_dir_all(&own) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::new(
                    "permission_denied",
                    say!("`{}` cannot be removed: {}.", own, error),
                )
                .hint("Give this user the right to remove it."));
            }
            _ => {}
        }
        if let Some(lake) = self.sample_lake() {
            self.store()?.forget_lake_of(&cx.profile, &lake)?;
        }
        Ok(Empty {})
    }

    /// Lays the sample day's events down in the data folder, where a sync can take them.
    pub(crate) fn sample_create(&self, _: &Cx, _: &Empty) -> Result<Sample> {
        self.data().make()?;
        let events = write_sample(&self.sample())?;
        Ok(Sample {
            from: events.display().to_string(),
            to: self.sample().join("lake").display().to_string(),
            source: SOURCE,
            events: DAY.iter().map(|(_, text)| text.lines().count()).sum(),
        })
    }
}

/// Writes the day's files into a folder below another, unless they are there.
fn write_sample(below: &Path) -> Result<PathBuf> {
    let events = below.join("events");
    fs::create_dir_all(&events).map_err(|error| unwritable(&events, &error))?;
    for (name, text) in DAY {
        let path = events.join(name);
        // A file that is there stays: written again it would count as changed.
        if !path.exists() {
            // Under its name it is whole.
            tempfile::NamedTempFile::new_in(&events)
                .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
                .and_then(|file| file.persist(&path).map_err(|error| error.error))
                .map_err(|error| unwritable(&path, &error))?;
        }
    }
    Ok(events)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new("permission_denied", say!("`{}` cannot be written: {}.", path, error))
        .hint("Name a folder that this user may write: `headgate demo --to PATH`.")
        .field("to")
}
