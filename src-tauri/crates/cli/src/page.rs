//! Pages for a person: the answer first, then the numbers, then how it was done.
//!
//! Text that came with events is shown with its control characters escaped.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use headgate_app::{
    CommitEntry, DemoReport, HistoryReport, Preview, RunReport, SettingsReport, Status,
    TableDetail, TablesReport, Theme,
};
use headgate_terms::Error;

type Out<'a> = &'a mut dyn Write;

/// How many columns of a table a list names before it counts the rest.
const NAMED: usize = 6;

pub(crate) fn error(out: Out<'_>, error: &Error) -> io::Result<()> {
    writeln!(out, "{}", clean(&error.message))?;
    if let Some(hint) = &error.hint {
        writeln!(out, "  {}", clean(hint))?;
    }
    let trace = error.trace.as_deref().unwrap_or("-");
    writeln!(out, "  code {}, trace {}", error.code, clean(trace))
}

pub(crate) fn run(out: Out<'_>, report: &RunReport) -> io::Result<()> {
    writeln!(out, "{}", sentence(report))?;
    if let Some(failure) = &report.error {
        writeln!(out)?;
        error(out, failure)?;
    }
    let events = &report.events;
    writeln!(
        out,
        "\n{} received = {} written + {} duplicate + {} rejected",
        grouped(events.received),
        grouped(events.written),
        grouped(events.duplicate),
        grouped(events.rejected)
    )?;
    if !report.tables.is_empty() {
        writeln!(out)?;
        tables_of_run(out, report)?;
    }
    for table in report.tables.iter().filter(|table| table.error.is_some()) {
        if let Some(failure) = &table.error {
            writeln!(out, "\n{}.{} waits:", clean(&table.schema), clean(&table.table))?;
            error(out, failure)?;
        }
    }
    counted(out, "Set aside, in headgate_discards", &report.discards)?;
    counted(out, "Rejected", &report.rejected)?;
    if let Some(letters) = &report.dead_letters {
        let count = grouped(letters.count);
        writeln!(out, "  {count} lines are kept in {}", clean(&letters.path))?;
    }
    if !report.notices.is_empty() {
        writeln!(out, "\nNotices")?;
        for notice in &report.notices {
            writeln!(out, "  {:>9}  {}", grouped(notice.count), clean(&notice.message))?;
        }
    }
    for file in &report.files.damaged {
        writeln!(out)?;
        error(out, &file.error)?;
    }
    let files = &report.files;
    writeln!(
        out,
        "\nFiles: {} taken, {} unchanged, {} damaged, {} ignored. {} of JSON in {}.",
        grouped(files.taken),
        grouped(files.unchanged),
        grouped(files.damaged.len() as u64),
        grouped(files.ignored),
        bytes(report.bytes_in),
        if report.batches == 1 {
            "1 batch".to_owned()
        } else {
            format!("{} batches", grouped(report.batches))
        },
    )?;
    writeln!(out, "Run {} into {}", report.run, clean(&report.to))
}

/// How things are, in one sentence.
fn sentence(report: &RunReport) -> String {
    let events = &report.events;
    let (written, received) = (grouped(events.written), grouped(events.received));
    match report.status {
        Status::Running => format!("Run {} goes on: {written} events are in the lake.", report.run),
        Status::Succeeded if events.received == 0 => {
            "Nothing new: no event was waiting that the lake does not have.".to_owned()
        }
        Status::Succeeded => format!(
            "{written} of {received} events are in the lake; {} had landed before.",
            grouped(events.duplicate)
        ),
        Status::Partial => format!(
            "{written} of {received} events are in the lake, and something needs attention."
        ),
        Status::Failed => "The run failed.".to_owned(),
        Status::Cancelled => format!("Stopped. {written} events are in the lake."),
    }
}

