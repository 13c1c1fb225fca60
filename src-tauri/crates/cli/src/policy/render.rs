//! Trust policies as pages for a terminal: findings, matrices, plans and changes.

use std::io;
use std::path::Path;

use headgate_app::policy::{
    Axes, CallerKind, CallerRow, Cell, CellChange, Decision, Edit, Effect, Explanation, Lines,
    Named, PatchPlan, Problem, Size, Truth, lines, place, unified,
};
use headgate_app::{
    Applied, ChangeHistory, ChangeState, Endpoint, HandedPlan, Identity, RoleRead, Step, TrustPlan,
};
use headgate_terms::{Finding, Fix, Severity, Shown, say};

use crate::output::{Out, Table, line};
use crate::render::{counted_as, error, shortened};

pub(crate) fn validated(
    out: &mut Out<'_>,
    text: &str,
    problems: &[Problem],
    size: usize,
) -> io::Result<()> {
    if problems.is_empty() {
        return line!(out, "AWS would take this policy. It has {} characters that count.", size);
    }
    line!(
        out,
        "AWS would refuse this policy, for {}:",
        counted_as(problems.len() as u64, "reason")
    )?;
    for problem in problems {
        let message = Shown::clean(&problem.message);
        line!(out, "\n{}:{}  {}", problem.line, problem.column, message)?;
        if let Some(line) = text.lines().nth(problem.line - 1) {
            let shown: String =
                line.chars().skip(problem.column.saturating_sub(40)).take(100).collect();
            line!(out, "    {}", Shown::clean(&shown))?;
        }
    }
    Ok(())
}

/// `id` is JSON, as the request has it.
pub(crate) fn decided(out: &mut Out<'_>, id: &str, answer: &Explanation) -> io::Result<()> {
    let id = serde_json::from_str(id).unwrap_or_else(|_| id.to_owned());
    let (id, because) = (Shown::clean(&id), Shown::clean(&answer.because));
    line!(out, "{}  {}  {}", id, word(answer.decision), because)
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::ExplicitDeny => "denied",
        Decision::ImplicitDeny => "-",
        Decision::Unknown => "depends",
    }
}

pub(crate) fn findings(out: &mut Out<'_>, text: &str, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return line!(out, "Nothing found.");
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Security => "security",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let line = finding.range.map(|range| place(text, range.start).0);
        let at = line.map_or(Shown::default(), |line| say!(", line {}", line));
        line!(out, "{} {}{}: {}", finding.id, severity, at, finding.title)?;
        line!(out, "    {}", finding.meaning)?;
        match &finding.fix {
            Some(Fix::Command(command)) => line!(out, "    Run: {}", Shown::clean(command))?,
            Some(Fix::Plan(plan)) => {
                let label = plan["label"].as_str().unwrap_or("Fix");
                line!(out, "    The window's fix: {}", Shown::clean(label))?;
            }
            None => {}
        }
    }
    Ok(())
}

/// What is said below the findings of a text that AWS would not take.
pub(crate) fn refused(out: &mut Out<'_>, problems: &[Problem]) -> io::Result<()> {
    let reasons = counted_as(problems.len() as u64, "reason");
    line!(
        out,
        "\nAWS would refuse this policy, for {}; `headgate policy validate` names them.",
        reasons
    )
}

fn named(principal: &Named) -> Shown {
    match principal {
        Named::Aws(text) => Shown::clean(text),
        Named::Service { service } => Shown::clean(service),
        Named::Federated { federated } => Shown::clean(federated),
    }
}

fn id(external_id: Option<&str>) -> Shown {
    external_id.map_or_else(|| "no id".into(), shortened)
}

pub(crate) fn matrix(out: &mut Out<'_>, axes: &Axes, cells: &[Cell]) -> io::Result<()> {
    // Ids are long and callers longer: a letter for each id keeps a row on one line.
    for (at, column) in axes.ids.iter().enumerate() {
        let id = match (&column.external_id, &column.like) {
            (Some(_), _) if column.any_other => "any other id".into(),
            (_, Some(pattern)) => say!("ids like {}", shortened(pattern)),
            (other, None) => id(other.as_deref()),
        };
        line!(out, " {:>3}  {}", letter(at), id)?;
    }
    line!(out)?;
    let letters = (0..axes.ids.len()).map(letter);
    let mut table = Table::new(std::iter::once("caller".into()).chain(letters));
    for row in &axes.callers {
        let mut line = vec![caller(row)];
        line.extend(axes.ids.iter().map(|column| {
            cells
                .iter()
                .find(|cell| {
                    cell.principal == row.principal && cell.external_id == column.external_id
                })
                .map_or(Shown::default(), |cell| word(cell.decision).into())
        }));
        table.row(line);
    }
    out.line(table)?;
    if axes.left_out > 0 {
        line!(out, "{} more callers are not shown.", axes.left_out)?;
    }
    Ok(())
}

