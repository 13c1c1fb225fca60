//! A policy in the form of other tools: an AWS CLI command, a Terraform resource, a `CloudFormation`
//! resource, or compact JSON.
//!
//! Terraform's syntax is written here, because only strings, lists and objects are needed, and hcl-rs brings a
//! parser and an evaluator with them.

use std::fmt::Write;

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
    /// A resource of Terraform, for a role that is still to be made.
    Terraform,
    /// A resource of Terraform with the import of a role that exists, of which it changes nothing else.
    TerraformImport,
    /// A policy document of Terraform's AWS provider.
    TerraformDocument,
    /// The policy alone as an expression of Terraform.
    TerraformJsonencode,
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
        Export::Terraform => resource(text, &root, &name, path.as_deref(), ""),
        Export::TerraformImport => {
            let import = format!(
                "import {{\n  to = aws_iam_role.{}\n  id = {}\n}}\n\n",
                identifier(&name),
                hcl_text(&name)
            );
            import + &resource(text, &root, &name, path.as_deref(), KEEPS)
        }
        Export::TerraformDocument => document(&root, &name),
        Export::TerraformJsonencode => format!("jsonencode({})\n", hcl(text, &root, "")),
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

/// What else a role has stays as it is.
const KEEPS: &str = "
  # Not in this policy: Terraform leaves them as they are.
  lifecycle {
    ignore_changes = [description, max_session_duration, permissions_boundary, tags]
  }
";

fn resource(text: &str, root: &Node, name: &str, path: Option<&str>, more: &str) -> String {
    let path = path.map_or(String::new(), |path| format!("  path = {}\n", hcl_text(path)));
    format!(
        "resource \"aws_iam_role\" \"{}\" {{\n  name = {}\n{path}  assume_role_policy = jsonencode({})\n{more}}}\n",
        identifier(name),
        hcl_text(name),
        hcl(text, root, "  ")
    )
}

/// The policy as a document of Terraform's AWS provider, which has names of its own for what a policy has.
fn document(root: &Node, name: &str) -> String {
    let mut out = format!("data \"aws_iam_policy_document\" \"{}_trust\" {{\n", identifier(name));
    for (element, argument) in [("Version", "version"), ("Id", "policy_id")] {
        if let Some(value) = member(root, element) {
            let _ = writeln!(out, "  {argument} = {}", document_text(value));
        }
    }
    let statements = match member(root, "Statement").map(|node| (node, &node.kind)) {
        Some((_, Kind::List(statements))) => statements.iter().collect(),
        Some((one, _)) => vec![one],
        None => Vec::new(),
    };
    for statement in statements {
        out.push_str("\n  statement {\n");
        for (element, argument) in [("Sid", "sid"), ("Effect", "effect")] {
            if let Some(value) = member(statement, element) {
                let _ = writeln!(out, "    {argument} = {}", document_text(value));
            }
        }
        for (element, argument) in [("Action", "actions"), ("NotAction", "not_actions")] {
            if let Some(values) = member(statement, element) {
                let _ = writeln!(out, "    {argument} = {}", document_list(values));
            }
        }
        for (element, block) in [("Principal", "principals"), ("NotPrincipal", "not_principals")] {
            let Some(principals) = member(statement, element) else { continue };
            let kinds: Vec<(String, &Node)> = match &principals.kind {
                Kind::Object(kinds) => {
                    kinds.iter().map(|one| (quoted(&one.name), &one.value)).collect()
                }
                // Of everyone the provider makes the same text again.
                _ => vec![("\"*\"".to_owned(), principals)],
            };
            for (kind, ids) in kinds {
                let ids = document_list(ids);
                let _ = write!(
                    out,
                    "\n    {block} {{\n      type = {kind}\n      identifiers = {ids}\n    }}\n"
                );
            }
        }
        if let Some(Node { kind: Kind::Object(operators), .. }) = member(statement, "Condition") {
            for operator in operators {
                let Kind::Object(keys) = &operator.value.kind else { continue };
                for key in keys {
                    let (test, variable) = (quoted(&operator.name), hcl_text(&key.name));
                    let values = document_list(&key.value);
                    let _ = write!(
                        out,
                        "\n    condition {{\n      test = {test}\n      variable = {variable}\n      values = {values}\n    }}\n"
                    );
                }
            }
        }
        out.push_str("  }\n");
    }
    out + "}\n"
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Kind::Object(members) = &node.kind else { return None };
    members.iter().find(|one| one.name == name).map(|one| &one.value)
}

/// A value of a document, in which a variable of IAM begins with `&{`.
fn document_text(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { value, .. } => hcl_text(&value.replace("${", "&{")),
        Kind::Null | Kind::List(_) | Kind::Object(_) => "null".to_owned(),
    }
}

fn document_list(node: &Node) -> String {
    let values: Vec<String> = match &node.kind {
        Kind::List(values) => values.iter().map(document_text).collect(),
        _ => vec![document_text(node)],
    };
    format!("[{}]", values.join(", "))
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
    fn terraform_takes_over_a_role_that_exists_and_leaves_the_rest_of_it() {
        let import = export(POLICY, ROLE, Export::TerraformImport).unwrap();
        let resource = export(POLICY, ROLE, Export::Terraform).unwrap();
        assert!(import.starts_with(
            "import {\n  to = aws_iam_role.lake-writer\n  id = \"lake-writer\"\n}\n\nresource"
        ));
        let without = resource.strip_suffix("}\n").unwrap();
        assert!(import.contains(without), "it is the same resource");
        assert!(import.contains(
            "    ignore_changes = [description, max_session_duration, permissions_boundary, tags]\n"
        ));
    }

    #[test]
    fn terraform_has_the_policy_alone_too() {
        let alone = export(POLICY, ROLE, Export::TerraformJsonencode).unwrap();
        assert!(alone.starts_with("jsonencode({\n  Version = \"2012-10-17\"\n"));
        let resource = export(POLICY, ROLE, Export::Terraform).unwrap();
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&resource).contains(&flat(&alone)));
        let document = export(POLICY, ROLE, Export::TerraformDocument).unwrap();
        assert_eq!(
            document,
            r#"data "aws_iam_policy_document" "lake-writer_trust" {
  version = "2012-10-17"

  statement {
    effect = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type = "AWS"
      identifiers = ["arn:aws:iam::417620938841:root"]
    }

    condition {
      test = "StringEquals"
      variable = "aws:PrincipalTag/team"
      values = ["&{aws:username}'s"]
    }
  }
}
"#
        );
        let everyone = r#"{"Statement": [{"Effect": "Deny", "NotPrincipal": {"Service": "a"}, "NotAction": ["b", "c"],
            "Condition": {"Bool": {"aws:SecureTransport": false}}}, {"Effect": "Allow", "Principal": "*", "Action": "d"}]}"#;
        let document = export(everyone, "r", Export::TerraformDocument).unwrap();
        for part in [
            "not_principals {\n      type = \"Service\"\n      identifiers = [\"a\"]",
            "not_actions = [\"b\", \"c\"]",
            "values = [\"false\"]",
            "principals {\n      type = \"*\"\n      identifiers = [\"*\"]",
        ] {
            assert!(document.contains(part), "{part}: {document}");
        }
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
