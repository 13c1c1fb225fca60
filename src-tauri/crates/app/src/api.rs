//! Requests, responses and progress of every command in `commands.rs`, one file for each area. With the table
//! they are the whole interface of a host; what the commands do is elsewhere.
//!
//! Field names are those of the JSON and of the page's types. Times are text in RFC 3339, sizes are bytes, ids
//! are text without a promised form, and a field that may be absent is null. Types of other crates are
//! re-exported: reports of runs are made in `sync`, details of tables in `lake`, patches in `policy`.
//!
//! Errors have one shape, [`headgate_terms::Error`], and each file lists the codes of its area. Every command may
//! also fail with `wrong_request` and `unknown_command`; those that change something with `closing`; those of
//! kind `world` with `read_only`; and all that need the database with `database_busy`, `database_damaged`,
//! `store_failed`, `store_newer`, `data_folder_shared`, `permission_denied` or `disk_full`. `internal` is a bug.

mod calls;
mod drafts;
mod events;
mod host;
mod jobs;
mod lakes;
mod overview;
mod plans;
mod policies;
mod profiles;
mod roles;
mod runs;
mod settings;
mod start;
mod syncs;
mod tables;
mod trust;

pub use calls::*;
pub use drafts::*;
pub use events::*;
pub use host::*;
pub use jobs::*;
pub use lakes::*;
pub use overview::*;
pub use plans::*;
pub use policies::*;
pub use profiles::*;
pub use roles::*;
pub use runs::*;
pub use settings::*;
pub use start::*;
pub use syncs::*;
pub use tables::*;
pub use trust::*;
