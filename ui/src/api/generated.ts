// Made from the command table and the types of Rust.

/** Every command: what it is asked, answers and reports. */
export interface Commands {
  /** What this installation is; fails when it cannot work. */
  app_start: { request: Nothing; response: Start; progress: never }
  /** Puts an error of the page into the log. */
  page_failed: { request: PageFailed; response: Nothing; progress: never }
  /** What goes on, what needs a person, what changed. */
  overview_show: { request: Nothing; response: Overview; progress: never }
  /** What events would make of a lake; nothing is written. */
  schema_preview: { request: SchemaPreview; response: Preview; progress: Progress }
  /** Brings events into a lake. */
  sync_start: { request: SyncStart; response: RunReport; progress: Progress }
  /** Every run without its tables, newest first. */
  runs_list: { request: Nothing; response: RunList; progress: never }
  /** One run. */
  runs_show: { request: RunName; response: RunReport; progress: never }
  /** Lines that a run rejected. */
  runs_letters: { request: RunLetters; response: Letters; progress: never }
  /** Values that a run set aside. */
  runs_discards: { request: RunDiscards; response: Discards; progress: never }
  /** The lakes that runs wrote to or a person opened, the latest first. */
  lakes_list: { request: Nothing; response: Lakes; progress: never }
  /** Puts a lake that was opened first among those that are known. */
  lakes_remember: { request: LakeName; response: Lakes; progress: never }
  /** The tables of a lake. */
  tables_list: { request: LakeName; response: TablesReport; progress: never }
  /** One table. */
  tables_show: { request: TableName; response: TableDetail; progress: never }
  /** The commits of a table, newest first. */
  tables_history: { request: TableName; response: HistoryReport; progress: never }
  /** The first rows of a table. */
  tables_rows: { request: TableName; response: TableRows; progress: never }
  /** The files of a table's newest version. */
  tables_files: { request: TableName; response: FilesReport; progress: never }
  /** Lays the sample day's events down where a sync can take them. */
  sample_lay: { request: Nothing; response: Sample; progress: never }
  /** The settings, and what they are as installed. */
  settings_show: { request: Nothing; response: SettingsReport; progress: never }
  /** Changes settings. */
  settings_change: { request: SettingsChange; response: SettingsReport; progress: never }
  /** The calls that go on and report progress. */
  calls_list: { request: Nothing; response: Calls; progress: never }
  /** Asks a call to stop. */
  calls_cancel: { request: CallName; response: Nothing; progress: never }
  /** Lets a person choose a file or a folder. */
  host_choose: { request: Choose; response: Chosen; progress: never }
  /** Puts text on the clipboard. */
  host_copy: { request: Copy; response: Nothing; progress: never }
  /** What happens outside the page: files dropped, an address opened. */
  host_events: { request: Nothing; response: Nothing; progress: HostEvent }
}

/**
 * A call by the caller's name for it.
 */
export type CallName = { 
/**
 * The name.
 */
call: string, };

/**
 * The calls that go on.
 */
export type Calls = { 
/**
 * In order of their names.
 */
calls: Array<OpenCall>, };

/**
 * Tables that a run made, or one that it gave columns.
 */
export type Change = { 
/**
 * When the run ended, in RFC 3339.
 */
at: string, 
/**
 * The run.
 */
run: string, 
/**
 * The lake.
 */
to: string, 
/**
 * The tables' schema.
 */
schema: string, 
/**
 * The tables: all that were made there, or the one that gained columns.
 */
tables: Array<string>, 
/**
 * Whether they were made.
 */
created: boolean, 
/**
 * The columns that a table gained, in order; none for tables that were made.
 */
columns: Array<string>, };

/**
 * What to choose.
 */
export type Choose = { 
/**
 * Of which kind.
 */
kind: ChooseKind, 
/**
 * The dialog's title.
 */
title: string, };

/**
 * What can be chosen.
 */
