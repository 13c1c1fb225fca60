//! [`BatchPlan`]: a batch as it is recorded before its first commit, with everything that is left to do and
//! everything that it counts.
//!
//! The record in the lake is never changed; the store keeps a copy with the state of each part. Later versions
//! read both, so fields may be added but not changed.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use headgate_events::Discard;
use headgate_store::{FileMark, OpenBatch, Seen};
use headgate_terms::{Column, Error, Result, TableName, say};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catch_up::Released;
use crate::choice::Chosen;
use crate::dead_letters::StagedRejectedLines;
use crate::folder::DataFolder;
use crate::installation::Installation;
use crate::report::{Damaged, NoticeCount};

/// A batch whose commits may have begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BatchPlan {
    pub(crate) number: i64,
    /// The application id of its commits.
    pub(crate) app: String,
    /// The run that read it.
    pub(crate) run: String,
    /// The installation whose run that was.
    pub(crate) installation: Installation,
    pub(crate) source: String,
    pub(crate) schema: String,
    /// When it was planned, in microseconds.
    pub(crate) planned: i64,
    pub(crate) tables: Vec<TablePlan>,
    pub(crate) routes: Vec<RoutePlan>,
    /// What is counted once, by the first run that gets to the end of it.
    pub(crate) once: Option<BatchTotals>,
    /// Rejected lines that wait in the data folder, of this installation's own batches.
    #[serde(default)]
    pub(crate) letters: Option<StagedRejectedLines>,
    /// The lines of events whose tables refused, as a file that the lake keeps.
    pub(crate) held_lines: Option<String>,
    /// The lines that it took, by file.
    pub(crate) extents: Vec<Extent>,
    /// The types that were chosen for columns of its tables which those did not have (E29): its lines are read
    /// again with the same.
    #[serde(default)]
    pub(crate) chosen: Chosen,
    /// How many ids it accepted.
    #[serde(default)]
    pub(crate) accepted: u64,
    /// The table that is to be filled again from this batch on, if any.
    #[serde(default)]
    pub(crate) fills: Option<String>,
    /// The table that a refill has come to its end of with this batch.
    #[serde(default)]
    pub(crate) whole: Option<String>,
    /// The rows that this table had then.
    #[serde(default)]
    pub(crate) rows: Option<u64>,
    /// The rows that were written to this table, where it has fewer: it lacks the others until they are
    /// filled or given up.
    #[serde(default)]
    pub(crate) wants: Option<u64>,
    /// Whether parts of it were given up because what they were made of is gone.
    #[serde(default)]
    pub(crate) is_gone: bool,
}

/// Lines of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// The file's full path, or a name for a run's standard input.
    pub(crate) path: String,
    /// Its path below the source, which makes ids (E4).
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) modified: i64,
    /// Where they begin: lines and inflated bytes before them.
    pub(crate) from: (u64, u64),
    /// And where they end.
    pub(crate) to: (u64, u64),
    pub(crate) done: bool,
    pub(crate) oldest: Option<i64>,
    pub(crate) content: Option<String>,
}

impl Extent {
    /// How far the file is taken with it.
    pub(crate) fn mark(&self) -> FileMark {
        FileMark {
            path: self.path.clone(),
            name: Some(self.name.clone()),
            size: self.size,
            modified: self.modified,
            lines: self.to.0,
            bytes: self.to.1,
            done: self.done,
            oldest: self.oldest,
            content: self.content.clone(),
        }
    }
}

impl Extent {
    /// How far the file is taken when these lines are not.
    pub(crate) fn unread(&self) -> FileMark {
        FileMark {
            size: 0,
            modified: 0,
            lines: self.from.0,
            bytes: self.from.1,
            done: false,
            content: None,
            ..self.mark()
        }
    }
}

/// What the lake keeps of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) v: u32,
    /// The newest receivedAt of the source with this batch.
    pub(crate) newest: Option<i64>,
    pub(crate) ids: IdRange,
    #[serde(flatten)]
    pub(crate) plan: BatchPlan,
}

/// The ids that a batch accepted, by when their events were received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdRange {
    pub(crate) count: u64,
    pub(crate) oldest: Option<i64>,
    pub(crate) newest: Option<i64>,
}

impl IdRange {
    pub(crate) fn of(ids: &[Seen]) -> Self {
        let times = || ids.iter().filter_map(|seen| seen.received);
        Self { count: ids.len() as u64, oldest: times().min(), newest: times().max() }
    }
}

