//! TP021: Allow statements that cover more actions than assuming the role requires.

use headgate_terms::{Severity, say};

use super::context::LintContext;
use super::finding::{FindingDraft, page};
use crate::glob::matches_action;
use crate::policy::Effect;
use crate::read::FAMILY;

/// TP021
pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let because = say!(
        "AWS adds actions over the years, and a pattern takes them in by itself ({}).",
        page("reference_policies_elements_action")
    );
    for (at, statement) in scene.statements(Effect::Allow) {
        if statement.not_action {
            let range = scene
                .root
                .and_then(|root| root.property("Statement"))
                .and_then(|all| all.value.elements().get(at))
                .and_then(|one| one.property("NotAction"))
                .map_or(statement.range, |element| element.name_range);
            found.push(
                FindingDraft::new(
                    "TP021",
                    Severity::Warning,
                    say!("Statement {} allows all that `NotAction` does not name", at + 1),
                    "It also lets callers tag their sessions and name their source, and whatever comes. Write `Action` with what is meant, mostly `sts:AssumeRole`.",
                    because.clone(),
                )
                .at(at, range),
            );
            continue;
        }
        for action in &statement.actions {
            let text = &action.value;
            let covered: Vec<&str> =
                FAMILY.into_iter().filter(|known| matches_action(text, known)).collect();
            if text.contains(['*', '?']) && covered.len() > 1 {
                found.push(
                    FindingDraft::new(
                        "TP021",
                        Severity::Warning,
                        say!("Statement {} allows `{}`, which is {} actions", at + 1, text, covered.len()),
                        "It lets callers do more than assume the role. Name what is meant, mostly `sts:AssumeRole`.",
                        because.clone(),
                    )
                    .at(at, action.range)
                    .values("sts:AssumeRole", text),
                );
            }
        }
    }
}
