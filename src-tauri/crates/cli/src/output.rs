//! The only code that writes to standard output and standard error. Everything is printed as [`Shown`], so text
//! from outside cannot act on the terminal.
//!
//! `clippy.toml` and the lints `print_stdout` and `print_stderr` forbid other ways.

#![allow(clippy::disallowed_methods, reason = "this is the one place that writes")]

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::{CellAlignment, presets};
use headgate_terms::Shown;
use indicatif::ProgressBar;
use serde::Serialize;

/// Writes a line: `line!(out, "{} rows in `{}`", count, name)`, with the arguments as
/// [`say!`](headgate_terms::say) takes them.
macro_rules! line {
    ($out:expr) => {
        $out.line("")
    };
    ($out:expr, $($said:tt)+) => {
        $out.line(::headgate_terms::say!($($said)+))
    };
}
pub(crate) use line;

/// Where text goes, a line at a time.
pub(crate) struct Out<'w> {
    to: &'w mut dyn Write,
    terminal: bool,
}

impl Out<'_> {
    /// Writes a line, or a text of several.
    pub(crate) fn line(&mut self, text: impl Into<Shown>) -> io::Result<()> {
        writeln!(self.to, "{}", text.into())
    }

    /// Writes a JSON document on one line.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> io::Result<()> {
        self.line(Shown::json(document)?)
    }

    /// Writes a text that is meant for a file or another program: byte by byte, unless a user looks.
    pub(crate) fn file(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(filed(text, self.terminal).as_bytes())
    }
}

/// A file's text as it goes out: cleaned for a terminal, as it is for a file or a pipe.
fn filed(text: &str, terminal: bool) -> Cow<'_, str> {
    if terminal { Cow::Owned(Shown::lines(text).as_str().to_owned()) } else { Cow::Borrowed(text) }
}

/// Writes to standard output.
pub(crate) fn stdout(write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let terminal = stdout.is_terminal();
    through(BufWriter::new(stdout), terminal, write)
}

/// Writes to standard error.
pub(crate) fn stderr(write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let stderr = io::stderr().lock();
    let terminal = stderr.is_terminal();
    through(BufWriter::new(stderr), terminal, write)
}

/// Whether a user reads what is written to standard error.
pub(crate) fn is_read_by_a_person() -> bool {
    io::stderr().is_terminal()
}

fn through(
    mut to: impl Write,
    terminal: bool,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> io::Result<()> {
    write(&mut Out { to: &mut to, terminal })?;
    to.flush()
}

/// Where log events go: each becomes one line on standard error.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // Nobody can be told that the log itself does not get through.
        let _ = stderr(|out| out.line(Shown::clean(text.trim_end_matches('\n'))));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A bar on standard error, where that is a terminal.
pub(crate) fn bar() -> Option<ProgressBar> {
    is_read_by_a_person().then(ProgressBar::no_length)
}

/// Shows a text beside a bar.
pub(crate) fn beside(bar: &ProgressBar, text: impl Into<Shown>) {
    bar.set_message(text.into().as_str().to_owned());
}

/// A table without rules, whose cells are [`Shown`].
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// With these words above its columns.
    pub(crate) fn new(header: impl IntoIterator<Item: Into<Shown>>) -> Self {
        let mut table = comfy_table::Table::new();
        let header = header.into_iter().map(|word| word.into().as_str().to_owned());
        table.load_style(presets::NOTHING).set_header(header);
        Self(table)
    }

    /// Aligns some columns to the right, for numbers.
    pub(crate) fn right(mut self, columns: std::ops::Range<usize>) -> Self {
        for at in columns {
            if let Some(column) = self.0.column_mut(at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Shown>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.as_str().to_owned()));
    }
}

impl From<Table> for Shown {
    fn from(table: Table) -> Self {
        Self::lines(&table.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use headgate_terms::acts;

    use super::*;

    const HOSTILE: &str = "a`\u{1b}[2J\r\u{9b}\u{202e}b\n\tc";

    fn written(terminal: bool, write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        through(&mut bytes, terminal, write).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_for_a_file_is_cleaned_only_on_a_terminal() {
        assert_eq!(written(false, |out| out.file(HOSTILE)), HOSTILE);
        let shown = written(true, |out| out.file(HOSTILE));
        assert_eq!(shown, "a`\\u{1b}[2J\\r\\u{9b}\\u{202e}b\n    c");
    }

    #[test]
    fn output_has_no_control_characters() {
        let text = written(false, |out| {
            let mut table = Table::new(["name", "count"]).right(1..2);
            table.row([Shown::clean(HOSTILE), Shown::from("7")]);
            out.line(table)?;
            line!(out, "{} is `{}`.", 7, HOSTILE)?;
            line!(out)?;
            out.document(&HOSTILE)
        });
        assert!(!text.replace('\n', "").contains(acts), "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1].starts_with(r" a`\u{1b}[2J\r\u{9b}\u{202e}b\n\tc"), "{text}");
        assert_eq!(lines[2], r"7 is `a\u{60}\u{1b}[2J\r\u{9b}\u{202e}b\n\tc`.");
        assert_eq!(serde_json::from_str::<String>(lines[4]).unwrap(), HOSTILE);
    }
}
