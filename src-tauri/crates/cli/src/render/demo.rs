//! The page of `headgate demo`: the run, its tables, and where to look next.

use std::io;

use headgate_app::{DemoReport, RunReport};
use headgate_terms::{Shown, grouped, say};

use super::{run, shortened};
use crate::output::{Out, line};

pub(crate) fn demo(out: &mut Out<'_>, report: &DemoReport) -> io::Result<()> {
    let lake = Shown::clean(&report.lake.display().to_string());
    line!(out, "A sample day of a small shop is now a lake in {}.\n", lake)?;
    run(out, &report.run)?;
    let mut made = Vec::new();
    for table in &report.run.tables {
        let columns: Vec<Shown> = table
            .columns_added
            .iter()
            .filter(|column| !shared(&report.run, &column.name))
            .map(|column| say!("{} {}", column.name, column.kind))
            .collect();
        if !columns.is_empty() {
            made.push(say!("  {}\n    {}", table.table, wrapped(&columns)));
        }
    }
    if !made.is_empty() {
        line!(out, "\nColumns made, beside those that every table has")?;
        made.into_iter().try_for_each(|table| out.line(table))?;
    }
    if !report.preview.discards.is_empty() {
        line!(out, "\nWhy values were set aside")?;
        for discard in &report.preview.discards {
            line!(
                out,
                "  {} × {} in {}, column {}: {}",
                grouped(discard.count),
                discard.reason,
                discard.table,
                discard.column,
                shortened(&discard.sample)
            )?;
        }
    }
    let schema = report.run.source.as_deref().unwrap_or("shop");
    line!(out, "\nLook at it with Headgate:")?;
    line!(out, "  headgate tables list --lake {}", lake)?;
    line!(out, "  headgate tables show {}.order_completed --lake {}", schema, lake)?;
    line!(out, "\nOr with any reader of Delta tables, such as DuckDB:")?;
    line!(
        out,
        "  SELECT order_id, total, ship_to_city FROM delta_scan('{}/{}/order_completed');",
        lake,
        schema
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
fn wrapped(names: &[Shown]) -> Shown {
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
    Shown::lines(&text)
}