/// A column's name: A to Z, then AA and so on.
fn letter(at: usize) -> Shown {
    let last = char::from(b'A' + (at % 26) as u8);
    if at < 26 { say!("{}", last) } else { say!("{}{}", letter(at / 26 - 1), last) }
}

fn caller(row: &CallerRow) -> Shown {
    let account = || match &row.principal {
        Named::Aws(arn) => Shown::clean(arn.split(':').nth(4).unwrap_or_default()),
        other => named(other),
    };
    match row.kind {
        CallerKind::OtherRole => say!("other roles in account {}", account()),
        CallerKind::Stranger => "anyone else in any account".into(),
        CallerKind::Like => say!("such as {}", named(&row.principal)),
        CallerKind::Goal | CallerKind::Named => named(&row.principal),
    }
}

pub(crate) fn explained(
    out: &mut Out<'_>,
    needs_own: bool,
    answer: &Explanation,
) -> io::Result<()> {
    line!(out, "{}\n", answer.because)?;
    let mut table = Table::new(["statement", "names the caller", "action", "conditions", "says"]);
    for said in &answer.said {
        let conditions: Vec<Shown> = said
            .conditions
            .iter()
            .map(|one| {
                let holds = match one.holds {
                    Truth::Yes => "holds",
                    Truth::No => "does not hold",
                    Truth::Unknown => "not known",
                };
                say!("{} {}, line {}: {}", one.key, one.operator, one.line, holds)
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
        table.row([
            say!("{} {}", said.statement + 1, sid),
            yes(said.names).into(),
            yes(said.covers).into(),
            Shown::join(&conditions, "\n"),
            says.into(),
        ]);
    }
    out.line(table)?;
    if needs_own {
        line!(out, "\nThe caller's own account must let it call `sts:AssumeRole` too.")?;
    }
    Ok(())
}

fn changes<'c>(out: &mut Out<'_>, cells: impl Iterator<Item = &'c CellChange>) -> io::Result<()> {
    let mut table = Table::new(["caller", "external id", "before", "after"]);
    let mut any = false;
    for cell in cells {
        any = true;
        table.row([
            named(&cell.principal),
            id(cell.external_id.as_deref()),
            word(cell.before).into(),
            word(cell.after).into(),
        ]);
    }
    if any { out.line(table) } else { line!(out, "No cell changes.") }
}

pub(crate) fn diff(
    out: &mut Out<'_>,
    text: &str,
    cells: &[CellChange],
    same: bool,
) -> io::Result<()> {
    if text.is_empty() {
        return line!(out, "The texts are the same.");
    }
    print_diff(out, text)?;
    if same {
        return line!(out, "\nTo AWS both mean the same.");
    }
    line!(out, "\nWho may assume the role")?;
    changes(out, cells.iter())
}

/// How many blank lines in a row a diff shows.
const MOST_BLANK: usize = 3;

/// A diff, whose lines may be anything.
fn print_diff(out: &mut Out<'_>, text: &str) -> io::Result<()> {
    let is_blank = |line: &str| line.trim_start_matches(['+', '-', ' ']).trim().is_empty();
    let lines: Vec<&str> = text.lines().collect();
    // AWS does not count white space, so a text can hold as much of it as somebody wants to hide behind.
    for run in lines.chunk_by(|a, b| is_blank(a) && is_blank(b)) {
        let kept = if is_blank(run[0]) { MOST_BLANK.min(run.len()) } else { run.len() };
        run[..kept].iter().try_for_each(|line| out.line(Shown::lines(line)))?;
        if kept < run.len() {
            line!(out, "  … {} more blank lines", run.len() - kept)?;
        }
    }
    Ok(())
}

fn who(out: &mut Out<'_>, read: Option<&RoleRead>) -> io::Result<()> {
    let Some(read) = read else { return Ok(()) };
    as_whom(out, &read.caller, &read.endpoints)?;
    line!(out)
}

pub(crate) fn planned(
    out: &mut Out<'_>,
    text: &str,
    plan: &PatchPlan,
    opens: Option<&Shown>,
    findings: &[Finding],
    read: Option<&RoleRead>,
    write: Option<(&TrustPlan, &Path)>,
) -> io::Result<()> {
    opening(out, opens)?;
    who(out, read)?;
    if let Some(refused) = &plan.refused {
        return line!(out, "Nothing is planned. {}", Shown::clean(&refused.message));
    }
    if plan.satisfied {
        line!(out, "All goals hold already. Nothing is to be written.")?;
    } else {
        print_diff(out, &unified(text, &plan.after, ("before", "after")))?;
        line!(out, "\nOperations")?;
        for edit in &plan.operations {
            line!(out, "  {}", operation(edit))?;
        }
        line!(out, "\nWhat changes")?;
        changes(out, plan.matrix.iter().filter(|cell| cell.before != cell.after))?;
    }
    line!(out, "\nWho may assume the role then")?;
    changes(out, plan.matrix.iter().filter(|cell| cell.after != Decision::ImplicitDeny))?;
    sizes(out, plan.size, lines(text, &plan.after))?;
    if !findings.is_empty() {
        line!(out, "\nFindings that remain")?;
        self::findings(out, &plan.after, findings)?;
    }
    match write {
        Some((write, file)) => kept(out, write, file),
        None if plan.satisfied => Ok(()),
        None => line!(
            out,
            "\nNothing is written yet. With `--out plan.json` this becomes a plan for `headgate policy apply`."
        ),
    }
}

fn sizes(out: &mut Out<'_>, size: Size, lines: Lines) -> io::Result<()> {
    line!(
        out,
        "\n{} of {} characters, {} before. {} added, {} removed.",
        size.after,
        size.quota,
        size.before,
        counted_as(lines.added as u64, "line"),
        counted_as(lines.removed as u64, "line"),
    )
}

fn kept(out: &mut Out<'_>, plan: &TrustPlan, file: &Path) -> io::Result<()> {
    line!(
        out,
        "\nNothing is written yet. `headgate policy apply {}` writes plan `{}`; it calls",
        file,
        plan.plan.id
    )?;
    plan.plan.steps.iter().try_for_each(|one| call(out, one))?;
    for finding in plan.analyzer.iter().flatten() {
        line!(
            out,
            "Access Analyzer: {} {}: {}",
            finding.kind,
            finding.code,
            Shown::clean(&finding.details)
        )?;
    }
    Ok(())
}

/// An operation as a user reads it.
fn operation(edit: &Edit) -> Shown {
    match edit {
        Edit::AddPrincipal { statement, value, .. } => {
            say!("Add {} to the principals of statement {}.", value, statement + 1)
        }
        Edit::AddConditionValue { statement, operator, key, value } => {
            say!("Add {} to {} {} of statement {}.", value, operator, key, statement + 1)
        }
        Edit::AddStatement { statement, draft } => {
            let names: Vec<_> =
                draft.principals.iter().map(|one| Shown::clean(&one.value)).collect();
            say!("Add statement {} for {}.", statement + 1, Shown::join(&names, ", "))
        }
        other => Shown::json(other).unwrap_or_default(),
    }
}

pub(crate) fn to_write(
    out: &mut Out<'_>,
    read: Option<&RoleRead>,
    plan: &TrustPlan,
    file: &Path,
) -> io::Result<()> {
    opening(out, plan.opens.as_ref())?;
    who(out, read)?;
    print_diff(out, &unified(&plan.before, &plan.after, ("before", "after")))?;
    line!(out, "\nWhat changes")?;
    changes(out, plan.cells.iter())?;
    sizes(out, plan.size, lines(&plan.before, &plan.after))?;
    kept(out, plan, file)
}

/// A plan that was handed over, as it would be carried out.
pub(crate) fn handed(out: &mut Out<'_>, handed: &HandedPlan) -> io::Result<()> {
    let plan = &handed.plan;
    warnings(out, plan, &handed.disagrees)?;
    what_it_does(out, handed)?;
    line!(out, "\nNothing is sent. `headgate policy apply` would call")?;
    plan.plan.steps.iter().try_for_each(|one| call(out, one))
}

fn what_it_does(out: &mut Out<'_>, handed: &HandedPlan) -> io::Result<()> {
    let plan = &handed.plan;
    line!(out, "{}\n", plan.role)?;
    print_diff(out, &unified(&plan.before, &plan.after, ("before", "after")))?;
    line!(out, "\nWhat changes")?;
    changes(out, plan.cells.iter())?;
    sizes(out, plan.size, lines(&plan.before, &plan.after))?;
    if !handed.findings.is_empty() {
        line!(out, "\nFindings that remain")?;
        findings(out, &plan.after, &handed.findings)?;
    }
    Ok(())
}

/// Whom a plan opens the role to, first of all, and where its file says something else.
fn warnings(out: &mut Out<'_>, plan: &TrustPlan, disagrees: &[Shown]) -> io::Result<()> {
    opening(out, plan.opens.as_ref())?;
    for one in disagrees {
        out.line(one.clone())?;
    }
    if !disagrees.is_empty() {
        line!(out, "What follows was computed from the policies in it.\n")?;
    }
    Ok(())
}

/// Whom a change opens the role to; the first line of whatever shows one.
fn opening(out: &mut Out<'_>, opens: Option<&Shown>) -> io::Result<()> {
    opens.map_or(Ok(()), |opens| line!(out, "{}\n", opens))
}

pub(crate) fn call(out: &mut Out<'_>, call: &Step) -> io::Result<()> {
    line!(out, "  {}. {}  {}", call.n, call.call, call.what)
}

/// Who is about to write where, and what changes by it. Whom it opens the role to comes again at the end,
/// for a long text may have moved the first line out of sight.
pub(crate) fn before_write(
    out: &mut Out<'_>,
    caller: &Identity,
    endpoints: &[Endpoint],
    handed: &HandedPlan,
) -> io::Result<()> {
    warnings(out, &handed.plan, &handed.disagrees)?;
    as_whom(out, caller, endpoints)?;
    what_it_does(out, handed)?;
    line!(out)?;
    opening(out, handed.plan.opens.as_ref())
}

/// What the error of a change that is not proved leaves out.
pub(crate) fn not_applied(out: &mut Out<'_>, applied: &Applied) -> io::Result<()> {
    line!(out, "Change `{}` in `headgate policy history`.", applied.change.id)?;
    applied.journal.as_ref().map_or(Ok(()), |failed| {
        line!(out, "The history does not have how it ended:")?;
        error(out, failed)
    })
}

fn as_whom(out: &mut Out<'_>, caller: &Identity, endpoints: &[Endpoint]) -> io::Result<()> {
    line!(out, "As {}, account {}", caller.arn, caller.account)?;
    for endpoint in endpoints {
        line!(out, "{} at {}, which is not AWS's own endpoint", endpoint.service, endpoint.url)?;
    }
    Ok(())
}

pub(crate) fn applied(out: &mut Out<'_>, applied: &Applied) -> io::Result<()> {
    let change = &applied.change;
    match change.state {
        ChangeState::Unneeded => {
            line!(out, "{} means this already; nothing was sent.", change.role)?;
        }
        _ => line!(
            out,
            "{} has the new trust policy, read back {} times in {} ms.",
            change.role,
            applied.reads,
            applied.waited_ms
        )?,
    }
    line!(out, "As {}. Change `{}`.", change.by, change.id)?;
    if let Some(failed) = &applied.journal {
        line!(out, "The history does not have it:")?;
        error(out, failed)?;
    }
    if let Some(request) = change.request_id.as_ref().filter(|id| !id.is_empty()) {
        line!(out, "AWS calls it {}.", request)?;
    }
    if change.state != ChangeState::Unneeded {
        line!(out, "`headgate policy restore {}` puts the old one back.", change.id)?;
    }
    Ok(())
}

pub(crate) fn history(out: &mut Out<'_>, history: &ChangeHistory) -> io::Result<()> {
    if history.changes.is_empty() {
        return line!(out, "Nothing was written yet.");
    }
    let mut table = Table::new(["change", "at", "state", "role", "cells", "by"]);
    for change in &history.changes {
        let state = match change.state {
            ChangeState::Sent => "sent, unknown",
            ChangeState::Done => "done",
            ChangeState::Unneeded => "not needed",
            ChangeState::Refused => "refused",
            ChangeState::Drifted => "drifted",
        };
        table.row([
            Shown::clean(&change.id),
            say!("{}Z", change.at.get(..19).unwrap_or(&change.at)),
            state.into(),
            Shown::clean(&change.role),
            say!("{}", change.cells.len()),
            Shown::clean(&change.by),
        ]);
    }
    out.line(table)?;
    for change in &history.changes {
        if let Some(failed) = &change.error {
            line!(out, "\n{}", change.id)?;
            error(out, failed)?;
        }
    }
    Ok(())
}
