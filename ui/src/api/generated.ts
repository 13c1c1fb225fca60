// Made from the command table and the types of Rust.

/** Every command: what it is asked, answers and reports. */
export interface Commands {
  /** What this installation is; fails when it cannot work. */
  app_start: { request: Empty; response: Start; progress: never }
  /** Puts an error of the page into the log. */
  page_log_error: { request: PageError; response: Empty; progress: never }
  /** What goes on, what needs a person, what changed. */
  overview_show: { request: Empty; response: Overview; progress: never }
  /** Puts something that needs a person aside until it changes, or takes it back. */
  overview_mute: { request: AttentionMute; response: Empty; progress: never }
  /** What events would make of a lake; nothing is written. */
  schema_preview: { request: SchemaPreview; response: Preview; progress: Progress }
  /** Brings events into a lake. */
  sync_start: { request: SyncStart; response: RunReport; progress: Progress }
  /** Runs without their tables, newest first, a page at a time. */
  runs_list: { request: RunsPage; response: RunList; progress: never }
  /** One run. */
  runs_show: { request: RunRef; response: RunReport; progress: never }
  /** Lines that a run rejected. */
  runs_rejected_lines: { request: RunRejectedLines; response: RejectedLines; progress: never }
  /** Saves the lines that a run rejected, as they came, in a file that the user names. */
  runs_rejected_save: { request: RunRejectedSave; response: RunRejectedSaved; progress: never }
  /** Gives up what a run's batches wait for, once the syncs before it have ended. */
  runs_release: { request: RunRelease; response: Release; progress: never }
  /** Values that a run set aside. */
  runs_discards: { request: RunDiscards; response: Discards; progress: never }
  /** The lakes of the profile: those that its syncs wrote to or a person opened, the latest first. */
  lakes_list: { request: Empty; response: KnownLakes; progress: never }
  /** Puts a lake that was opened first among those that are known. */
  lakes_remember: { request: LakeRef; response: KnownLakes; progress: never }
  /** Takes a lake off those that are known; the lake itself stays as it is. */
  lakes_forget: { request: LakeRef; response: KnownLakes; progress: never }
  /** The tables of a lake. */
  tables_list: { request: LakeRef; response: TablesReport; progress: TablesProgress }
  /** One table. */
  tables_show: { request: TableRef; response: TableDetail; progress: never }
  /** The commits of a table, newest first. */
  tables_history: { request: TableRef; response: HistoryReport; progress: never }
  /** The first rows of a table. */
  tables_rows: { request: TableRef; response: TableRows; progress: never }
  /** The files of a table's newest version. */
  tables_files: { request: TableRef; response: FilesReport; progress: never }
  /** Lays the sample day's events down where a sync can take them. */
  sample_create: { request: Empty; response: Sample; progress: never }
  /** Removes the sample day's events and their lake. */
  sample_remove: { request: Empty; response: Empty; progress: never }
  /** All that can be said of a trust policy; no account is asked. */
  policy_analyze: { request: PolicyAnalyze; response: PolicyView; progress: never }
  /** The policy, or the printed role, on the clipboard; nothing else leaves the clipboard. */
  policy_paste: { request: Empty; response: PolicyText; progress: never }
  /** The policy, or the printed role, in a file that was dropped; of another file nothing is given. */
  policy_open: { request: PolicyFile; response: PolicyText; progress: never }
  /** Changes a policy's text. */
  policy_edit: { request: PolicyEdit; response: PolicyText; progress: never }
  /** Plans a patch that lets callers in. */
  policy_plan: { request: PolicyPlan; response: PatchPlan; progress: never }
  /** What a policy and its draft say to one caller. */
  policy_try: { request: PolicyTry; response: PolicyTried; progress: never }
  /** A policy for another tool. */
  policy_export: { request: PolicyExport; response: PolicyText; progress: never }
  /** Callers that a policy can be asked to let in, with what is known of them. */
  policy_templates: { request: TemplatesFor; response: Templates; progress: never }
  /** The drafts that are kept. */
  policy_drafts: { request: Empty; response: Drafts; progress: never }
  /** One draft. */
  policy_draft: { request: DraftOf; response: DraftAnswer; progress: never }
  /** Keeps a draft; those of other roles stay. */
  policy_draft_save: { request: DraftToKeep; response: Empty; progress: never }
  /** Discards a draft. */
  policy_draft_discard: { request: DraftRef; response: Empty; progress: never }
  /** The profiles of AWS's configuration. */
  aws_profiles: { request: Empty; response: AwsProfiles; progress: never }
  /** A role with its trust policy, read from AWS. */
  role_read: { request: RoleRef; response: RoleRead; progress: never }
  /** Opens a role's page of the AWS console in the browser. */
  role_console: { request: RoleArn; response: Empty; progress: never }
  /** Plans to write a trust policy, and shows what would be sent. */
  role_plan: { request: ChangeRequest; response: TrustPlan; progress: never }
  /** Writes what was planned, if the role is still as it was shown. */
  role_apply: { request: PlanRef; response: Applied; progress: PlanProgress }
  /** What was written, newest first. */
  role_history: { request: HistoryOf; response: ChangeHistory; progress: never }
  /** Plans to put back what a change replaced. */
  role_restore: { request: ChangeRef; response: TrustPlan; progress: never }
  /** The settings, and what they are as installed. */
  settings_show: { request: Empty; response: SettingsReport; progress: never }
  /** Changes settings. */
  settings_change: { request: SettingsChange; response: SettingsReport; progress: never }
  /** The profiles, and which one is in use. */
  profiles_list: { request: Empty; response: Profiles; progress: never }
  /** One profile. */
  profiles_show: { request: ProfileShow; response: ProfileReport; progress: never }
  /** Adds a profile. */
  profiles_add: { request: ProfileSettings; response: ProfileReport; progress: never }
  /** Changes a profile. */
  profiles_change: { request: ProfileChange; response: ProfileReport; progress: never }
  /** Has everything from now on concern another profile. */
  profiles_use: { request: ProfileName; response: ProfileReport; progress: never }
  /** Removes a profile with what is kept of it here; nothing remote is changed. */
  profiles_remove: { request: ProfileName; response: ProfileRemoved; progress: never }
  /** Jobs, newest first, a page at a time. */
  jobs_list: { request: JobsPage; response: Jobs; progress: never }
  /** Asks a job to stop. */
  jobs_cancel: { request: JobId; response: Empty; progress: never }
  /** Asks a call to stop. */
  calls_cancel: { request: CallRef; response: Empty; progress: never }
  /** Lets a person choose a file or a folder. */
  host_choose: { request: Choose; response: Chosen; progress: never }
  /** Puts text on the clipboard. */
  host_copy: { request: Copy; response: Empty; progress: never }
  /** What happens: data that changed, jobs as they go on, and what comes from outside the page. */
  events_follow: { request: Empty; response: Empty; progress: CoreEvent }
}

/** The commands that have no time limit: they report progress, or may wait for the user. */
export const patient: ReadonlySet<keyof Commands> = new Set([
  'schema_preview',
  'sync_start',
  'runs_rejected_save',
  'runs_release',
  'lakes_remember',
  'lakes_forget',
  'tables_list',
  'tables_show',
  'tables_history',
  'tables_rows',
  'tables_files',
  'policy_open',
  'role_apply',
  'profiles_add',
  'profiles_change',
  'host_choose',
  'events_follow',
] as const)

