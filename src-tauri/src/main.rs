//! The window: one page over the same use-cases as the terminal.
//!
//! No business rule lives here, only what a desktop has: a window, dialogs, a clipboard, addresses.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod desktop;
mod instance;
mod log;
mod shell;

use std::process::ExitCode;

use headgate_app::{App, HostEvent};

use instance::Instance;

fn main() -> ExitCode {
    let mut address = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--version" => {
                println!("headgate-desktop {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            _ if argument.starts_with('/') => address = Some(argument),
            _ => {
                eprintln!("Usage: headgate-desktop [ADDRESS]");
                eprintln!("ADDRESS is a page, such as `/syncs` or `/syncs/17-9f3c2a`.");
                return ExitCode::from(2);
            }
        }
    }
    let app = App::from_environment();
    let instance = match &app {
        Ok(app) => Instance::claim(app.data(), address.as_deref()),
        // The window says what is wrong.
        Err(_) => Some(Instance::alone()),
    };
    let Some(instance) = instance else { return ExitCode::SUCCESS };
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none())
    {
        eprintln!(
            "There is no display to open a window on. The terminal does the same work: `headgate --help`."
        );
        return ExitCode::FAILURE;
    }
    log::begin(app.as_ref().ok().map(App::data));
    if let (Ok(app), Some(address)) = (&app, address) {
        app.announce(&HostEvent::Open { address });
    }
    shell::run(app, instance)
}
