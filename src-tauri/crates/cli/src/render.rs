//! Pages for a terminal: the result first, then the numbers, then the details.
//!
//! A value that stands alone is cleaned with [`Shown::clean`]; one inside a sentence goes through `say!`.

mod demo;

use std::io;

use headgate_app::{
    CommitEntry, Counted, HistoryReport, Preview, PreviewType, RejectedLine, RejectedLines,
    Release, RunReport, SavedLines, SettingsReport, Status, TableDetail, TablesReport, Theme,
};
use headgate_terms::{ColumnType, Error, Shown, grouped, say};

use crate::output::{Out, Table, line};

pub(crate) use demo::demo;

/// How many columns of a table a list names before it counts the rest.
const NAMED: usize = 6;
/// How many lines a preview shows that would be rejected.
const REJECTED: usize = 10;

pub(crate) fn error(out: &mut Out<'_>, error: &Error) -> io::Result<()> {
    out.line(error.message.clone())?;
    if let Some(hint) = &error.hint {
        line!(out, "  {}", hint)?;
    }
    let trace = error.trace.as_deref().unwrap_or("-");
    line!(out, "  code {}, trace {}", error.code, trace)
}

pub(crate) fn run(out: &mut Out<'_>, report: &RunReport) -> io::Result<()> {
    out.line(sentence(report))?;
    if let Some(failure) = &report.error {
        line!(out)?;
        error(out, failure)?;
    }
    let events = &report.events;
    let mut sum = vec![
        say!("{} written", grouped(events.written)),
        say!("{} duplicate", grouped(events.duplicate)),
        say!("{} rejected", grouped(events.rejected)),
    ];
    if events.waiting > 0 {
        sum.push(say!("{} waiting", grouped(events.waiting)));
    }
    if events.lost > 0 {
        sum.push(say!("{} lost", grouped(events.lost)));
    }
    line!(out, "\n{} received = {}", grouped(events.received), Shown::join(&sum, " + "))?;
    if !report.tables.is_empty() {
        line!(out)?;
        tables_of_run(out, report)?;
    }
    for table in report.tables.iter().filter(|table| table.error.is_some()) {
        if let Some(failure) = &table.error {
            line!(out, "\n{}.{} needs attention:", table.schema, table.table)?;
            error(out, failure)?;
        }
    }
    counted(out, "Set aside, in headgate_discards", &report.discards)?;
    counted(out, "Rejected", &report.rejected)?;
    if let Some(letters) = &report.dead_letters {
        let path = Shown::clean(&letters.path);
        let are = if letters.count == 1 { "is" } else { "are" };
        line!(out, "  {} {} kept in {}", counted_as(letters.count, "line"), are, path)?;
    }
    if !report.notices.is_empty() {
        line!(out, "\nNotices")?;
        for notice in &report.notices {
            line!(out, "  {:>9}  {}", grouped(notice.count), Shown::clean(&notice.message))?;
        }
    }
    for file in &report.files.damaged {
        line!(out)?;
        error(out, &file.error)?;
    }
    let files = &report.files;
    line!(
        out,
        "\nFiles: {} taken, {} unchanged, {} damaged, {} ignored. {} of JSON in {}.",
        grouped(files.taken),
        grouped(files.unchanged),
        grouped(files.damaged.len() as u64),
        grouped(files.ignored),
        bytes(report.bytes_in),
        if report.batches == 1 {
            "1 batch".into()
        } else {
            say!("{} batches", grouped(report.batches))
        },
    )?;
    line!(out, "Run {} into {}", report.run, Shown::clean(&report.to))
}