/** What each command shows: it is asked again when one of these has changed. */
export const reads: Partial<Record<keyof Commands, readonly Tag[]>> = {
  overview_show: ['runs'],
  runs_list: ['runs'],
  runs_show: ['runs'],
  runs_rejected_lines: ['runs'],
  runs_discards: ['runs'],
  lakes_list: ['lakes'],
  tables_list: ['tables'],
  tables_show: ['tables'],
  tables_history: ['tables'],
  tables_rows: ['tables'],
  tables_files: ['tables'],
  policy_analyze: ['profiles'],
  policy_templates: ['profiles', 'drafts'],
  policy_drafts: ['drafts'],
  policy_draft: ['drafts'],
  aws_profiles: ['profiles'],
  role_history: ['changes'],
  settings_show: ['settings', 'runs'],
  profiles_list: ['profiles'],
  profiles_show: ['profiles'],
  jobs_list: ['jobs'],
}

/**
 * Who calls.
 */
export type Actor = "window" | "terminal" | "schedule" | "receiver";

/**
 * One finding of Access Analyzer, in its words.
 */
export type AnalyzerFinding = { 
/**
 * `error`, `security_warning`, `warning` or `suggestion`.
 */
kind: string, 
/**
 * Such as `MISSING_ACTION_FOR_CONDITION_KEY`.
 */
code: string, 
/**
 * What is so, and what to do.
 */
details: string, 
/**
 * Where AWS explains it.
 */
learn_more: string, 
/**
 * Where in the text.
 */
spans: Array<Range>, };

/**
 * What became of a plan.
 */
export type Applied = { 
/**
 * 1.
 */
v: number, 
/**
 * Whether the role has the new policy.
 */
outcome: Outcome, 
/**
 * The change as the journal has it.
 */
change: ChangeRecord, 
/**
 * AWS's id of the write, where AWS accepted one.
 */
request_id: string | null, 
/**
 * Why it was not written, or why that is not known.
 */
error: Failure | null, 
/**
 * Why the journal does not have this outcome; the outcome holds all the same.
 */
journal: Failure | null, 
/**
 * The role as it is now, where that was read; the next plan begins from it.
 */
now: AwsRole | null, 
/**
 * How often the text was read back.
 */
reads: number, 
/**
 * How long that took.
 */
waited_ms: number, };

/**
 * One condition of a statement, evaluated.
 */
export type AskedCondition = { 
/**
 * The operator as it is written.
 */
operator: string, 
/**
 * The key as it is written.
 */
key: string, 
/**
 * The values.
 */
values: Array<string>, 
/**
 * Whether it holds.
 */
holds: Truth, 
/**
 * Its range in the text.
 */
range: Range, 
/**
 * The line of its key, from 1.
 */
line: number, };

/**
 * Something that needs attention: of the latest run from one place into one lake.
 */
export type Attention = { 
/**
 * What tells it from others, and from itself once its numbers have changed.
 */
id: string, 
/**
 * What.
 */
kind: AttentionKind, 
/**
 * The run.
 */
run: string, 
/**
 * Its source; null when there were several.
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
on: string | null, 
/**
 * The events of its run.
 */
events: EventCounts, 
/**
 * Whether it is muted until it changes.
 */
muted: boolean, };

/**
 * What needs attention. The order is that of the page.
 */
export type AttentionKind = "failed" | "broke_off" | "cancelled" | "tables" | "files" | "rejected" | "discarded";

/**
 * Something that needs a person, to be muted or not.
 */
export type AttentionMute = { 
/**
 * Its id.
 */
id: string, 
/**
 * Whether it is muted.
 */
muted: boolean, };

/**
 * How AWS is reached; what is not named is as the profile in use says.
 */
export type AwsAccess = { 
/**
 * A profile of AWS's configuration.
 */
profile: string | null, 
/**
 * A region.
 */
region: string | null, 
/**
 * The code of an MFA device; used once, kept nowhere.
 */
mfa_code: string | null, };

/**
 * An address that is used in place of AWS's own for one service.
 */
export type AwsEndpoint = { 
/**
 * The service, such as `IAM` or `Access Analyzer`.
 */
service: string, 
/**
 * Scheme, host and port.
 */
url: string, };

/**
 * The profiles that AWS's configuration names.
 */
export type AwsProfiles = { 
/**
 * In the order of their names.
 */
profiles: Array<string>, 
/**
 * The endpoints that are not AWS's own, before a profile is chosen.
 */
endpoints: Array<AwsEndpoint>, };

/**
 * A role, as it was read.
 */
export type AwsRole = { 
/**
 * Its full name.
 */
arn: string, 
/**
 * Its name without its path.
 */
name: string, 
/**
 * Its path, `/` for most.
 */
path: string, 
/**
 * AWS's id of it, such as `AROA…`: another one after it was deleted and made again.
 */
role_id: string, 
/**
 * The policy that says who may assume it, as JSON text.
 */
trust_policy: string, 
/**
 * Its tags by key.
 */
tags: { [key in string]: string }, 
/**
 * The longest session, in seconds.
 */
max_session_seconds: number | null, 
/**
 * What its owner says of it.
 */
description: string | null, 
/**
 * When it was made, in RFC 3339 and UTC.
 */
created: string, 
/**
 * When it was read, in RFC 3339 and UTC.
 */
read_at: string, 
/**
 * How long the reading took.
 */
ms: number, };

/**
 * How a profile reaches AWS; what is not named is as AWS's own tools find it.
 */
export type AwsSource = { 
/**
 * A profile of AWS's configuration.
 */
profile: string | null, 
/**
 * A region.
 */
region: string | null, 
/**
 * An endpoint in place of AWS's own, for all services: scheme, host and port.
 */
endpoint_url: string | null, 
/**
 * The account, twelve digits.
 */
account_id: string | null, };

/**
 * What a sync or a preview works on, or what is given up.
 */
export type CallAbout = { 
/**
 * Where the events come from; of what is given up, the run that left it.
 */
from: string, 
/**
 * The lake; of what is given up, the table as `schema.table`.
 */
to: string | null, 
/**
 * The source's name, where it was given.
 */
source: string | null, };

/**
 * A call by the caller's name for it.
 */
export type CallRef = { 
/**
 * The name.
 */
call: string, };

/**
 * Why a row is in the matrix.
 */
export type CallerKind = "goal" | "named" | "like" | "other_role" | "stranger";

/**
 * A caller as requests and cells write it.
 */
export type CallerName = string | { 
/**
 * Such as `ec2.amazonaws.com`.
 */
service: string, } | { 
/**
 * Its ARN or domain.
 */
federated: string, };

/**
 * A cell of two policies.
 */
export type CellChange = { 
/**
 * The row.
 */
principal: CallerName, 
/**
 * The column.
 */
externalId: string | null, 
/**
 * What the old policy says.
 */
before: Decision, 
/**
 * What the new one says.
 */
after: Decision, };

/**
 * A cell.
 */
export type CellView = { 
/**
 * Its row.
 */
row: number, 
/**
 * Its column.
 */
column: number, 
/**
 * What the base says; null without a base that is valid.
 */
before: Decision | null, 
/**
 * What the draft says.
 */
after: Decision, 
/**
 * The statements that decided.
 */
statements: Array<number>, };

/**
 * Changes, newest first.
 */
export type ChangeHistory = { 
/**
 * 1.
 */
v: number, 
/**
 * The changes.
 */
changes: Array<ChangeRecord>, 
/**
 * The value of `before` for the next, older page; null at the end.
 */
next?: string, };

