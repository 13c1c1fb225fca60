//! `headgate policy`: commands on a policy from a file, standard input or a role.
//!
//! Policies are evaluated and changed in `app` and `policy`; here arguments become requests, and answers
//! documents or pages. `input` reads, `render` prints, `requests` is `policy evaluate`.

pub(crate) mod arguments;
mod input;
mod render;
mod requests;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use headgate_app::policy::{
    Caller, Export, Facts, Form, Goal, Goals, Named, Problem, QUOTA, Request,
};
use headgate_app::{
    App, AwsAccess, ChangeHistory, ChangeRef, ChangeRequest, Door, Endpoint, HandedPlan, HistoryOf,
    Identity, Outcome, PlanObserver, PlanProgress, TrustPlan, policy, valid,
};
use headgate_terms::{Arn, Error, Result, Severity, Shown, say};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::output;
use crate::{Exit, show, stop_on_signal, trace};
use arguments::{ExportName, FormName, OfAws, PolicyCommand};
use input::{
    POLICY, Source, access, once_piped, read_goals, read_plan, role_arn, role_of, source, text_of,
    wrong_use,
};
use requests::evaluate;

/// Carries out one command.
pub(crate) fn carry_out(
    app: &App,
    door: &Door<'_>,
    command: PolicyCommand,
    json: bool,
) -> Result<Exit> {
    said(app, door, command, json).map_err(|mut error| {
        if error.field.as_deref() == Some("mfa_code") {
            error.hint =
                Some("Set HEADGATE_MFA_CODE to the six digits that the device shows now.".into());
        }
        error
    })
}

/// All changes to a role, or to all roles, page after page.
fn whole_history(door: &Door<'_>, role: Option<String>) -> Result<ChangeHistory> {
    let mut asked = HistoryOf { role, ..HistoryOf::default() };
    let mut history = door.role_history(&asked)?;
    while let Some(before) = history.next.take() {
        asked.before = Some(before);
        let page = door.role_history(&asked)?;
        history.changes.extend(page.changes);
        history.next = page.next;
    }
    Ok(history)
}

fn said(app: &App, door: &Door<'_>, command: PolicyCommand, json: bool) -> Result<Exit> {
    match command {
        PolicyCommand::Validate { policy } => validate(door, &policy.policy, &policy.aws, json),
        PolicyCommand::Evaluate { policy, requests, role } => {
            once_piped([&policy.policy, &requests])?;
            let source = source(door, &policy.policy, &policy.aws)?;
            let role = role_of(role.as_deref(), &source)?;
            evaluate(&source.text, &requests, role.as_ref(), json)
        }
        PolicyCommand::Lint { policy, role, goals } => {
            let source = source(door, &policy.policy, &policy.aws)?;
            let goals = goals.map(|path| read_goals(&path, &policy.policy)).transpose()?;
            lint(&source, role.as_deref(), goals, json)
        }
        PolicyCommand::Matrix { policy, goals, role } => {
            let source = source(door, &policy.policy, &policy.aws)?;
            let goals = goals.map(|path| read_goals(&path, &policy.policy)).transpose()?;
            matrix(&source, goals, role.as_deref(), json)
        }
        PolicyCommand::Explain { policy, principal, external_id, context, role } => {
            let source = source(door, &policy.policy, &policy.aws)?;
            let role = role_of(role.as_deref(), &source)?;
            explain(&source.text, &principal, external_id.as_deref(), &context, role, json)
        }
        PolicyCommand::Plan { policy, goals, form, to, role, quota, out } => {
            let source = source(door, &policy.policy, &policy.aws)?;
            if let Some(to) = to {
                once_piped([&policy.policy, &to])?;
                let after = self::source(door, &to, &policy.aws)?.text;
                return rewrite(
                    door,
                    &source,
                    &after,
                    role.as_deref(),
                    out.as_deref(),
                    &policy.aws,
                    json,
                );
            }
            let goals = read_goals(&goals.unwrap_or_default(), &policy.policy)?;
            plan(door, &source, &goals, form, quota, out.as_deref(), &policy.aws, json)
        }
        PolicyCommand::Diff { before, after, role, aws } => {
            once_piped([&before, &after])?;
            let (before, after) = (source(door, &before, &aws)?, source(door, &after, &aws)?);
            let role = role_of(role.as_deref(), &before)?;
            diff(&before.text, &after.text, role.as_ref(), json)
        }
        PolicyCommand::Show { plan } => {
            let handed = read_plan(door, &plan)?;
            let mut document = json!(handed);
            document["v"] = json!(1);
            show(json, &document, |out| render::handed(out, &handed))?;
            Ok(Exit::Done)
        }
        PolicyCommand::Apply { plan, aws, .. } => {
            apply(app, door, read_plan(door, &plan)?, &access(&aws), json)
        }
        PolicyCommand::Restore { change, aws, .. } => {
            let access = access(&aws);
            let plan = door.role_restore(&ChangeRef { change, access: access.clone() })?;
            apply(app, door, HandedPlan::own(plan), &access, json)
        }
        PolicyCommand::History { role } => {
            let history = whole_history(door, role)?;
            show(json, &history, |out| render::history(out, &history))?;
            Ok(Exit::Done)
        }
        PolicyCommand::New { role, external_id, unity_catalog } => {
            let role = role_arn(&role)?;
            let usual = || policy::unity_catalog_of_partition(&role.partition).map(str::to_owned);
            let catalog = unity_catalog.or_else(usual).ok_or_else(|| {
                wrong_use(
                    say!("Unity Catalog has several roles in `{}`, or none.", role.partition),
                    "unity-catalog",
                    "Name it with `--unity-catalog`, as the storage credential does.",
                )
            })?;
            let text = policy::new_policy(&role, &catalog, &external_id)?;
            show(json, &json!({"v": 1, "text": text}), |out| out.file(&text))?;
            Ok(Exit::Done)
        }
        PolicyCommand::Export { policy, to, role } => {
            let source = source(door, &policy.policy, &policy.aws)?;
            let role = role.or_else(|| source.read.as_ref().map(|read| read.role.arn.clone()));
            let to = export_kind(to);
            if role.is_none() && to != Export::Json {
                return Err(wrong_use(
                    "The role that gets this policy is not named.",
                    "role",
                    "Name it with `--role`.",
                ));
            }
            let text = policy::export(&source.text, &role.unwrap_or_default(), to)?;
            show(json, &json!({"v": 1, "text": text}), |out| out.file(&text))?;
            Ok(Exit::Done)
        }
    }
}