impl BatchPlan {
    /// A batch with nothing to do, planned now.
    pub(crate) fn bare(
        app: String,
        run: &str,
        installation: &Installation,
        source: &str,
        schema: &str,
    ) -> Self {
        Self {
            number: 0,
            app,
            run: run.to_owned(),
            installation: installation.clone(),
            source: source.to_owned(),
            schema: schema.to_owned(),
            planned: Timestamp::now().as_microsecond(),
            tables: Vec::new(),
            routes: Vec::new(),
            once: None,
            letters: None,
            held_lines: None,
            extents: Vec::new(),
            chosen: Chosen::default(),
            accepted: 0,
            fills: None,
            whole: None,
            rows: None,
            wants: None,
            is_gone: false,
        }
    }

    /// Reads a batch that the store keeps. Its rejected lines are in the data folder, wherever that is by now.
    pub(crate) fn read(open: &OpenBatch, data: &DataFolder) -> Result<Self> {
        let mut plan: Self = serde_json::from_str(&open.plan).map_err(|error| {
            Error::new("store_failed", say!("Batch {} cannot be read: {}.", open.number, error))
                .hint("Use the version of Headgate that began it.")
        })?;
        if let Some(letters) = &mut plan.letters {
            letters.move_to(&data.dead_letters());
        }
        Ok(plan)
    }

    /// The table of one of its parts.
    pub(crate) fn table(&self, at: usize) -> TableName {
        TableName { schema: self.schema.clone(), table: self.tables[at].table.clone() }
    }

    /// The rows that one of its parts adds. Of lines that are held none is made yet, and each of their events
    /// is to be a row.
    pub(crate) fn rows_of(&self, at: usize) -> u64 {
        let part = &self.tables[at];
        if !matches!(part.work, Work::Held) {
            return part.counts.rows;
        }
        let of_table = self.routes.iter().filter(|route| route.tables.contains(&part.table));
        of_table.map(|route| route.accepted).sum()
    }

    /// The application of one part's commits.
    pub(crate) fn app(&self, part: &TablePlan) -> String {
        format!("{}{}", self.app, part.app_suffix)
    }
}

/// A batch's part in one table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TablePlan {
    pub(crate) table: String,
    /// The id that the table gets if this part makes it.
    pub(crate) id: String,
    /// The table's version when the batch was planned; `None` when there was no table.
    pub(crate) base: Option<u64>,
    pub(crate) work: Work,
    pub(crate) counts: TableCounts,
    pub(crate) landed: bool,
    /// Whether it was given up, so that nothing waits for it.
    #[serde(default)]
    pub(crate) released: bool,
    /// The table's version with this part in it, where there is a table.
    pub(crate) version: Option<u64>,
    /// Whether a run has counted it.
    pub(crate) counted: bool,
    pub(crate) error: Option<Error>,
    /// What distinguishes these commits from others of the batch into the same table.
    pub(crate) app_suffix: String,
}

impl TablePlan {
    /// Drops it, with nothing to count or report.
    pub(crate) fn give_up(&mut self) {
        (self.released, self.counted, self.error) = (true, true, None);
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_settled(&self) -> bool {
        self.landed || self.released
    }
}

/// What a table is to get.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Nothing: only duplicates were routed here.
    Nothing,
    /// Files that are written, to be added.
    Append { columns: Vec<Column>, statistics: Vec<String>, adds: Vec<Value> },
    /// Rows kept in the lake, to be folded over the table as it is then.
    Fold { columns: Vec<Column>, statistics: Vec<String>, rows: String },
    /// Rows kept in the lake, to be written once the table takes them.
    Kept { rows: String },
    /// The lines that are held, to be read once the table takes them.
    Held,
}

/// What a table's part comes to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct TableCounts {
    /// Rows made, or merged where `is_merged`.
    pub(crate) rows: u64,
    pub(crate) is_merged: bool,
    pub(crate) duplicate: u64,
    pub(crate) discards: BTreeMap<String, u64>,
    pub(crate) created: bool,
    pub(crate) columns_added: Vec<Column>,
}

/// Events that go to the same tables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoutePlan {
    pub(crate) tables: Vec<String>,
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) counted: bool,
}

/// What belongs to the batch as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BatchTotals {
    pub(crate) bytes: u64,
    /// Files read to their end.
    pub(crate) taken: u64,
    pub(crate) damaged: Vec<Damaged>,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) notices: Vec<NoticeCount>,
}

impl BatchPlan {
    /// The files that the lake keeps for it.
    pub(crate) fn kept_files(&self) -> Vec<String> {
        let of_part = |part: &TablePlan| match &part.work {
            Work::Fold { rows, .. } | Work::Kept { rows } => Some(rows.clone()),
            Work::Nothing | Work::Append { .. } | Work::Held => None,
        };
        self.tables.iter().filter_map(of_part).chain(self.held_lines.clone()).collect()
    }