fn tables_of_run(out: Out<'_>, report: &RunReport) -> io::Result<()> {
    let mut table = plain(&["table", "received", "written", "duplicate", "set aside", "columns"]);
    right(&mut table, 1..5);
    for part in &report.tables {
        let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), grouped);
        let columns = match (part.created, part.columns_added.len()) {
            (true, count) => format!("new, {count}"),
            (false, 0) => String::new(),
            (false, count) => format!("+{count}"),
        };
        let written = part
            .merged
            .map_or_else(|| number(part.written), |merged| format!("{} merged", grouped(merged)));
        table.add_row([
            clean(&format!("{}.{}", part.schema, part.table)),
            number(part.received),
            written,
            number(part.duplicate),
            grouped(part.discarded),
            if part.error.is_some() { "waits".to_owned() } else { columns },
        ]);
    }
    writeln!(out, "{table}")
}

fn counted(out: Out<'_>, title: &str, counts: &[impl Count]) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for count in counts {
        writeln!(out, "  {:>9}  {}", grouped(count.count()), clean(count.reason()))?;
    }
    Ok(())
}

/// What has a reason and a count.
trait Count {
    fn reason(&self) -> &str;
    fn count(&self) -> u64;
}

impl Count for headgate_app::Counted {
    fn reason(&self) -> &str {
        &self.reason
    }
    fn count(&self) -> u64 {
        self.count
    }
}

pub(crate) fn preview(out: Out<'_>, preview: &Preview) -> io::Result<()> {
    let events = &preview.events;
    let fresh = preview.tables.iter().filter(|table| table.state == "new").count();
    let changed = preview.tables.iter().filter(|table| table.state == "changed").count();
    writeln!(
        out,
        "{} would make {fresh} new and change {changed} of {}. Nothing was written.",
        counted_as(events.received, "event"),
        counted_as(preview.tables.len() as u64, "table"),
    )?;
    writeln!(
        out,
        "{} duplicate, {} rejected",
        grouped(events.duplicate),
        grouped(events.rejected)
    )?;
    for table in &preview.tables {
        let sign = sign(&table.state);
        let rows = counted_as(table.rows, "row");
        writeln!(
            out,
            "\n{sign} {}.{}  {}, {rows}",
            clean(&table.schema),
            clean(&table.table),
            table.state
        )?;
        if let Some(failure) = &table.error {
            error(out, failure)?;
            continue;
        }
        let mut columns = plain(&["", "column", "type", "filled", "set aside", "from"]);
        right(&mut columns, 3..5);
        for column in &table.columns {
            let aside =
                if column.discarded == 0 { String::new() } else { grouped(column.discarded) };
            columns.add_row([
                self::sign(&column.state).to_owned(),
                clean(&column.name),
                column.kind.to_string(),
                grouped(column.filled),
                aside,
                clean(&column.from.join(", ")),
            ]);
        }
        writeln!(out, "{columns}")?;
    }
    if !preview.discards.is_empty() {
        writeln!(out, "\nWould be set aside")?;
        let mut table = plain(&["table", "column", "reason", "count", "for example"]);
        right(&mut table, 3..4);
        for discard in &preview.discards {
            table.add_row([
                clean(&discard.table),
                clean(&discard.column),
                discard.reason.clone(),
                grouped(discard.count),
                shortened(&clean(&discard.sample)),
            ]);
        }
        writeln!(out, "{table}")?;
    }
    for file in &preview.damaged {
        writeln!(out)?;
        error(out, &file.error)?;
    }
    writeln!(out, "\n+ new   = unchanged   ≠ conflict: values that the column's type cannot hold")
}

fn sign(state: &str) -> &'static str {
    match state {
        "new" => "+",
        "changed" => "~",
        "conflict" => "≠",
        _ => "=",
    }
}

