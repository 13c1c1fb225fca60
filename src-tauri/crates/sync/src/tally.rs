//! [`Tally`]: counts what landed of each batch, and builds the run's report with its status and notices (E8).
//!
//! It reads nothing but the clock, at the beginning and the end of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use headgate_events::DISCARDS;
use headgate_lake::Trace;
use headgate_terms::{ColumnType, Error, Shown, TableName, say};
use jiff::Timestamp;

use crate::choice::ColumnChoice;
use crate::plan::{BatchPlan, BatchTotals, Work};
use crate::report::{
    Counted, DeadLetters, EventCounts, FileCounts, NoticeCount, PhaseTime, RunReport, Status,
    TableReport,
};
use crate::run::TableCount;
use crate::source::SourceFiles;

/// The notice about links that lead out of the folder.
pub(crate) const LINKS: &str =
    "Links that lead out of the folder were not followed; `--follow-links` follows them.";

/// What a batch has that was counted when its files were first read.
#[derive(Default)]
pub(crate) struct CountedBefore {
    events: u64,
    rows: Vec<(TableName, u64)>,
}

/// What a run has counted so far.
pub(crate) struct Tally {
    pub(crate) report: RunReport,
    sources: Vec<String>,
    tables: Vec<TableReport>,
    rejected: BTreeMap<String, u64>,
    discards: BTreeMap<String, u64>,
    notices: Vec<NoticeCount>,
    commits: BTreeMap<TableName, Vec<Landed>>,
    /// Events that landed, by where; one entry a batch and kind of event.
    written: Vec<Written>,
}

/// A commit that a run counts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landed {
    pub(crate) app: String,
    pub(crate) batch: i64,
    /// The table's version with it.
    pub(crate) version: u64,
    pub(crate) rows: u64,
}

impl Landed {
    /// How to find it in the table's log.
    pub(crate) fn trace(&self) -> Trace<'_> {
        Trace { version: self.version, app: &self.app, batch: self.batch, id: None }
    }
}

/// Events of one batch that went to the same tables.
struct Written {
    schema: String,
    batch: i64,
    /// Those of their tables in which they landed.
    tables: Vec<String>,
    events: u64,
}

