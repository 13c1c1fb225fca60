//! `headgate-desktop`, the window: the page with the same use-cases as the terminal command.
//!
//! `run_loop` is the application's life, `window` the window and its calls, `desktop` dialogs and the like,
//! `instance` one application for each data folder, `log` the log, `terminal` what is printed. Business rules
//! are in `app`. It is a binary, so its examples are the tests in `tests/window`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod desktop;
mod instance;
mod log;
mod run_loop;
mod terminal;
mod window;

use std::process::ExitCode;

use headgate_app::{App, HostEvent};
use headgate_terms::say;

use instance::{Claim, Instance};

fn main() -> ExitCode {
    let mut address = None;
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--version") => {
                terminal::print(say!("headgate-desktop {}", env!("CARGO_PKG_VERSION")));
                return ExitCode::SUCCESS;
            }
            Some(page) if page.starts_with('/') => address = Some(page.to_owned()),
            _ => {
                terminal::warn("Usage: headgate-desktop [ADDRESS]");
                terminal::warn("ADDRESS is a page, such as `/syncs` or `/syncs/17-9f3c2a`.");
                return ExitCode::from(2);
            }
        }
    }
    let app = App::from_environment();
    // Asked before the right to the window is claimed, so that nothing is left behind.
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none())
    {
        terminal::warn(
            "There is no display to open a window on. The terminal does the same work: `headgate --help`.",
        );
        return ExitCode::FAILURE;
    }
    let instance = match app.as_ref().map(|app| Instance::claim(app.data(), address.as_deref())) {
        Ok(Claim::Window(instance)) => instance,
        Ok(Claim::HandedOver) => return ExitCode::SUCCESS,
        Ok(Claim::Unresponsive) => {
            terminal::warn("Headgate is open already, and did not answer. Close its window first.");
            return ExitCode::FAILURE;
        }
        // The window says what is wrong.
        Err(_) => Instance::without_lock(),
    };
    log::begin(app.as_ref().ok().map(App::data));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the window opens");
    if let (Ok(app), Some(address)) = (&app, address) {
        app.announce(&HostEvent::Open { address });
    }
    run_loop::run(app, instance)
}