fn facts(source: &Source, role: Option<&str>, goals: Vec<Goal>) -> Result<Facts> {
    let mut facts = source.read.as_ref().map(headgate_app::facts_of).unwrap_or_default();
    if let Some(role) = role {
        facts.role = Some(role_arn(role)?);
    }
    facts.now = Some(headgate_app::now());
    facts.goals = goals;
    Ok(facts)
}

fn validate(door: &Door<'_>, name: &str, aws: &OfAws, json: bool) -> Result<Exit> {
    // As it stands: what is encoded is decoded for every other command.
    let read = if name.starts_with("arn:") {
        source(door, name, aws).map(|source| source.text)
    } else {
        text_of(name, POLICY)
    };
    let (text, problems): (String, Vec<Problem>) = match read {
        Ok(text) => {
            let problems = policy::read(&text).problems;
            (text, problems)
        }
        Err(error) if error.code == "policy_invalid" => {
            (String::new(), vec![Problem::not_text(&error.message)])
        }
        Err(error) => return Err(error),
    };
    let valid = problems.is_empty();
    let size = policy::size(&text);
    let error = (!valid).then(|| headgate_app::invalid(&problems));
    let document =
        json!({"v": 1, "valid": valid, "errors": problems, "size": size, "error": error});
    show(json, &document, |out| render::validated(out, &text, &problems, size))?;
    Ok(if valid { Exit::Done } else { Exit::Failed })
}

fn lint(source: &Source, role: Option<&str>, goals: Option<Goals>, json: bool) -> Result<Exit> {
    let role = role.map(str::to_owned).or_else(|| goals.as_ref().map(|goals| goals.role.clone()));
    let facts = facts(source, role.as_deref(), goals.map_or(Vec::new(), |goals| goals.allow))?;
    let reading = policy::read(&source.text);
    let findings = policy::lint(&source.text, &reading, &facts);
    let problems = reading.problems;
    let findings = findings.ok_or_else(|| headgate_app::invalid(&problems))?;
    if findings.is_empty() && !problems.is_empty() {
        return Err(headgate_app::invalid(&problems));
    }
    let worst = findings.iter().map(|finding| finding.severity).max();
    // A text that AWS would refuse can be looked at, but is never as it should be.
    let valid = problems.is_empty();
    show(json, &json!({"v": 1, "findings": findings, "valid": valid}), |out| {
        render::findings(out, &source.text, &findings)?;
        if valid { Ok(()) } else { render::refused(out, &problems) }
    })?;
    let attention = !valid || worst >= Some(Severity::Warning);
    Ok(if attention { Exit::NeedsAttention } else { Exit::Done })
}

