//! [`Summary`]: what each table of a schema should have, added up from the records of its batches, and the
//! comparison with what the table has (E27).

use std::collections::BTreeMap;

use headgate_lake::{Lake, Standing, Trace, caught};
use headgate_store::Ledger;
use headgate_terms::{Column, Error, Result, Shown, TableName, say};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::choice::choose;
use crate::plan::{BatchPlan, Record, Work};

/// What each table of a schema should have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) tables: BTreeMap<String, Expected>,
    /// What distinguishes the last batch that was taken in from another with its number.
    #[serde(default)]
    pub(crate) last: Option<String>,
    /// Whether records of earlier batches were missing from the lake when they were taken in.
    #[serde(default)]
    pub(crate) records_lost: bool,
}

/// What one table should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expected {
    /// The application of its last commit that is known, and its batch.
    pub(crate) app: String,
    pub(crate) batch: i64,
    /// Delta's id of the table.
    pub(crate) id: String,
    /// The version that this commit made, where that is known.
    pub(crate) version: Option<u64>,
    /// Rows that landed, or were merged, in all.
    pub(crate) rows: u64,
    /// Batches that added them.
    pub(crate) batches: u64,
    /// Whether it lacks rows that only a refill can bring, until one has come to its end; `None` when nothing was
    /// said of it.
    #[serde(default)]
    pub(crate) lacks: Option<bool>,
    /// Whether `rows` were counted in the table when a refill had come to its end, whatever landed before.
    #[serde(default)]
    pub(crate) is_counted: bool,
    /// Whether the table may be gone: a refill found nothing for it.
    #[serde(default)]
    pub(crate) may_be_gone: bool,
    /// Whose refill left it with fewer rows than were written to it.
    #[serde(default)]
    pub(crate) left_short_by: Option<ShortOf>,
    /// The types that were chosen for columns which it has since (E29): a refill chooses them again.
    #[serde(default)]
    pub(crate) chosen: Vec<Column>,
}

/// The refill that left a table with fewer rows than were written to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShortOf {
    pub(crate) run: String,
    /// The installation that has the run on record.
    pub(crate) installation: String,
}

impl Summary {
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Takes in what of a batch has landed. `id` is the table's.
    pub(crate) fn landed(&mut self, plan: &BatchPlan, at: usize, id: &str, version: Option<u64>) {
        let part = &plan.tables[at];
        if matches!(part.work, Work::Nothing) || !part.app_suffix.is_empty() {
            return;
        }
        let known = self.tables.get(&part.table);
        if known.is_some_and(|known| known.batch >= plan.number) {
            return;
        }
        let (rows, batches, lacks) =
            known.map_or((0, 0, None), |known| (known.rows, known.batches, known.lacks));
        let left_short_by = known.and_then(|known| known.left_short_by.clone());
        let is_whole = plan.whole.as_ref() == Some(&part.table);
        let is_counted = known.is_some_and(|known| known.is_counted);
        let mut chosen = known.map(|known| known.chosen.clone()).unwrap_or_default();
        for column in plan.chosen.of_table(&part.table) {
            // Of lines that were held nobody knows yet what columns they make.
            let is_made = match &part.work {
                Work::Append { columns, .. } | Work::Fold { columns, .. } => {
                    columns.iter().any(|made| made.name.to_lowercase() == column.name)
                }
                Work::Nothing | Work::Kept { .. } | Work::Held => true,
            };
            if is_made {
                choose(&mut chosen, &column);
            }
        }
        // A refill brings back what was counted when it landed first, and what was set aside of it.
        let is_refill = plan.fills.is_some();
        let brought = if is_refill { 0 } else { plan.rows_of(at) };
        let counted = plan.wants.or(plan.rows).filter(|_| is_whole);
        let is_short = plan.wants.is_some();
        self.tables.insert(
            part.table.clone(),
            Expected {
                app: plan.app.clone(),
                batch: plan.number,
                id: id.to_owned(),
                version,
                rows: counted.unwrap_or(rows + brought),
                batches: batches + 1,
                lacks: if is_whole { Some(is_short) } else { lacks },
                is_counted: is_counted || counted.is_some(),
                may_be_gone: false,
                left_short_by: if is_whole {
                    is_short.then(|| ShortOf {
                        run: plan.run.clone(),
                        installation: plan.installation.name.clone(),
                    })
                } else {
                    left_short_by
                },
                chosen,
            },
        );
    }

