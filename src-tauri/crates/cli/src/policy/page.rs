//! Trust policies as pages for a terminal: findings, matrices, plans, changes.

use std::io::{self, Write};
use std::path::Path;

use headgate_app::policy::{
    Axes, CallerKind, CallerRow, Cell, Change, Decision, Edit, Effect, Explanation, Lines, Named,
    Plan, Problem, Size, Truth, lines, place, unified,
};
use headgate_app::{
    Applied, AwsCaller, AwsEndpoint, ChangeHistory, ChangeState, HandedPlan, PlannedCall, RoleRead,
    WritePlan,
};
use headgate_terms::{Finding, Fix, Severity, Shown};
use serde_json::Value;

use crate::page::{clean, counted_as, error, plain, shortened};

type Out<'o> = &'o mut dyn Write;

pub(crate) fn validated(
    out: Out<'_>,
    text: &str,
    problems: &[Problem],
    size: usize,
) -> io::Result<()> {
    if problems.is_empty() {
        return writeln!(out, "AWS would take this policy. It has {size} characters that count.");
    }
    writeln!(
        out,
        "AWS would refuse this policy, for {}:",
        counted_as(problems.len() as u64, "reason")
    )?;
    for problem in problems {
        writeln!(out, "\n{}:{}  {}", problem.line, problem.column, clean(&problem.message))?;
        if let Some(line) = text.lines().nth(problem.line - 1) {
            let shown: String =
                line.chars().skip(problem.column.saturating_sub(40)).take(100).collect();
            writeln!(out, "    {}", clean(&shown))?;
        }
    }
    Ok(())
}

/// `id` is JSON, as the request has it.
pub(crate) fn decided(out: Out<'_>, id: &str, answer: &Explanation) -> io::Result<()> {
    let id = serde_json::from_str(id).unwrap_or_else(|_| id.to_owned());
    writeln!(out, "{}  {}  {}", clean(&id), word(answer.decision), clean(&answer.because))
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::ExplicitDeny => "denied",
        Decision::ImplicitDeny => "-",
        Decision::Unknown => "depends",
    }
}

pub(crate) fn findings(out: Out<'_>, text: &str, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(out, "Nothing found.");
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Security => "security",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let line = finding.range.map(|range| place(text, range.start).0);
        let at = line.map_or(String::new(), |line| format!(", line {line}"));
        writeln!(out, "{} {severity}{at}: {}", finding.id, clean(&finding.title))?;
        writeln!(out, "    {}", clean(&finding.meaning))?;
        match &finding.fix {
            Some(Fix::Command(command)) => writeln!(out, "    Run: {}", clean(command))?,
            Some(Fix::Plan(plan)) => {
                let label = plan["label"].as_str().unwrap_or("Fix");
                writeln!(out, "    The window's fix: {}", clean(label))?;
            }
            None => {}
        }
    }
    Ok(())
}

/// What is said below the findings of a text that AWS would not take.
pub(crate) fn refused(out: Out<'_>, problems: &[Problem]) -> io::Result<()> {
    let reasons = counted_as(problems.len() as u64, "reason");
    writeln!(
        out,
        "\nAWS would refuse this policy, for {reasons}; `headgate policy validate` names them."
    )
}

fn named(principal: &Named) -> String {
    match principal {
        Named::Aws(text) => clean(text),
        Named::Service { service } => clean(service),
        Named::Federated { federated } => clean(federated),
    }
}

fn id(external_id: Option<&str>) -> String {
    external_id.map_or_else(|| "no id".to_owned(), |id| shortened(&clean(id)))
}

pub(crate) fn matrix(out: Out<'_>, axes: &Axes, cells: &[Cell]) -> io::Result<()> {
    // Ids are long and callers longer: a letter for each id keeps a row on one line.
    for (at, column) in axes.ids.iter().enumerate() {
        let id = match (&column.external_id, &column.like) {
            (Some(_), _) if column.any_other => "any other id".to_owned(),
            (_, Some(pattern)) => format!("ids like {}", shortened(&clean(pattern))),
            (other, None) => id(other.as_deref()),
        };
        writeln!(out, " {:>3}  {id}", letter(at))?;
    }
    writeln!(out)?;
    let mut table = plain(&[]);
    let letters = (0..axes.ids.len()).map(letter);
    table.set_header(std::iter::once("caller".to_owned()).chain(letters));
    for row in &axes.callers {
        let mut line = vec![caller(row)];
        line.extend(axes.ids.iter().map(|column| {
            cells
                .iter()
                .find(|cell| {
                    cell.principal == row.principal && cell.external_id == column.external_id
                })
                .map_or(String::new(), |cell| word(cell.decision).to_owned())
        }));
        table.add_row(line);
    }
    writeln!(out, "{table}")?;
    if axes.left_out > 0 {
        writeln!(out, "{} more callers are not shown.", axes.left_out)?;
    }
    Ok(())
}

