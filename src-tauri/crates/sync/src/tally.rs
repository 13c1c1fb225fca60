//! Counting: what of each batch has landed, and what that makes of the run (E8).
//!
//! Pure but for the time of day at a run's beginning and end.

use std::collections::BTreeMap;
use std::time::Duration;

use headgate_terms::{Error, Shown};
use jiff::Timestamp;

use crate::plan::{BatchPlan, DISCARDS};
use crate::report::{
    Counted, DeadLetters, EventCounts, FileCounts, NoticeCount, PhaseTime, RunReport, Status,
    TableReport,
};
use crate::run::TableCount;
use crate::source::Found;

/// The notice about links that lead out of the folder.
pub(crate) const LINKS: &str =
    "Links that lead out of the folder were not followed; `--follow-links` follows them.";

/// What a run has counted so far.
pub(crate) struct Tally {
    pub(crate) report: RunReport,
    sources: Vec<String>,
    tables: Vec<TableReport>,
    rejected: BTreeMap<String, u64>,
    discards: BTreeMap<String, u64>,
    notices: BTreeMap<String, (Shown, u64)>,
}

impl Tally {
    pub(crate) fn new(run: String, from: Option<String>, to: String, found: &Found) -> Self {
        let report = RunReport {
            v: 1,
            run,
            status: Status::Running,
            source: None,
            from,
            to,
            started: now(),
            finished: None,
            bytes_in: 0,
            batches: 0,
            events: EventCounts::default(),
            tables: Vec::new(),
            rejected: Vec::new(),
            discards: Vec::new(),
            files: FileCounts { ignored: found.ignored, ..FileCounts::default() },
            dead_letters: None,
            notices: Vec::new(),
            phases: Vec::new(),
            error: None,
        };
        let mut notices = BTreeMap::new();
        if found.links > 0 {
            notices.insert("links_not_followed".to_owned(), (LINKS.into(), found.links));
        }
        Self {
            report,
            sources: Vec::new(),
            tables: Vec::new(),
            rejected: BTreeMap::new(),
            discards: BTreeMap::new(),
            notices,
        }
    }

    pub(crate) fn source(&mut self, source: &str) {
        if !self.sources.iter().any(|known| known == source) {
            self.sources.push(source.to_owned());
        }
    }

    /// Adds to the time that one kind of work took.
    pub(crate) fn spent(&mut self, phase: &str, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match self.report.phases.iter_mut().find(|known| known.phase == phase) {
            Some(known) => known.ms += ms,
            None => self.report.phases.push(PhaseTime { phase: phase.to_owned(), ms }),
        }
    }

    /// What landed in each table so far.
    pub(crate) fn landed(&self) -> Vec<TableCount> {
        let mut tables: Vec<_> = self
            .tables
            .iter()
            .map(|table| TableCount {
                schema: table.schema.clone(),
                table: table.table.clone(),
                rows: table.written.or(table.merged).unwrap_or_default(),
            })
            .collect();
        tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
        tables
    }

