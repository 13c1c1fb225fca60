//! The command-line arguments, with the help text of each.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::policy::arguments::PolicyCommand;
use crate::profile::ProfileCommand;

/// Segment events into a Delta lake, what became of them, and who may write there.
#[derive(Parser)]
#[command(
    name = "headgate",
    version,
    about,
    after_help = "Start with `headgate demo`: it makes a lake of a sample day and says how to query it.\n\
                  Exit codes: 0 done, 1 failed or refused, 2 wrong use, 3 done but something needs attention.\n\
                  HEADGATE_DATA names the data folder, HEADGATE_LOG (error, warn, info, debug) what is logged to stderr."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print one JSON document on one line instead of a page
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Work in this profile instead of the one in use
    #[arg(long, value_name = "PROFILE", global = true)]
    pub(crate) profile: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Bring events into a lake
    Sync {
        #[command(subcommand)]
        command: SyncCommand,
    },
    /// See what events would make of a lake
    Schema {
        #[command(subcommand)]
        command: SchemaCommand,
    },
    /// Look at runs
    Runs {
        #[command(subcommand)]
        command: RunsCommand,
    },
    /// Look into a lake
    Tables {
        #[command(subcommand)]
        command: TablesCommand,
    },
    /// Look at trust policies, plan changes to them, write them and put them back
    #[command(after_help = crate::policy::arguments::AFTER)]
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// See, add, change and remove profiles, and choose the one in use
    #[command(after_help = crate::profile::AFTER)]
    Profile {
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// See and change what is kept how long, and how much is done at once
    Settings {
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// Make a lake of a sample day that ships with Headgate
    Demo {
        /// The folder for the lake; a new temporary one if left out
        #[arg(long, value_name = "PATH")]
        to: Option<String>,
    },
    /// Print completions for a shell, to be sourced or installed
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub(crate) enum SyncCommand {
    /// Read events and land them as Delta tables, each exactly once
    #[command(
        after_help = "Examples:\n  headgate sync run --from events/ --to lake/ --source web_prod\n  \
                      zcat today.gz | headgate sync run --from - --to lake/\n\n\
                      Files that went into this lake and have not changed are not read again. Rejected lines\n\
                      are kept in the data folder, values that fit no column in `headgate_discards`.\n\n\
                      A new column gets the type that all its values fit, else STRING, which is final. `schema preview`\n\
                      shows columns that mix types; `--column` chooses one before the column is made. The choice is kept\n\
                      for this lake until then. One for `identifies` is one for `users` too, and the other way round."
    )]
    Run(SyncRun),
}

#[derive(Args)]
pub(crate) struct SyncRun {
    /// A folder, a file, or `-` for standard input; in a folder *.ndjson, *.jsonl, *.json and *.gz count
    #[arg(long, value_name = "PATH")]
    pub(crate) from: String,

    /// The lake's folder; it is made if it does not exist
    #[arg(long, value_name = "PATH")]
    pub(crate) to: String,

    /// The source's name, which names the schema; else the folder below segment-logs/, else `events`
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) source: Option<String>,

    /// Read files again that have not changed; what landed before is not doubled
    #[arg(long)]
    pub(crate) again: bool,

    /// Write this table only, and only what its rows lack; for a table that was dropped or put back
    #[arg(long, value_name = "SCHEMA.TABLE", requires = "again")]
    pub(crate) refill: Option<String>,

    /// Choose the type of a column that the lake does not have yet: BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or
    /// STRING; values that do not fit are set aside. Can be repeated
    #[arg(long, value_name = "SCHEMA.TABLE.COLUMN=TYPE")]
    pub(crate) column: Vec<String>,

    /// Give a lake that is a copy of another one an id of its own
    #[arg(long)]
    pub(crate) new_lake_id: bool,

    /// Follow links that lead out of the folder
    #[arg(long)]
    pub(crate) follow_links: bool,

    /// The most inflated bytes in one batch
    #[arg(long, value_name = "BYTES", help_heading = "Settings")]
    pub(crate) batch_bytes: Option<u64>,

    /// How many days back duplicates are looked for
    #[arg(long, value_name = "DAYS", help_heading = "Settings",
          value_parser = clap::value_parser!(i64).range(0..=3650))]
    pub(crate) window_days: Option<i64>,

    /// The most columns a table may have
    #[arg(long, value_name = "COUNT", help_heading = "Settings")]
    pub(crate) max_columns: Option<usize>,
}

#[derive(Subcommand)]
pub(crate) enum SchemaCommand {
    /// Show the tables and typed columns that events would make; nothing is written
    #[command(
        after_help = "Examples:\n  headgate schema preview events/ --lake lake/ --source web_prod\n  \
                      headgate schema preview events/ --source web --column web.order_completed.quantity=BIGINT"
    )]
    Preview(SchemaPreview),
}

#[derive(Args)]
pub(crate) struct SchemaPreview {
    /// A folder or a file
    pub(crate) path: String,

    /// A lake to compare with
    #[arg(long, value_name = "PATH")]
    pub(crate) lake: Option<String>,

    /// The source's name, as for `sync run`
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// Choose the type of a column that the lake does not have yet, as for `sync run`; can be repeated
    #[arg(long, value_name = "SCHEMA.TABLE.COLUMN=TYPE")]
    pub(crate) column: Vec<String>,

    /// Follow links that lead out of the folder
    #[arg(long)]
    pub(crate) follow_links: bool,
}

#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    /// List every run, newest first
    List,
    /// Show one run
    Show {
        /// Its id, or the number it begins with
        run: String,
    },
    /// List the lines that a run rejected, or save them as they came
    #[command(after_help = "Examples:\n  headgate runs rejected 2\n  \
                      headgate runs rejected 2 --reason not_json --out mended.ndjson\n\n\
                      Correct the saved file and sync it from its place. The file in which Headgate keeps them can be\n\
                      synced too: each line of it is read as it came.")]
    Rejected {
        /// The run's id, or the number it begins with
        run: String,
        /// Of one reason only: `not_json`, `not_object`, `too_long`, `too_deep`, `unknown_type`, `released`
        #[arg(long)]
        reason: Option<String>,
        /// Save them in this file, one a line
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Give up what waits for a table that refuses: its lines go to the dead letters
    Release {
        /// The run's id, or the number it begins with
        run: String,
        /// One table only
        #[arg(long, value_name = "SCHEMA.TABLE")]
        table: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct OfLake {
    /// The lake's folder
    #[arg(long, value_name = "PATH")]
    pub(crate) lake: String,
}

#[derive(Subcommand)]
pub(crate) enum TablesCommand {
    /// List the tables of a lake
    List {
        #[command(flatten)]
        lake: OfLake,
    },
    /// Show a table's columns, properties and first rows
    Show {
        /// The table as `schema.table`
        table: String,
        #[command(flatten)]
        lake: OfLake,
    },
    /// Show a table's commits, newest first
    History {
        /// The table as `schema.table`
        table: String,
        #[command(flatten)]
        lake: OfLake,
    },
}

#[derive(Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show the settings, and what they are as installed
    Show,
    /// Change one
    Set {
        /// `theme`, `zoom_percent`, `letter_keys`, `keep_runs_days`, `keep_letters_days` or `batch_mb`
        name: String,
        /// Its value
        value: String,
    },
}