export type ChooseKind = "file" | "folder";

/**
 * What was chosen.
 */
export type Chosen = { 
/**
 * Its path; none when the dialog was closed.
 */
path: string | null, };

/**
 * A column: every one is nullable.
 */
export type Column = { 
/**
 * Its name in the table.
 */
name: string, 
/**
 * Its type.
 */
type: ColumnType, };

/**
 * The five types a column of Headgate's can have.
 */
export type ColumnType = "BIGINT" | "DOUBLE" | "BOOLEAN" | "STRING" | "TIMESTAMP";

/**
 * One commit of a table.
 */
export type CommitEntry = { 
/**
 * Its version.
 */
version: number, 
/**
 * When, in RFC 3339.
 */
at: string | null, 
/**
 * What it was called, such as `WRITE` or `MERGE`.
 */
operation: string | null, 
/**
 * Which program wrote it.
 */
engine: string | null, 
/**
 * The run of Headgate's that did, if one did.
 */
run: string | null, 
/**
 * Rows that came in; for a merge the rows that were merged.
 */
rows_added: number, 
/**
 * Files that came in.
 */
files_added: number, 
/**
 * Files that went.
 */
files_removed: number, 
/**
 * Columns that the table has since.
 */
columns_added: Array<Column>, };

/**
 * Text for the clipboard.
 */
export type Copy = { 
/**
 * The text.
 */
text: string, };

/**
 * How often something happened.
 */
export type Counted = { 
/**
 * What.
 */
reason: string, 
/**
 * How often.
 */
count: number, };

/**
 * A file that could not be read, or not to its end.
 */
export type Damaged = { 
/**
 * Its path below the source.
 */
path: string, 
/**
 * What is wrong with it.
 */
error: Failure, };

/**
 * The last 24 hours.
 */
export type Day = { 
/**
 * Runs that began.
 */
runs: number, 
/**
 * Places and sources that they took from.
 */
sources: number, 
/**
 * Lakes that they wrote to, the latest first.
 */
lakes: Array<string>, 
/**
 * Events received.
 */
received: number, 
/**
 * Events written.
 */
written: number, };

/**
 * The file that keeps a run's rejected lines.
 */
export type DeadLetters = { 
/**
 * Its path.
 */
path: string, 
/**
 * Lines in it.
 */
count: number, };

/**
 * A value that a run set aside, as `headgate_discards` keeps it.
 */
export type DiscardRow = { 
/**
 * The schema of the table.
 */
schema: string, 
/**
 * The table of the row it is missing from.
 */
table: string, 
/**
 * The id of that row.
 */
row: string, 
/**
 * The column, or the path as sent where there is none.
 */
column: string, 
/**
 * The value as text.
 */
value: string, 
/**
 * When the event was received, in RFC 3339.
 */
received: string, 
/**
 * Why.
 */
reason: string, };

/**
 * Values that a run set aside.
 */
export type Discards = { 
/**
 * The values.
 */
discards: Array<DiscardRow>, 
/**
 * Whether there are more.
 */
more: boolean, };

/**
 * Received = written + duplicate + rejected (E8).
 */
export type EventCounts = { 
/**
 * Lines that were events or meant to be.
 */
received: number, 
/**
 * Events that landed in at least one table.
 */
written: number, 
/**
 * Events that had landed before.
 */
duplicate: number, 
/**
 * Lines that are no event.
 */
rejected: number, };

/**
 * What failed, on what, and what to do next.
 */
export type Failure = { 
/**
 * A stable word in `snake_case` that a program may branch on.
 */
code: string, 
/**
 * What failed and on what, in one sentence.
 */
message: string, 
/**
 * The one next action, in one sentence.
 */
hint: string | null, 
/**
 * The argument or setting at fault, where there is one.
 */
field: string | null, 
/**
 * Whether the same call may succeed later without a change.
 */
retryable: boolean, 
/**
 * What finds the log lines: a run's id, or the id of this process.
 */
trace: string | null, };