/**
 * A change of a trust policy in the journal.
 */
export type ChangeRecord = { 
/**
 * Its id.
 */
id: string, 
/**
 * When it was sent.
 */
at: string, 
/**
 * Who sent it.
 */
by: string, 
/**
 * The role.
 */
role: string, 
/**
 * The role's id.
 */
role_id: string, 
/**
 * How it ended.
 */
state: ChangeState, 
/**
 * The text just before.
 */
before: string, 
/**
 * The text as it was read back, or as it was sent.
 */
after: string, 
/**
 * Its name at AWS.
 */
request_id: string | null, 
/**
 * The cells that changed.
 */
cells: Array<CellChange>, 
/**
 * The change that it put back.
 */
restores: string | null, 
/**
 * The endpoint of IAM, when it is not AWS's own.
 */
endpoint: string | null, 
/**
 * Why it was not written, or why that is not known.
 */
error: Failure | null, };

/**
 * A change to put back.
 */
export type ChangeRef = { 
/**
 * Its id in the journal.
 */
change: string, 
/**
 * How AWS is reached.
 */
access: AwsAccess, };

/**
 * A change to plan.
 */
export type ChangeRequest = { 
/**
 * The role's ARN.
 */
role: string, 
/**
 * Its id when it was read; absent for a text that did not come from AWS.
 */
role_id: string | null, 
/**
 * The text as it was read.
 */
before: string, 
/**
 * The text to write.
 */
after: string, 
/**
 * Who is to get in, to be remembered for this role.
 */
goals: Array<Goal>, 
/**
 * How AWS is reached.
 */
access: AwsAccess, };

/**
 * How a change of the journal ended.
 */
export type ChangeState = "sent" | "done" | "unneeded" | "refused" | "drifted";

/**
 * How many lines differ.
 */
export type ChangedLines = { 
/**
 * Lines that only the new text has.
 */
added: number, 
/**
 * Lines that only the old text has.
 */
removed: number, };

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
 * Its path; null when the dialog was closed.
 */
path: string | null, };

/**
 * The colour that marks a profile.
 */
export type Colour = "grey" | "copper" | "violet" | "plum" | "olive";

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
 * A column.
 */
export type ColumnView = { 
/**
 * The id; null for callers that pass none.
 */
external_id: string | null, 
/**
 * Whether it represents every id that is not named.
 */
any_other: boolean, 
/**
 * The pattern whose ids it represents.
 */
like: string | null, 
/**
 * Its display name; a pattern is between back-ticks.
 */
label: string, };

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
 * The installation of Headgate's that did, if one did and said so.
 */
installation: string | null, 
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
 * A condition of a card.
 */
export type ConditionChip = { 
/**
 * The operator, as it is written.
 */
operator: string, 
/**
 * The key, as it is written.
 */
key: string, 
/**
 * The values.
 */
values: Array<string>, 
/**
 * Its range in the text.
 */
range: Range, 
/**
 * The line of its key.
 */
line: number, };

/**
 * A condition of a statement that is to be written.
 */
export type ConditionDraft = { 
/**
 * The operator.
 */
operator: string, 
/**
 * The key.
 */
key: string, 
/**
 * At least one value.
 */
values: Array<string>, };

/**
 * Text for the clipboard.
 */
export type Copy = { 
/**
 * The text.
 */
text: string, };

/**
 * Something that happened.
 */
export type CoreEvent = { "kind": "changed", 
/**
 * Which data.
 */
tags: Array<Tag>, 
/**
 * Of which profile.
 */
profile: string, 
/**
 * Counts up with every change.
 */
revision: number, } | { "kind": "job", 
/**
 * The job as it is now.
 */
job: Job, } | { "kind": "host", 
/**
 * What.
 */
event: HostEvent, } | { "kind": "missed" };

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
 * What the API says of a storage credential.
 */
export type CredentialFacts = { 
/**
 * The external id that Databricks passes.
 */
externalId: string, 
/**
 * The role with which Databricks calls.
 */
unityCatalogArn: string, };

/**
 * Where the credentials of a profile are kept: `none` where there are none.
 */
export type Credentials = { 
/**
 * The administrator's.
 */
admin: string, 
/**
 * The service principal's.
 */
principal: string, };

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
 * What the trust policy says.
 */
export type Decision = "allow" | "explicit_deny" | "implicit_deny" | "unknown";

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
reason: string, 
/**
 * Whether one of these is only a beginning.
 */
cut: boolean, };

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
 * The draft that is kept, if any.
 */
export type DraftAnswer = { 
/**
 * The draft.
 */
draft: KeptDraft | null, };

/**
 * One of the drafts that are kept.
 */
export type DraftEntry = { 
/**
 * The role's ARN; empty for a policy that was pasted without one.
 */
role: string, 
/**
 * When it was saved last.
 */
at: string, };

/**
 * Which draft.
 */
export type DraftOf = { 
/**
 * The id of its profile; without, the one in use.
 */
profile?: string | null, 
/**
 * The ARN of its role, empty for a policy that was pasted without one; without, the draft that was
 * saved last.
 */
role?: string | null, };

/**
 * A draft that is kept, by its role.
 */
export type DraftRef = { 
/**
 * The id of its profile; without, the one in use.
 */
profile?: string | null, 
/**
 * The role's ARN; empty for a policy that was pasted without one.
 */
role: string, };

/**
 * A draft to keep.
 */
export type DraftToKeep = { 
/**
 * The id of the profile that it belongs to; without, the one in use. A page that is left because of
 * a switch keeps its draft afterwards.
 */
profile?: string | null, 
/**
 * The draft.
 */
draft: KeptDraft, };

/**
 * The drafts that are kept in a profile.
 */
export type Drafts = { 
/**
 * The one saved last first.
 */
drafts: Array<DraftEntry>, };

/**
 * One change. Statements count from 0.
 */
export type Edit = { "op": "add_principal", statement: number, kind: PrincipalKind, value: string, } | { "op": "remove_principal", statement: number, kind: PrincipalKind, value: string, } | { "op": "replace_principal", statement: number, kind: PrincipalKind, value: string, with: string, } | { "op": "add_condition_value", statement: number, operator: string, key: string, value: string, } | { "op": "remove_condition_value", statement: number, operator: string, key: string, value: string, } | { "op": "replace_condition_value", statement: number, operator: string, key: string, value: string, with: string, } | { "op": "add_condition", statement: number, operator: string, key: string, values: Array<string>, } | { "op": "remove_condition", statement: number, operator: string, key: string, } | { "op": "set_operator", statement: number, operator: string, key: string, with: string, } | { "op": "set_key", statement: number, operator: string, key: string, with: string, } | { "op": "add_action", statement: number, value: string, } | { "op": "remove_action", statement: number, value: string, } | { "op": "set_effect", statement: number, effect: Effect, } | { "op": "set_sid", statement: number, sid: string | null, } | { "op": "set_version", version: string, } | { "op": "add_statement", statement: number, draft: StatementDraft, } | { "op": "remove_statement", statement: number, } | { "op": "split_statement", statement: number, principals: Array<PrincipalRef>, external_ids: Array<string>, } | { "op": "merge_statements", statement: number, with: number, } | { "op": "remove_repeated", start: number, } | { "op": "merge_repeated", start: number, } | { "op": "write", start: number, end: number, text: string, };

