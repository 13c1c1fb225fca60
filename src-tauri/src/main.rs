//! The window: one page over the same use-cases as the terminal.
//!
//! No business rule lives here, only what a desktop has: a window, dialogs, notifications, a clipboard, a browser, addresses.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod desktop;
mod instance;
mod log;
mod run_loop;
mod window;

use std::process::ExitCode;

use headgate_app::{App, HostEvent};

use instance::{Claim, Instance};

fn main() -> ExitCode {
    let mut address = None;
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--version") => {
                println!("headgate-desktop {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            Some(page) if page.starts_with('/') => address = Some(page.to_owned()),
            _ => {
                eprintln!("Usage: headgate-desktop [ADDRESS]");
                eprintln!("ADDRESS is a page, such as `/syncs` or `/syncs/17-9f3c2a`.");
                return ExitCode::from(2);
            }
        }
    }
    let app = App::from_environment();
    // Asked before the right to the window is claimed, so that nothing is left behind.
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none())
    {
        eprintln!(
            "There is no display to open a window on. The terminal does the same work: `headgate --help`."
        );
        return ExitCode::FAILURE;
    }
    let instance = match app.as_ref().map(|app| Instance::claim(app.data(), address.as_deref())) {
        Ok(Claim::Window(instance)) => instance,
        Ok(Claim::HandedOver) => return ExitCode::SUCCESS,
        Ok(Claim::Unresponsive) => {
            eprintln!("Headgate is open already, and did not answer. Close its window first.");
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
