// The command table: what a host can ask for, as `area_verb(Request) -> Response`, with one line of
// words each, and what a call reports while it goes on. Everything else is made from it: the
// dispatch that every host serves, the window's manifest and capability, the isolation guard's
// list, and the page's types. It is included, so that a build script can read it too.

/// Hands the whole table to the macro that is named.
#[macro_export]
macro_rules! commands {
    ($then:ident) => {
        $then! {
            /// What this installation is; fails when it cannot work.
            app_start(Nothing) -> Start;
            /// Puts an error of the page into the log.
            page_failed(PageFailed) -> Nothing;
            /// What goes on, what needs a person, what changed.
            overview_show(Nothing) -> Overview;
            /// What events would make of a lake; nothing is written.
            schema_preview(SchemaPreview) -> Preview, progress Progress;
            /// Brings events into a lake.
            sync_start(SyncStart) -> RunReport, progress Progress;
            /// Every run without its tables, newest first.
            runs_list(Nothing) -> RunList;
            /// One run.
            runs_show(RunName) -> RunReport;
            /// Lines that a run rejected.
            runs_letters(RunLetters) -> Letters;
            /// Values that a run set aside.
            runs_discards(RunDiscards) -> Discards;
            /// The lakes that runs wrote to or a person opened, the latest first.
            lakes_list(Nothing) -> Lakes;
            /// Puts a lake that was opened first among those that are known.
            lakes_remember(LakeName) -> Lakes;
            /// The tables of a lake.
            tables_list(LakeName) -> TablesReport;
            /// One table.
            tables_show(TableName) -> TableDetail;
            /// The commits of a table, newest first.
            tables_history(TableName) -> HistoryReport;
            /// The first rows of a table.
            tables_rows(TableName) -> TableRows;
            /// The files of a table's newest version.
            tables_files(TableName) -> FilesReport;
            /// Lays the sample day's events down where a sync can take them.
            sample_lay(Nothing) -> Sample;
            /// All that can be said of a trust policy; no account is asked.
            policy_look(PolicyLook) -> PolicyView;
            /// Changes a policy's text.
            policy_edit(PolicyEdit) -> PolicyText;
            /// Plans a patch that lets callers in.
            policy_plan(PolicyPlan) -> PatchPlan;
            /// What a policy and its draft say to one caller.
            policy_try(PolicyTry) -> PolicyTried;
            /// A policy for another tool.
            policy_export(PolicyExport) -> PolicyText;
            /// Callers that a policy can be asked to let in, with what is known of them.
            policy_templates(TemplatesFor) -> Templates;
            /// The draft that is kept.
            policy_draft(Nothing) -> DraftAnswer;
            /// Keeps a draft, or lets go of it.
            policy_draft_keep(DraftAnswer) -> Nothing;
            /// The profiles of AWS's configuration.
            aws_profiles(Nothing) -> AwsProfiles;
            /// A role with its trust policy, read from AWS.
            role_read(RoleName) -> RoleRead;
            /// Plans to write a trust policy, and shows what would be sent.
            role_plan(ChangeAsked) -> WritePlan;
            /// Writes what was planned, if the role is still as it was shown.
            role_apply(PlanName) -> Applied, progress WriteProgress;
            /// What was written, newest first.
            role_history(HistoryOf) -> ChangeHistory;
            /// Plans to put back what a change replaced.
            role_restore(ChangeName) -> WritePlan;
            /// The settings, and what they are as installed.
            settings_show(Nothing) -> SettingsReport;
            /// Changes settings.
            settings_change(SettingsChange) -> SettingsReport;
            /// The calls that go on and report progress.
            calls_list(Nothing) -> Calls;
            /// Asks a call to stop.
            calls_cancel(CallName) -> Nothing;
            /// Lets a person choose a file or a folder.
            host_choose(Choose) -> Chosen;
            /// Puts text on the clipboard.
            host_copy(Copy) -> Nothing;
            /// What happens outside the page: files dropped, an address opened.
            host_events(Nothing) -> Nothing, progress HostEvent;
        }
    };
}
