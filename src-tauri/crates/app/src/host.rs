//! [`Host`]: what only a desktop can do, such as dialogs, the clipboard, notifications and questions to the
//! user. The window implements all of it, the terminal only questions; tests have their own.
//!
//! Also here: the commands that use it, with the checks on what the page may copy, paste and open.

use std::io::Read;
use std::path::PathBuf;

use headgate_terms::{Arn, Error, Result, Shown, say};
use serde_json::Value;

use crate::App;
use crate::api::{Choose, Chosen, Copy, Empty, PolicyFile, PolicyText, RoleArn};
use crate::cx::Cx;

/// A desktop. What a host does not implement, it cannot do, and says so.
pub trait Host: Send + Sync {
    /// Opens a dialog and waits for it; `None` when it was closed without a choice.
    ///
    /// # Errors
    /// When there is no dialog to open.
    fn choose(&self, _: &Choose) -> Result<Option<PathBuf>> {
        Err(no_desktop())
    }

    /// Opens the dialog that asks where to save a file, and waits for it; `None` when it was closed. It asks before
    /// a file is replaced.
    ///
    /// # Errors
    /// When there is no dialog to open.
    fn save_as(&self, _: &SaveAs) -> Result<Option<PathBuf>> {
        Err(no_desktop())
    }
    /// Puts text on the clipboard.
    ///
    /// # Errors
    /// When there is no clipboard.
    fn copy(&self, _: &str) -> Result<()> {
        Err(no_desktop())
    }

    /// The text on the clipboard.
    ///
    /// # Errors
    /// When there is no clipboard, or no text on it.
    fn read_clipboard(&self) -> Result<String> {
        Err(no_desktop())
    }

    /// Opens an address in the browser.
    ///
    /// # Errors
    /// When there is no browser.
    fn open_url(&self, _: &str) -> Result<()> {
        Err(no_desktop())
    }

    /// Shows the page in another size, in percent of its own. Where there is no window, nothing happens.
    fn zoom(&self, _percent: u32) {}
    /// Tells the user what became of something, unless the user looks at the window. It need not arrive.
    fn notify(&self, _: &Notice) {}
    /// Asks the user in a way of its own, which the page can neither draw nor answer; true when the user
    /// agreed.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn confirm(&self, _: &Confirm) -> Result<bool> {
        Err(no_desktop())
    }
}

/// A notification for a user who may not look at the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened, short.
    pub title: Shown,
    /// What there is to know or to do, in a sentence or two.
    pub text: Shown,
}

/// Something to be saved as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveAs {
    /// The dialog's title.
    pub title: Shown,
    /// The file's name, unless the user gives another.
    pub name: Shown,
}

/// A question that only the user can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The question, short.
    pub title: Shown,
    /// What will happen, in one or two sentences.
    pub text: Shown,
    /// The word on the button that agrees.
    pub yes: Shown,
}

/// Where there is no desktop.
pub(crate) struct NoDesktop;

impl Host for NoDesktop {}

fn no_desktop() -> Error {
    Error::new("no_desktop", "No desktop is available to ask.").hint("Use the window for it.")
}

/// The most bytes that are taken from the clipboard; a trust policy has at most some thousands.
const MOST_PASTED: usize = 128 << 10;

#[allow(clippy::unnecessary_wraps, reason = "every command is alike")]
impl App {
    pub(crate) fn host_choose(&self, _: &Cx, request: &Choose) -> Result<Chosen> {
        let path = self.questions.alone(|| self.host.choose(request))?;
        if let Some(path) = &path {
            self.grants.written(path);
        }
        Ok(Chosen { path: path.map(|path| path.display().to_string()) })
    }

    pub(crate) fn host_copy(&self, _: &Cx, request: &Copy) -> Result<Empty> {
        self.host.copy(&request.text)?;
        Ok(Empty {})
    }

    pub(crate) fn policy_paste(&self, _: &Cx, _: &Empty) -> Result<PolicyText> {
        let text = self.host.read_clipboard()?;
        if is_policy(&text) {
            return Ok(PolicyText { text });
        }
        // What else is on the clipboard is nobody's business, least of all the page's.
        Err(Error::new("no_policy_copied", "The clipboard does not contain a trust policy.")
            .hint("Copy a policy, or what `aws iam get-role` prints, as JSON. Other text can be typed or pasted into the field."))
    }