/// How things are, in one sentence.
fn sentence(report: &RunReport) -> Shown {
    let events = &report.events;
    let (written, received) = (grouped(events.written), grouped(events.received));
    match report.status {
        Status::Running => {
            say!("Run {} goes on: {} events are in the lake.", report.run, written)
        }
        Status::Succeeded if events.received == 0 => {
            "Nothing new: no event was waiting that the lake does not have.".into()
        }
        Status::Succeeded => say!(
            "{} of {} events are in the lake; {} had landed before.",
            written,
            received,
            grouped(events.duplicate)
        ),
        Status::Partial if events.received == 0 => {
            "Nothing new, and something needs attention.".into()
        }
        Status::Partial => say!(
            "{} of {} events are in the lake, and something needs attention.",
            written,
            received
        ),
        Status::Failed => "The run failed.".into(),
        Status::Cancelled => say!("Stopped. {} events are in the lake.", written),
    }
}

fn tables_of_run(out: &mut Out<'_>, report: &RunReport) -> io::Result<()> {
    let header = ["table", "received", "written", "duplicate", "set aside", "columns"];
    let mut table = Table::new(header).right(1..5);
    for part in &report.tables {
        let number = |count: Option<u64>| count.map_or_else(|| "-".into(), grouped);
        let columns = match (part.created, part.columns_added.len()) {
            (true, count) => say!("new, {}", count),
            (false, 0) => Shown::default(),
            (false, count) => say!("+{}", count),
        };
        let written = part
            .merged
            .map_or_else(|| number(part.written), |merged| say!("{} merged", grouped(merged)));
        table.row([
            named(&part.schema, &part.table),
            number(part.received),
            written,
            number(part.duplicate),
            grouped(part.discarded),
            match part.error.as_ref().map(|error| error.code.as_ref()) {
                Some("table_behind") => "behind".into(),
                Some(_) => "waits".into(),
                None => columns,
            },
        ]);
    }
    out.line(table)
}

fn counted(out: &mut Out<'_>, title: &'static str, counts: &[Counted]) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    line!(out, "\n{}", title)?;
    for counted in counts {
        line!(out, "  {:>9}  {}", grouped(counted.count), counted.reason)?;
    }
    Ok(())
}

/// The lines that a run rejected, as far as one answer has them.
pub(crate) fn rejected(out: &mut Out<'_>, run: &str, found: &RejectedLines) -> io::Result<()> {
    if found.letters.is_empty() {
        return line!(out, "Run {} rejected no such line.", run);
    }
    rejected_lines(out, &found.letters)?;
    if found.next.is_some() {
        line!(out, "\nThere are more; `--out FILE` saves all of them as they came.")?;
    }
    Ok(())
}

fn rejected_lines(out: &mut Out<'_>, lines: &[RejectedLine]) -> io::Result<()> {
    let mut table = Table::new(["file", "line", "reason", "text"]).right(1..2);
    for one in lines {
        let text = one.raw.as_deref().or(one.raw_base64.as_deref()).unwrap_or_default();
        table.row([
            Shown::clean(&one.file),
            say!("{}", one.line),
            Shown::clean(&one.reason),
            shortened(text),
        ]);
        if let Some(problem) = &one.problem {
            table.row([
                Shown::default(),
                Shown::default(),
                Shown::default(),
                problem.message.clone(),
            ]);
        }
    }
    out.line(table)
}

pub(crate) fn saved(out: &mut Out<'_>, saved: &SavedLines) -> io::Result<()> {
    let lines = counted_as(saved.saved, "line");
    let are = if saved.saved == 1 { "is" } else { "are" };
    line!(out, "{} {} saved in `{}`, as they came.", lines, are, saved.path)?;
    if saved.left_out > 0 {
        let lines = counted_as(saved.left_out, "line");
        line!(out, "{} not saved: only the beginning was kept.", lines)?;
    }
    Ok(())
}

pub(crate) fn released(out: &mut Out<'_>, release: &Release) -> io::Result<()> {
    let lines = counted_as(release.released, "line");
    let wait = if release.released == 1 { "waits" } else { "wait" };
    line!(out, "{} of run {} {} no more.", lines, release.run, wait)?;
    if let Some(letters) = &release.dead_letters {
        line!(out, "They are kept in {}", Shown::clean(&letters.path))?;
    }
    if !release.files.is_empty() {
        line!(
            out,
            "Files that were written for them stay in the lake until their table is vacuumed:"
        )?;
    }
    release.files.iter().try_for_each(|file| line!(out, "  {}", Shown::clean(file)))
}