    /// Takes in what a batch says by being recorded: that a table is about to be filled again, that one that
    /// is gone may be, or that the rows it lacks are given up.
    pub(crate) fn recorded(&mut self, plan: &BatchPlan) {
        self.last = Some(tag_of(plan));
        if let Some(table) = &plan.fills {
            self.table(table, plan).lacks = Some(true);
        }
        if let Some(table) = plan.whole.as_ref().filter(|_| plan.tables.is_empty()) {
            let expected = self.table(table, plan);
            (expected.lacks, expected.left_short_by) = (Some(false), None);
            match plan.rows {
                Some(rows) => (expected.rows, expected.is_counted) = (rows, true),
                None => expected.may_be_gone = true,
            }
        }
    }

    /// Takes in what was given up of a batch because its files are gone, while other parts have landed.
    pub(crate) fn gone(&mut self, plan: &BatchPlan) {
        if !plan.is_gone || plan.is_nothing() {
            return;
        }
        for part in plan.tables.iter().filter(|part| part.released) {
            self.table(&part.table, plan).lacks = Some(true);
        }
    }

    fn table(&mut self, table: &str, plan: &BatchPlan) -> &mut Expected {
        self.tables.entry(table.to_owned()).or_insert_with(|| Expected {
            app: plan.app.clone(),
            batch: 0,
            id: String::new(),
            version: None,
            rows: 0,
            batches: 0,
            lacks: None,
            is_counted: false,
            may_be_gone: false,
            left_short_by: None,
            chosen: Vec::new(),
        })
    }

    /// Takes in what a record of later batches says.
    pub(crate) fn extend(&mut self, later: &Self) {
        for (table, more) in &later.tables {
            let known = self.tables.get(table);
            let (rows, batches, lacks) =
                known.map_or((0, 0, None), |known| (known.rows, known.batches, known.lacks));
            let mut sum = Expected {
                rows: if more.is_counted { more.rows } else { rows + more.rows },
                batches: batches + more.batches,
                lacks: more.lacks.or(lacks),
                left_short_by: match more.lacks {
                    Some(_) => more.left_short_by.clone(),
                    None => known.and_then(|known| known.left_short_by.clone()),
                },
                ..more.clone()
            };
            sum.chosen = known.map(|known| known.chosen.clone()).unwrap_or_default();
            for column in &more.chosen {
                choose(&mut sum.chosen, column);
            }
            if let Some(known) = known.filter(|known| known.batch > more.batch) {
                // It was said of, and nothing landed.
                sum.app.clone_from(&known.app);
                sum.id.clone_from(&known.id);
                (sum.batch, sum.version) = (known.batch, known.version);
            }
            self.tables.insert(table.clone(), sum);
        }
        self.last = later.last.clone().or(self.last.take());
    }

    /// Finds the tables that lack what they should have, and finds out versions that are not known.
    ///
    /// # Errors
    /// When a log cannot be read, other than for what is wrong with the table itself.
    pub(crate) fn check(
        &mut self,
        lake: &Lake,
        handle: &Handle,
        schema: &str,
    ) -> Vec<(TableName, Error)> {
        let mut behind = Vec::new();
        for (table, expected) in &mut self.tables {
            let name = TableName { schema: schema.to_owned(), table: table.clone() };
            match handle.block_on(caught(stands(lake, &name, expected))) {
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => behind.push((name, error)),
            }
        }
        behind
    }
}

/// What distinguishes a batch from another with its number.
pub(crate) fn tag_of(plan: &BatchPlan) -> String {
    format!("{}:{}:{}", plan.number, plan.run, plan.planned)
}

/// The tables of a schema that are behind, as far as the lake's records and the store tell without anything
/// being taken in. The last batch may be on its way, so nobody is held to it.
///
/// # Errors
/// When the records cannot be read.
pub(crate) fn behind_of(
    lake: &Lake,
    handle: &Handle,
    schema: &str,
    ledger: Option<&Ledger>,
) -> Result<Vec<(TableName, Error)>> {
    let records = handle.block_on(caught(lake.records(schema)))?;
    // What is part of a range by now is taken in again.
    let ledger = ledger.filter(|ledger| !records.has_folded(ledger.applied));
    let applied = ledger.map_or(0, |ledger| ledger.applied);
    let mut summary = ledger.map(|ledger| Summary::read(&ledger.summary)).unwrap_or_default();
    let later = |last: i64| last > applied;
    let read = |name: String| handle.block_on(caught(lake.record(schema, &name)));
    for (first, last) in records.folded.iter().filter(|(_, last)| later(*last)) {
        let text = read(format!("{first}-{last}.json"))?.unwrap_or_default();
        if let Ok(fold) = serde_json::from_slice::<Folded>(&text) {
            summary.extend(&fold.summary);
        }
    }
    let last = records.last();
    for batch in records.batches.iter().filter(|batch| later(**batch)) {
        let text = read(format!("{batch}.json"))?.unwrap_or_default();
        let Ok(record) = serde_json::from_slice::<Record>(&text) else { continue };
        if records.released.contains_key(batch) {
            continue;
        }
        let plan = &record.plan;
        summary.recorded(plan);
        for (at, part) in plan.tables.iter().enumerate() {
            let (name, app) = (plan.table(at), plan.app(part));
            let arrival = lake.arrival(&name, &app, *batch);
            if *batch < last || handle.block_on(caught(arrival))?.is_some() {
                summary.landed(plan, at, &part.id, None);
            }
        }
    }
    Ok(summary.check(lake, handle, schema))
}

