//! A policy in the form of other tools: an AWS CLI command, a Terraform resource, a `CloudFormation`
//! resource, or compact JSON.
//!
//! Terraform's syntax is written here, because only strings, lists and objects are needed, and hcl-rs brings a
//! parser and an evaluator with them.

use headgate_terms::{Arn, Error, Result, shell_word};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::style::quoted;
use crate::text::{self, Kind, Node};

/// The tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ExportKind")]
pub enum Export {
    /// A command of the AWS CLI.
    Cli,
    /// A resource of Terraform.
    Terraform,
    /// A resource of `CloudFormation`, in JSON.
    Cloudformation,
    /// The document alone without white space.
    Json,
}

/// Writes a policy for another tool. `role` is an ARN or a name.
///
/// # Errors
/// `policy_invalid` for text that is not JSON.
pub fn export(text: &str, role: &str, to: Export) -> Result<String> {
    let root = text::tree(text).map_err(|problem| {
        Error::new("policy_invalid", problem.message).hint("Correct the policy's text first.")
    })?;
    let name = match role.parse::<Arn>() {
        Ok(arn) => arn.role_name().unwrap_or(role).to_owned(),
        Err(_) => role.to_owned(),
    };
    let path = role.parse::<Arn>().ok().and_then(|arn| {
        let path = arn.resource.strip_prefix("role")?.strip_suffix(&name)?.to_owned();
        (path.len() > 1).then_some(path)
    });
    Ok(match to {
        Export::Json => small(text, &root) + "\n",
        Export::Cli => format!(
            "aws iam update-assume-role-policy \\\n  {} \\\n  --policy-document {}\n",
            role_name_option(&name),
            shell_word(&small(text, &root))
        ),
        Export::Terraform => {
            let path = path.map_or(String::new(), |path| format!("  path = {}\n", hcl_text(&path)));
            format!(
                "resource \"aws_iam_role\" \"{}\" {{\n  name = {}\n{path}  assume_role_policy = jsonencode({})\n}}\n",
                identifier(&name),
                hcl_text(&name),
                hcl(text, &root, "  ")
            )
        }
        Export::Cloudformation => {
            let path = path
                .map_or(String::new(), |path| format!("        \"Path\": {},\n", quoted(&path)));
            format!(
                "{{\n  \"Resources\": {{\n    \"{}\": {{\n      \"Type\": \"AWS::IAM::Role\",\n      \"Properties\": {{\n        \"RoleName\": {},\n{path}        \"AssumeRolePolicyDocument\": {}\n      }}\n    }}\n  }}\n}}\n",
                logical(&name),
                quoted(&name),
                spread(text, &root, "        ")
            )
        }
    })
}

/// The option that names a role in a command of the AWS CLI. A name may begin with a hyphen, and would then be taken for
/// an option of its own.
pub(crate) fn role_name_option(name: &str) -> String {
    let between = if name.starts_with('-') { '=' } else { ' ' };
    format!("--role-name{between}{}", shell_word(name))
}

fn identifier(name: &str) -> String {
    let mut word: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        word.insert_str(0, "role_");
    }
    word
}

fn logical(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    if joined.is_empty() { "Role".to_owned() } else { joined }
}