/// A column's name: A to Z, then AA and so on.
fn letter(at: usize) -> String {
    let last = char::from(b'A' + (at % 26) as u8);
    if at < 26 { last.to_string() } else { letter(at / 26 - 1) + &last.to_string() }
}

fn caller(row: &CallerRow) -> String {
    let account = || match &row.principal {
        Named::Aws(arn) => clean(arn.split(':').nth(4).unwrap_or_default()),
        other => named(other),
    };
    match row.kind {
        CallerKind::OtherRole => format!("other roles in account {}", account()),
        CallerKind::Stranger => "anyone else in any account".to_owned(),
        CallerKind::Like => format!("such as {}", named(&row.principal)),
        CallerKind::Goal | CallerKind::Named => named(&row.principal),
    }
}

pub(crate) fn explained(out: Out<'_>, needs_own: bool, answer: &Explanation) -> io::Result<()> {
    writeln!(out, "{}\n", clean(&answer.because))?;
    let mut table = plain(&["statement", "names the caller", "action", "conditions", "says"]);
    for said in &answer.said {
        let conditions: Vec<String> = said
            .conditions
            .iter()
            .map(|one| {
                let holds = match one.holds {
                    Truth::Yes => "holds",
                    Truth::No => "does not hold",
                    Truth::Unknown => "not known",
                };
                format!("{} {}, line {}: {holds}", clean(&one.key), clean(&one.operator), one.line)
            })
            .collect();
        let yes = |yes| if yes { "yes" } else { "no" };
        let says = match (said.matches, said.effect) {
            (Truth::No, _) => "nothing",
            (Truth::Yes, Effect::Allow) => "Allow",
            (Truth::Yes, Effect::Deny) => "Deny",
            (Truth::Unknown, Effect::Allow) => "Allow, perhaps",
            (Truth::Unknown, Effect::Deny) => "Deny, perhaps",
        };
        let sid = said.sid.as_deref().unwrap_or_default();
        table.add_row([
            format!("{} {}", said.statement + 1, clean(sid)),
            yes(said.names).to_owned(),
            yes(said.covers).to_owned(),
            conditions.join("\n"),
            says.to_owned(),
        ]);
    }
    writeln!(out, "{table}")?;
    if needs_own {
        writeln!(out, "\nThe caller's own account must let it call `sts:AssumeRole` too.")?;
    }
    Ok(())
}

fn changes<'c>(out: Out<'_>, cells: impl Iterator<Item = &'c Change>) -> io::Result<()> {
    let mut table = plain(&["caller", "external id", "before", "after"]);
    let mut any = false;
    for cell in cells {
        any = true;
        table.add_row([
            named(&cell.principal),
            id(cell.external_id.as_deref()),
            word(cell.before).to_owned(),
            word(cell.after).to_owned(),
        ]);
    }
    if any { writeln!(out, "{table}") } else { writeln!(out, "No cell changes.") }
}

pub(crate) fn diff(out: Out<'_>, text: &str, cells: &[Change], same: bool) -> io::Result<()> {
    if text.is_empty() {
        return writeln!(out, "The texts are the same.");
    }
    print_diff(out, text)?;
    if same {
        return writeln!(out, "\nTo AWS both mean the same.");
    }
    writeln!(out, "\nWho may assume the role")?;
    changes(out, cells.iter())
}

/// A diff with what would move the cursor escaped.
fn print_diff(out: Out<'_>, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line).replace('\t', "    ");
        writeln!(out, "{}", clean(&line))
    })
}

fn who(out: Out<'_>, read: Option<&RoleRead>) -> io::Result<()> {
    let Some(read) = read else { return Ok(()) };
    as_whom(out, &read.caller, &read.endpoints)?;
    writeln!(out)
}