pub(crate) fn preview(out: &mut Out<'_>, preview: &Preview) -> io::Result<()> {
    let events = &preview.events;
    let fresh = preview.tables.iter().filter(|table| table.state == "new").count();
    let changed = preview.tables.iter().filter(|table| table.state == "changed").count();
    line!(
        out,
        "{} would make {} new and change {} of {}. Nothing was written.",
        counted_as(events.received, "event"),
        fresh,
        changed,
        counted_as(preview.tables.len() as u64, "table"),
    )?;
    line!(out, "{} duplicate, {} rejected", grouped(events.duplicate), grouped(events.rejected))?;
    for table in &preview.tables {
        line!(
            out,
            "\n{} {}  {}, {}",
            sign(&table.state),
            named(&table.schema, &table.table),
            table.state,
            counted_as(table.rows, "row")
        )?;
        if let Some(failure) = &table.error {
            error(out, failure)?;
            continue;
        }
        let header = ["", "column", "type", "filled", "set aside", "from"];
        let mut columns = Table::new(header).right(3..5);
        for column in &table.columns {
            let aside =
                if column.discarded == 0 { Shown::default() } else { grouped(column.discarded) };
            columns.row([
                sign(&column.state).into(),
                Shown::clean(&column.name),
                say!("{}", column.kind),
                grouped(column.filled),
                aside,
                Shown::clean(&column.from.join(", ")),
            ]);
        }
        out.line(columns)?;
        for column in &table.columns {
            if let Some(mixture) = column.mixture.as_ref().filter(|_| column.state == "mixed") {
                line!(out, "  {}: {}", Shown::clean(&column.name), mixes(mixture))?;
            }
        }
    }
    let mixed = preview.tables.iter().find_map(|table| {
        let column = table.columns.iter().find(|column| column.state == "mixed")?;
        let (best, _) = best_type(column.mixture.as_deref()?);
        Some(format!("{}.{}.{}={best}", table.schema, table.table, column.name))
    });
    if let Some(choice) = mixed {
        line!(
            out,
            "\nThe first sync makes STRING final. Choose another type before it, such as `--column {}`.",
            choice
        )?;
    }
    if !preview.discards.is_empty() {
        line!(out, "\nWould be set aside")?;
        let header = ["table", "column", "reason", "count", "for example"];
        let mut table = Table::new(header).right(3..4);
        for discard in &preview.discards {
            table.row([
                Shown::clean(&discard.table),
                Shown::clean(&discard.column),
                Shown::clean(&discard.reason),
                grouped(discard.count),
                shortened(&discard.sample),
            ]);
        }
        out.line(table)?;
    }
    for file in &preview.damaged {
        line!(out)?;
        error(out, &file.error)?;
    }
    for notice in &preview.notices {
        line!(out, "\n{}", notice.message)?;
    }
    left_out(out, preview)?;
    line!(
        out,
        "\n+ new   ± mixed: of several types   = unchanged   ≠ conflict: values that the column's type cannot hold"
    )
}

/// The lines and files of a preview that would not land.
fn left_out(out: &mut Out<'_>, preview: &Preview) -> io::Result<()> {
    if !preview.rejected_lines.is_empty() {
        line!(out, "\nWould be rejected")?;
        let shown = &preview.rejected_lines[..preview.rejected_lines.len().min(REJECTED)];
        rejected_lines(out, shown)?;
        let more = preview.events.rejected.saturating_sub(shown.len() as u64);
        if more > 0 {
            line!(out, "  and {} more", grouped(more))?;
        }
    }
    if preview.ignored > 0 {
        let names: Vec<Shown> =
            preview.ignored_files.iter().take(NAMED).map(|name| say!("`{}`", name)).collect();
        let more = preview.ignored.saturating_sub(names.len() as u64);
        let more = if more > 0 { say!(" and {} more", grouped(more)) } else { Shown::default() };
        let names = Shown::join(&names, ", ");
        line!(out, "\nIgnored, for their names or because they are no files: {}{}", names, more)?;
    }
    Ok(())
}