fn matrix(source: &Source, goals: Option<Goals>, role: Option<&str>, json: bool) -> Result<Exit> {
    let policy = valid(&source.text)?;
    let (goals, of_goals) = match goals {
        Some(goals) => (goals.allow, Some(goals.role)),
        None => (Vec::new(), None),
    };
    let role = role_of(role.or(of_goals.as_deref()), source)?;
    let axes = policy::axes(&[&policy], &goals, role.as_ref());
    let cells = policy::cells(&policy, &axes, role.as_ref());
    let callers: Vec<&Named> = axes.callers.iter().map(|row| &row.principal).collect();
    let ids: Vec<&Option<String>> = axes.ids.iter().map(|id| &id.external_id).collect();
    let document = json!({
        "v": 1, "callers": callers, "external_ids": ids, "cells": cells, "left_out": axes.left_out,
    });
    show(json, &document, |out| render::matrix(out, &axes, &cells))?;
    Ok(Exit::Done)
}

fn explain(
    text: &str,
    principal: &str,
    external_id: Option<&str>,
    context: &[String],
    role: Option<Arn>,
    json: bool,
) -> Result<Exit> {
    let policy = valid(text)?;
    let caller = caller(principal, role.as_ref());
    let mut known = policy::context_of(&caller, external_id);
    for pair in context {
        match pair.split_once('=') {
            Some((key, value)) => known.set(key, vec![value.to_owned()]),
            None => known.without(pair),
        }
    }
    let action = caller.action().to_owned();
    let request = Request { caller, action, context: known, role };
    let answer = policy::explain(&policy, text, &request);
    let mut document = json!(answer);
    document["v"] = json!(1);
    let needs_own = policy::needs_own_policy(&policy, &request);
    show(json, &document, |out| render::explained(out, needs_own, &answer))?;
    Ok(Exit::Done)
}

/// An ARN or an account's number is an AWS caller, a domain of AWS a service, the rest a provider.
fn caller(text: &str, role: Option<&Arn>) -> Caller {
    match Caller::aws(text, role) {
        Some(Caller::Aws(arn)) if arn.resource.contains("-provider/") => {
            Caller::Federated(text.to_owned())
        }
        Some(caller) => caller,
        None if text.contains("amazonaws.com") => Caller::Service(text.to_owned()),
        None => Caller::Federated(text.to_owned()),
    }
}

fn diff(before: &str, after: &str, role: Option<&Arn>, json: bool) -> Result<Exit> {
    let (old, new) = (valid(before)?, valid(after)?);
    let text = policy::unified(before, after, ("before", "after"));
    let axes = policy::axes(&[&old, &new], &[], role);
    let cells = policy::changes(&old, &new, &axes, role);
    let same = policy::semantic_hash(&old, role) == policy::semantic_hash(&new, role);
    let document = json!({"v": 1, "text": text, "cells": cells, "same": same});
    show(json, &document, |out| render::diff(out, &text, &cells, same))?;
    Ok(Exit::Done)
}

#[allow(clippy::too_many_arguments, reason = "each is a word of the command")]
fn plan(
    door: &Door<'_>,
    source: &Source,
    goals: &Goals,
    form: FormName,
    quota: Option<usize>,
    file: Option<&Path>,
    aws: &OfAws,
    json: bool,
) -> Result<Exit> {
    let policy = valid(&source.text)?;
    let form = match form {
        FormName::Guide => Form::Guide,
        FormName::Separate => Form::Separate,
    };
    if let Some(read) = &source.read
        && read.role.arn != goals.role
    {
        return Err(wrong_use(
            say!("The goals are for `{}`, and `{}` was read.", goals.role, read.role.arn),
            "goals",
            "Correct `role` in the goals, or read the role that they are for.",
        ));
    }
    let of_account = source.read.as_ref().and_then(|read| read.quota);
    let quota = quota.or(of_account.map(|quota| quota as usize)).unwrap_or(QUOTA);
    let made = policy::plan(&source.text, &policy, goals, form, quota)?;
    let facts = facts(source, Some(&goals.role), goals.allow.clone())?;
    let findings = policy::lint_text(&made.after, &facts).unwrap_or_default();
    let to_write = made.refused.is_none() && !made.satisfied;
    let write = match file.filter(|_| to_write) {
        Some(path) => {
            let request = change(source, &goals.role, &made.after, &goals.allow, aws);
            Some(keep(door.role_plan_within(&request, quota)?, path)?)
        }
        None => None,
    };
    let refused = made.refused.as_ref().map(|refused| {
        Error::new("plan_refused", Shown::clean(&refused.message))
            .hint("Change what stands in the way, then plan again.")
    });
    let mut document = json!(made);
    document["v"] = json!(1);
    document["findings"] = json!(findings);
    document["error"] = json!(refused);
    document["caller"] = json!(source.read.as_ref().map(|read| &read.caller));
    document["plan"] = json!(write.as_ref().map(|plan| &plan.plan.id));
    let opens = goals
        .role
        .parse()
        .ok()
        .and_then(|role| policy::opens(&source.text, &made.after, Some(&role)))
        .map(|opening| opening.sentence());
    document["opens"] = json!(opens);
    show(json, &document, |out| {
        render::planned(
            out,
            &source.text,
            &made,
            opens.as_ref(),
            &findings,
            source.read.as_ref(),
            write.as_ref().zip(file),
        )
    })?;
    Ok(if refused.is_some() { Exit::Failed } else { Exit::Done })
}