/**
 * What a statement says to those it matches.
 */
export type Effect = "Allow" | "Deny";

/**
 * A question without content, and an answer without one.
 */
export type Empty = Record<symbol, never>;

/**
 * Received = written + duplicate + rejected (E8), and where something is wrong with a table also what
 * waits for it and what was lost with it.
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
 * Lines that are not events.
 */
rejected: number, 
/**
 * Events that wait, because every table of theirs refused them.
 */
waiting: number, 
/**
 * Events that had landed and are gone, because their tables were taken away while the run went on.
 */
lost: number, };

/**
 * A call whose answer a finding is based on.
 */
export type Evidence = { 
/**
 * The call, such as `iam:GetRole`.
 */
call: string, 
/**
 * When, in RFC 3339 and UTC.
 */
at: string, 
/**
 * How long it took.
 */
ms: number, };

/**
 * A decision with its reasons.
 */
export type Explanation = { 
/**
 * What is decided.
 */
decision: Decision, 
/**
 * The statements that decided, counted from 0.
 */
statements: Array<number>, 
/**
 * Why, in one sentence.
 */
because: Shown, 
/**
 * Each statement for itself.
 */
said: Array<StatementSays>, };

/**
 * The tools.
 */
export type ExportKind = "cli" | "terraform" | "terraform_import" | "terraform_document" | "terraform_jsonencode" | "cloudformation" | "json";

/**
 * The external ids by which writers are known to AWS.
 */
export type ExternalIds = { 
/**
 * Headgate's; made when there is none.
 */
headgate: string | null, 
/**
 * Segment's: the id of its workspace.
 */
segment: string | null, };

/**
 * What is known beside the text. What is absent keeps the lints silent that need it.
 */
export type Facts = { 
/**
 * The role that has the policy, as its ARN.
 */
role: string | null, 
/**
 * Who is to get in.
 */
goals: Array<Goal>, 
/**
 * The storage credential of Databricks.
 */
credential: CredentialFacts | null, 
/**
 * The number of the Databricks account, which guides mistake for the credential's id.
 */
databricksAccountId: string | null, 
/**
 * What Segment passes, when Segment is to be allowed.
 */
segment: SegmentFacts | null, 
/**
 * The role's quota in characters; 2,048 when it is not known.
 */
quota: number | null, 
/**
 * The time, in RFC 3339.
 */
now: string | null, 
/**
 * The role's tags.
 */
tags: { [key in string]: string } | null, 
/**
 * The role's longest session, in seconds.
 */
maxSessionSeconds: number | null, 
/**
 * Whether the role's own policies let it assume itself.
 */
selfAssumeAllowed: boolean | null, 
/**
 * Principals by their ARN, and whether they exist.
 */
existing: { [key in string]: boolean }, };

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
message: Shown, 
/**
 * The one next action, in one sentence.
 */
hint: Shown | null, 
/**
 * The argument or setting at fault, where there is one.
 */
field: Shown | null, 
/**
 * Whether the same call may succeed later without a change.
 */
retryable: boolean, 
/**
 * What finds the log lines: a run's id, or the id of this process.
 */
trace: Shown | null, };

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
 * One finding.
 */
export type Finding = { 
/**
 * Its name, such as `TP003`.
 */
id: string, 
/**
 * The step of the guide that it belongs to.
 */
step: number, 
/**
 * How bad it is.
 */
severity: Severity, 
/**
 * How the check ended.
 */
status: FindingStatus, 
/**
 * What is so, in one sentence.
 */
title: Shown, 
/**
 * What should be, where that is a value.
 */
expected: Shown | null, 
/**
 * What is, where that is a value.
 */
found: Shown | null, 
/**
 * What it means for whoever runs the lake.
 */
meaning: Shown, 
/**
 * Why the judgement is so: the rule, or what was read.
 */
because: Shown, 
/**
 * The calls that it is based on; empty for a finding on text alone.
 */
evidence: Array<Evidence>, 
/**
 * Where in the text.
 */
range: Range | null, 
/**
 * The statement of a trust policy, counted from 0.
 */
statement: number | null, 
/**
 * The fix.
 */
fix: Fix | null, };

/**
 * How a check ended. What fires of a lint is `Failed` or `Warning`.
 */
export type FindingStatus = "passed" | "warning" | "failed" | "blocked" | "skipped" | "unknown";

/**
 * A finding with what its fix would do.
 */
export type FindingView = { 
/**
 * The finding.
 */
finding: Finding, 
/**
 * What the fix would do, where it is one that Headgate carries out.
 */
fix: FixView | null, };

/**
 * The fix.
 */
export type Fix = { "plan": unknown } | { "command": string };

/**
 * A fix before it is carried out.
 */
export type FixView = { 
/**
 * What to write on its button.
 */
label: string, 
/**
 * What it does.
 */
edits: Array<Edit>, 
/**
 * The cells that it changes.
 */
cells: Array<CellChange>, 
/**
 * The text afterwards.
 */
text: string, };

/**
 * A caller that is to be allowed, with the external id that it passes.
 */
export type Goal = { 
/**
 * An ARN.
 */
principal: string, 
/**
 * The id; null for a caller that passes none.
 */
externalId: string | null, 
/**
 * What a statement that is made for it is called.
 */
sid: string | null, };

/**
 * What is wanted of a policy.
 */
export type Goals = { 
/**
 * The role that has the policy.
 */
role: string, 
/**
 * Who is to get in.
 */
allow: Array<Goal>, };

/**
 * Whose changes, from where on.
 */
export type HistoryOf = { 
/**
 * A role's ARN; all roles without.
 */
role: string | null, 
/**
 * What the page before gave as `next`; null for the first.
 */
before: string | null, 
/**
 * How many at most.
 */
limit: number | null, };

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
 * Their paths.
 */
paths: Array<string>, } | { "kind": "leaving" } | { "kind": "closing", 
/**
 * The commands it waits for.
 */
commands: Array<string>, } | { "kind": "open", 
/**
 * Its address, beginning with `/`.
 */
address: string, };

/**
 * Whose credentials these are.
 */
export type Identity = { 
/**
 * The account's twelve digits.
 */
account: string, 
/**
 * The full name of the user or the session.
 */
arn: string, 
/**
 * AWS's id of it, such as `AIDA…` or `AROA…:session`.
 */
user_id: string, 
/**
 * The role's name, of a session.
 */
role: string | null, };

/**
 * A job.
 */
export type Job = { 
/**
 * Its id.
 */
id: string, 
/**
 * What it does.
 */
kind: JobKind, 
/**
 * The profile that it works in.
 */
profile: string, 
/**
 * Who asked for it.
 */
actor: Actor, 
/**
 * How it stands.
 */
state: JobState, 
/**
 * What it works on, where its command says so.
 */
about: CallAbout | null, 
/**
 * The job of its lane that it waits for.
 */
waits_for: string | null, 
/**
 * The run of a sync, once that has begun.
 */
run: string | null, 
/**
 * What it reported last.
 */
progress: Progress | PlanProgress | null, 
/**
 * When it was asked for, in RFC 3339.
 */
queued: string, 
/**
 * When it began.
 */
started: string | null, 
/**
 * When it ended.
 */
ended: string | null, 
/**
 * Why it failed.
 */
error: Failure | null, };

/**
 * A job by its id.
 */
export type JobId = { 
/**
 * The id.
 */
job: string, };

/**
 * What a job does.
 */