/**
 * What became of the files.
 */
export type FileCounts = { 
/**
 * Read to their end.
 */
taken: number, 
/**
 * Not read, because they went into this lake before and have not changed.
 */
unchanged: number, 
/**
 * Not data by their name.
 */
ignored: number, 
/**
 * Not readable, or only in part.
 */
damaged: Array<Damaged>, };

/**
 * The files of a table.
 */
export type FilesReport = { 
/**
 * Those of the newest version, the newest first.
 */
files: Array<TableFile>, };

/**
 * The commits of a table.
 */
export type HistoryReport = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * Newest first.
 */
commits: Array<CommitEntry>, };

/**
 * What happens outside the page.
 */
export type HostEvent = { "kind": "over" } | { "kind": "away" } | { "kind": "dropped", 
/**
 * Where they lie.
 */
paths: Array<string>, } | { "kind": "open", 
/**
 * Its address, beginning with `/`.
 */
address: string, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/**
 * A lake by its address.
 */
export type LakeName = { 
/**
 * The address or the path.
 */
lake: string, };

/**
 * The lakes that are known.
 */
export type Lakes = { 
/**
 * Their addresses, the latest first.
 */
lakes: Array<string>, };

/**
 * A line that is no event, as kept.
 */
export type Letter = { 
/**
 * The file it came in.
 */
file: string, 
/**
 * Its number there, from 1.
 */
line: number, 
/**
 * Why it is no event.
 */
reason: string, 
/**
 * The line, or its beginning; none when it is not UTF-8.
 */
raw: string | null, 
/**
 * The line, or its beginning, in base64 when it is not UTF-8.
 */
raw_base64: string | null, 
/**
 * Whether this is only its beginning; the file has it whole.
 */
cut: boolean, };

/**
 * Some of a run's letters.
 */
export type Letters = { 
/**
 * In the order they came.
 */
letters: Array<Letter>, 
/**
 * Where the next ones begin; none at the end.
 */
next: number | null, };

/**
 * Something that needs a person: of the latest run from one place into one lake.
 */
export type Need = { 
/**
 * What.
 */
kind: NeedKind, 
/**
 * The run.
 */
run: string, 
/**
 * Its source; none when there were several.
 */
source: string | null, 
/**
 * How many lines, values, files or tables.
 */
count: number, 
/**
 * The error, for a run, a file or a table.
 */
error: Failure | null, 
/**
 * The file or the table.
 */
on: string | null, };

/**
 * What needs a person. The order is that of the page.
 */
export type NeedKind = "failed" | "cancelled" | "tables" | "files" | "rejected" | "discarded";

/**
 * A question without content, and an answer without one.
 */
export type Nothing = Record<symbol, never>;

/**
 * A notice and how often it was given.
 */
export type NoticeCount = { 
/**
 * A stable word.
 */
code: string, 
/**
 * It in a sentence.
 */
message: string, 
/**
 * How often.
 */
count: number, };

/**
 * A call that goes on.
 */
export type OpenCall = { 
/**
 * The caller's name for it.
 */
id: string, 
/**
 * What was asked.
 */
command: string, 
/**
 * With what.
 */
request: unknown, 
/**
 * What it reported last.
 */
progress: Progress | null, };

/**
 * What the first page shows.
 */
export type Overview = { 
/**
 * Runs, newest first, without their tables.
 */
runs: Array<RunReport>, 
/**
 * How many runs are on record.
 */
all_runs: number, 
/**
 * What needs a person, the worst first.
 */
needs: Array<Need>, 
/**
 * What changed in lakes, newest first.
 */
changes: Array<Change>, 
/**
 * Events of the last 24 hours.
 */
day: Day, };

/**
 * An error of the page's own.
 */
export type PageFailed = { 
/**
 * `error`, `rejection`, `console` or `policy`.
 */
kind: string, 
/**
 * What the browser said of it.
 */
text: string, };

/**
 * How long one kind of work took, over all batches.
 */
export type PhaseTime = { 
/**
 * `read`, `write` or `commit`.
 */
phase: string, 
/**
 * Milliseconds by the clock.
 */
ms: number, };

/**
 * What would come of it.
 */
export type Preview = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * Events in total.
 */
events: PreviewEvents, 
/**
 * The tables that would get rows.
 */
tables: Array<PreviewTable>, 
/**
 * Values that would be set aside.
 */
discards: Array<PreviewDiscard>, 
/**
 * Files that cannot be read, or not to their end.
 */
damaged: Array<Damaged>, };

