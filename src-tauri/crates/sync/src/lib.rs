//! Files and standard input into a lake, batch by batch, each exactly once.
//!
//! Every batch is read and decided, its files are written, and the whole is recorded in the store;
//! only then do commits begin. What is recorded is carried out, by this run or by the next, and
//! never read again. How events become rows is known to `events`, how rows land to `lake`.

mod batch;
mod dead_letters;
mod deliver;
mod expire;
mod folder;
mod lines;
mod long_line;
mod plan;
mod preview;
mod records;
mod report;
mod run;
mod source;
mod spool;
mod tally;
mod trust;
mod window;

pub use dead_letters::{Letter, Letters, read_letters};
pub use expire::{Keep, expire};
pub use folder::{DataFolder, Held};
pub use headgate_store::Since;
pub use preview::{
    Preview, PreviewColumn, PreviewDiscard, PreviewEvents, PreviewRequest, PreviewTable, preview,
};
pub use records::{Glance, glance, lakes, list_runs, show_run};
pub use report::{
    Counted, Damaged, DeadLetters, EventCounts, FileCounts, NoticeCount, PhaseTime, RunReport,
    Status, TableReport,
};
pub use run::{Progress, RunRequest, TableCount, Watch, run};
