//! Trust policies of IAM roles: parsed, evaluated, drawn as a matrix of callers and external IDs, linted,
//! compared, and changed without touching any other byte of the text.
//!
//! - [`read()`] parses a text and lists every reason why IAM would refuse it.
//! - [`decide()`] and [`explain()`] evaluate a request; [`axes()`] and [`cells()`] do so for a whole matrix.
//! - [`lint()`] finds risks (TP001 to TP032) and offers fixes.
//! - [`plan()`] finds the smallest change that lets callers in, [`apply()`] carries out one [`Edit`].
//! - [`opens()`] says whether a change opens the role to strangers.
//!
//! The crate has no clock, no network and no files. `aws` reads and writes roles, `app` decides what to do.
//!
//! ```
//! use headgate_policy::{Caller, Decision, decide, read, request_of};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": [{
//!     "Effect": "Allow",
//!     "Principal": {"AWS": "arn:aws:iam::111122223333:role/writer"},
//!     "Action": "sts:AssumeRole",
//!     "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}}}]}"#;
//! let policy = read(text).valid().expect("a valid policy");
//! let writer = Caller::aws("arn:aws:iam::111122223333:role/writer", None).expect("an ARN");
//!
//! let with_id = decide(&policy, &request_of(&writer, Some("e-1"), None));
//! assert_eq!(with_id.decision, Decision::Allow);
//! let without_id = decide(&policy, &request_of(&writer, None, None));
//! assert_eq!(without_id.decision, Decision::ImplicitDeny);
//! ```

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
pub use read::{ParsedPolicy, read};
pub use text::{decoded, size};
pub use well_known::{
    SEGMENT_ROLE, UNITY_CATALOG_ROLES, is_protected, is_unity_catalog, unity_catalog_of_partition,
};
pub use whom::who;
