//! `headgate`, the terminal command: parses the arguments, calls one use-case of `app`, and prints the answer as
//! a readable page or, with `--json`, as one JSON document on one line.
//!
//! `arguments` has the commands, `render` the pages, `policy` and `profile` the commands of those names, and
//! `output` writes to the terminal. The exit code is 0 for done, 1 for failed or refused, 2 for wrong use, and 3
//! for done with something that needs attention. It is a binary, so its examples are the tests in
//! `tests/journeys`.

mod arguments;
mod file;
mod output;
mod policy;
mod profile;
mod progress;
mod render;
mod terminal;

use std::io;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use clap::{CommandFactory, Parser};
use headgate_app::{
    Actor, App, Call, ColumnChoice, Cx, Door, Empty, LakeRef, PreviewRequest, RunRef,
    RunRejectedLines, RunRelease, RunReport, RunRequest, SettingsChange, Status, TableRef,
    table_to_fill,
};
use headgate_terms::{Error, Result, Shown, say};
use serde::Serialize;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use arguments::{
    Arguments, Command, RunsCommand, SchemaCommand, SettingsCommand, SyncCommand, TablesCommand,
};
use output::Out;
use progress::TerminalProgress;
use terminal::Terminal;

/// What the process says when it ends.
#[derive(Clone, Copy)]
enum Exit {
    Done = 0,
    Failed = 1,
    WrongUse = 2,
    NeedsAttention = 3,
}

/// Failures before anything was touched, because the arguments make no sense.
const WRONG_USE: [&str; 6] = [
    "wrong_use",
    "unsupported_location",
    "source_unnameable",
    "setting_out_of_range",
    "column_fixed",
    "column_exists",
];

fn main() -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let trace = trace();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("HEADGATE_LOG").unwrap_or_else(|_| EnvFilter::new("off")),
        )
        .with_writer(|| output::Log)
        .with_ansi(false)
        .init();
    let span = tracing::error_span!("headgate", trace);
    let _in_span = span.enter();
    panic::set_hook(Box::new(log_defect));
    let ended = panic::catch_unwind(AssertUnwindSafe(|| match parsed() {
        Ok(arguments) => carry_out(arguments, json),
        Err(error) if !error.use_stderr() || !json => said_by_clap(&error),
        Err(error) => Err(wrong_use(&error)),
    }));
    match ended.unwrap_or_else(|_| Err(defect())) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => fail(&error, json),
    }
}

/// What finds the log lines of this process.
fn trace() -> &'static str {
    static TRACE: OnceLock<String> = OnceLock::new();
    TRACE.get_or_init(|| uuid::Uuid::new_v4().simple().to_string()[..12].to_owned())
}

/// The arguments, or what is wrong with them: in words about the arguments as they may be shown, for
/// clap repeats them.
fn parsed() -> Result<Arguments, clap::Error> {
    Arguments::try_parse().map_err(|error| {
        let shown = std::env::args_os()
            .map(|argument| Shown::clean(&argument.to_string_lossy()).as_str().to_owned());
        Arguments::try_parse_from(shown).err().unwrap_or(error)
    })
}

/// Help that was requested, or how a command is used.
fn said_by_clap(error: &clap::Error) -> Result<Exit> {
    let text = error.render().to_string();
    let text = Shown::lines(text.strip_suffix('\n').unwrap_or(&text));
    let (written, exit) = if error.use_stderr() {
        (output::stderr(|out| out.line(text)), Exit::WrongUse)
    } else {
        (output::stdout(|out| out.line(text)), Exit::Done)
    };
    finished(written).map(|()| exit)
}

/// Where a defect is, for the log; a user reads [`defect`] instead.
fn log_defect(panicked: &PanicHookInfo<'_>) {
    let at = panicked.location().map(ToString::to_string).unwrap_or_default();
    let message = panicked.payload_as_str().unwrap_or("of an unknown kind");
    tracing::error!(at, "panicked: {message}");
}

fn defect() -> Error {
    Error::new("internal", "Headgate stopped because of a defect.").hint(
        "Run the command again: it finishes what was recorded. HEADGATE_LOG=error shows where the defect is.",
    )
}