/// Why a column that mixes types becomes STRING, and what it could be else.
fn mixes(mixture: &[PreviewType]) -> Shown {
    let all: u64 = mixture.iter().map(|of| of.count).sum();
    let (kind, fit) = best_type(mixture);
    let others: Vec<Shown> = mixture
        .iter()
        .filter(|of| !holds(kind, of.kind))
        .enumerate()
        .map(|(at, of)| {
            let count = if at == 0 {
                say!("{} of {}", grouped(of.count), counted_as(all, "value"))
            } else {
                grouped(of.count)
            };
            let example = of
                .example
                .as_deref()
                .map_or_else(Shown::default, |example| say!(" (`{}`)", beginning(example)));
            say!("{} {}{}", count, are(of), example)
        })
        .collect();
    let rest = if fit == 1 { say!("The other one") } else { say!("The other {}", grouped(fit)) };
    let examples = mixture.iter().filter(|of| holds(kind, of.kind));
    let examples: Vec<Shown> = examples
        .filter_map(|of| of.example.as_deref().map(|example| say!("`{}`", beginning(example))))
        .collect();
    let such = match examples.as_slice() {
        [] => Shown::default(),
        examples => say!(" ({})", Shown::join(examples, ", ")),
    };
    let because = Shown::join(&others, " and ");
    say!("STRING, because {}. {} would fit {}{}.", because, rest, kind, such)
}

/// The type other than STRING that most of some values have, and how many.
fn best_type(mixture: &[PreviewType]) -> (ColumnType, u64) {
    let fit =
        |kind| -> u64 { mixture.iter().filter(|of| holds(kind, of.kind)).map(|of| of.count).sum() };
    let has_points = mixture.iter().any(|of| of.kind == ColumnType::Double);
    let number = if has_points { ColumnType::Double } else { ColumnType::BigInt };
    [number, ColumnType::Boolean, ColumnType::Timestamp]
        .map(|kind| (kind, fit(kind)))
        .into_iter()
        .rev()
        .max_by_key(|(_, fit)| *fit)
        .unwrap_or((ColumnType::String, 0))
}

/// Whether a column of one type holds the values of another.
fn holds(kind: ColumnType, of: ColumnType) -> bool {
    kind == of || kind == ColumnType::Double && of == ColumnType::BigInt
}

/// As much of a value as a sentence has room for.
fn beginning(text: &str) -> String {
    const LONGEST: usize = 48;
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// What the values of one type are, in words.
fn are(of: &PreviewType) -> &'static str {
    match (of.kind, of.count) {
        (ColumnType::BigInt, 1) => "is a whole number",
        (ColumnType::BigInt, _) => "are whole numbers",
        (ColumnType::Double, 1) => "is a number",
        (ColumnType::Double, _) => "are numbers",
        (ColumnType::Boolean, 1) => "is true or false",
        (ColumnType::Boolean, _) => "are true or false",
        (ColumnType::Timestamp, 1) => "is a time",
        (ColumnType::Timestamp, _) => "are times",
        (ColumnType::String, 1) => "is text",
        (ColumnType::String, _) => "are text",
    }
}

fn sign(state: &str) -> &'static str {
    match state {
        "new" => "+",
        "changed" => "~",
        "mixed" => "±",
        "conflict" => "≠",
        _ => "=",
    }
}