export type JobKind = "sync" | "change" | "release";

/**
 * How a job stands.
 */
export type JobState = "queued" | "running" | "stopping" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";

/**
 * A page of jobs.
 */
export type Jobs = { 
/**
 * Newest first.
 */
jobs: Array<Job>, 
/**
 * The value of `before` for the next, older page; null at the end.
 */
next: string | null, };

/**
 * Which jobs, and from where on.
 */
export type JobsPage = { 
/**
 * Only those that have not ended.
 */
open: boolean, 
/**
 * What the page before gave as `next`; null for the first.
 */
before: string | null, 
/**
 * How many at most.
 */
limit: number | null, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/**
 * A draft that is kept while it is worked on.
 */
export type KeptDraft = { 
/**
 * The role as it was read; null for a policy that was pasted.
 */
read: RoleRead | null, 
/**
 * The ARN that a pasted policy belongs to, where a user named it.
 */
role: string | null, 
/**
 * The text that the draft began from.
 */
base: string, 
/**
 * The draft.
 */
text: string, 
/**
 * Who is to get in, switched off ones included.
 */
goals: Array<KeptGoal>, 
/**
 * The form that plans take.
 */
form: PlanForm, 
/**
 * How AWS is reached.
 */
access: AwsAccess, 
/**
 * What Undo goes back to, the oldest first; the page keeps the newest only.
 */
past: Array<KeptStep>, 
/**
 * The steps that Redo restores, the next first.
 */
future: Array<KeptStep>, 
/**
 * The plan that the draft came from, so that it can be made again in the other form.
 */
planned: KeptPlan | null, };

/**
 * A goal with its switch.
 */
export type KeptGoal = { 
/**
 * The template it came from.
 */
template: string, 
/**
 * Its display name.
 */
label: string, 
/**
 * The goal.
 */
goal: Goal, 
/**
 * Whether it is switched on.
 */
on: boolean, };

/**
 * A plan that was taken into a draft.
 */
export type KeptPlan = { 
/**
 * The text that it began from.
 */
from: string, 
/**
 * Who was to get in, switched off ones included.
 */
goals: Array<KeptGoal>, 
/**
 * The text that came out.
 */
after: string, };

/**
 * A step of a draft.
 */
export type KeptStep = { 
/**
 * The text.
 */
text: string, 
/**
 * Who was to get in, switched off ones included.
 */
goals: Array<KeptGoal>, };

/**
 * An id with where it is known from.
 */
export type KnownId = { 
/**
 * The id.
 */
id: string, 
/**
 * Where from, in words.
 */
from: string, };

/**
 * The lakes that are known.
 */
export type KnownLakes = { 
/**
 * Their addresses, the latest first.
 */
lakes: Array<string>, 
/**
 * Those of them whose folder is not there.
 */
gone: Array<string>, };

/**
 * Tables that a run made, or one that it gave columns.
 */
export type LakeChange = { 
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
 * The columns that a table gained, in order; empty for tables that were made.
 */
columns: Array<string>, };

/**
 * A lake by its address.
 */
export type LakeRef = { 
/**
 * The address or the path.
 */
lake: string, };

/**
 * What is wrong with a rejected line, and where.
 */
export type LineProblem = { 
/**
 * The place in the line's text, in UTF-16 units from 0; none where no single place is wrong.
 */
at: number | null, 
/**
 * It in a sentence that names the place by its character, from 1.
 */
message: Shown, };

/**
 * The matrix of a draft and its base.
 */
export type MatrixView = { 
/**
 * Callers.
 */
rows: Array<RowView>, 
/**
 * External ids.
 */
columns: Array<ColumnView>, 
/**
 * Row by row; services and providers have the cell without an id only.
 */
cells: Array<CellView>, 
/**
 * Cells that become allowed.
 */
opens: number, 
/**
 * Cells that were allowed.
 */
closes: number, 
/**
 * Callers that are not shown, because there are too many.
 */
left_out: number, };

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
message: Shown, 
/**
 * How often.
 */
count: number, };

/**
 * What became of a plan.
 */
export type Outcome = "written" | "not_written" | "unknown";

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
 * What needs attention, the worst first.
 */
needs: Array<Attention>, 
/**
 * What changed in lakes, newest first.
 */
changes: Array<LakeChange>, 
/**
 * Events of the last 24 hours.
 */
day: Day, };

/**
 * An error of the page's own.
 */
export type PageError = { 
/**
 * `error`, `rejection`, `console` or `policy`.
 */
kind: string, 
/**
 * What the browser said of it.
 */
text: string, };

/**
 * What would be done.
 */
export type PatchPlan = { 
/**
 * Whether the goals held before any edit; then nothing is to be done.
 */
satisfied: boolean, 
/**
 * Why nothing is planned.
 */
refused: Refused | null, 
/**
 * The text afterwards; the text itself when nothing is to be done.
 */
after: string, 
/**
 * What makes it so, in order.
 */
operations: Array<Edit>, 
/**
 * Every cell, before and after.
 */
matrix: Array<CellChange>, 
/**
 * The sizes.
 */
size: PolicySize, };

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
 * Which statement a change goes into.
 */
export type PlanForm = "guide" | "separate";

/**
 * How far a plan is.
 */
export type PlanProgress = { 
/**
 * The current step, from 0.
 */
step: number, 
/**
 * How often what was changed was read back.
 */
reads: number, };

/**
 * A plan to apply.
 */
export type PlanRef = { 
/**
 * Its id.
 */
plan: string, 
/**
 * How AWS is reached.
 */
access: AwsAccess, };

/**
 * A draft to look at.
 */
export type PolicyAnalyze = { 
/**
 * The draft.
 */
text: string, 
/**
 * What it is compared with: the text as AWS has it, or as it was pasted.
 */
base: string | null, 
/**
 * What is known of the role and of those who are to get in.
 */
facts: Facts, };

/**
 * A policy as cards.
 */
export type PolicyCards = { 
/**
 * The version, as it is written.
 */
version: string | null, 
/**
 * The statements.
 */
statements: Array<StatementCard>, };

/**
 * A text to change.
 */
export type PolicyEdit = { 
/**
 * The draft.
 */
text: string, 
/**
 * What to do, in order.
 */
edits: Array<Edit>, };

/**
 * A policy to write for another tool.
 */
export type PolicyExport = { 
/**
 * The policy.
 */
text: string, 
/**
 * The role's ARN or name.
 */
role: string, 
/**
 * The tool.
 */
to: ExportKind, };

/**
 * A file with a policy.
 */
export type PolicyFile = { 
/**
 * Its path.
 */
path: string, };

/**
 * A plan to make.
 */
export type PolicyPlan = { 
/**
 * The draft that it begins from.
 */
text: string, 
/**
 * Who is to get in.
 */
goals: Goals, 
/**
 * Into which statement.
 */
form: PlanForm, 
/**
 * The role's quota; as AWS sets it at first, if it is not known.
 */
quota: number | null, };

/**
 * How large the policy is, in characters that count.
 */
export type PolicySize = { 
/**
 * Now.
 */
before: number, 
/**
 * With the plan.
 */
after: number, 
/**
 * The most that AWS takes for this role.
 */
quota: number, };

/**
 * A text.
 */
export type PolicyText = { 
/**
 * The text.
 */
text: string, };

/**
 * What both policies say to a caller.
 */
