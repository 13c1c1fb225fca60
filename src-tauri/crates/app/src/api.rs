//! The interface: what each command of the table in `commands.rs` takes, answers and reports, one file an
//! area. Whoever reads the two knows all that a host can ask for; what the commands do is elsewhere.
//!
//! Names of fields are those of the JSON and of the page's types. Times are texts in RFC 3339, sizes are
//! bytes, and an id is a text whose form nobody relies on. A field that may be absent is null. What comes
//! from another crate is re-exported here: reports of runs are made in `sync`, details of tables in `lake`,
//! patches of policies in `policy`.
//!
//! Errors have one shape, [`headgate_terms::Error`], and a code only where somebody branches on it. Each file
//! names those of its area; every command may end in `wrong_request` and `unknown_command`, those that change
//! something in `closing`, those of kind `world` in `read_only`, and all that needs the database in
//! `database_busy`, `database_damaged`, `store_failed`, `store_newer`, `data_folder_shared`, `permission_denied`
//! or `disk_full`. `internal` is a defect.

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