/// What is read here of a record of a range.
#[derive(Deserialize)]
struct Folded {
    summary: Summary,
}

/// Why a table is behind, if it is.
async fn stands(lake: &Lake, name: &TableName, expected: &mut Expected) -> Result<Option<Error>> {
    if expected.lacks == Some(true) {
        return Ok(Some(match &expected.left_short_by {
            Some(by) => left_short(name, expected.rows, by),
            None => table_behind(
                name,
                &say!(
                    "`{}` lacks rows: files of a batch were gone, or a run that filled it again broke off",
                    name
                ),
            ),
        }));
    }
    if expected.batch == 0 {
        return Ok(None);
    }
    if expected.version.is_none() {
        let arrival = lake.arrival(name, &expected.app, expected.batch).await?;
        expected.version = arrival.map(|arrival| arrival.version);
    }
    let standing = match expected.version {
        Some(version) => {
            let trace = Trace {
                version,
                app: &expected.app,
                batch: expected.batch,
                id: Some(&expected.id),
            };
            match lake.standing(name, trace).await? {
                Standing::Gone if expected.may_be_gone => Standing::Whole,
                standing => standing,
            }
        }
        None => Standing::Unclear,
    };
    if standing != Standing::Unclear {
        return Ok(behind(name, standing, expected));
    }
    let table = match lake.table(name).await {
        Ok(Some(table)) => table,
        Ok(None) if expected.may_be_gone => return Ok(None),
        Ok(None) => return Ok(behind(name, Standing::Gone, expected)),
        Err(error) if error.code == "foreign_table" => {
            return Ok(behind(name, Standing::Another, expected));
        }
        // What its owner asks of writers is told when there is something to write.
        Err(error) if error.code == "unsupported_table" => return Ok(None),
        Err(error) => return Err(error),
    };
    let has = table.txn(&expected.app).unwrap_or(0);
    if table.id() == expected.id && has >= expected.batch {
        return Ok(None);
    }
    Ok(behind(name, Standing::Another, expected))
}

fn behind(name: &TableName, standing: Standing, expected: &Expected) -> Option<Error> {
    let all = match (expected.rows, expected.batches) {
        (1, _) => "1 row".into(),
        (rows, 1) => say!("{} rows of 1 batch", rows),
        (rows, batches) => say!("{} rows of {} batches", rows, batches),
    };
    let what: Shown = match standing {
        Standing::Whole | Standing::Unclear => return None,
        Standing::Gone => say!("`{}` is gone, and with it {}", name, all),
        Standing::Another => say!(
            "`{}` was made again or put back to an earlier state: it does not hold batch {}, the last of {}",
            name,
            expected.batch,
            all
        ),
        Standing::Restored { version, rows: 0 } => {
            say!(
                "`{}` was restored to an earlier version by commit {}, which took rows away",
                name,
                version
            )
        }
        Standing::Restored { version, rows } => say!(
            "`{}` was restored to an earlier version by commit {}, which took {} rows away",
            name,
            version,
            rows
        ),
    };
    Some(table_behind(name, &what))
}

/// A table that lacks rows which were written to it.
pub(crate) fn table_behind(name: &TableName, what: &Shown) -> Error {
    Error::new("table_behind", say!("{}.", what)).hint(say!(
        "Fill it from the files that were synced: `headgate sync run --from … --to … --again --refill {}`. Until then its new rows wait.",
        name
    ))
}

/// A table that has fewer rows than were written to it after all files of a refill were read.
pub(crate) fn left_short(name: &TableName, written: u64, by: &ShortOf) -> Error {
    let message = say!("`{}` has fewer rows than the {} that were written to it.", name, written);
    Error::new("table_behind", message).hint(say!(
        "Fill it again with `--again --refill {}` from the files that have the others, or give those up on {} with `headgate runs release {} --table {}`. Until then its new rows wait.",
        name,
        by.installation,
        by.run,
        name
    ))
}

#[cfg(test)]
mod tests {
    use headgate_terms::ColumnType;