pub(crate) fn runs(out: Out<'_>, runs: &[RunReport]) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "No run yet. Begin with `headgate sync run --from … --to …`.");
    }
    let mut table = plain(&[
        "run",
        "status",
        "started",
        "source",
        "received",
        "written",
        "duplicate",
        "rejected",
    ]);
    right(&mut table, 4..8);
    for run in runs {
        let status = match &run.error {
            Some(error) if run.status == Status::Failed => format!("failed ({})", error.code),
            _ => word(run.status).to_owned(),
        };
        table.add_row([
            run.run.clone(),
            status,
            run.started.clone(),
            clean(run.source.as_deref().unwrap_or("several")),
            grouped(run.events.received),
            grouped(run.events.written),
            grouped(run.events.duplicate),
            grouped(run.events.rejected),
        ]);
    }
    writeln!(out, "{table}")
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Succeeded => "succeeded",
        Status::Partial => "partial",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
    }
}

pub(crate) fn tables(out: Out<'_>, report: &TablesReport) -> io::Result<()> {
    let mut table = plain(&["table", "rows", "files", "size", "version", "columns"]);
    right(&mut table, 1..6);
    for one in &report.tables {
        table.add_row([
            clean(&format!("{}.{}", one.schema, one.table)),
            one.rows.map_or_else(|| "?".to_owned(), grouped),
            grouped(one.files),
            bytes(one.bytes),
            one.version.to_string(),
            one.columns.len().to_string(),
        ]);
    }
    writeln!(out, "{table}")?;
    for one in &report.unreadable {
        writeln!(out)?;
        error(out, &one.error)?;
    }
    Ok(())
}

pub(crate) fn table(out: Out<'_>, detail: &TableDetail) -> io::Result<()> {
    let one = &detail.summary;
    writeln!(
        out,
        "{}.{} has {} in {}, {}, at version {}.",
        clean(&one.schema),
        clean(&one.table),
        one.rows.map_or_else(|| "an unknown number of rows".to_owned(), |n| counted_as(n, "row")),
        counted_as(one.files, "file"),
        bytes(one.bytes),
        one.version
    )?;
    writeln!(
        out,
        "{}\nprotocol ({}, {})\n",
        clean(&one.path),
        detail.protocol.reader,
        detail.protocol.writer
    )?;
    let mut columns = plain(&["column", "type", "first values"]);
    for column in &one.columns {
        let values: Vec<String> = detail
            .sample
            .iter()
            .filter_map(|row| row.get(&column.name).filter(|value| !value.is_null()))
            .take(3)
            .map(|value| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                shortened(&clean(&text))
            })
            .collect();
        columns.add_row([clean(&column.name), column.kind.clone(), values.join(" · ")]);
    }
    writeln!(out, "{columns}")?;
    for (key, value) in &detail.properties {
        writeln!(out, "{} = {}", clean(key), clean(value))?;
    }
    for (app, version) in &detail.txn {
        writeln!(out, "batch {version} of {}", clean(app))?;
    }
    Ok(())
}

pub(crate) fn history(out: Out<'_>, report: &HistoryReport) -> io::Result<()> {
    let mut table =
        plain(&["version", "at", "operation", "rows", "files", "columns added", "run", "engine"]);
    right(&mut table, 0..1);
    right(&mut table, 3..4);
    for commit in &report.commits {
        table.add_row([
            commit.version.to_string(),
            commit.at.clone().unwrap_or_default(),
            clean(commit.operation.as_deref().unwrap_or("-")),
            grouped(commit.rows_added),
            files(commit),
            added(commit),
            clean(commit.run.as_deref().unwrap_or("-")),
            clean(commit.engine.as_deref().unwrap_or("-")),
        ]);
    }
    writeln!(out, "{table}")
}

fn files(commit: &CommitEntry) -> String {
    match commit.files_removed {
        0 => format!("+{}", commit.files_added),
        removed => format!("+{} -{removed}", commit.files_added),
    }
}