/**
 * A column as it would be.
 */
export type PreviewColumn = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its type.
 */
type: ColumnType, 
/**
 * `new`, `unchanged` or `conflict`.
 */
state: string, 
/**
 * The paths that fill it, as sent.
 */
from: Array<string>, 
/**
 * Rows that would have a value.
 */
filled: number, 
/**
 * Values that its type cannot hold.
 */
discarded: number, };

/**
 * Values set aside, with one of them.
 */
export type PreviewDiscard = { 
/**
 * The schema of the table.
 */
schema: string, 
/**
 * The table whose rows would miss them.
 */
table: string, 
/**
 * Its column, or the path as sent where there is none.
 */
column: string, 
/**
 * Why.
 */
reason: string, 
/**
 * How many.
 */
count: number, 
/**
 * One of them.
 */
sample: string, };

/**
 * How many events there are.
 */
export type PreviewEvents = { 
/**
 * Lines that are events or meant to be.
 */
received: number, 
/**
 * Those that landed before.
 */
duplicate: number, 
/**
 * Lines that are no event.
 */
rejected: number, };

/**
 * A table as it would be.
 */
export type PreviewTable = { 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * `new`, `changed` or `unchanged`.
 */
state: string, 
/**
 * Rows it would get; merged rows for `users`.
 */
rows: number, 
/**
 * All its columns.
 */
columns: Array<PreviewColumn>, 
/**
 * Some of its rows, each with a text or none for every column.
 */
sample: Array<Array<string | null>>, 
/**
 * Why a run could not write it.
 */
error: Failure | null, };

/**
 * How far a run or a preview is.
 */
export type Progress = { 
/**
 * The run; none for a preview.
 */
run: string | null, 
/**
 * What it is doing: `reading`, `writing` or `committing`.
 */
phase: string, 
/**
 * Milliseconds since it began.
 */
ms: number, 
/**
 * Bytes read as they lie on disk.
 */
read: number, 
/**
 * Bytes there are to read; none for standard input.
 */
total: number | null, 
/**
 * Events that landed or were dropped so far.
 */
events: number, 
/**
 * Batches that landed so far.
 */
batches: number, 
/**
 * What landed in each table so far.
 */
tables: Array<TableCount>, };

/**
 * Delta's two protocol numbers.
 */
export type Protocol = { 
/**
 * For reading.
 */
reader: number, 
/**
 * For writing.
 */
writer: number, };

/**
 * Some of the values that a run set aside.
 */
export type RunDiscards = { 
/**
 * The run.
 */
run: string, 
/**
 * How many to leave out at the beginning.
 */
from: number, };

/**
 * Some of the lines that a run rejected.
 */
export type RunLetters = { 
/**
 * The run.
 */
run: string, 
/**
 * Of one reason, or of all.
 */
reason: string | null, 
/**
 * Where to begin: 0, or what the answer before gave as `next`.
 */
from: number, };

/**
 * The runs.
 */
export type RunList = { 
/**
 * Newest first, each without its tables.
 */
runs: Array<RunReport>, };

/**
 * A run by its id.
 */
export type RunName = { 
/**
 * The id, or the number it begins with.
 */
run: string, };