    use super::*;
    use crate::plan::tests::{part, plan};

    /// Batch, id, version, rows and batches of a table.
    fn of(summary: &Summary, table: &str) -> (i64, String, Option<u64>, u64, u64) {
        let known = &summary.tables[table];
        (known.batch, known.id.clone(), known.version, known.rows, known.batches)
    }

    #[test]
    fn batches_of_a_table_add_up_in_their_order_and_once() {
        let mut summary = Summary::default();
        let mut land = |number, rows, version| {
            let plan = plan("run", number, vec![part("a", rows)]);
            summary.landed(&plan, 0, "id", version);
            of(&summary, "a")
        };
        let id = || "id".to_owned();
        assert_eq!(land(3, 5, Some(0)), (3, id(), Some(0), 5, 1));
        assert_eq!(land(3, 5, None), (3, id(), Some(0), 5, 1), "the same");
        assert_eq!(land(2, 9, Some(7)), (3, id(), Some(0), 5, 1), "an earlier one");
        assert_eq!(land(6, 1, None), (6, id(), None, 6, 2));

        let mut other = plan("run", 9, vec![part("a", 1), part("b", 1)]);
        other.tables[0].work = Work::Nothing;
        other.tables[1].app_suffix = "/more".to_owned();
        for at in 0..2 {
            summary.landed(&other, at, "id", Some(1));
        }
        assert_eq!((of(&summary, "a").0, summary.tables.len()), (6, 1));
        assert_eq!(Summary::read(&summary.text()), summary);
        assert_eq!(Summary::read(""), Summary::default());
    }

    #[test]
    fn types_that_columns_were_made_with_are_remembered_and_the_last_counts() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let of_batch = |number, chosen: &[Column], made: &[Column], is_held| {
            let mut part = part("a", 1);
            part.work = if is_held {
                Work::Held
            } else {
                let (columns, statistics, adds) = (made.to_vec(), Vec::new(), Vec::new());
                Work::Append { columns, statistics, adds }
            };
            let mut plan = plan("run", number, vec![part]);
            for column in chosen {
                plan.chosen.choose("a", column);
            }
            let mut summary = Summary::default();
            summary.landed(&plan, 0, "id", None);
            summary
        };
        let (n, late) = (column("n", ColumnType::BigInt), column("late", ColumnType::Boolean));
        let mut summary = of_batch(1, &[n.clone(), late.clone()], &[column("N", n.kind)], false);
        assert_eq!(summary.tables["a"].chosen, [n], "the other column was not made");
        summary.extend(&of_batch(2, &[], &[], false));
        let n = column("n", ColumnType::Double);
        summary.extend(&of_batch(3, &[n.clone(), late.clone()], &[], true));
        assert_eq!(summary.tables["a"].chosen, [n, late]);
        assert_eq!(Summary::read(&summary.text()), summary);
    }

    #[test]
    fn a_later_record_goes_on_from_an_earlier_one() {
        let of_batch = |number, table: &str, rows| {
            let mut summary = Summary::default();
            let plan = plan("run", number, vec![part(table, rows)]);
            summary.landed(&plan, 0, &format!("id{number}"), Some(number as u64));
            summary
        };
        let mut summary = of_batch(1, "a", 5);
        summary.extend(&of_batch(2, "b", 7));
        summary.extend(&of_batch(4, "a", 1));
        assert_eq!(of(&summary, "a"), (4, "id4".to_owned(), Some(4), 6, 2));
        assert_eq!(of(&summary, "b"), (2, "id2".to_owned(), Some(2), 7, 1));
    }

    #[test]
    fn table_behind_names_the_missing_rows() {
        let name = TableName { schema: "s".to_owned(), table: "a".to_owned() };
        let mut summary = Summary::default();
        summary.landed(&plan("run", 4, vec![part("a", 12)]), 0, "id", None);
        let said = |standing| {
            let error = behind(&name, standing, &summary.tables["a"])?;
            assert_eq!((&*error.code, error.retryable), ("table_behind", false));
            assert!(error.hint.unwrap().as_str().contains("--again --refill s.a`"));
            Some(error.message.as_str().to_owned())
        };
        for (standing, words) in [
            (Standing::Whole, None),
            (Standing::Unclear, None),
            (Standing::Gone, Some("`s.a` is gone, and with it 12 rows of 1 batch.")),
            (
                Standing::Restored { version: 7, rows: 3 },
                Some(
                    "`s.a` was restored to an earlier version by commit 7, which took 3 rows away.",
                ),
            ),
        ] {
            assert_eq!(said(standing).as_deref(), words);
        }
        assert!(said(Standing::Another).unwrap().contains("it does not hold batch 4"));
    }
}
