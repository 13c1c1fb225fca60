//! Folds the records of finished batches into one that says the same (E26), so that a lake with a hundred
//! thousand batches opens as fast as one with ten: 64 records become one, and 64 of those one again.

use std::collections::BTreeMap;

use headgate_lake::{Records, caught};
use headgate_store::{FileMark, Ledger};
use headgate_terms::Result;
use serde::{Deserialize, Serialize};

use crate::catch_up::{unreadable, version_of};
use crate::plan::{Extent, Record};
use crate::run::{ActiveRun, internal};
use crate::summary::Summary;
use crate::window::earlier;

/// A record that says the same as those of a range of batches, which are finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fold {
    v: u32,
    first: i64,
    last: i64,
    pub(crate) newest: Option<i64>,
    pub(crate) summary: Summary,
}

/// How far a file was taken, as a line beside a fold.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mark {
    path: String,
    #[serde(default)]
    name: Option<String>,
    size: u64,
    modified: i64,
    lines: u64,
    bytes: u64,
    done: bool,
    oldest: Option<i64>,
    content: Option<String>,
}

impl From<FileMark> for Mark {
    fn from(mark: FileMark) -> Self {
        let FileMark { path, name, size, modified, lines, bytes, done, oldest, content } = mark;
        Self { path, name, size, modified, lines, bytes, done, oldest, content }
    }
}

impl From<Mark> for FileMark {
    fn from(mark: Mark) -> Self {
        let Mark { path, name, size, modified, lines, bytes, done, oldest, content } = mark;
        Self { path, name, size, modified, lines, bytes, done, oldest, content }
    }
}

/// Records that are folded into one. Tests say `HEADGATE_FOLD`, so that a few batches fold.
fn folded() -> i64 {
    let said = std::env::var("HEADGATE_FOLD").ok().filter(|_| cfg!(debug_assertions));
    said.and_then(|size| size.parse().ok()).filter(|size| *size > 1).unwrap_or(64)
}

impl ActiveRun<'_> {
    pub(crate) fn fold_of(&self, schema: &str, first: i64, last: i64) -> Result<Option<Fold>> {
        let name = format!("{first}-{last}.json");
        let text = self.handle.block_on(caught(self.tables.lake.record(schema, &name)))?;
        let Some(text) = text else { return Ok(None) };
        version_of(schema, &name, &text)?;
        let fold = serde_json::from_slice(&text);
        fold.map(Some).map_err(|error| unreadable(schema, &name, &error))
    }

    /// How far files were taken by a range of batches; `None` when it was folded meanwhile.
    pub(crate) fn marks_of(
        &self,
        schema: &str,
        first: i64,
        last: i64,
    ) -> Result<Option<Vec<FileMark>>> {
        let name = format!("{first}-{last}.files");
        let text = self.handle.block_on(caught(self.tables.lake.record(schema, &name)))?;
        let Some(text) = text else { return Ok(None) };
        let marks = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
            serde_json::from_slice::<Mark>(line)
                .map(FileMark::from)
                .map_err(|error| unreadable(schema, &name, &error))
        });
        marks.collect::<Result<_>>().map(Some)
    }

    /// Folds records while a run makes many batches: for each of them it lists all records that there are.
    pub(crate) fn fold_on_the_way(&self, schema: &str, number: i64) {
        if number % folded() == 0
            && let Err(error) = self.fold_records(schema)
        {
            tracing::warn!(%error, "records are folded later");
        }
    }

    /// Folds records of finished batches, so that a lake with many opens as fast as one with few. What
    /// fails here is done by a later run.
    pub(crate) fn fold_records(&self, schema: &str) -> Result<()> {
        let lake = &self.tables.lake;
        let ledger = self.store.ledger(&self.lake_key, schema)?;
        let Some(ledger) = ledger else { return Ok(()) };
        let open = self.open.iter().filter(|open| open.ledger == ledger.id);
        let finished = open.map(|open| open.plan.number - 1).min().unwrap_or(ledger.applied);
        let records = self.handle.block_on(caught(lake.records(schema)))?;
        for due in due(&records, finished, folded()) {
            let mut fold = Fold {
                v: 1,
                first: due.first,
                last: due.last,
                newest: None,
                summary: Summary::default(),
            };
            let mut marks: BTreeMap<String, FileMark> = BTreeMap::new();
            for &(first, last) in &due.members {
                let found = if first == last {
                    self.as_fold(&ledger, schema, first, &records)?
                } else {
                    let inner = self.fold_of(schema, first, last)?;
                    inner.zip(self.marks_of(schema, first, last)?)
                };
                let Some((Fold { newest, summary, .. }, files)) = found else { return Ok(()) };
                fold.newest = fold.newest.max(newest);
                fold.summary.extend(&summary);
                for mark in files {
                    let oldest = marks.get(&mark.path).and_then(|known| known.oldest);
                    let oldest = earlier(oldest, mark.oldest);
                    marks.insert(mark.path.clone(), FileMark { oldest, ..mark });
                }
            }
            let mut files = Vec::new();
            for mark in marks.into_values() {
                let line = serde_json::to_vec(&Mark::from(mark));
                files.extend(line.map_err(|error| internal(&error))?);
                files.push(b'\n');
            }
            let name = format!("{}-{}", due.first, due.last);
            let text = serde_json::to_vec(&fold).map_err(|error| internal(&error))?;
            self.handle.block_on(caught(async {
                // Of two that fold the same range at once, one writes it.
                lake.put_record(schema, &format!("{name}.files"), files).await?;
                lake.put_record(schema, &format!("{name}.json"), text).await?;
                for &(first, last) in &due.members {
                    if first == last {
                        lake.remove_record(schema, &format!("{first}.json")).await;
                        for name in records.released.get(&first).into_iter().flatten() {
                            lake.remove_record(schema, name).await;
                        }
                    } else {
                        lake.remove_record(schema, &format!("{first}-{last}.json")).await;
                        lake.remove_record(schema, &format!("{first}-{last}.files")).await;
                    }
                }
                Ok(())
            }))?;
        }
        Ok(())
    }
}