fn small(text: &str, node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { .. } | Kind::Null => text[node.range.start..node.range.end].to_owned(),
        Kind::List(elements) => {
            let elements: Vec<String> = elements.iter().map(|one| small(text, one)).collect();
            format!("[{}]", elements.join(","))
        }
        Kind::Object(properties) => {
            let members: Vec<String> = properties
                .iter()
                .map(|one| format!("{}:{}", quoted(&one.name), small(text, &one.value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// A text of Terraform, where `${` and `%{` begin templates.
fn hcl_text(text: &str) -> String {
    quoted(text).replace("${", "$${").replace("%{", "%%{")
}

fn hcl(text: &str, node: &Node, indent: &str) -> String {
    let inner = format!("{indent}  ");
    match &node.kind {
        Kind::Scalar { value, quoted: true } => hcl_text(value),
        Kind::Scalar { .. } | Kind::Null => text[node.range.start..node.range.end].to_owned(),
        Kind::List(elements) if elements.is_empty() => "[]".to_owned(),
        Kind::List(elements) => {
            let elements =
                elements.iter().map(|one| format!("\n{inner}{},", hcl(text, one, &inner)));
            format!("[{}\n{indent}]", elements.collect::<String>())
        }
        Kind::Object(properties) => {
            let members = properties.iter().map(|one| {
                let plain = one.name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && one.name.chars().all(|c| c.is_ascii_alphanumeric());
                let name = if plain { one.name.clone() } else { hcl_text(&one.name) };
                format!("\n{inner}{name} = {}", hcl(text, &one.value, &inner))
            });
            format!("{{{}\n{indent}}}", members.collect::<String>())
        }
    }
}

fn spread(text: &str, node: &Node, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let joined = |open: char, members: Vec<String>, close: char| {
        if members.is_empty() {
            return format!("{open}{close}");
        }
        let members = members.join(&format!(",\n{inner}"));
        format!("{open}\n{inner}{members}\n{indent}{close}")
    };
    match &node.kind {
        Kind::Scalar { .. } | Kind::Null => text[node.range.start..node.range.end].to_owned(),
        Kind::List(elements) => {
            joined('[', elements.iter().map(|one| spread(text, one, &inner)).collect(), ']')
        }
        Kind::Object(properties) => {
            let members = properties
                .iter()
                .map(|one| format!("{}: {}", quoted(&one.name), spread(text, &one.value, &inner)));
            joined('{', members.collect(), '}')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::417620938841:root"]}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:username}'s"}}}}"#;
    const ROLE: &str = "arn:aws:iam::417620938841:role/data/lake-writer";

    #[test]
    fn a_command_is_one_that_a_shell_takes() {
        let command = export(POLICY, ROLE, Export::Cli).unwrap();
        assert!(command.contains("--role-name lake-writer"));
        assert!(command.contains(r#""${aws:username}'\''s""#));
        assert_eq!(command.lines().count(), 3);
    }

    #[test]
    fn a_role_name_that_begins_with_a_hyphen_is_no_option() {
        let command = export(POLICY, "-writer", Export::Cli).unwrap();
        assert!(command.contains("--role-name=-writer \\\n"), "{command}");
        let resource = export(POLICY, "-writer", Export::Terraform).unwrap();
        assert!(
            resource.starts_with("resource \"aws_iam_role\" \"role_-writer\" {\n"),
            "{resource}"
        );
    }

    #[test]
    fn terraform_quotes_keys_that_are_not_identifiers() {
        let resource =
            export(r#"{"1a": "x", "": "y", "Sid": "z"}"#, ROLE, Export::Terraform).unwrap();
        for line in ["\n    \"1a\" = \"x\"", "\n    \"\" = \"y\"", "\n    Sid = \"z\""] {
            assert!(resource.contains(line), "{resource}");
        }
    }

    #[test]
    fn terraform_leaves_variables_to_aws() {
        let resource = export(POLICY, ROLE, Export::Terraform).unwrap();
        assert!(resource.starts_with("resource \"aws_iam_role\" \"lake-writer\" {\n"));
        assert!(resource.contains("  path = \"/data/\"\n"));
        assert!(resource.contains("\"aws:PrincipalTag/team\" = \"$${aws:username}'s\""));
    }

    #[test]
    fn cloudformation_is_json_with_the_same_policy() {
        let template = export(POLICY, ROLE, Export::Cloudformation).unwrap();
        let template: serde_json::Value = serde_json::from_str(&template).unwrap();
        let properties = &template["Resources"]["LakeWriter"]["Properties"];
        let policy: serde_json::Value = serde_json::from_str(POLICY).unwrap();
        assert_eq!(properties["AssumeRolePolicyDocument"], policy);
        assert_eq!(properties["Path"], "/data/");
    }
}
