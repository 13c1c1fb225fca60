// The command table: everything that a host can call, as `area_verb(Request) -> Response`, each with one line
// of description, its kind, what it reports while it runs, and the data that it `reads` or makes `stale`.
//
// Made from it: the dispatch in `serve`, the window's manifest and capability, the list of the isolation
// guard, and the page's types with the commands that have no time limit and the tags by which answers are
// read again. It is included with `include!`, so that a build script can read it too. Requests and responses
// are in `api`.
//
// Kinds: `read` changes nothing; `local` changes the data folder, a lake folder or the clipboard; `world`
// changes something outside this machine: a read-only profile refuses it, the user must agree (`world.rs`),
// and a closing window waits for it. `secret` marks a request that may hold a secret: it is never kept, logged
// or listed.
//
// `reads` names the data that an answer shows for as long as it is shown. An answer that is used once, such as
// a preview or a plan, reads nothing here.

/// Hands the whole table to the macro that is named.
#[macro_export]
macro_rules! commands {
    ($then:ident) => {
        $then! {
            /// What this installation is; fails when it cannot work.
            [local] app_start(Empty) -> Start;
            /// Puts an error of the page into the log.
            [local] page_log_error(PageError) -> Empty;
            /// What goes on, what needs a person, what changed.
            [read] overview_show(Empty) -> Overview, reads [Runs];
            /// Puts something that needs a person aside until it changes, or takes it back.
            [local] overview_mute(AttentionMute) -> Empty, stales [Runs];
            /// What events would make of a lake; nothing is written.
            [read] schema_preview(SchemaPreview) -> Preview, progress Progress;
            /// Brings events into a lake.
            [local] sync_start(SyncStart) -> RunReport, progress Progress, stales [Runs Lakes Tables Jobs];
            /// Runs without their tables, newest first, a page at a time.
            [read] runs_list(RunsPage) -> RunList, reads [Runs];
            /// One run.
            [read] runs_show(RunRef) -> RunReport, reads [Runs];
            /// Lines that a run rejected.
            [read] runs_rejected_lines(RunRejectedLines) -> RejectedLines, reads [Runs];
            /// Saves the lines that a run rejected, as they came, in a file that the user names.
            [local] runs_rejected_save(RunRejectedSave) -> RunRejectedSaved;
            /// Gives up what a run's batches wait for, once the syncs before it have ended.
            [local] runs_release(RunRelease) -> Release, stales [Runs Jobs];
            /// Values that a run set aside.
            [read] runs_discards(RunDiscards) -> Discards, reads [Runs];
            /// The lakes of the profile: those that its syncs wrote to or a person opened, the latest first.
            [read] lakes_list(Empty) -> KnownLakes, reads [Lakes];
            /// Puts a lake that was opened first among those that are known.
            [local] lakes_remember(LakeRef) -> KnownLakes, stales [Lakes];
            /// Takes a lake off those that are known; the lake itself stays as it is.
            [local] lakes_forget(LakeRef) -> KnownLakes, stales [Lakes];
            /// The tables of a lake.
            [read] tables_list(LakeRef) -> TablesReport, progress TablesProgress, reads [Tables];
            /// One table.
            [read] tables_show(TableRef) -> TableDetail, reads [Tables];
            /// The commits of a table, newest first.
            [read] tables_history(TableRef) -> HistoryReport, reads [Tables];
            /// The first rows of a table.
            [read] tables_rows(TableRef) -> TableRows, reads [Tables];
            /// The files of a table's newest version.
            [read] tables_files(TableRef) -> FilesReport, reads [Tables];
            /// Lays the sample day's events down where a sync can take them.
            [local] sample_create(Empty) -> Sample, stales [Settings];
            /// Removes the sample day's events and their lake.
            [local] sample_remove(Empty) -> Empty, stales [Settings Lakes Runs];
            /// All that can be said of a trust policy; no account is asked.
            [read] policy_analyze(PolicyAnalyze) -> PolicyView, reads [Profiles];
            /// The policy, or the printed role, on the clipboard; nothing else leaves the clipboard.
            [read] policy_paste(Empty) -> PolicyText;
            /// The policy, or the printed role, in a file that was dropped; of another file nothing is given.
            [read] policy_open(PolicyFile) -> PolicyText;
            /// Changes a policy's text.
            [read] policy_edit(PolicyEdit) -> PolicyText;
            /// Plans a patch that lets callers in.
            [read] policy_plan(PolicyPlan) -> PatchPlan;
            /// What a policy and its draft say to one caller.
            [read] policy_try(PolicyTry) -> PolicyTried;
            /// A policy for another tool.
            [read] policy_export(PolicyExport) -> PolicyText;
            /// Callers that a policy can be asked to let in, with what is known of them.
            [read] policy_templates(TemplatesFor) -> Templates, reads [Profiles Drafts];
            /// The drafts that are kept.
            [read] policy_drafts(Empty) -> Drafts, reads [Drafts];
            /// One draft.
            [read] policy_draft(DraftOf) -> DraftAnswer, reads [Drafts];
            /// Keeps a draft; those of other roles stay.
            [local] policy_draft_save(DraftToKeep) -> Empty, stales [Drafts];
            /// Discards a draft.
            [local] policy_draft_discard(DraftRef) -> Empty, stales [Drafts];
            /// The profiles of AWS's configuration.
            [read] aws_profiles(Empty) -> AwsProfiles, reads [Profiles];
            /// A role with its trust policy, read from AWS.
            [local secret] role_read(RoleRef) -> RoleRead, stales [Profiles];
            /// Opens a role's page of the AWS console in the browser.
            [read] role_console(RoleArn) -> Empty;
            /// Plans to write a trust policy, and shows what would be sent.
            [local secret] role_plan(ChangeRequest) -> TrustPlan;
            /// Writes what was planned, if the role is still as it was shown.
            [world secret] role_apply(PlanRef) -> Applied, progress PlanProgress, stales [Changes Jobs];
            /// What was written, newest first.
            [read] role_history(HistoryOf) -> ChangeHistory, reads [Changes];
            /// Plans to put back what a change replaced.
            [local secret] role_restore(ChangeRef) -> TrustPlan;
            /// The settings, and what they are as installed.
            [read] settings_show(Empty) -> SettingsReport, reads [Settings Runs];
            /// Changes settings.
            [local] settings_change(SettingsChange) -> SettingsReport, stales [Settings Runs Jobs];
            /// The profiles, and which one is in use.
            [read] profiles_list(Empty) -> Profiles, reads [Profiles];
            /// One profile.
            [read] profiles_show(ProfileShow) -> ProfileReport, reads [Profiles];
            /// Adds a profile.
            [local] profiles_add(ProfileSettings) -> ProfileReport, stales [Profiles];
            /// Changes a profile.
            [local] profiles_change(ProfileChange) -> ProfileReport, stales [Profiles];
            /// Has everything from now on concern another profile.
            [local] profiles_use(ProfileName) -> ProfileReport, stales [Profiles Lakes Drafts Changes];
            /// Removes a profile with what is kept of it here; nothing remote is changed.
            [local] profiles_remove(ProfileName) -> ProfileRemoved, stales [Profiles Jobs];
            /// Jobs, newest first, a page at a time.
            [read] jobs_list(JobsPage) -> Jobs, reads [Jobs];
            /// Asks a job to stop.
            [local] jobs_cancel(JobId) -> Empty, stales [Jobs];
            /// Asks a call to stop.
            [local] calls_cancel(CallRef) -> Empty;
            /// Lets a person choose a file or a folder.
            [read] host_choose(Choose) -> Chosen;
            /// Puts text on the clipboard.
            [local secret] host_copy(Copy) -> Empty;
            /// What happens: data that changed, jobs as they go on, and what comes from outside the page.
            [read] events_follow(Empty) -> Empty, progress CoreEvent;
        }
    };
}