impl ActiveRun<'_> {
    /// The record of one batch as that of a range, with how far it took files.
    fn as_fold(
        &self,
        ledger: &Ledger,
        schema: &str,
        batch: i64,
        records: &Records,
    ) -> Result<Option<(Fold, Vec<FileMark>)>> {
        let Some(Record { newest, mut plan, .. }) = self.record_of(schema, batch)? else {
            return Ok(None);
        };
        self.take_released(&mut plan, records)?;
        let mut summary = Summary::default();
        summary.recorded(&plan);
        for at in (0..plan.tables.len()).filter(|&at| !plan.tables[at].released) {
            let known = ledger_id(ledger, &plan.tables[at].table);
            let id = known.unwrap_or_else(|| plan.tables[at].id.clone());
            summary.landed(&plan, at, &id, None);
        }
        summary.gone(&plan);
        let taken = plan.extents.iter().filter(|_| !plan.is_nothing());
        let files = taken.map(Extent::mark).collect();
        Ok(Some((Fold { v: 1, first: batch, last: batch, newest, summary }, files)))
    }
}

fn ledger_id(ledger: &Ledger, table: &str) -> Option<String> {
    Summary::read(&ledger.summary).tables.get(table).map(|known| known.id.clone())
}

/// A range of batches whose records can become one.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    first: i64,
    last: i64,
    /// The records inside, by first and last batch.
    members: Vec<(i64, i64)>,
}

/// The ranges of `folded` records that end before `finished`, the last batch of which nothing is open. A
/// range is due when nothing inside is left that is due itself.
fn due(records: &Records, finished: i64, folded: i64) -> Vec<Due> {
    let mut found: Vec<Due> = Vec::new();
    let mut smaller: Vec<(i64, i64)> = Vec::new();
    let mut members: Vec<(i64, i64)> =
        records.batches.iter().map(|&batch| (batch, batch)).collect();
    let mut size = folded;
    while size <= finished {
        for &(first, last) in &members {
            let begins = (first - 1) / size * size + 1;
            let ends = begins + size - 1;
            let is_inside = |(first, _): &(i64, i64)| (begins..=ends).contains(first);
            if ends >= finished || smaller.iter().any(is_inside) {
                continue;
            }
            match found.iter_mut().find(|due| due.first == begins && due.last == ends) {
                Some(due) => due.members.push((first, last)),
                None => found.push(Due { first: begins, last: ends, members: vec![(first, last)] }),
            }
        }
        smaller.append(&mut members);
        let inner = size;
        size *= folded;
        members = records.folded.iter().copied().filter(|(f, l)| l - f + 1 == inner).collect();
    }
    // A record that is lost stays missed.
    found.retain(|due| {
        let told: i64 = due.members.iter().map(|(first, last)| last - first + 1).sum();
        told == due.last - due.first + 1
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_ranges_fold_and_nothing_near_the_end_does() {
        let records = Records { batches: (1..=130).collect(), ..Records::default() };
        let ranges = |finished| -> Vec<_> {
            due(&records, finished, 64)
                .iter()
                .map(|due| (due.first, due.last, due.members.len()))
                .collect()
        };
        assert_eq!(ranges(64), []);
        assert_eq!(ranges(65), [(1, 64, 64)]);
        assert_eq!(ranges(130), [(1, 64, 64), (65, 128, 64)]);
        let folded: Vec<_> = (0..64).map(|at| (at * 64 + 1, at * 64 + 64)).collect();
        let records = Records { batches: vec![4_097], folded, ..Records::default() };
        let found = due(&records, 4_097, 64);
        let range = |due: &Due| (due.first, due.last, due.members.len());
        assert_eq!(found.iter().map(range).collect::<Vec<_>>(), [(1, 4_096, 64)]);
        let records =
            Records { batches: (1..=130).filter(|n| *n != 3).collect(), ..Records::default() };
        let found = due(&records, 130, 64);
        assert_eq!(found.iter().map(range).collect::<Vec<_>>(), [(65, 128, 64)], "one is lost");
        // The last 64 are not one record yet: first that, then the rest.
        let folded: Vec<_> = (0..63).map(|at| (at * 64 + 1, at * 64 + 64)).collect();
        let records = Records { batches: (4_033..=4_097).collect(), folded, ..Records::default() };
        let found = due(&records, 4_097, 64);
        assert_eq!(found.iter().map(range).collect::<Vec<_>>(), [(4_033, 4_096, 64)]);
    }
}