/**
 * A run.
 */
export type RunReport = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * Its id.
 */
run: string, 
/**
 * How it ended.
 */
status: Status, 
/**
 * The source's name; none when there were several.
 */
source: string | null, 
/**
 * The folder or file that was read; none for standard input.
 */
from: string | null, 
/**
 * The lake.
 */
to: string, 
/**
 * When it began, in RFC 3339.
 */
started: string, 
/**
 * When it ended; none while it runs and when its process died.
 */
finished: string | null, 
/**
 * Bytes of events, inflated.
 */
bytes_in: number, 
/**
 * Batches that landed, at least in part.
 */
batches: number, 
/**
 * Events in total.
 */
events: EventCounts, 
/**
 * Every table that events were routed to.
 */
tables: Array<TableReport>, 
/**
 * Lines that are no event, by reason.
 */
rejected: Array<Counted>, 
/**
 * Values set aside, by reason.
 */
discards: Array<Counted>, 
/**
 * The files.
 */
files: FileCounts, 
/**
 * Where the rejected lines are kept.
 */
dead_letters: DeadLetters | null, 
/**
 * What else is worth knowing.
 */
notices: Array<NoticeCount>, 
/**
 * What its time went into.
 */
phases: Array<PhaseTime>, 
/**
 * Why it failed or was cancelled.
 */
error: Failure | null, };

/**
 * The sample day, ready to be synced.
 */
export type Sample = { 
/**
 * The folder with its events.
 */
from: string, 
/**
 * The lake that they are meant for, which need not exist.
 */
to: string, 
/**
 * The source's name.
 */
source: string, 
/**
 * How many events.
 */
events: number, };

/**
 * Events to look at.
 */
export type SchemaPreview = { 
/**
 * A folder or a file.
 */
from: string, 
/**
 * A lake to compare with.
 */
lake: string | null, 
/**
 * The source's name; none takes it from the files' place.
 */
source: string | null, };

/**
 * The settings.
 */
export type Settings = { 
/**
 * How the page looks.
 */
theme: Theme, 
/**
 * How many days records of runs are kept.
 */
keep_runs_days: number, 
/**
 * How many days rejected lines are kept.
 */
keep_letters_days: number, 
/**
 * The most megabytes (2^20 bytes) of events, inflated, in one batch.
 */
batch_mb: number, };

/**
 * Settings to change; what is left out stays.
 */
export type SettingsChange = { 
/**
 * How the page looks.
 */
theme?: Theme, 
/**
 * How many days records of runs are kept.
 */
keep_runs_days?: number, 
/**
 * How many days rejected lines are kept.
 */
keep_letters_days?: number, 
/**
 * The most megabytes in one batch.
 */
batch_mb?: number, };

/**
 * The settings, and what there is to know about them.
 */
export type SettingsReport = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * As they are.
 */
settings: Settings, 
/**
 * As installed.
 */
installed: Settings, 
/**
 * The data folder.
 */
data_folder: string, 
/**
 * The variable that names the data folder; none when it lies where it does by itself.
 */
named_by: string | null, 
/**
 * The size of the database, in bytes.
 */
database_bytes: number, 
/**
 * Files of rejected lines.
 */
letters_files: number, 
/**
 * Their size in bytes.
 */
letters_bytes: number, 
/**
 * What waits to be landed, in bytes.
 */
spool_bytes: number, };

/**
 * A column as shown.
 */
export type ShownColumn = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its type's name.
 */
type: string, };

/**
 * This installation.
 */
export type Start = { 
/**
 * Headgate's version.
 */
version: string, 
/**
 * How the page looks.
 */
theme: Theme, };

/**
 * How a run ended.
 */
export type Status = "running" | "succeeded" | "partial" | "failed" | "cancelled";

/**
 * Events to bring into a lake.
 */
