//! Runs one test in a process of its own, for tests that set environment variables: the SDK reads them for
//! the whole process, and tests share one.

use std::env;
use std::fs;
use std::process::Command;

/// What such a process finds besides the test's own variables.
#[derive(Default)]
pub struct Home<'a> {
    /// `~/.aws/config`.
    pub config: &'a str,
    /// Files below the home, by path.
    pub files: &'a [(&'a str, &'a str)],
    /// Environment variables.
    pub variables: &'a [(&'a str, &'a str)],
}

/// Keys for those that only need some.
pub const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-key")];

/// Runs `body` as the test called `name` (with its module) in that home and nothing else. Returns what that process
/// printed on both streams; nothing in the process itself.
pub fn alone(name: &str, home: &Home<'_>, body: impl AsyncFnOnce()) -> String {
    if env::var("HEADGATE_ALONE").is_ok_and(|test| test == name) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(body());
        return String::new();
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = [(".aws/config", home.config)];
    for (path, text) in config.iter().chain(home.files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let output = Command::new(env::current_exe().expect("this binary"))
        .args([name, "--exact", "--nocapture"])
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HEADGATE_ALONE", name)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(home.variables.iter().copied())
        .output()
        .expect("the test runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "`{name}` alone:\n{printed}\n{complained}"
    );
    format!("{printed}{complained}")
}