pub(crate) fn runs(out: &mut Out<'_>, runs: &[RunReport]) -> io::Result<()> {
    if runs.is_empty() {
        return line!(out, "No run yet. Begin with `headgate sync run --from … --to …`.");
    }
    let header =
        ["run", "status", "started", "source", "received", "written", "duplicate", "rejected"];
    let mut table = Table::new(header).right(4..8);
    for run in runs {
        let status = match &run.error {
            Some(error) if run.status == Status::Failed => say!("failed ({})", error.code),
            _ => word(run.status).into(),
        };
        table.row([
            Shown::clean(&run.run),
            status,
            Shown::clean(&run.started),
            Shown::clean(run.source.as_deref().unwrap_or("several")),
            grouped(run.events.received),
            grouped(run.events.written),
            grouped(run.events.duplicate),
            grouped(run.events.rejected),
        ]);
    }
    out.line(table)
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

pub(crate) fn tables(out: &mut Out<'_>, report: &TablesReport) -> io::Result<()> {
    let header = ["table", "rows", "files", "size", "version", "columns"];
    let mut table = Table::new(header).right(1..6);
    for one in &report.tables {
        table.row([
            named(&one.schema, &one.table),
            one.rows.map_or_else(|| "?".into(), grouped),
            grouped(one.files),
            bytes(one.bytes),
            say!("{}", one.version),
            say!("{}", one.columns.len()),
        ]);
    }
    out.line(table)?;
    for one in report.unreadable.iter().chain(&report.behind) {
        line!(out)?;
        error(out, &one.error)?;
    }
    Ok(())
}

pub(crate) fn table(out: &mut Out<'_>, detail: &TableDetail) -> io::Result<()> {
    let one = &detail.summary;
    line!(
        out,
        "{} has {} in {}, {}, at version {}.",
        named(&one.schema, &one.table),
        one.rows.map_or_else(|| "an unknown number of rows".into(), |n| counted_as(n, "row")),
        counted_as(one.files, "file"),
        bytes(one.bytes),
        one.version
    )?;
    line!(
        out,
        "{}\nprotocol ({}, {})\n",
        Shown::clean(&one.path),
        detail.protocol.reader,
        detail.protocol.writer
    )?;
    let mut columns = Table::new(["column", "type", "first values"]);
    for column in &one.columns {
        let values: Vec<Shown> = detail
            .sample
            .iter()
            .filter_map(|row| row.get(&column.name).filter(|value| !value.is_null()))
            .take(3)
            .map(|value| value.as_str().map_or_else(|| shortened(&value.to_string()), shortened))
            .collect();
        columns.row([
            Shown::clean(&column.name),
            Shown::clean(&column.kind),
            Shown::join(&values, " · "),
        ]);
    }
    out.line(columns)?;
    if detail.cut {
        line!(out, "Long values are cut, or rows are left out, to keep this short.")?;
    }
    for (key, value) in &detail.properties {
        line!(out, "{} = {}", Shown::clean(key), Shown::clean(value))?;
    }
    for (app, version) in &detail.txn {
        line!(out, "batch {} of {}", version, Shown::clean(app))?;
    }
    Ok(())
}

pub(crate) fn history(out: &mut Out<'_>, report: &HistoryReport) -> io::Result<()> {
    let header =
        ["version", "at", "operation", "rows", "files", "columns added", "run", "by", "engine"];
    let mut table = Table::new(header).right(0..1).right(3..4);
    for commit in &report.commits {
        table.row([
            say!("{}", commit.version),
            Shown::clean(commit.at.as_deref().unwrap_or_default()),
            Shown::clean(commit.operation.as_deref().unwrap_or("-")),
            grouped(commit.rows_added),
            files(commit),
            added(commit),
            Shown::clean(commit.run.as_deref().unwrap_or("-")),
            Shown::clean(commit.installation.as_deref().unwrap_or("-")),
            Shown::clean(commit.engine.as_deref().unwrap_or("-")),
        ]);
    }
    out.line(table)
}

fn files(commit: &CommitEntry) -> Shown {
    match commit.files_removed {
        0 => say!("+{}", commit.files_added),
        removed => say!("+{} -{}", commit.files_added, removed),
    }
}

fn added(commit: &CommitEntry) -> Shown {
    let mut names: Vec<Shown> =
        commit.columns_added.iter().take(NAMED).map(|column| Shown::clean(&column.name)).collect();
    let more = commit.columns_added.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(say!("{} more", more));
    }
    Shown::join(&names, ", ")
}