export type PolicyTried = { 
/**
 * The base; null when it is not a valid policy.
 */
now: Explanation | null, 
/**
 * The draft; null when it is not a valid policy.
 */
draft: Explanation | null, };

/**
 * A caller to try.
 */
export type PolicyTry = { 
/**
 * The draft.
 */
text: string, 
/**
 * What AWS has now.
 */
base: string | null, 
/**
 * The role that has the policy.
 */
role: string | null, 
/**
 * Who calls.
 */
caller: CallerName, 
/**
 * The id that it passes; null for a caller that passes none.
 */
external_id: string | null, 
/**
 * Condition keys and what they hold, such as `aws:MultiFactorAuthPresent`; an empty list says
 * that the key is absent. What is not here is not known.
 */
context: { [key in string]: Array<string> }, };

/**
 * All that can be said of a draft.
 */
export type PolicyView = { 
/**
 * Why AWS would refuse the text; empty for a valid policy.
 */
problems: Array<Problem>, 
/**
 * The statements; null while the text cannot be read.
 */
policy: PolicyCards | null, 
/**
 * Who may assume the role with which id; null unless the policy is valid.
 */
matrix: MatrixView | null, 
/**
 * What the lints say, the worst first.
 */
findings: Array<FindingView>, 
/**
 * Findings of the base that the draft no longer has.
 */
mended: Array<Finding>, 
/**
 * How large it is.
 */
size: PolicySize, 
/**
 * Lines that differ from the base.
 */
lines: ChangedLines, 
/**
 * Whether AWS would see no difference from the base.
 */
same: boolean, };

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
damaged: Array<Damaged>, 
/**
 * What else is worth knowing.
 */
notices: Array<NoticeCount>, 
/**
 * Lines that are no event, by reason.
 */
rejected: Array<Counted>, 
/**
 * The first of those lines, in the order in which they were read.
 */
rejected_lines: Array<RejectedLine>, 
/**
 * Files that are left out: not data by their name, no files, or links that lead out of the folder.
 */
ignored: number, 
/**
 * The first of those files, by their paths below the folder.
 */
ignored_files: Array<string>, };

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
 * `new`, `mixed` (a new one that becomes STRING because its values are of several types), `unchanged` or
 * `conflict`.
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
discarded: number, 
/**
 * Of a new column whose values are of several types that have no type in common but STRING: how many
 * there are of each.
 */
mixture: Array<PreviewType> | null, 
/**
 * Whether its type can be chosen: no table has it yet, and it is not a fixed one (E29).
 */
choosable: boolean, 
/**
 * Whether its type was chosen.
 */
chosen: boolean, };

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
 * Lines that are not events.
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
 * The values of one type that a column would get.
 */
export type PreviewType = { 
/**
 * The type.
 */
type: ColumnType, 
/**
 * How many.
 */
count: number, 
/**
 * The first of them, cut; null where the answer has no room for it.
 */
example: string | null, };

/**
 * A principal of a card.
 */
export type PrincipalChip = { 
/**
 * The list that it is in.
 */
kind: PrincipalKind, 
/**
 * As it is written.
 */
value: string, 
/**
 * Its display name, where that is known.
 */
label: string | null, 
/**
 * What it means.
 */
means: string, 
/**
 * Whether it means nobody: the id of something that was deleted, or no principal.
 */
dead: boolean, 
/**
 * Its range in the text.
 */
range: Range, };

/**
 * The kinds of principals that a trust policy can name.
 */
export type PrincipalKind = "AWS" | "Service" | "Federated" | "CanonicalUser";

/**
 * A principal by its list and its text.
 */
export type PrincipalRef = { 
/**
 * The list.
 */
kind: PrincipalKind, 
/**
 * As it is written.
 */
value: string, };

/**
 * One reason why IAM would refuse the text.
 */
export type Problem = { 
/**
 * The kind.
 */
code: ProblemCode, 
/**
 * What is wrong and what to do, in one or two sentences.
 */
message: Shown, 
/**
 * Where, in bytes.
 */
range: Range, 
/**
 * The line, from 1.
 */
line: number, 
/**
 * The column in characters, from 1.
 */
column: number, };

/**
 * The kind of a problem, for programs.
 */
export type ProblemCode = "empty" | "too_large" | "not_json" | "encoded" | "bad_character" | "not_an_object" | "duplicate_key" | "duplicate_condition_key" | "unknown_element" | "resource_not_allowed" | "invalid_version" | "invalid_id" | "missing_statement" | "empty_statement" | "invalid_statement" | "invalid_sid" | "duplicate_sid" | "missing_effect" | "invalid_effect" | "missing_principal" | "not_principal" | "bare_principal" | "invalid_principal_element" | "unknown_principal_type" | "canonical_user" | "empty_principal" | "invalid_principal" | "missing_action" | "action_and_not_action" | "empty_action" | "invalid_action" | "not_sts_action" | "invalid_condition" | "invalid_operator" | "invalid_condition_key" | "invalid_condition_value" | "missing_claim" | "deleted_principal";

/**
 * A profile.
 */
export type Profile = { 
/**
 * Its id, which never changes.
 */
id: string, 
/**
 * Whether it is the one in use.
 */
in_use: boolean, 
/**
 * Where its credentials are kept.
 */
credentials: Credentials, 
/**
 * Its name.
 */
name: string, 
/**
 * What it is for.
 */
kind: ProfileKind, 
/**
 * The colour that marks it.
 */
colour: Colour, 
/**
 * Whether nothing outside this machine may be changed in it.
 */
read_only: boolean, 
/**
 * How it reaches AWS.
 */
aws: AwsSource, 
/**
 * The role that writers assume.
 */
role_arn: string | null, 
/**
 * The bucket of its lakes.
 */
bucket: string | null, 
/**
 * Where in the bucket they begin.
 */
prefix: string | null, 
/**
 * Who writes.
 */
writers: Array<ProfileWriter>, 
/**
 * The external ids of those who write.
 */
external_ids: ExternalIds, workspace_url: string | null, workspace_id: string | null, account_url: string | null, account_id: string | null, auth: string | null, application_id: string | null, storage_credential: string | null, external_location: string | null, catalog: string | null, warehouse_id: string | null, };

/**
 * What a profile is to be from now on.
 */
export type ProfileChange = { 
/**
 * The name that it has.
 */
name: string, 
/**
 * All that a user decides of it.
 */
settings: ProfileSettings, };

/**
 * What a profile is for.
 */
export type ProfileKind = "real" | "sandbox";

/**
 * A profile by its name, in upper or lower case.
 */
export type ProfileName = { 
/**
 * The name.
 */
name: string, };

/**
 * A profile that was removed.
 */
export type ProfileRemoved = { 
/**
 * 1.
 */
v: number, 
/**
 * Its name.
 */
removed: string, };

/**
 * One profile.
 */
export type ProfileReport = { 
/**
 * 1.
 */
v: number, 
/**
 * The profile.
 */
profile: Profile, };

/**
 * What a user decides of a profile.
 */
export type ProfileSettings = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it is for.
 */
kind: ProfileKind, 
/**
 * The colour that marks it.
 */
colour: Colour, 
/**
 * Whether nothing outside this machine may be changed in it.
 */
read_only: boolean, 
/**
 * How it reaches AWS.
 */
aws: AwsSource, 
/**
 * The role that writers assume.
 */
role_arn: string | null, 
/**
 * The bucket of its lakes.
 */
bucket: string | null, 
/**
 * Where in the bucket they begin.
 */