fn carry_out(arguments: Arguments, json: bool) -> Result<Exit> {
    let Arguments { mut command, profile, .. } = arguments;
    if let Command::Completions { shell } = command {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "headgate", &mut text);
        let text = String::from_utf8_lossy(&text);
        finished(output::stdout(|out| out.file(&text)))?;
        return Ok(Exit::Done);
    }
    let app = app_for(&command, json)?;
    let cx = within(&app, profile, &mut command)?;
    let door = app.door(&cx);
    let exit = match command {
        Command::Sync { command: SyncCommand::Run(run) } => {
            let mut request = RunRequest::new(source(&run.from)?, run.to, app.data().clone());
            request.source = run.source;
            request.again = run.again;
            request.refill = run.refill.as_deref().map(table_to_fill).transpose()?;
            request.columns = ColumnChoice::parse_all(&run.column)?;
            request.new_lake_id = run.new_lake_id;
            request.follow_links = run.follow_links;
            door.settings_show(&Empty {})?.settings.apply(&mut request);
            request.batch_bytes = run.batch_bytes.unwrap_or(request.batch_bytes).max(1);
            request.window = run.window_days.map_or(request.window, |d| d * 86_400_000_000);
            request.most_columns = run.max_columns.unwrap_or(request.most_columns);
            let watching = TerminalProgress::new(stop_on_signal(&app), json);
            let report = door.sync_run(&request, &watching)?;
            watching.clear();
            show(json, &report, |out| render::run(out, &report))?;
            exit_of(&report)
        }
        Command::Schema { command: SchemaCommand::Preview(preview) } => {
            let from = source(&preview.path)?.ok_or_else(|| {
                Error::new("wrong_use", "A preview reads files, not standard input.")
                    .hint("Name a folder or a file.")
                    .field("PATH")
            })?;
            let data = app.data().clone();
            let mut request = PreviewRequest::new(from, data);
            request.lake = preview.lake;
            request.source = preview.source;
            request.columns = ColumnChoice::parse_all(&preview.column)?;
            request.follow_links = preview.follow_links;
            request.batch_bytes = door.settings_show(&Empty {})?.settings.batch_bytes();
            let watching = TerminalProgress::new(stop_on_signal(&app), json);
            let found = door.preview(&request, &watching)?;
            watching.clear();
            show(json, &found, |out| render::preview(out, &found))?;
            Exit::Done
        }
        Command::Runs { command } => runs(&door, command, json)?,
        Command::Tables { command } => tables(&door, command, json)?,
        Command::Settings { command } => {
            let report = match command {
                SettingsCommand::Show => door.settings_show(&Empty {})?,
                SettingsCommand::Set { name, value } => {
                    door.settings_change(&SettingsChange::named(&name, &value)?)?
                }
            };
            show(json, &report, |out| render::settings(out, &report))?;
            Exit::Done
        }
        Command::Policy { command } => policy::carry_out(&app, &door, command, json)?,
        Command::Profile { command } => profile::carry_out(&door, command, json)?,
        Command::Demo { to } => {
            let watching = TerminalProgress::new(stop_on_signal(&app), json);
            let report = door.demo(to.as_deref(), &watching)?;
            watching.clear();
            show(json, &report, |out| render::demo(out, &report))?;
            exit_of(&report.run)
        }
        Command::Completions { .. } => Exit::Done,
    };
    app.close();
    Ok(exit)
}

fn runs(door: &Door<'_>, command: RunsCommand, json: bool) -> Result<Exit> {
    match command {
        RunsCommand::List => {
            let runs = door.runs()?;
            let documents: Vec<_> = runs.iter().map(without_tables).collect();
            show(json, &json!({"v": 1, "runs": documents}), |out| render::runs(out, &runs))?;
        }
        RunsCommand::Show { run } => {
            let report = door.runs_show(&RunRef { run })?;
            show(json, &report, |out| render::run(out, &report))?;
        }
        RunsCommand::Rejected { run, reason, out: Some(to) } => {
            let saved = door.save_rejected(&run, reason.as_deref(), &to)?;
            let mut document = serde_json::to_value(&saved).unwrap_or_default();
            document["v"] = json!(1);
            show(json, &document, |out| render::saved(out, &saved))?;
        }
        RunsCommand::Rejected { run, reason, out: None } => {
            let of = RunRejectedLines { run: run.clone(), reason, from: 0 };
            let found = door.runs_rejected_lines(&of)?;
            let is_all = found.next.is_none();
            let document = json!({"v": 1, "run": run, "lines": found.letters, "is_all": is_all});
            show(json, &document, |out| render::rejected(out, &run, &found))?;
        }
        RunsCommand::Release { run, table } => {
            let released = door.runs_release(&RunRelease { run, table })?;
            show(json, &released, |out| render::released(out, &released))?;
        }
    }
    Ok(Exit::Done)
}

/// The use-cases, with the terminal as their host.
fn app_for(command: &Command, json: bool) -> Result<App> {
    // What is read by a program asks nothing.
    let agrees = json || matches!(command, Command::Policy { command } if command.agrees());
    Ok(App::from_environment()?.on(Box::new(Terminal { agrees })))
}

