//! `headgate policy evaluate`: one JSON request a line in, one answer a line out.

use std::collections::BTreeMap;

use headgate_app::policy::{Context, Decision, Named, Request};
use headgate_app::{policy, valid};
use headgate_terms::{Arn, Error, Result, Shown, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::input::{REQUESTS, text_of};
use super::render;
use crate::{Exit, output};

/// A request as a line has it.
#[derive(Deserialize)]
struct Line {
    /// Returned unchanged, whatever it is.
    id: Option<Box<RawValue>>,
    principal: Named,
    action: String,
    #[serde(default)]
    context: BTreeMap<String, Value>,
    #[serde(default)]
    unknown: Vec<String>,
    role: Option<String>,
}

/// What is said to a request.
#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    decision: Decision,
    statements: &'a [usize],
    because: &'a str,
}

pub(super) fn evaluate(text: &str, requests: &str, role: Option<&Arn>, json: bool) -> Result<Exit> {
    let policy = valid(text)?;
    let lines = text_of(requests, REQUESTS)?;
    let wrong = |number: usize, what: Shown| {
        Error::new("requests_invalid", say!("Line {} of the requests is wrong: {}.", number, what))
            .hint("See `headgate policy evaluate --help`.")
            .field("requests")
    };
    // All lines are read before the first answer, so that there are answers to all or none.
    let mut asked = Vec::new();
    for (at, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line =
            serde_json::from_str(line).map_err(|error| wrong(at + 1, say!("{}", error)))?;
        let request = request(&line, role).map_err(|what| wrong(at + 1, what))?;
        asked.push((line, request));
    }
    let written = output::stdout(|out| {
        asked.iter().try_for_each(|(line, request)| {
            let answer = policy::explain(&policy, text, request);
            if json {
                out.document(&Answer {
                    id: line.id.as_deref(),
                    decision: answer.decision,
                    statements: &answer.statements,
                    because: &answer.because,
                })
            } else {
                render::decided(out, line.id.as_deref().map_or("null", RawValue::get), &answer)
            }
        })
    });
    crate::finished(written)?;
    Ok(Exit::Done)
}

fn request(line: &Line, role: Option<&Arn>) -> Result<Request, Shown> {
    let role = match &line.role {
        Some(role) => Some(role.parse::<Arn>().map_err(|_| say!("`{}` is not an ARN", role))?),
        None => role.cloned(),
    };
    let caller = line
        .principal
        .caller(role.as_ref())
        .ok_or_else(|| Shown::from("`principal` is neither an ARN nor an account's number"))?;
    let mut context = Context::new();
    for (key, value) in &line.context {
        let word = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            _ => Err(say!("`{}` holds no text", key)),
        };
        match value {
            Value::Null => {}
            Value::Array(values) => {
                context.set(key, values.iter().map(word).collect::<Result<_, _>>()?);
            }
            value => context.set(key, vec![word(value)?]),
        }
    }
    line.unknown.iter().for_each(|key| context.hide(key));
    Ok(Request { caller, action: line.action.clone(), context, role })
}