    /// Whether nothing of it is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.tables.iter().all(TablePlan::is_settled)
    }

    /// Takes in what was given up of it.
    pub(crate) fn release(&mut self, released: &Released) {
        self.is_gone |= released.is_gone;
        let is_named = |part: &&mut TablePlan| released.tables.contains(&part.table);
        for part in self.tables.iter_mut().filter(is_named).filter(|part| !part.released) {
            part.give_up();
        }
    }

    /// Marks what has landed as counted, whoever committed it.
    pub(crate) fn count_elsewhere(&mut self) {
        for part in self.tables.iter_mut().filter(|part| part.landed) {
            part.counted = true;
            if !matches!(part.work, Work::Nothing) {
                self.once = None;
            }
            for route in self.routes.iter_mut().filter(|route| route.tables.contains(&part.table)) {
                route.counted |= !matches!(part.work, Work::Nothing);
            }
        }
    }

    /// Whether all of it was given up because the files that it was made of are gone.
    pub(crate) fn is_nothing(&self) -> bool {
        let mut made = self.tables.iter().filter(|part| !matches!(part.work, Work::Nothing));
        self.is_gone && made.all(|part| part.released)
    }

    /// Whether the events of this route were given up because what they were made of is gone.
    pub(crate) fn has_gone(&self, route: &RoutePlan) -> bool {
        let mut parts = self.tables.iter().filter(|part| route.tables.contains(&part.table));
        self.is_gone && route.accepted > 0 && parts.all(|part| part.released)
    }

    /// Whether an event of this route is in the lake: in any of its tables.
    pub(crate) fn has_landed(&self, route: &RoutePlan) -> bool {
        self.tables.iter().any(|table| {
            route.tables.contains(&table.table)
                && table.landed
                && !matches!(table.work, Work::Nothing)
        })
    }
}

/// The rows of `headgate_discards` (E22).
pub(crate) fn discard_rows(
    discards: &[Discard],
    planned: i64,
    run: &str,
) -> Result<RecordBatch, Error> {
    headgate_events::discard_rows(discards, planned, run).map_err(|error| {
        Error::new(
            "internal",
            say!("The values set aside do not fit together: {}.", error.to_string()),
        )
        .hint("Keep the input; this is a defect in Headgate.")
    })
}

/// Plans for the tests of those who count and carry them out.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A batch of a run, nothing of which has landed.
    pub(crate) fn plan(run: &str, number: i64, tables: Vec<TablePlan>) -> BatchPlan {
        // As an older version wrote it, which knew fewer fields.
        let plan = serde_json::json!({
            "number": number, "app": "headgate/lake", "run": run,
            "installation": {"id": "me", "name": "me"}, "source": "s", "schema": "s",
            "planned": 0, "tables": [], "routes": [], "held_lines": null, "extents": [],
            "once": {"bytes": 0, "taken": 0, "damaged": [], "rejected": {}, "notices": []},
        });
        BatchPlan { tables, ..serde_json::from_value(plan).unwrap() }
    }

    /// A part with so many rows.
    pub(crate) fn part(table: &str, rows: u64) -> TablePlan {
        let (columns, statistics, adds) = (Vec::new(), Vec::new(), Vec::new());
        TablePlan {
            table: table.to_owned(),
            id: format!("id of {table}"),
            base: None,
            work: Work::Append { columns, statistics, adds },
            counts: TableCounts { rows, is_merged: table == "users", ..TableCounts::default() },
            landed: false,
            released: false,
            version: None,
            counted: false,
            error: None,
            app_suffix: String::new(),
        }
    }

    /// Events that go to some tables: accepted and duplicate.
    pub(crate) fn route(tables: &[&str], accepted: u64, duplicate: u64) -> RoutePlan {
        let tables = tables.iter().map(|&table| table.to_owned()).collect();
        RoutePlan { tables, accepted, duplicate, counted: false }
    }

    #[test]
    fn ids_are_told_by_their_number_and_times() {
        let seen = |received| Seen { id: 1, received };
        for (ids, range) in [
            (&[][..], (0, None, None)),
            (&[None], (1, None, None)),
            (&[Some(5), None, Some(-2), Some(3)], (4, Some(-2), Some(5))),
        ] {
            let ids: Vec<_> = ids.iter().copied().map(seen).collect();
            let (count, oldest, newest) = range;
            assert_eq!(IdRange::of(&ids), IdRange { count, oldest, newest });
        }
    }
}