fn tables(door: &Door<'_>, command: TablesCommand, json: bool) -> Result<Exit> {
    match command {
        TablesCommand::List { lake } => {
            let report = door.tables_list(&LakeRef { lake: lake.lake })?;
            show(json, &report, |out| render::tables(out, &report))?;
        }
        TablesCommand::Show { table, lake } => {
            let detail = door.tables_show(&TableRef { lake: lake.lake, table })?;
            let mut document = serde_json::to_value(&detail).unwrap_or_default();
            document["v"] = json!(1);
            show(json, &document, |out| render::table(out, &detail))?;
        }
        TablesCommand::History { table, lake } => {
            let report = door.tables_history(&TableRef { lake: lake.lake, table })?;
            show(json, &report, |out| render::history(out, &report))?;
        }
    }
    Ok(Exit::Done)
}

/// The profile that is named, else the one in use. `headgate policy` took AWS's profiles by this name
/// before there were others, and still does.
fn within(app: &App, profile: Option<String>, command: &mut Command) -> Result<Cx> {
    let in_use = || app.cx(Actor::Terminal, Call::unheard());
    let Some(name) = profile else { return Ok(in_use()) };
    let found = app.cx_in(&name, Actor::Terminal, Call::unheard());
    match (found, command) {
        (Err(error), Command::Policy { command }) if error.code == "profile_not_found" => {
            let Some(aws) = command.aws() else { return Err(error) };
            aws.aws_profile.get_or_insert(name);
            Ok(in_use())
        }
        (found, _) => found,
    }
}

/// What a user named as the source: a path, or `None` for standard input.
fn source(text: &str) -> Result<Option<PathBuf>> {
    match text.split_once("://") {
        _ if text == "-" => Ok(None),
        Some(("file", path)) => Ok(Some(PathBuf::from(path))),
        Some((scheme, _)) => Err(Error::new(
            "unsupported_location",
            say!("`{}` is a `{}` address, and events are read from files.", text, scheme),
        )
        .hint("Name a folder or a file, or `-` for standard input.")
        .field("from")),
        None => Ok(Some(PathBuf::from(text))),
    }
}

/// Set when the process receives a signal to end, which ends its question too.
fn stop_on_signal(app: &App) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    app.on_signal(move || {
        set.store(true, Ordering::Relaxed);
        terminal::end_questions();
    });
    stop
}

fn exit_of(report: &RunReport) -> Exit {
    match report.status {
        Status::Succeeded => Exit::Done,
        Status::Partial => Exit::NeedsAttention,
        Status::Running | Status::Failed | Status::Cancelled => Exit::Failed,
    }
}

fn without_tables(report: &RunReport) -> serde_json::Value {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.remove("tables");
    }
    document
}

/// Writes the document on one line, or the page.
fn show(
    json: bool,
    document: &impl Serialize,
    page: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<()> {
    finished(output::stdout(|out| if json { out.document(document) } else { page(out) }))
}

/// What became of the output.
fn finished(written: io::Result<()>) -> Result<()> {
    match written {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Error::new("output_failed", say!("Could not write the output: {}.", error))
                .hint("The work itself is done; ask for it with `headgate runs show`."))
        }
        Ok(()) => Ok(()),
    }
}

fn wrong_use(error: &clap::Error) -> Error {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let sentence = match error.get(clap::error::ContextKind::InvalidArg) {
        // What is missing is on lines of its own.
        Some(clap::error::ContextValue::Strings(missing)) => {
            let missing: Vec<_> = missing.iter().map(|one| say!("`{}`", one)).collect();
            say!("The command requires {}.", Shown::join(&missing, ", "))
        }
        _ => say!("{}.", Shown::clean(first.trim_end_matches(['.', ':']))),
    };
    let mut wrong = Error::new("wrong_use", sentence).hint("See `headgate --help`.");
    if let Some(clap::error::ContextValue::String(argument)) =
        error.get(clap::error::ContextKind::InvalidArg)
    {
        wrong = wrong.field(Shown::clean(argument));
    }
    wrong
}

fn fail(error: &Error, json: bool) -> ExitCode {
    let mut error = error.clone();
    error.trace.get_or_insert_with(|| Shown::clean(trace()));
    // There is nobody left to tell that this does not get through.
    let _ = if json {
        output::stdout(|out| out.document(&json!({"v": 1, "error": error})))
    } else {
        output::stderr(|out| render::error(out, &error))
    };
    let wrong = WRONG_USE.contains(&error.code.as_ref());
    ExitCode::from(if wrong { Exit::WrongUse } else { Exit::Failed } as u8)
}