pub(crate) fn planned(
    out: Out<'_>,
    text: &str,
    plan: &Plan,
    opens: Option<&Shown>,
    findings: &[Finding],
    read: Option<&RoleRead>,
    write: Option<(&WritePlan, &Path)>,
) -> io::Result<()> {
    opening(out, opens)?;
    who(out, read)?;
    if let Some(refused) = &plan.refused {
        return writeln!(out, "Nothing is planned. {}", clean(&refused.message));
    }
    if plan.satisfied {
        writeln!(out, "All goals hold already. Nothing is to be written.")?;
    } else {
        print_diff(out, &unified(text, &plan.after, ("before", "after")))?;
        writeln!(out, "\nOperations")?;
        for edit in &plan.operations {
            writeln!(out, "  {}", clean(&operation(edit)))?;
        }
        writeln!(out, "\nWhat changes")?;
        changes(out, plan.matrix.iter().filter(|cell| cell.before != cell.after))?;
    }
    writeln!(out, "\nWho may assume the role then")?;
    changes(out, plan.matrix.iter().filter(|cell| cell.after != Decision::ImplicitDeny))?;
    sizes(out, plan.size, lines(text, &plan.after))?;
    if !findings.is_empty() {
        writeln!(out, "\nFindings that remain")?;
        self::findings(out, &plan.after, findings)?;
    }
    match write {
        Some((write, file)) => kept(out, write, file),
        None if plan.satisfied => Ok(()),
        None => writeln!(
            out,
            "\nNothing is written yet. With `--out plan.json` this becomes a plan for `headgate policy apply`."
        ),
    }
}

fn sizes(out: Out<'_>, size: Size, lines: Lines) -> io::Result<()> {
    writeln!(
        out,
        "\n{} of {} characters, {} before. {} added, {} removed.",
        size.after,
        size.quota,
        size.before,
        counted_as(lines.added as u64, "line"),
        counted_as(lines.removed as u64, "line"),
    )
}

fn kept(out: Out<'_>, plan: &WritePlan, file: &Path) -> io::Result<()> {
    let file = clean(&file.display().to_string());
    writeln!(
        out,
        "\nNothing is written yet. `headgate policy apply {file}` writes plan `{}`; it calls",
        plan.id
    )?;
    plan.calls.iter().try_for_each(|one| call(out, one))?;
    for finding in plan.analyzer.iter().flatten() {
        writeln!(
            out,
            "Access Analyzer: {} {}: {}",
            finding.kind,
            finding.code,
            clean(&finding.details)
        )?;
    }
    Ok(())
}

