//! Build script of the window: gives Tauri the commands of the table, and fails when the page is not built.

use std::path::Path;

use tauri_build::{AppManifest, Attributes, try_build};

include!("crates/app/src/commands.rs");

macro_rules! names {
    ($($(#[$doc:meta])+ [$($kind:ident)+] $name:ident($request:ty) -> $response:ty $(, $word:ident $what:tt)*;)+) => {
        &[$(stringify!($name)),+]
    };
}

fn main() {
    println!("cargo:rerun-if-changed=crates/app/src/commands.rs");
    println!("cargo:rerun-if-changed=../ui/dist");
    assert!(
        Path::new("../ui/dist/index.html").exists(),
        "There is no page yet. Build it first with `make page`."
    );
    let names: &[&str] = commands!(names);
    let manifest = AppManifest::new().commands(names);
    try_build(Attributes::new().app_manifest(manifest)).expect("the window's configuration holds");
}