/// A plan for a text that a user wrote.
#[allow(clippy::too_many_arguments, reason = "each is a word of the command")]
fn rewrite(
    door: &Door<'_>,
    source: &Source,
    after: &str,
    role: Option<&str>,
    file: Option<&Path>,
    aws: &OfAws,
    json: bool,
) -> Result<Exit> {
    let role = role_of(role, source)?.ok_or_else(|| {
        wrong_use(
            "The role that has this policy is not named.",
            "role",
            "Name it with `--role`, or read the policy from the role.",
        )
    })?;
    valid(after)?;
    let file = file.ok_or_else(|| {
        wrong_use(
            "No file for the plan is named.",
            "out",
            "Name it with `--out`; `headgate policy diff` only compares.",
        )
    })?;
    let request = change(source, &role.to_string(), after, &[], aws);
    let plan = keep(door.role_plan(&request)?, file)?;
    show(json, &plan, |out| render::to_write(out, source.read.as_ref(), &plan, file))?;
    Ok(Exit::Done)
}

/// A change of what was read.
fn change(source: &Source, role: &str, after: &str, goals: &[Goal], aws: &OfAws) -> ChangeRequest {
    ChangeRequest {
        role: role.to_owned(),
        role_id: source.read.as_ref().map(|read| read.role.role_id.clone()),
        before: source.text.clone(),
        after: after.to_owned(),
        goals: goals.to_vec(),
        access: access(aws),
    }
}

/// Writes a plan to a file that only this user reads: whole or not at all, in place of what was there.
fn keep(plan: TrustPlan, path: &Path) -> Result<TrustPlan> {
    let text = serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n";
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
        .and_then(|file| file.as_file().sync_all().map(|()| file))
        .and_then(|file| file.persist(path).map_err(|error| error.error))
        .map_err(|error| {
            Error::new("output_failed", say!("`{}` cannot be written: {}.", path, error))
                .hint("Name another file with `--out`.")
                .field("out")
        })?;
    Ok(plan)
}

fn apply(
    app: &App,
    door: &Door<'_>,
    handed: HandedPlan,
    access: &AwsAccess,
    json: bool,
) -> Result<Exit> {
    let watch =
        ApplyProgress { handed, json, stop: stop_on_signal(app), last_printed: Mutex::default() };
    let mut applied = door.apply_plan(&watch.handed.plan, access, &watch)?;
    if let Some(error) = &mut applied.error {
        error.trace.get_or_insert_with(|| Shown::clean(trace()));
    }
    match &applied.error {
        Some(error) if !json => {
            let _ = output::stderr(|out| render::not_applied(out, &applied));
            return Err(error.clone());
        }
        _ => show(json, &applied, |out| render::applied(out, &applied))?,
    }
    Ok(if applied.outcome == Outcome::Written { Exit::Done } else { Exit::Failed })
}

/// Shows a plan before it is sent, and each call as it is sent.
struct ApplyProgress {
    handed: HandedPlan,
    json: bool,
    stop: Arc<AtomicBool>,
    last_printed: Mutex<Option<usize>>,
}

impl PlanObserver for ApplyProgress {
    fn begins(&self, caller: &Identity, endpoints: &[Endpoint]) -> Result<()> {
        let shown = if self.json {
            let mut document = json!(self.handed);
            document["v"] = json!(1);
            document["caller"] = json!(caller);
            document["endpoints"] = json!(endpoints);
            output::stderr(|out| out.document(&document))
        } else {
            output::stderr(|out| render::before_write(out, caller, endpoints, &self.handed))
        };
        shown.map_err(|error| {
            Error::new("output_failed", say!("The plan could not be shown: {}.", error))
                .hint("Nothing was sent; apply the plan again.")
        })
    }

    fn progress(&self, progress: &PlanProgress) {
        let mut last_printed = self.last_printed.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.json && *last_printed != Some(progress.step) {
            *last_printed = Some(progress.step);
            if let Some(step) = self.handed.plan.plan.steps.get(progress.step) {
                let _ = output::stderr(|out| render::call(out, step));
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn export_kind(to: ExportName) -> Export {
    match to {
        ExportName::Cli => Export::Cli,
        ExportName::Terraform => Export::Terraform,
        ExportName::TerraformImport => Export::TerraformImport,
        ExportName::TerraformDocument => Export::TerraformDocument,
        ExportName::TerraformJsonencode => Export::TerraformJsonencode,
        ExportName::Cloudformation => Export::Cloudformation,
        ExportName::Json => Export::Json,
    }
}