export type SyncStart = { 
/**
 * A folder or a file.
 */
from: string, 
/**
 * The lake.
 */
to: string, 
/**
 * The source's name; none takes it from the files' place.
 */
source: string | null, 
/**
 * Whether files that have not changed are read too.
 */
again: boolean, };

/**
 * Rows that landed in one table.
 */
export type TableCount = { 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * Rows written, or merged.
 */
rows: number, };

/**
 * A table with all that is worth knowing.
 */
export type TableDetail = { 
/**
 * Delta's table properties.
 */
properties: { [key in string]: string }, 
/**
 * What a program must know to read and to write it.
 */
protocol: Protocol, 
/**
 * The last batch of each application that writes transactions.
 */
txn: { [key in string]: number }, 
/**
 * Some rows, each a map from column to value.
 */
sample: Array<{ [key in string]: JsonValue }>, 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * Its folder.
 */
path: string, 
/**
 * The newest version.
 */
version: number, 
/**
 * Rows, as the files' statistics say; none when one does not.
 */
rows: number | null, 
/**
 * Files of the newest version.
 */
files: number, 
/**
 * Their size in bytes.
 */
bytes: number, 
/**
 * The columns in order; one of a type that Headgate never makes has that type's name.
 */
columns: Array<ShownColumn>, };

/**
 * One file of a table's newest version.
 */
export type TableFile = { 
/**
 * Its path below the table's folder.
 */
path: string, 
/**
 * Rows, as its statistics say; none when they do not.
 */
rows: number | null, 
/**
 * Its size in bytes.
 */
bytes: number, 
/**
 * When it was written, in RFC 3339.
 */
modified: string | null, };

/**
 * A table of a lake.
 */
export type TableName = { 
/**
 * The lake's address or path.
 */
lake: string, 
/**
 * The table, as `schema.table`.
 */
table: string, };

/**
 * A table's part in a run: received = written + duplicate.
 */
export type TableReport = { 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * Events routed here; none for a merged table.
 */
received: number | null, 
/**
 * Rows that landed; none for a merged table.
 */
written: number | null, 
/**
 * Events dropped as duplicates; none for a merged table.
 */
duplicate: number | null, 
/**
 * Values of its rows that were set aside.
 */
discarded: number, 
/**
 * Rows merged; none for a table that is appended to.
 */
merged: number | null, 
/**
 * Whether this run made it.
 */
created: boolean, 
/**
 * Its version after the run.
 */
version: number | null, 
/**
 * Columns it has since; of a table that was made, all.
 */
columns_added: Array<Column>, 
/**
 * Why its part did not land.
 */
error: Failure | null, };

/**
 * Rows of a table.
 */
export type TableRows = { 
/**
 * The columns in order.
 */
columns: Array<ShownColumn>, 
/**
 * Rows, each with a text or none for every column.
 */
rows: Array<Array<string | null>>, };

/**
 * A table in a list.
 */
export type TableSummary = { 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * Its folder.
 */
path: string, 
/**
 * The newest version.
 */
version: number, 
/**
 * Rows, as the files' statistics say; none when one does not.
 */
rows: number | null, 
/**
 * Files of the newest version.
 */
files: number, 
/**
 * Their size in bytes.
 */
bytes: number, 
/**
 * The columns in order; one of a type that Headgate never makes has that type's name.
 */
columns: Array<ShownColumn>, };

/**
 * The tables of a lake.
 */
export type TablesReport = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * In order of name.
 */
tables: Array<TableSummary>, 
/**
 * Tables that could not be read, and why.
 */
unreadable: Array<Unreadable>, };

/**
 * How the page looks.
 */
export type Theme = "system" | "light" | "dark";

/**
 * A table that could not be read.
 */
export type Unreadable = { 
/**
 * Its schema.
 */
schema: string, 
/**
 * Its name there.
 */
table: string, 
/**
 * What is wrong.
 */
error: Failure, };