/// A table's name with its schema.
fn named(schema: &str, table: &str) -> Shown {
    Shown::clean(&format!("{schema}.{table}"))
}

/// A count of things, in words.
pub(crate) fn counted_as(count: u64, thing: &'static str) -> Shown {
    say!("{} {}{}", grouped(count), thing, if count == 1 { "" } else { "s" })
}

fn bytes(count: u64) -> Shown {
    Shown::clean(&indicatif::DecimalBytes(count).to_string())
}

/// A value cut to what a line can hold.
pub(crate) fn shortened(text: &str) -> Shown {
    const LONGEST: usize = 48;
    let text = Shown::clean(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST - 1).collect();
    Shown::clean(&format!("{cut}…"))
}

/// The settings, each beside what it is as installed.
pub(crate) fn settings(out: &mut Out<'_>, report: &SettingsReport) -> io::Result<()> {
    let mut table = Table::new(["setting", "value", "as installed"]);
    let (is, was) = (&report.settings, &report.installed);
    let theme = |theme: Theme| match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    table.row(["theme".into(), theme(is.theme).into(), theme(was.theme).into()]);
    let letters = |keys: bool| if keys { "true" } else { "false" };
    table.row([
        "letter_keys".into(),
        letters(is.letter_keys).into(),
        letters(was.letter_keys).into(),
    ]);
    for (name, is, was) in [
        ("zoom_percent", is.zoom_percent, was.zoom_percent),
        ("keep_runs_days", is.keep_runs_days, was.keep_runs_days),
        ("keep_letters_days", is.keep_letters_days, was.keep_letters_days),
        ("batch_mb", is.batch_mb, was.batch_mb),
    ] {
        table.row([name.into(), say!("{}", is), say!("{}", was)]);
    }
    out.line(table)?;
    line!(out, "\nData folder: {}", Shown::clean(&report.data_folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_column_lists_its_types_and_what_would_not_fit() {
        use ColumnType::{BigInt, Boolean, Double, String as Text, Timestamp};
        for (types, expected) in [
            (
                &[(BigInt, 57, "2"), (Text, 3, "three")][..],
                "STRING, because 3 of 60 values are text (`three`). The other 57 would fit BIGINT (`2`).",
            ),
            (
                &[(Text, 1_200, "a"), (BigInt, 1, "7")],
                "STRING, because 1,200 of 1,201 values are text (`a`). The other one would fit BIGINT (`7`).",
            ),
            (
                &[(BigInt, 5, "1"), (Double, 2, "1.5"), (Boolean, 1, "true"), (Text, 1, "x`y")],
                "STRING, because 1 of 9 values is true or false (`true`) and 1 is text (`x\\u{60}y`). The other 7 would fit DOUBLE (`1`, `1.5`).",
            ),
            (
                &[(Timestamp, 4, "2026-11-22T10:00:00Z"), (Double, 2, "1.5")],
                "STRING, because 2 of 6 values are numbers (`1.5`). The other 4 would fit TIMESTAMP (`2026-11-22T10:00:00Z`).",
            ),
            (
                &[(Boolean, 2, "true"), (BigInt, 2, "1")],
                "STRING, because 2 of 4 values are true or false (`true`). The other 2 would fit BIGINT (`1`).",
            ),
        ] {
            let of = |&(kind, count, example): &(_, _, &str)| {
                let example = Some(example.to_owned());
                PreviewType { kind, count, example }
            };
            let types: Vec<_> = types.iter().map(of).collect();
            assert_eq!(mixes(&types).as_str(), expected);
        }
        let bare = [(BigInt, 2), (Text, 1)];
        let bare = bare.map(|(kind, count)| PreviewType { kind, count, example: None });
        assert_eq!(
            mixes(&bare).as_str(),
            "STRING, because 1 of 3 values is text. The other 2 would fit BIGINT."
        );
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(48_212), "48,212");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
