//! Trust policies of IAM roles: read, judged, compared and changed, byte by byte where nothing must.
//!
//! Pure: no clock, no network, no files. Who asks AWS and who writes is for others.

#![forbid(unsafe_code)]

mod axes;
mod canonical;
mod classes;
mod columns;
mod compose;
mod condition;
mod diff;
mod edit;
mod evaluate;
mod export;
mod glob;
mod goals;
mod guide;
mod instant;
mod issuers;
mod lint;
mod matrix;
mod new_policy;
mod opening;
mod operator;
mod plan;
mod policy;
mod problem;
mod read;
mod services;
mod splice;
mod stranger;
mod style;
mod text;
mod well_known;
mod whom;
mod widening;
mod wording;

pub use axes::axes;
pub use canonical::{semantic_hash, structural_hash};
pub use condition::{Context, Truth};
pub use diff::{Lines, lines, unified};
pub use edit::{
    ConditionDraft, Edit, Edited, PrincipalRef, StatementDraft, apply, apply_all, difference,
};
pub use evaluate::{
    Caller, ConditionVerdict, Decision, Explanation, Request, StatementVerdict, Verdict, decide,
    explain, is_named, names, needs_own_policy,
};
pub use export::{Export, export};
pub use goals::{Goals, id_fault};
pub use lint::{CredentialFacts, Facts, SegmentFacts, is_placeholder, lint, lint_text};
pub use matrix::{
    Axes, CallerKind, CallerRow, Cell, CellChange, EXTERNAL_ID, Goal, IdColumn, MOST_CELLS, Named,
    cells, changes, context_of, request_of,
};
pub use new_policy::new_policy;
pub use opening::{Opening, opens};
pub use operator::{How, Operator, Order, SetPrefix, Test};
pub use plan::{Form, PatchPlan, QUOTA, Refusal, Refused, Size, plan};
pub use policy::{Condition, Effect, Policy, Principal, PrincipalKind, Statement, Text, Who};
pub use problem::{Code, Problem, place};
pub use read::{Reading, read};
pub use text::{decoded, size};
pub use well_known::{
    SEGMENT_ROLE, UNITY_CATALOG_ROLES, is_protected, is_unity_catalog, unity_catalog_of_partition,
};
pub use whom::who;