prefix: string | null, 
/**
 * Who writes.
 */
writers: Array<ProfileWriter>, 
/**
 * The external ids of those who write.
 */
external_ids: ExternalIds, };

/**
 * A profile to look at.
 */
export type ProfileShow = { 
/**
 * Its name; the one in use without.
 */
name: string | null, };

/**
 * Who writes to the lakes of a profile.
 */
export type ProfileWriter = "headgate" | "segment";

/**
 * All profiles.
 */
export type Profiles = { 
/**
 * 1.
 */
v: number, 
/**
 * In the order of their names.
 */
profiles: Array<Profile>, };

/**
 * How far a run or a preview is.
 */
export type Progress = { 
/**
 * The run; null for a preview.
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
 * Bytes read, as stored on disk.
 */
read: number, 
/**
 * Bytes there are to read; null for standard input.
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
 * A part of a text, in bytes of UTF-8.
 */
export type Range = { 
/**
 * Where it begins.
 */
start: number, 
/**
 * Where it has ended.
 */
end: number, };

/**
 * Why there is no plan.
 */
export type Refusal = "protected_role" | "wrong_partition" | "deny_blocks_goal" | "not_action" | "no_id_in_guide" | "no_target" | "ambiguous_target" | "wildcard_principal" | "mixed_principal" | "no_condition" | "other_conditions" | "passes_without_id" | "negated_id" | "two_id_operators" | "too_large" | "other_cells" | "not_saved";

/**
 * A refusal with its words.
 */
export type Refused = { 
/**
 * For programs.
 */
code: Refusal, 
/**
 * What prevents it, and the next action.
 */
message: Shown, };

/**
 * A rejected line, as it is kept.
 */
export type RejectedLine = { 
/**
 * The file it came in.
 */
file: string, 
/**
 * Its number there, from 1.
 */
line: number, 
/**
 * Why it is not an event.
 */
reason: string, 
/**
 * The line, or its beginning; null when it is not UTF-8.
 */
raw: string | null, 
/**
 * The line, or its beginning, in base64 when it is not UTF-8.
 */
raw_base64: string | null, 
/**
 * Whether this is only its beginning; the file has it whole.
 */
cut: boolean, 
/**
 * The length in bytes of a line that is not kept whole, without its end.
 */
bytes: number | null, 
/**
 * The SHA-256 of such a line, in hexadecimal.
 */
sha256: string | null, 
/**
 * The byte of the inflated file at which such a line begins; null for standard input.
 */
offset: number | null, 
/**
 * What is wrong with it and where, as far as its text tells.
 */
problem: LineProblem | null, };

/**
 * Some of a run's rejected lines.
 */
export type RejectedLines = { 
/**
 * In the order they came.
 */
letters: Array<RejectedLine>, 
/**
 * Where the next ones begin; null at the end.
 */
next: number | null, };

/**
 * What was given up.
 */
export type Release = { 
/**
 * The shape's version.
 */
v: number, 
/**
 * The run whose batches waited.
 */
run: string, 
/**
 * Lines and rows that were given up.
 */
released: number, 
/**
 * Where they are kept.
 */
dead_letters: DeadLetters | null, 
/**
 * Data files that were written for them and that no table names, as paths in the lake. They stay until their
 * table is vacuumed: an installation that is at work may just be naming one.
 */
files: Array<string>, };

/**
 * A role.
 */
export type RoleArn = { 
/**
 * Its ARN.
 */
role: string, };

/**
 * A role with all that could be read of it.
 */
export type RoleRead = { 
/**
 * The role; its trust policy is decoded.
 */
role: AwsRole, 
/**
 * Who called.
 */
caller: Identity, 
/**
 * The endpoints that are not AWS's own.
 */
endpoints: Array<AwsEndpoint>, 
/**
 * The most characters that its trust policy may have; null where the permission to read it is missing.
 */
quota: number | null, 
/**
 * Whether its own policies let it assume itself; null where the permission to read it is missing.
 */
self_assume_allowed: boolean | null, 
/**
 * Which principals of this account exist.
 */
existing: { [key in string]: boolean }, 
/**
 * Why the role may not be edited.
 */
protected: string | null, 
/**
 * The call that it is based on.
 */
evidence: Evidence, };

/**
 * A role to read.
 */
export type RoleRef = { 
/**
 * Its name or ARN.
 */
role: string, 
/**
 * How AWS is reached.
 */
access: AwsAccess, };

/**
 * A row.
 */
export type RowView = { 
/**
 * The caller.
 */
principal: CallerName, 
/**
 * Why it is here.
 */
kind: CallerKind, 
/**
 * Its display name.
 */
label: string, 
/**
 * Whether the draft names it and the base does not.
 */
added: boolean, };

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
 * A page of runs.
 */
export type RunList = { 
/**
 * Newest first, each without its tables.
 */
runs: Array<RunReport>, 
/**
 * The value of `before` for the next, older page; null at the end.
 */
next: string | null, };

/**
 * A run by its id.
 */
export type RunRef = { 
/**
 * The id, or the number it begins with.
 */
run: string, };

/**
 * Some of the lines that a run rejected.
 */
export type RunRejectedLines = { 
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
 * A run's rejected lines, to be saved where the user says.
 */
export type RunRejectedSave = { 
/**
 * The run.
 */
run: string, 
/**
 * Of one reason, or of all.
 */
reason: string | null, };

/**
 * What became of saving them.
 */
export type RunRejectedSaved = { 
/**
 * What was saved; none when the dialog was closed.
 */
saved: SavedLines | null, };

/**
 * What a run's batches wait for, to be given up.
 */
export type RunRelease = { 
/**
 * The run.
 */
run: string, 
/**
 * Of one table, as `schema.table`, or of all.
 */
table: string | null, };

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
 * The source's name; null when there were several.
 */
source: string | null, 
/**
 * The folder or file that was read; null for standard input.
 */
from: string | null, 
/**
 * The lake.
 */
to: string, 
/**
 * Whether files that had not changed were read too.
 */
again: boolean, 
/**
 * The only table that was written, as `schema.table`; null means all.
 */
refill: string | null, 
/**
 * When it began, in RFC 3339.
 */
started: string, 
/**
 * When it ended; null while it runs and when its process died.
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
 * Lines that are not events, by reason.
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
 * Which runs, from where on.
 */
export type RunsPage = { 
/**
 * What the page before gave as `next`; null for the first.
 */
before: string | null, 
/**
 * How many at most.
 */
limit: number | null, };

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
 * What was saved of a run's rejected lines.
 */
export type SavedLines = { 
/**
 * The file that has them now.
 */
path: string, 
/**
 * How many lines it has, each as it came.
 */
saved: number, 
/**
 * How many are not in it, because only their beginning was kept.
 */
left_out: number, };

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
 * The source's name; null takes it from the files' place.
 */
source: string | null, 
/**
 * Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
 */
columns: Array<string>, };

/**
 * What Segment passes.
 */
export type SegmentFacts = { 
/**
 * Its roles; the one that is known when none is given.
 */
principals: Array<string>, 
/**
 * The ids of the workspaces that are to write.
 */
workspaceIds: Array<string>, };

/**
 * The settings.
 */
export type Settings = { 
/**
 * How the page looks.
 */
theme: Theme, 
/**
 * How large the page is, in percent of its own size.
 */
zoom_percent: number, 
/**
 * Whether single letters and signs are keys of the page.
 */
letter_keys: boolean, 
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
 * How large the page is, in percent of its own size.
 */
zoom_percent?: number, 
/**
 * Whether single letters and signs are keys of the page.
 */
letter_keys?: boolean, 
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
 * The variable that names the data folder; null when it is the default folder.
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
spool_bytes: number, 
/**
 * Whether the sample day is in the data folder.
 */
sample: boolean, };

/**
 * How bad it is.
 */
export type Severity = "info" | "warning" | "security" | "error";

/**
 * Text without a character that could act on whoever shows it.
 */
export type Shown = string;

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
 * The settings.
 */
settings: Settings, };

