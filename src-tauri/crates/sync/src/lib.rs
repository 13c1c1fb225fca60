//! Files and standard input into a lake, batch by batch, each exactly once.
//!
//! Every batch is read and decided, its files are written, and the whole is recorded in the lake; only then
//! do commits begin. What is recorded is carried out, by this run, the next, or another installation. The
//! store is a cache of what the lake knows. How events become rows is known to `events`, how rows land to
//! `lake`.

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
pub use dead_letters::{RejectedLine, RejectedLines, SavedLines, read_letters, save_letters};
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
pub use run::{Progress, RunRequest, TableCount, Watch, run};