    /// Counts what of a batch has landed and was not counted yet (E8).
    pub(crate) fn count(&mut self, plan: &mut BatchPlan) {
        let mut counted = false;
        if let Some(once) = plan.once.take() {
            self.report.bytes_in += once.bytes;
            self.report.files.taken += once.taken;
            self.report.files.damaged.extend(once.damaged);
            let rejected: u64 = once.rejected.values().sum();
            self.report.events.received += rejected;
            self.report.events.rejected += rejected;
            counted |= rejected > 0;
            for (reason, count) in once.rejected {
                *self.rejected.entry(reason).or_default() += count;
            }
            for (code, (message, count)) in once.notices {
                self.notices.entry(code).or_insert((message, 0)).1 += count;
            }
            if let Some(letters) = &plan.letters {
                let path = letters.run_file.display().to_string();
                let kept = self
                    .report
                    .dead_letters
                    .get_or_insert(DeadLetters { path: path.clone(), count: 0 });
                // Letters of a run that died lie in its own file; this run's own come first.
                if plan.run == self.report.run {
                    kept.path = path;
                }
                kept.count += letters.count;
            }
        }
        for at in 0..plan.routes.len() {
            let route = &plan.routes[at];
            if route.counted || (route.accepted > 0 && !plan.has_landed(route)) {
                continue;
            }
            self.report.events.received += route.accepted + route.duplicate;
            self.report.events.written += route.accepted;
            self.report.events.duplicate += route.duplicate;
            plan.routes[at].counted = true;
            counted = true;
        }
        self.report.batches += u64::from(counted);
        let schema = plan.schema.clone();
        for part in &mut plan.tables {
            let failed = !part.landed;
            if part.counted || (part.table == DISCARDS && !failed) {
                continue;
            }
            let table = self.table(&schema, &part.table, part.counts.is_merged);
            table.error.clone_from(&part.error);
            if failed {
                continue;
            }
            part.counted = true;
            let counts = &part.counts;
            if counts.is_merged {
                *table.merged.get_or_insert(0) += counts.rows;
            } else {
                *table.received.get_or_insert(0) += counts.rows + counts.duplicate;
                *table.written.get_or_insert(0) += counts.rows;
                *table.duplicate.get_or_insert(0) += counts.duplicate;
            }
            table.discarded += counts.discards.values().sum::<u64>();
            table.created |= counts.created;
            table.version = part.version;
            table.columns_added.extend(counts.columns_added.iter().cloned());
            for (reason, count) in &counts.discards {
                *self.discards.entry(reason.clone()).or_default() += count;
            }
        }
    }

    fn table(&mut self, schema: &str, table: &str, is_merged: bool) -> &mut TableReport {
        let known = self.tables.iter().position(|t| t.schema == schema && t.table == table);
        let at = known.unwrap_or_else(|| {
            let appended = (!is_merged).then_some(0);
            self.tables.push(TableReport {
                schema: schema.to_owned(),
                table: table.to_owned(),
                received: appended,
                written: appended,
                duplicate: appended,
                discarded: 0,
                merged: is_merged.then_some(0),
                created: false,
                version: None,
                columns_added: Vec::new(),
                error: None,
            });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    /// The report as far as it is known.
    pub(crate) fn report(&self) -> RunReport {
        let counted = |map: &BTreeMap<String, u64>| {
            map.iter().map(|(reason, &count)| Counted { reason: reason.clone(), count }).collect()
        };
        let mut tables = self.tables.clone();
        tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
        let mut report = self.report.clone();
        report.source = match self.sources.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        report.tables = tables;
        report.rejected = counted(&self.rejected);
        report.discards = counted(&self.discards);
        report.notices = self
            .notices
            .iter()
            .map(|(code, (message, count))| NoticeCount {
                code: code.clone(),
                message: message.clone(),
                count: *count,
            })
            .collect();
        report
    }

    /// Ends the run: what its counts and its error make of it (E8).
    pub(crate) fn end(&mut self, error: Option<Error>) {
        let failed_table = self.tables.iter().find_map(|table| table.error.clone());
        let failed_file = self.report.files.damaged.first().map(|file| file.error.clone());
        // A run that could open no file at all has done nothing; damage alone makes it Partial (E1).
        let files = &self.report.files;
        let unreadable = files.taken + files.unchanged == 0
            && files.damaged.iter().all(|file| file.error.code == "file_unreadable");
        let nothing = self.report.events.written == 0
            && self.tables.iter().all(|table| table.merged.unwrap_or(0) == 0);
        let attention =
            self.report.events.rejected > 0 || failed_table.is_some() || failed_file.is_some();
        let (status, error) = match error {
            Some(error) if error.code == "cancelled" => (Status::Cancelled, Some(error)),
            Some(error) if nothing => (Status::Failed, Some(error)),
            Some(error) => (Status::Partial, Some(error)),
            None => match failed_table.or(failed_file.filter(|_| unreadable)) {
                Some(error) if nothing => (Status::Failed, Some(error)),
                _ if attention => (Status::Partial, None),
                _ => (Status::Succeeded, None),
            },
        };
        self.report.status = status;
        self.report.error = error.map(|mut error| {
            error.trace = Some(Shown::clean(&self.report.run));
            error
        });
        self.report.finished = Some(now());
    }
}

/// Now, in RFC 3339 with milliseconds.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}
