//! Checks that the capability, the isolation guard and the page's types match the command table.
//!
//! `HEADGATE_WRITE_EXPECTED=1` writes them.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use headgate_app::*;
use serde_json::json;
use ts_rs::{Config, TS, TypeVisitor};

/// Names of arguments on which Tauri's isolation hangs (strict-window 4).
const HANGING: [&str; 3] = ["payload", "nonce", "contentType"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a committed file with what it has to be, or writes it.
fn expect(path: &str, is: &str) {
    let path = root().join(path);
    if std::env::var_os("HEADGATE_WRITE_EXPECTED").is_some() {
        std::fs::write(&path, is).expect("the file is written");
    }
    let was = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        was == is,
        "{} is not what the command table says; write it anew with HEADGATE_WRITE_EXPECTED=1",
        path.display()
    );
}

#[test]
fn the_capability_allows_the_table_and_nothing_else() {
    let allowed: Vec<String> = COMMANDS
        .iter()
        .map(|command| format!("allow-{}", command.name.replace('_', "-")))
        .collect();
    let capability = json!({
        "identifier": "main",
        "description": "What the page may call: the command table, command by command.",
        "windows": ["main"],
        "permissions": allowed,
    });
    let text = serde_json::to_string_pretty(&capability).expect("JSON");
    expect("src-tauri/capabilities/main.json", &format!("{text}\n"));
}

#[test]
fn the_isolation_guard_has_the_commands_of_the_table() {
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    let text = serde_json::to_string_pretty(&names).expect("JSON");
    let text = format!("// Made from the command table.\nwindow.headgateCommands = {text}\n");
    expect("src-tauri/isolation/commands.js", &text);
}

#[test]
fn no_argument_has_a_name_reserved_by_tauri() {
    let page = std::fs::read_to_string(root().join("ui/src/api/tauri.ts")).expect("the page");
    let (_, asked) = page.split_once("invoke(name, {").expect("the one place that calls");
    let (asked, _) = asked.split_once("})").expect("its end");
    let names: Vec<&str> = asked
        .split(',')
        .filter_map(|part| part.trim().split(':').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, ["call", "profile", "request", "channel"]);
    assert!(names.iter().all(|name| !HANGING.contains(name)), "it would hang behind the guard");
}

#[test]
fn the_content_policy_has_the_hash_of_the_rule_that_tauri_adds() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let rule = tauri::utils::pattern::isolation::IFRAME_STYLE;
    let hash = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(rule));
    let text = std::fs::read_to_string(root().join("src-tauri/tauri.conf.json")).expect("it");
    assert!(text.contains(&format!("'sha256-{hash}'")), "expected sha256-{hash}");
}

/// The declarations of types, by name.
struct Declared<'c> {
    config: &'c Config,
    seen: HashSet<TypeId>,
    types: BTreeMap<String, String>,
}

impl TypeVisitor for Declared<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
        // A type without a place of its own is one of TypeScript's.
        if T::output_path().is_some() {
            let doc = T::docs().unwrap_or_default();
            let declaration = format!("{doc}export {}\n", T::decl(self.config));
            let other = self.types.insert(T::ident(self.config), declaration.clone());
            assert!(other.is_none_or(|other| other == declaration), "two types of one name");
        }
    }
}

/// Tags as the page names them.
fn tags(tags: &[Tag]) -> String {
    let names = tags.iter().map(|tag| format!("'{}'", json!(tag).as_str().unwrap_or_default()));
    names.collect::<Vec<_>>().join(", ")
}

macro_rules! types {
    ($($(#[doc = $doc:literal])+ [$($kind:ident)+] $name:ident($request:ty) -> $response:ty
        $(, progress $progress:ty)? $(, reads $reads:tt)? $(, stales $stales:tt)?;)+) => {
        fn types(config: &Config) -> String {
            let mut declared = Declared { config, seen: HashSet::new(), types: BTreeMap::new() };
            let mut commands = String::new();
            let mut reporting = Vec::new();
            $(
                declared.visit::<$request>();
                declared.visit::<$response>();
                #[allow(unused_mut, unused_assignments, reason = "only some commands report progress")]
                let mut progress = "never".to_owned();
                $(
                    declared.visit::<$progress>();
                    progress = <$progress as TS>::name(config);
                    reporting.push(stringify!($name));
                )?
                commands.push_str(&format!(
                    "  /**{} */\n  {}: {{ request: {}; response: {}; progress: {} }}\n",
                    concat!($($doc),+), stringify!($name), <$request as TS>::name(config),
                    <$response as TS>::name(config), progress,
                ));
            )+
            // No command carries it by itself.
            declared.visit::<Tag>();
            let types: Vec<String> = declared.types.into_values().collect();
            let reads: Vec<String> = COMMANDS
                .iter()
                .filter(|command| !command.reads.is_empty())
                .map(|command| format!("  {}: [{}],\n", command.name, tags(command.reads)))
                .collect();
            let patient: Vec<String> = COMMANDS
                .iter()
                .filter(|command| command.patient)
                .map(|command| format!("  '{}',\n", command.name))
                .collect();
            format!(
                "// Made from the command table and the types of Rust.\n\n\
                 /** Every command: what it is asked, answers and reports. */\n\
                 export interface Commands {{\n{commands}}}\n\n\
                 /** The commands that have no time limit: they report progress, or may wait for the user. */\n\
                 export const patient: ReadonlySet<keyof Commands> = new Set([\n{}] as const)\n\n\
                 /** What each command shows: it is asked again when one of these has changed. */\n\
                 export const reads: Partial<Record<keyof Commands, readonly Tag[]>> = {{\n{}}}\n\n{}",
                patient.concat(), reads.concat(), types.join("\n"),
            )
        }
    };
}

headgate_app::commands!(types);

#[test]
fn the_page_has_the_types_of_the_table() {
    let config = Config::new().with_large_int("number");
    expect("ui/src/api/generated.ts", &types(&config));
}