/**
 * A statement as a card.
 */
export type StatementCard = { 
/**
 * Its name.
 */
sid: string | null, 
/**
 * Allow or Deny.
 */
effect: Effect, 
/**
 * Whom it names.
 */
principals: Array<PrincipalChip>, 
/**
 * Whether its actions are those that it does not mean.
 */
not_action: boolean, 
/**
 * Its actions.
 */
actions: Array<string>, 
/**
 * Its conditions.
 */
conditions: Array<ConditionChip>, 
/**
 * Its range in the text.
 */
range: Range, 
/**
 * The line it begins in, from 1.
 */
line: number, };

/**
 * A statement that is to be written.
 */
export type StatementDraft = { 
/**
 * Its name.
 */
sid: string | null, 
/**
 * Allow or Deny.
 */
effect: Effect, 
/**
 * Whom it names.
 */
principals: Array<PrincipalRef>, 
/**
 * Its actions.
 */
actions: Array<string>, 
/**
 * Its conditions.
 */
conditions: Array<ConditionDraft>, };

/**
 * What one statement says to a request.
 */
export type StatementSays = { 
/**
 * Which, from 0.
 */
statement: number, 
/**
 * Its name.
 */
sid: string | null, 
/**
 * Allow or Deny.
 */
effect: Effect, 
/**
 * Whether it names the caller.
 */
names: boolean, 
/**
 * The entry that does, as it is written.
 */
by: string | null, 
/**
 * Whether it covers the action.
 */
covers: boolean, 
/**
 * Its conditions, evaluated only when the two above are true.
 */
conditions: Array<AskedCondition>, 
/**
 * Whether it counts.
 */
matches: Truth, };

/**
 * How a run ended.
 */
export type Status = "running" | "succeeded" | "partial" | "failed" | "cancelled";

/**
 * One call of a plan.
 */
export type Step = { 
/**
 * Its place, from 1.
 */
n: number, 
/**
 * Such as `iam:GetRole`.
 */
call: string, 
/**
 * What it is for.
 */
role: StepRole, 
/**
 * Whether it changes something.
 */
changes: boolean, 
/**
 * What it concerns, such as a role's ARN.
 */
target: string, 
/**
 * What it is for, in words.
 */
what: Shown, 
/**
 * What it changes; null for a step that changes nothing.
 */
before: unknown, 
/**
 * What it changes that to.
 */
after: unknown, 
/**
 * The call that takes the change back.
 */
undo: string | null, };

/**
 * What a step is for.
 */
export type StepRole = "check" | "change" | "prove";

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
 * The source's name; null takes it from the files' place.
 */
source: string | null, 
/**
 * Whether files that have not changed are read too.
 */
again: boolean, 
/**
 * The only table to write, as `schema.table`: it gets what its rows lack.
 */
refill: string | null, 
/**
 * Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
 */
columns: Array<string>, 
/**
 * Whether a lake that is a copy of a known one becomes a lake of its own.
 */
new_lake_id: boolean, };

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
 * Whether values of the sample are only beginnings, or rows of it are left out.
 */
cut: boolean, 
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
 * Rows, as the files' statistics say; null when one does not.
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
 * Rows, as its statistics say; null when they do not.
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
export type TableRef = { 
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
 * Events routed here; null for a merged table.
 */
received: number | null, 
/**
 * Rows that landed; null for a merged table.
 */
written: number | null, 
/**
 * Events dropped as duplicates; null for a merged table.
 */
duplicate: number | null, 
/**
 * Values of its rows that were set aside.
 */
discarded: number, 
/**
 * Rows merged; null for a table that is appended to.
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
rows: Array<Array<string | null>>, 
/**
 * Whether values are only beginnings, or rows are left out, to keep the answer short.
 */
cut: boolean, };

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
 * Rows, as the files' statistics say; null when one does not.
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
 * How far the list of a lake's tables is.
 */
export type TablesProgress = { 
/**
 * Tables that were read.
 */
tables: number, 
/**
 * Tables that there are.
 */
all: number, };

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
unreadable: Array<Unreadable>, 
/**
 * Tables that lack rows which were written to them, whether or not they are there.
 */
behind: Array<Unreadable>, };

/**
 * Data that commands read and make stale.
 */
export type Tag = "runs" | "lakes" | "tables" | "settings" | "drafts" | "changes" | "profiles" | "jobs";

/**
 * One caller, as far as it is known.
 */
export type Template = { 
/**
 * A name for programs.
 */
id: string, 
/**
 * Its display name.
 */
label: string, 
/**
 * Its ARN; null where it has to be named.
 */
principal: string | null, 
/**
 * The ids that it is known by, the surest first.
 */
known_ids: Array<KnownId>, 
/**
 * Where a user finds the id.
 */
where_id: string, 
/**
 * Whether Databricks needs it in any case.
 */
required: boolean, 
/**
 * What its statement is called.
 */
sid: string | null, };

/**
 * The callers that a policy can be planned for.
 */
export type Templates = { 
/**
 * In the order of the guide.
 */
templates: Array<Template>, };

/**
 * Which role the templates are for.
 */
export type TemplatesFor = { 
/**
 * Its ARN, where it is known.
 */
role: string | null, 
/**
 * Its policy, from which ids are taken.
 */
text: string, };

/**
 * How the page looks.
 */
export type Theme = "system" | "light" | "dark";

/**
 * A plan to write a trust policy; a file of it lets another admin apply it.
 */
export type TrustPlan = { 
/**
 * The role's ARN.
 */
role: string, 
/**
 * The role's id when it was read.
 */
role_id: string | null, 
/**
 * The text as it was read.
 */
before: string, 
/**
 * The text to write.
 */
after: string, 
/**
 * A warning when it opens the role to those whom the policy does not name.
 */
opens: Shown | null, 
/**
 * The cells that change.
 */
cells: Array<CellChange>, 
/**
 * How large it is and may be.
 */
size: PolicySize, 
/**
 * What Access Analyzer reports for the new text; absent where the permission to call it is missing.
 */
analyzer: Array<AnalyzerFinding> | null, 
/**
 * 1.
 */
v: number, 
/**
 * What it changes, such as `trust_policy`.
 */
kind: string, 
/**
 * Its id.
 */
id: string, 
/**
 * The id of the profile that it was made in.
 */
profile: string, 
/**
 * When it was made.
 */
made: string, 
/**
 * Who made it, where AWS was called.
 */
by: string | null, 
/**
 * The endpoints that are not AWS's own, where AWS was called.
 */
endpoints: Array<AwsEndpoint>, 
/**
 * Its steps, in order.
 */
calls: Array<Step>, 
/**
 * The change that it puts back.
 */
restores: string | null, };

/**
 * Yes, no, or it depends on what is not known.
 */
export type Truth = "no" | "unknown" | "yes";

/**
 * A table with which something is wrong.
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