/// An operation as a person reads it.
fn operation(edit: &Edit) -> String {
    match edit {
        Edit::AddPrincipal { statement, value, .. } => {
            format!("Add {value} to the principals of statement {}.", statement + 1)
        }
        Edit::AddConditionValue { statement, operator, key, value } => {
            format!("Add {value} to {operator} {key} of statement {}.", statement + 1)
        }
        Edit::AddStatement { statement, draft } => {
            let names: Vec<&str> = draft.principals.iter().map(|one| one.value.as_str()).collect();
            format!("Add statement {} for {}.", statement + 1, names.join(", "))
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

pub(crate) fn to_write(
    out: Out<'_>,
    read: Option<&RoleRead>,
    plan: &WritePlan,
    file: &Path,
) -> io::Result<()> {
    opening(out, plan.opens.as_ref())?;
    who(out, read)?;
    print_diff(out, &unified(&plan.before, &plan.after, ("before", "after")))?;
    writeln!(out, "\nWhat changes")?;
    changes(out, plan.cells.iter())?;
    sizes(out, plan.size, lines(&plan.before, &plan.after))?;
    kept(out, plan, file)
}

/// A plan that was handed over, as it would be carried out.
pub(crate) fn handed(out: Out<'_>, handed: &HandedPlan) -> io::Result<()> {
    let plan = &handed.plan;
    warnings(out, plan, &handed.disagrees)?;
    writeln!(out, "{}\n", clean(&plan.role))?;
    print_diff(out, &unified(&plan.before, &plan.after, ("before", "after")))?;
    writeln!(out, "\nWhat changes")?;
    changes(out, plan.cells.iter())?;
    sizes(out, plan.size, lines(&plan.before, &plan.after))?;
    if !handed.findings.is_empty() {
        writeln!(out, "\nFindings that remain")?;
        findings(out, &plan.after, &handed.findings)?;
    }
    writeln!(out, "\nNothing is sent. `headgate policy apply` would call")?;
    plan.calls.iter().try_for_each(|one| call(out, one))
}

/// Whom a plan opens the role to, first of all, and where its file says something else.
fn warnings(out: Out<'_>, plan: &WritePlan, disagrees: &[Shown]) -> io::Result<()> {
    opening(out, plan.opens.as_ref())?;
    for one in disagrees {
        writeln!(out, "{one}")?;
    }
    if !disagrees.is_empty() {
        writeln!(out, "What follows was computed from the policies in it.\n")?;
    }
    Ok(())
}

/// Whom a change opens the role to; the first line of whatever shows one.
fn opening(out: Out<'_>, opens: Option<&Shown>) -> io::Result<()> {
    opens.map_or(Ok(()), |opens| writeln!(out, "{opens}\n"))
}

pub(crate) fn call(out: Out<'_>, call: &PlannedCall) -> io::Result<()> {
    writeln!(out, "  {}. {}  {}", call.n, call.call, call.what)
}

pub(crate) fn document(out: Out<'_>, document: &Value) -> io::Result<()> {
    writeln!(out, "{document}")
}

/// Who is about to write where, and what changes by it.
pub(crate) fn before_write(
    out: Out<'_>,
    caller: &AwsCaller,
    endpoints: &[AwsEndpoint],
    plan: &WritePlan,
    disagrees: &[Shown],
) -> io::Result<()> {
    warnings(out, plan, disagrees)?;
    as_whom(out, caller, endpoints)?;
    writeln!(out, "{}\n", clean(&plan.role))?;
    print_diff(out, &unified(&plan.before, &plan.after, ("before", "after")))?;
    writeln!(out)
}

fn as_whom(out: Out<'_>, caller: &AwsCaller, endpoints: &[AwsEndpoint]) -> io::Result<()> {
    writeln!(out, "As {}, account {}", clean(&caller.arn), clean(&caller.account))?;
    for endpoint in endpoints {
        let (service, url) = (clean(&endpoint.service), clean(&endpoint.url));
        writeln!(out, "{service} at {url}, which is not AWS's own endpoint")?;
    }
    Ok(())
}

pub(crate) fn applied(out: Out<'_>, applied: &Applied) -> io::Result<()> {
    let change = &applied.change;
    match change.state {
        ChangeState::Unneeded => {
            writeln!(out, "{} means this already; nothing was sent.", change.role)?;
        }
        _ => writeln!(
            out,
            "{} has the new trust policy, read back {} times in {} ms.",
            change.role, applied.reads, applied.waited_ms
        )?,
    }
    writeln!(out, "As {}. Change `{}`.", clean(&change.by), change.id)?;
    if let Some(failed) = &applied.journal {
        writeln!(out, "The history does not have it:")?;
        error(out, failed)?;
    }
    if let Some(request) = &change.request_id {
        writeln!(out, "AWS calls it {}.", clean(request))?;
    }
    if change.state != ChangeState::Unneeded {
        writeln!(out, "`headgate policy restore {}` puts the old one back.", change.id)?;
    }
    Ok(())
}

pub(crate) fn history(out: Out<'_>, history: &ChangeHistory) -> io::Result<()> {
    if history.changes.is_empty() {
        return writeln!(out, "Nothing was written yet.");
    }
    let mut table = plain(&["change", "at", "state", "role", "cells", "by"]);
    for change in &history.changes {
        let state = match change.state {
            ChangeState::Sent => "sent, unknown",
            ChangeState::Done => "done",
            ChangeState::Unneeded => "not needed",
            ChangeState::Refused => "refused",
            ChangeState::Drifted => "drifted",
        };
        table.add_row([
            change.id.clone(),
            format!("{}Z", clean(change.at.get(..19).unwrap_or(&change.at))),
            state.to_owned(),
            clean(&change.role),
            change.cells.len().to_string(),
            clean(&change.by),
        ]);
    }
    writeln!(out, "{table}")?;
    for change in &history.changes {
        if let Some(failed) = &change.error {
            writeln!(out, "\n{}", change.id)?;
            error(out, failed)?;
        }
    }
    Ok(())
}
