//! Measures the policy editor: parsing, linting, drawing and planning the guide's policy, and a matrix of 4,096
//! cells. Prints milliseconds as JSON, each the median of many rounds.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::hint::black_box;
use std::time::Instant;

use headgate_policy::{
    Facts, Form, Goal, Goals, MOST_CELLS, QUOTA, axes, cells, lint_text, plan, read,
};
use headgate_terms::Arn;

const CATALOG: &str =
    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL";
const ROLE: &str = "arn:aws:iam::417620938841:role/headgate-lake-writer";
const SEGMENT: &str =
    "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access";

/// The guide's document before step 4.3.
fn guide() -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{ "AWS": ["{CATALOG}", "{ROLE}"] }},
      "Action": "sts:AssumeRole",
      "Condition": {{ "StringEquals": {{ "sts:ExternalId": "7c0d9e52-41b8-4f0e-9a63-2b5f8d1e6c07" }} }}
    }}
  ]
}}"#
    )
}

/// 64 statements with a caller and an id each.
fn wide() -> String {
    let statements: Vec<String> = (0..61)
        .map(|at| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{:012}:role/r{at}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"id-{at}"}}}}}}"#,
                417_620_938_841_u64
            )
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// The median of many rounds, in milliseconds.
fn median(rounds: usize, mut work: impl FnMut()) -> f64 {
    let mut spent: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    spent.sort_by(f64::total_cmp);
    spent[rounds / 2]
}

fn main() {
    let role: Arn = ROLE.parse().expect("an ARN");
    let goal = |principal: &str, id: &str| Goal {
        principal: principal.to_owned(),
        external_id: Some(id.to_owned()),
        sid: None,
    };
    let databricks = "7c0d9e52-41b8-4f0e-9a63-2b5f8d1e6c07";
    let goals = Goals {
        role: ROLE.to_owned(),
        allow: vec![
            goal(CATALOG, databricks),
            goal(ROLE, databricks),
            goal(SEGMENT, "hV3kTq8mXw2LrZ7pNcB4yd"),
        ],
    };
    let facts = Facts { role: Some(role.clone()), goals: goals.allow.clone(), ..Facts::default() };
    let text = guide();
    let all = median(501, || {
        let policy = read(&text).valid().expect("a policy");
        let drawn = axes(&[&policy], &goals.allow, Some(&role));
        black_box(cells(&policy, &drawn, Some(&role)));
        black_box(lint_text(&text, &facts));
        black_box(plan(&text, &policy, &goals, Form::Separate, QUOTA).expect("a plan"));
    });
    let text = wide();
    let policy = read(&text).valid().expect("a policy");
    let drawn = axes(&[&policy], &[], Some(&role));
    let count = drawn.callers.len() * drawn.ids.len();
    assert!((MOST_CELLS - 128..=MOST_CELLS).contains(&count), "{count} cells");
    let matrix = median(51, || {
        let drawn = axes(&[&policy], &[], Some(&role));
        black_box(cells(&policy, &drawn, Some(&role)));
    });
    println!(r#"{{"guide_ms":{all:.3},"cells":{count},"matrix_ms":{matrix:.3}}}"#);
}