impl Tally {
    pub(crate) fn new(run: String, from: Option<String>, to: String, found: &SourceFiles) -> Self {
        let report = RunReport {
            v: 1,
            run,
            status: Status::Running,
            source: None,
            from,
            to,
            again: false,
            refill: None,
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
        let mut notices = Vec::new();
        if found.links > 0 {
            notices.push(NoticeCount {
                code: "links_not_followed".to_owned(),
                message: LINKS.into(),
                count: found.links,
            });
        }
        Self {
            report,
            sources: Vec::new(),
            tables: Vec::new(),
            rejected: BTreeMap::new(),
            discards: BTreeMap::new(),
            notices,
            commits: BTreeMap::new(),
            written: Vec::new(),
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
        let once = plan.once.take();
        let is_first = once.is_some();
        let mut counted = once.is_some_and(|once| self.count_once(plan, once));
        counted |= self.count_routes(plan, is_first);
        self.report.batches += u64::from(counted);
        self.count_parts(plan);
    }

    /// Leaves out of a batch what was counted when its files were read first: an event that had landed again was
    /// counted as a duplicate then. Returns what is to be taken back once the batch is recorded.
    pub(crate) fn read_again(plan: &mut BatchPlan) -> CountedBefore {
        plan.once = None;
        let mut counted = CountedBefore::default();
        for route in &mut plan.routes {
            route.duplicate = 0;
            counted.events += route.accepted;
        }
        for at in 0..plan.tables.len() {
            plan.tables[at].counts.duplicate = 0;
            counted.rows.push((plan.table(at), plan.tables[at].counts.rows));
        }
        counted
    }

    /// Takes back what was counted before.
    pub(crate) fn take_back(&mut self, counted: Option<CountedBefore>) {
        let Some(CountedBefore { events, rows }) = counted else { return };
        let counts = &mut self.report.events;
        counts.received = counts.received.saturating_sub(events);
        counts.duplicate = counts.duplicate.saturating_sub(events);
        for (name, rows) in rows {
            let table = self.table(&name, name.table == "users");
            for count in [&mut table.received, &mut table.duplicate].into_iter().flatten() {
                *count = count.saturating_sub(rows);
            }
        }
    }

    /// Counts what belongs to a batch as a whole. Says whether that is any event.
    fn count_once(&mut self, plan: &BatchPlan, once: BatchTotals) -> bool {
        self.report.bytes_in += once.bytes;
        self.report.files.taken += once.taken;
        self.report.files.damaged.extend(once.damaged);
        let rejected: u64 = once.rejected.values().sum();
        self.report.events.received += rejected;
        self.report.events.rejected += rejected;
        for (reason, count) in once.rejected {
            *self.rejected.entry(reason).or_default() += count;
        }
        for notice in once.notices {
            self.notice(notice);
        }
        if let Some(letters) = &plan.letters {
            let path = letters.run_file.display().to_string();
            let kept = self
                .report
                .dead_letters
                .get_or_insert(DeadLetters { path: path.clone(), count: 0 });
            // Rejected lines of a run that died are in its own file; this run's own come first.
            if plan.run == self.report.run {
                kept.path = path;
            }
            kept.count += letters.count;
        }
        rejected > 0
    }

    /// Counts the events of a batch. Says whether there were any that had not been counted.
    fn count_routes(&mut self, plan: &mut BatchPlan, is_first: bool) -> bool {
        // What this run read is received, wherever it is by now; what another left, when it lands.
        let is_new = is_first && plan.run == self.report.run;
        let mut counted = false;
        for at in 0..plan.routes.len() {
            let route = &plan.routes[at];
            let has_landed = route.accepted == 0 || plan.has_landed(route);
            if route.counted {
                continue;
            }
            let events = &mut self.report.events;
            let has_gone = plan.has_gone(route);
            if is_new || (plan.run != self.report.run && (has_landed || has_gone)) {
                events.received += route.accepted + route.duplicate;
                events.duplicate += route.duplicate;
                counted |= is_new || has_landed;
            }
            if has_gone {
                events.lost += route.accepted;
                plan.routes[at].counted = true;
                continue;
            }
            if !has_landed {
                continue;
            }
            events.written += route.accepted;
            let tables = plan.tables.iter().filter(|part| {
                part.landed
                    && route.tables.contains(&part.table)
                    && !matches!(part.work, Work::Nothing)
            });
            self.written.push(Written {
                schema: plan.schema.clone(),
                batch: plan.number,
                tables: tables.map(|part| part.table.clone()).collect(),
                events: route.accepted,
            });
            plan.routes[at].counted = true;
            counted = true;
        }
        counted
    }

    /// Counts what of a batch is in its tables.
    fn count_parts(&mut self, plan: &mut BatchPlan) {
        let (schema, app, batch) = (plan.schema.clone(), plan.app.clone(), plan.number);
        for part in &mut plan.tables {
            if part.counted || !part.is_settled() {
                continue;
            }
            part.counted = true;
            let name = TableName { schema: schema.clone(), table: part.table.clone() };
            if part.released {
                let table = self.table(&name, part.counts.is_merged);
                table.error = table.error.take().or_else(|| part.error.clone());
                continue;
            }
            if let Some(version) = part.version
                && !matches!(part.work, Work::Nothing)
            {
                let app = format!("{app}{}", part.app_suffix);
                let landed = Landed { app, batch, version, rows: part.counts.rows };
                self.commits.entry(name.clone()).or_default().push(landed);
            }
            if part.table == DISCARDS {
                continue;
            }
            let table = self.table(&name, part.counts.is_merged);
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

    /// Says that files were left out of a refill.
    pub(crate) fn not_synced(&mut self, count: u64) {
        if count > 0 {
            let message = "Some files were not synced before, or changed since. Of those, only events that had landed were filled; sync the files to land the others.";
            let code = "files_not_synced".to_owned();
            self.notice(NoticeCount { code, message: message.into(), count });
        }
    }

    /// Says that nothing could fill a table that is gone.
    pub(crate) fn begins_anew(&mut self, name: &TableName) {
        let message = say!(
            "The files hold no events for `{}`, which is gone. Its next event creates it again.",
            name
        );
        let code = "table_begins_anew".to_owned();
        self.notice(NoticeCount { code, message, count: 1 });
    }

    /// Says that a column was made with another type than was chosen here.
    pub(crate) fn choice_lost(&mut self, choice: &ColumnChoice, has: ColumnType) {
        let message = say!(
            "`{}` is a {} by now, because another writer or an earlier batch made it. The type {} that was chosen for it is not used; values that do not fit are set aside.",
            choice.name(),
            has,
            choice.column.kind
        );
        self.notice(NoticeCount { code: "column_choice_lost".to_owned(), message, count: 1 });
    }

    /// Says that a column whose type was chosen is not made yet.
    pub(crate) fn choice_open(&mut self, choice: &ColumnChoice) {
        let message = say!(
            "`{}` is not made yet. Its type {} is kept for the first value that fits.",
            choice.name(),
            choice.column.kind
        );
        self.notice(NoticeCount { code: "column_choice_open".to_owned(), message, count: 1 });
    }

    /// Says that lines of a run wait that is gone, and what takes them.
    pub(crate) fn lines_wait(&mut self, run: &str, takes: &str) {
        let message = say!(
            "Lines that run {} read from standard input wait in the data folder, and are in no table. `{}` takes them.",
            run,
            takes
        );
        self.notice(NoticeCount { code: "lines_wait".to_owned(), message, count: 1 });
    }

    /// Says that the lake no longer has all records of a schema.
    pub(crate) fn records_lost(&mut self, schema: &str) {
        let message = say!(
            "Records of earlier batches are missing from `_headgate/{}`. What landed is known from the tables alone, and files are read again.",
            schema
        );
        self.notice(NoticeCount { code: "records_missing".to_owned(), message, count: 1 });
    }

    /// Adds a notice to those that say the same.
    fn notice(&mut self, notice: NoticeCount) {
        notice.add_to(&mut self.notices);
    }

    /// Says of a table that it refuses, whether or not anything was routed to it.
    pub(crate) fn refused(&mut self, name: &TableName, error: &Error) {
        self.table(name, name.table == "users").error = Some(error.clone());
    }

    /// Says what waits when the run ends, and why.
    pub(crate) fn waiting<'p>(&mut self, open: impl Iterator<Item = &'p BatchPlan>) {
        for plan in open {
            for (at, part) in plan.tables.iter().enumerate().filter(|(_, part)| !part.is_settled())
            {
                if let Some(error) = &part.error {
                    let table = self.table(&plan.table(at), part.counts.is_merged);
                    table.error.get_or_insert_with(|| error.clone());
                }
            }
            if plan.run == self.report.run {
                let waiting = plan.routes.iter().filter(|route| !route.counted);
                self.report.events.waiting += waiting.map(|route| route.accepted).sum::<u64>();
            }
        }
    }

    /// The commits that this run counts on, by table in order.
    pub(crate) fn commits(&self) -> BTreeMap<TableName, Vec<Landed>> {
        self.commits.clone()
    }

    /// As [`Self::lost`], of what landed before a version.
    pub(crate) fn lost_before(&mut self, name: &TableName, version: u64, error: Error) {
        let landed = self.commits.get(name).into_iter().flatten();
        let before = landed.filter(|one| one.version < version).map(|one| one.batch);
        self.lost(name, &before.collect(), error);
    }

    /// Subtracts what batches added to a table, because it is no longer there.
    pub(crate) fn lost(&mut self, name: &TableName, batches: &BTreeSet<i64>, error: Error) {
        // Who looks again at the end of the run must not take them back twice.
        let landed = self.commits.get_mut(name).into_iter();
        let lost = landed.flat_map(|all| all.extract_if(.., |one| batches.contains(&one.batch)));
        let rows: u64 = lost.map(|one| one.rows).sum();
        let table = self.table(name, name.table == "users");
        for count in
            [&mut table.written, &mut table.received, &mut table.merged].into_iter().flatten()
        {
            *count = count.saturating_sub(rows);
        }
        table.error = Some(error);
        for written in &mut self.written {
            if written.schema != name.schema || !batches.contains(&written.batch) {
                continue;
            }
            let had = !written.tables.is_empty();
            written.tables.retain(|table| *table != name.table);
            if had && written.tables.is_empty() {
                self.report.events.written -= written.events;
                self.report.events.lost += written.events;
            }
        }
    }

    /// Says of a table that nobody could look whether it has what landed.
    pub(crate) fn unsure(&mut self, name: &TableName, error: Error) {
        self.table(name, name.table == "users").error.get_or_insert(error);
    }

    fn table(&mut self, name: &TableName, is_merged: bool) -> &mut TableReport {
        let TableName { schema, table } = name;
        let known = self.tables.iter().position(|t| t.schema == *schema && t.table == *table);
        let at = known.unwrap_or_else(|| {
            let appended = (!is_merged).then_some(0);
            self.tables.push(TableReport {
                schema: schema.clone(),
                table: table.clone(),
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
        report.notices.clone_from(&self.notices);
        report.notices.sort_by(|a, b| a.code.cmp(&b.code));
        report
    }

    /// Ends the run: what its counts and its error make of it (E8).
    pub(crate) fn end(&mut self, error: Option<Error>) {
        let files = &self.report.files;
        if self.report.events.received == 0
            && files.taken + files.unchanged == 0
            && files.ignored > 0
        {
            let message = "No file was read: data files end in `.ndjson`, `.jsonl`, `.json` or `.gz`, and do not begin with a dot.";
            let count = files.ignored;
            self.notice(NoticeCount {
                code: "files_ignored".to_owned(),
                message: message.into(),
                count,
            });
        }
        let errors = || self.tables.iter().filter_map(|table| table.error.as_ref());
        let is_behind = |error: &&Error| error.code == "table_behind";
        let failed_table = errors().find(|error| !is_behind(error)).cloned();
        let is_any_behind = errors().any(|error| is_behind(&error));
        let failed_file = self.report.files.damaged.first().map(|file| file.error.clone());
        // A run that could open no file at all has done nothing; damage alone makes it Partial (E1).
        let files = &self.report.files;
        let unreadable = files.taken + files.unchanged == 0
            && files.damaged.iter().all(|file| file.error.code == "file_unreadable");
        let nothing = self.report.events.written == 0
            && self.tables.iter().all(|table| table.merged.unwrap_or(0) == 0);
        let attention = self.report.events.rejected > 0
            || failed_table.is_some()
            || failed_file.is_some()
            || is_any_behind
            || self.report.events.waiting + self.report.events.lost > 0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{part, plan, route};

    fn tally() -> Tally {
        Tally::new("this".to_owned(), None, "/lake".to_owned(), &SourceFiles::default())
    }

    fn land(plan: &mut BatchPlan, table: &str, version: u64) {
        for part in plan.tables.iter_mut().filter(|part| part.table == table) {
            (part.landed, part.version) = (true, Some(version));
        }
    }

    /// Received, written, duplicate, waiting and lost, which add up with what was rejected.
    fn events(tally: &Tally) -> [u64; 5] {
        let events = tally.report().events;
        let EventCounts { received, written, duplicate, rejected, waiting, lost } = events;
        assert_eq!(received, written + duplicate + rejected + waiting + lost, "{events:?}");
        [received, written, duplicate, waiting, lost]
    }

    fn written(tally: &Tally, table: &str) -> Option<u64> {
        let report = tally.report();
        report.tables.iter().find(|part| part.table == table).and_then(|part| part.written)
    }

    fn table(table: &str) -> TableName {
        TableName { schema: "s".to_owned(), table: table.to_owned() }
    }

    fn behind() -> Error {
        Error::new("table_behind", "It is gone.")
    }

    /// Tracks that go to `a` and `tracks`, pages, and pages that are all known.
    fn batch(run: &str) -> BatchPlan {
        let tables = vec![part("tracks", 5), part("a", 5), part("pages", 2)];
        let mut plan = plan(run, 1, tables);
        plan.routes =
            vec![route(&["tracks", "a"], 5, 1), route(&["pages"], 2, 0), route(&["pages"], 0, 3)];
        plan
    }

    #[test]
    fn an_event_is_written_when_it_landed_anywhere_and_waits_until_then() {
        let (mut tally, mut plan) = (tally(), batch("this"));
        land(&mut plan, "tracks", 4);
        tally.count(&mut plan);
        // Nothing is counted twice, whether more has landed or not.
        tally.count(&mut plan);
        let mut ended = self::tally();
        (ended.report, ended.tables) = (tally.report.clone(), tally.tables.clone());
        ended.waiting(std::iter::once(&plan));
        assert_eq!(events(&ended), [11, 5, 4, 2, 0]);
        assert_eq!((written(&tally, "tracks"), written(&tally, "a")), (Some(5), None));

        land(&mut plan, "a", 9);
        land(&mut plan, "pages", 0);
        tally.count(&mut plan);
        tally.waiting(std::iter::empty());
        assert_eq!(events(&tally), [11, 7, 4, 0, 0]);
        assert_eq!((written(&tally, "a"), written(&tally, "pages")), (Some(5), Some(2)));
    }

    #[test]
    fn what_another_run_left_is_received_when_it_lands() {
        let (mut tally, mut plan) = (tally(), batch("another"));
        land(&mut plan, "tracks", 4);
        tally.count(&mut plan);
        tally.waiting(std::iter::once(&plan));
        // The pages wait as its; the duplicates need nothing to land.
        assert_eq!(events(&tally), [9, 5, 4, 0, 0]);
        land(&mut plan, "pages", 0);
        tally.count(&mut plan);
        assert_eq!(events(&tally), [11, 7, 4, 0, 0]);
    }

    #[test]
    fn rejected_lines_and_files_are_counted_once() {
        let (mut tally, mut plan) = (tally(), plan("another", 1, Vec::new()));
        plan.once = Some(BatchTotals {
            bytes: 10,
            taken: 2,
            rejected: BTreeMap::from([("not_json".to_owned(), 3)]),
            ..BatchTotals::default()
        });
        tally.count(&mut plan);
        tally.count(&mut plan);
        let report = tally.report();
        assert_eq!((report.events.received, report.events.rejected), (3, 3));
        assert_eq!((report.bytes_in, report.files.taken, report.batches), (10, 2, 1));
    }

    #[test]
    fn what_was_given_up_because_its_files_are_gone_is_lost_once() {
        for run in ["this", "another"] {
            for is_counted_before in [false, true] {
                let (mut tally, mut plan) = (tally(), batch(run));
                plan.routes.pop();
                land(&mut plan, "tracks", 4);
                if is_counted_before {
                    tally.count(&mut plan);
                }
                plan.is_gone = true;
                plan.tables[2].released = true;
                tally.count(&mut plan);
                assert_eq!(events(&tally), [8, 5, 1, 0, 2], "{run} {is_counted_before}");
            }
        }
    }

    #[test]
    fn an_event_is_lost_with_the_last_table_that_had_it() {
        let (mut tally, mut first, mut second) = (tally(), batch("this"), batch("this"));
        second.number = 2;
        for (plan, version) in [(&mut first, 1), (&mut second, 2)] {
            for table in ["tracks", "a", "pages"] {
                land(plan, table, version);
            }
            tally.count(plan);
        }
        assert_eq!(events(&tally), [22, 14, 8, 0, 0]);
        tally.lost_before(&table("tracks"), 2, behind());
        assert_eq!(events(&tally), [22, 14, 8, 0, 0], "they are in `a`");
        // Looked at again when the run ends.
        tally.lost(&table("tracks"), &BTreeSet::from([1]), behind());
        assert_eq!((written(&tally, "tracks"), written(&tally, "a")), (Some(5), Some(10)));
        tally.lost(&table("a"), &BTreeSet::from([1, 2]), behind());
        assert_eq!(events(&tally), [22, 9, 8, 0, 5]);
        tally.end(None);
        let report = tally.report();
        assert_eq!((report.status, report.error), (Status::Partial, None));
    }

    type Before = fn(&mut Tally);

    #[test]
    fn a_run_ends_as_its_counts_and_its_error_say() {
        let failed = |code: &'static str| Some(Error::new(code, "It failed."));
        let nothing: Before = |_| {};
        let some: Before = |tally| tally.report.events.written = 1;
        let refused: Before = |tally| {
            tally.refused(&table("a"), &Error::new("unsupported_table", "It asks for more."));
        };
        let is_behind: Before = |tally| tally.refused(&table("a"), &behind());
        let waits: Before = |tally| tally.report.events.waiting = 1;
        let rejected: Before = |tally| tally.report.events.rejected = 1;
        for (what, before, error, status, code) in [
            ("nothing", nothing, None, Status::Succeeded, None),
            ("written", some, None, Status::Succeeded, None),
            ("an error", nothing, failed("disk_full"), Status::Failed, Some("disk_full")),
            ("written, an error", some, failed("disk_full"), Status::Partial, Some("disk_full")),
            ("stopped", some, failed("cancelled"), Status::Cancelled, Some("cancelled")),
            ("refused", refused, None, Status::Failed, Some("unsupported_table")),
            ("behind", is_behind, None, Status::Partial, None),
            ("waits", waits, None, Status::Partial, None),
            ("rejected", rejected, None, Status::Partial, None),
        ] {
            let mut tally = tally();
            before(&mut tally);
            tally.end(error);
            let report = tally.report();
            let found = report.error.as_ref().map(|error| &*error.code);
            assert_eq!((report.status, found), (status, code), "{what}");
        }
    }
}