fn added(commit: &CommitEntry) -> String {
    let mut names: Vec<String> =
        commit.columns_added.iter().take(NAMED).map(|column| clean(&column.name)).collect();
    let more = commit.columns_added.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

pub(crate) fn demo(out: Out<'_>, report: &DemoReport) -> io::Result<()> {
    writeln!(out, "A sample day of a small shop is now a lake in {}.\n", report.lake.display())?;
    run(out, &report.run)?;
    let mut made = String::new();
    for table in &report.run.tables {
        let columns: Vec<String> = table
            .columns_added
            .iter()
            .filter(|column| !shared(&report.run, &column.name))
            .map(|column| format!("{} {}", clean(&column.name), column.kind))
            .collect();
        if !columns.is_empty() {
            let _ = writeln!(made, "  {}\n    {}", clean(&table.table), wrapped(&columns));
        }
    }
    if !made.is_empty() {
        writeln!(out, "\nColumns made, beside those that every table has")?;
        write!(out, "{made}")?;
    }
    if !report.preview.discards.is_empty() {
        writeln!(out, "\nWhy values were set aside")?;
        for discard in &report.preview.discards {
            writeln!(
                out,
                "  {} × {} in {}, column {}: {}",
                grouped(discard.count),
                discard.reason,
                clean(&discard.table),
                clean(&discard.column),
                shortened(&clean(&discard.sample))
            )?;
        }
    }
    let lake = report.lake.display();
    let schema = report.run.source.as_deref().unwrap_or("shop");
    writeln!(out, "\nLook at it with Headgate:")?;
    writeln!(out, "  headgate tables list --lake {lake}")?;
    writeln!(out, "  headgate tables show {schema}.order_completed --lake {lake}")?;
    writeln!(out, "\nOr with any reader of Delta tables, such as DuckDB:")?;
    writeln!(
        out,
        "  SELECT order_id, total, ship_to_city FROM delta_scan('{lake}/{schema}/order_completed');"
    )
}

/// Whether every table of a run has a column.
fn shared(run: &RunReport, name: &str) -> bool {
    run.tables.iter().all(|table| {
        table.columns_added.iter().any(|column| column.name == name)
            || (table.merged.is_some() && matches!(name, "anonymous_id" | "user_id"))
    })
}

/// Names joined by commas, in lines that fit a terminal.
fn wrapped(names: &[String]) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            text.push(',');
            width += 2;
            if width + name.len() > 92 {
                text.push_str("\n    ");
                width = 0;
            } else {
                text.push(' ');
            }
        }
        text.push_str(name);
        width += name.len();
    }
    text
}

pub(crate) fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

fn right(table: &mut Table, columns: std::ops::Range<usize>) {
    for at in columns {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A count with its thousands apart.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, in words.
pub(crate) fn counted_as(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn bytes(count: u64) -> String {
    indicatif::DecimalBytes(count).to_string()
}

/// A value cut to what a line can hold.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 48;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST - 1).collect();
    format!("{cut}…")
}

/// Text without anything that moves a terminal's cursor or turns its direction.
pub(crate) fn clean(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hostile) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut out, c| {
        if hostile(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// The settings, each beside what it is as installed.
pub(crate) fn settings(out: Out<'_>, report: &SettingsReport) -> io::Result<()> {
    let mut table = plain(&["setting", "value", "as installed"]);
    let (is, was) = (&report.settings, &report.installed);
    let theme = |theme: Theme| match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    table.add_row(["theme", theme(is.theme), theme(was.theme)]);
    for (name, is, was) in [
        ("keep_runs_days", is.keep_runs_days, was.keep_runs_days),
        ("keep_letters_days", is.keep_letters_days, was.keep_letters_days),
        ("batch_mb", is.batch_mb, was.batch_mb),
    ] {
        table.add_row([name.to_owned(), is.to_string(), was.to_string()]);
    }
    writeln!(out, "{table}")?;
    writeln!(out, "\nData folder: {}", clean(&report.data_folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        assert_eq!(clean("a\u{1b}[2J\nb\u{202e}c"), "a\\u{1b}[2J\\u{a}b\\u{202e}c");
        assert_eq!(clean("naïve 日本"), "naïve 日本");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(48_212), "48,212");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
