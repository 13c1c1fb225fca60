//! Syncs: events from files or standard input into a lake, batch by batch, each event exactly once.
//!
//! [`run()`] reads a batch, decides what becomes of each event, writes the rows as files, and records the whole
//! batch in the lake; only then do the commits begin, one for each table. What is recorded is finished by this
//! run, by the next, or by another installation. [`preview()`] shows what a sync would do and writes nothing;
//! [`release()`] gives up what waits for a table that refuses it; [`expire()`] removes what is kept no longer.
//!
//! `events` turns lines into rows, `lake` writes them to tables, and `store` caches what the lake knows.
//!
//! ```
//! use headgate_sync::{DataFolder, PreviewRequest, Progress, Observer, preview};
//!
//! struct Quiet;
//! impl Observer for Quiet {
//!     fn progress(&self, _: &Progress) {}
//!     fn cancelled(&self) -> bool {
//!         false
//!     }
//! }
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("day.ndjson");
//! std::fs::write(&file, r#"{"type":"track","messageId":"m-1","event":"Order Completed","properties":{"total":9.5}}"#)?;
//!
//! let request = PreviewRequest::new(file, DataFolder::new(folder.path().join("data")));
//! let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! let shown = preview(&request, runtime.handle(), &Quiet)?;
//! assert_eq!(shown.events.received, 1);
//! assert!(shown.tables.iter().any(|table| table.table == "order_completed" && table.state == "new"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod catch_up;
mod choice;
mod dead_letters;
mod deliver;
mod ending;
mod expire;
mod folded;
mod folder;
mod installation;
mod land;
mod line_problem;
mod lines;
mod long_line;
mod plan;
mod preview;
mod read_ids;
mod records;
mod refill;
mod release;
mod remake;
mod report;
mod run;
mod shape;
mod source;
mod spool;
mod stage;
mod summary;
mod tables;
mod tally;
mod trust;
mod turn;
mod window;

pub use choice::ColumnChoice;
pub use dead_letters::{
    RejectedLine, RejectedLines, SavedLines, read_rejected_lines, save_rejected_lines,
};
pub use expire::{Retention, expire};
pub use folder::{DataFolder, Held};
pub use headgate_store::PeriodTotals;
pub use line_problem::LineProblem;
pub use preview::{
    Preview, PreviewColumn, PreviewDiscard, PreviewEvents, PreviewRequest, PreviewTable,
    PreviewType, preview,
};
pub use records::{RunsDigest, behind, digest, lakes, list_runs, runs_before, show_run};
pub use release::{Release, release};
pub use report::{
    Counted, Damaged, DeadLetters, EventCounts, FileCounts, NoticeCount, PhaseTime, RunReport,
    Status, TableReport,
};
pub use run::{Observer, Progress, RunRequest, TableCount, run};