    #[expect(clippy::unused_self, reason = "every command is a method")]
    pub(crate) fn policy_open(&self, _: &Cx, request: &PolicyFile) -> Result<PolicyText> {
        let path = crate::syncs::place("path", &request.path)?;
        let unreadable = |what: Shown| {
            Error::new("file_unreadable", say!("`{}` cannot be opened: {}.", path, what))
                .hint("Drop one file with a trust policy.")
                .field("path")
        };
        let is_file = std::fs::metadata(&path).map_err(|error| unreadable(say!("{}", error)))?;
        if !is_file.is_file() {
            return Err(unreadable("it is not a file".into()));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(MOST_PASTED as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(say!("{}", error)))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let text = text.trim_start_matches('\u{feff}');
        if is_policy(text) {
            return Ok(PolicyText { text: text.to_owned() });
        }
        Err(Error::new("no_policy_copied", say!("`{}` is not a trust policy.", path))
            .hint("Drop a policy, or what `aws iam get-role` prints, as JSON. Drop events on another page, such as Schemas.")
            .field("path"))
    }

    pub(crate) fn role_console(&self, _: &Cx, request: &RoleArn) -> Result<Empty> {
        let url = console(&request.role).ok_or_else(|| {
            Error::new("no_console", say!("The AWS console has no page for `{}`.", request.role))
                .hint("Name a role by its ARN.")
                .field("role")
        })?;
        self.questions.open(&*self.host, &url)?;
        Ok(Empty {})
    }
}

/// Whether a text is a policy, or a role with its policy as AWS's own tools print it.
fn is_policy(text: &str) -> bool {
    if text.len() > MOST_PASTED {
        return false;
    }
    let Ok(Value::Object(found)) = serde_json::from_str(text) else { return false };
    let role = found.get("Role").unwrap_or(&Value::Null);
    let names = ["Statement", "AssumeRolePolicyDocument"];
    names.iter().any(|name| found.contains_key(*name)) || role.get(names[1]).is_some()
}

/// The page of a role in the AWS console.
fn console(role: &str) -> Option<String> {
    let arn: Arn = role.parse().ok()?;
    let host = match arn.partition.as_str() {
        "aws" => "console.aws.amazon.com",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        "aws-cn" => "console.amazonaws.cn",
        _ => return None,
    };
    // A name has no other characters, so it ends no part of the address.
    let is_named = |name: &&str| {
        name.len() <= 64
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"+=,.@-_".contains(&c))
    };
    let name = arn.role_name().filter(is_named)?;
    Some(format!("https://{host}/iam/home#/roles/details/{name}?section=trust_relationships"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_links_exist_for_roles_only() {
        let page = |host: &str, name: &str| {
            Some(format!(
                "https://{host}/iam/home#/roles/details/{name}?section=trust_relationships"
            ))
        };
        let aws = "console.aws.amazon.com";
        assert_eq!(console("arn:aws:iam::417620938841:role/a/b/lake"), page(aws, "lake"));
        assert_eq!(
            console("arn:aws-cn:iam::417620938841:role/l+1"),
            page("console.amazonaws.cn", "l+1")
        );
        for other in [
            "https://evil.example/",
            "arn:aws:iam::417620938841:user/ann",
            "arn:evil.example/:iam::417620938841:role/lake",
            "arn:aws:iam::417620938841:role/lake?x#y",
            "arn:aws:iam::417620938841:role/a b",
        ] {
            assert_eq!(console(other), None, "{other}");
        }
    }

    #[test]
    fn only_a_policy_leaves_the_clipboard() {
        for policy in [
            r#"{"Version": "2012-10-17", "Statement": []}"#,
            r#"{"Role": {"Arn": "a", "AssumeRolePolicyDocument": {}}}"#,
            r#"{"AssumeRolePolicyDocument": "%7B%7D"}"#,
        ] {
            assert!(is_policy(policy), "{policy}");
        }
        let long = format!(r#"{{"Statement": "{}"}}"#, "x".repeat(MOST_PASTED));
        for other in ["", "hunter2", "[]", r#""Statement""#, r#"{"token": "Statement"}"#, &long] {
            assert!(!is_policy(other), "{other:.40}");
        }
    }

    #[test]
    fn of_a_file_that_was_dropped_only_a_policy_is_given() {
        let desk = crate::played::TestApp::new(false);
        let policy = "{\"Version\": \"2012-10-17\", \"Statement\": []}";
        let open = |name: &str, bytes: &[u8]| {
            let path = desk.path(name);
            std::fs::write(&path, bytes).unwrap();
            desk.app.announce(&crate::HostEvent::Dropped { paths: vec![path.clone()] });
            desk.call("policy_open", &serde_json::json!({"path": path}))
        };
        assert_eq!(open("a.json", policy.as_bytes()).unwrap()["text"], policy);
        let marked = format!("\u{feff}{policy}");
        assert_eq!(open("b.json", marked.as_bytes()).unwrap()["text"], policy);
        let long = format!("{{\"Statement\": \"{}\"}}", "x".repeat(MOST_PASTED));
        for other in [&b"secret"[..], b"{\"a\": 1}", &[0xFF, 0xFE], long.as_bytes()] {
            assert_eq!(open("c.json", other).unwrap_err(), "no_policy_copied");
        }
        let folder = desk.events("events");
        desk.app.announce(&crate::HostEvent::Dropped { paths: vec![folder.clone()] });
        let refused = desk.call("policy_open", &serde_json::json!({"path": folder}));
        assert_eq!(refused.unwrap_err(), "file_unreadable");
    }
}
