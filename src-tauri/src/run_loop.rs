//! The life of the application: it starts with a window, continues without one while a job runs, and ends when
//! there is neither.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use headgate_app::{App, HostEvent, Message};
use headgate_terms::{Result, say};
use tauri::{AppHandle, RunEvent};
use tauri_plugin_window_state::StateFlags;

use crate::desktop::Desktop;
use crate::instance::Instance;
use crate::{terminal, window};

/// How long an application that ends waits for a run to end its batch. For a change that was sent outside
/// this machine it waits without a limit.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a window that closes waits for its page to keep what was typed last.
const PARTING: Duration = Duration::from_secs(1);

/// What the application serves, and its right to do so.
#[derive(Clone)]
pub(crate) struct Shell {
    /// The use-cases, or why there are none: then the page says so.
    served: Arc<OnceLock<Result<App>>>,
    pub(crate) instance: Arc<Instance>,
    /// Whether the window closes, and is not to come forward any more.
    pub(crate) is_closing: Arc<AtomicBool>,
}

impl Shell {
    /// The use-cases, or why there are none; neither before the start is done.
    pub(crate) fn served(&self) -> Option<&Result<App>> {
        self.served.get()
    }

    /// The use-cases, where there are some.
    pub(crate) fn app(&self) -> Option<&App> {
        self.served()?.as_ref().ok()
    }

    /// Has the page keep what was typed last.
    pub(crate) fn let_page_finish(&self) {
        if let Some(app) = self.app() {
            app.let_page_finish(PARTING);
        }
    }

    /// Has everything stop. A run that has begun to commit finishes its batch.
    pub(crate) fn stop(&self) {
        if let Some(app) = self.app() {
            app.stop_calls(PATIENCE);
        }
    }

    /// Lets the jobs of a closed window continue.
    pub(crate) fn goes_on_without(&self) {
        if let Some(app) = self.app() {
            app.leave_page();
        }
    }

    /// Ends after the last job, unless a window is open by then.
    fn end_after_jobs(&self, tauri: &AppHandle) {
        let (shell, tauri) = (self.clone(), tauri.clone());
        std::thread::spawn(move || {
            if let Some(app) = shell.app() {
                app.wait_for_jobs();
            }
            let main = tauri.clone();
            // Where windows are opened too, so that none is opened meanwhile.
            let _ = main.run_on_main_thread(move || {
                if window::find(&tauri).is_some() {
                    return;
                }
                // One may have been asked for by a call that came late.
                if shell.has_jobs() {
                    return shell.end_after_jobs(&tauri);
                }
                shell.instance.release();
                tauri.exit(0);
            });
        });
    }

    /// Whether a job is running, which requires no window.
    pub(crate) fn has_jobs(&self) -> bool {
        self.app().is_some_and(App::has_jobs)
    }

    /// Does what another process requests; false when it could not.
    fn hears(&self, tauri: &AppHandle, message: Message) -> bool {
        let address = match message {
            Message::Changed(what) => {
                let shell = self.clone();
                // It may wait for the end of that process.
                std::thread::spawn(move || {
                    if let Some(app) = shell.app() {
                        app.hears(&what);
                    }
                });
                return true;
            }
            Message::Show => None,
            Message::Open(address) => Some(address),
        };
        let (send, done) = channel();
        let (shell, main) = (self.clone(), tauri.clone());
        let asked = tauri.run_on_main_thread(move || {
            let ends = shell.instance.is_released() || shell.is_closing.load(Ordering::SeqCst);
            let came = !ends && window::come_forward(&main, &shell).is_ok();
            if let (true, Some(app), Some(address)) = (came, shell.app(), address) {
                app.announce(&HostEvent::Open { address });
            }
            let _ = send.send(came);
        });
        asked.is_ok() && done.recv().unwrap_or(false)
    }

    fn end_on_signal(&self, tauri: AppHandle) {
        let Some(app) = self.app() else { return };
        let shell = self.clone();
        app.on_signal(move || {
            shell.instance.release();
            shell.let_page_finish();
            shell.stop();
            tauri.exit(0);
        });
    }
}

/// Opens the window, and stays until there is neither a window nor a job.
pub(crate) fn run(app: Result<App>, instance: Instance) -> ExitCode {
    let shell =
        Shell { served: Arc::default(), instance: Arc::new(instance), is_closing: Arc::default() };
    let (answers, stays) = (shell.clone(), shell.clone());
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .invoke_handler(move |invoke| window::answer(&answers, invoke))
        .setup(move |tauri| {
            let tauri = tauri.handle().clone();
            let _ = shell.served.set(app.map(|app| app.on(Box::new(Desktop::new(tauri.clone())))));
            window::open(&tauri, &shell)?;
            let tidied = shell.clone();
            std::thread::spawn(move || {
                if let Some(app) = tidied.app() {
                    app.tidy();
                    app.wait_for_others();
                }
            });
            shell.end_on_signal(tauri.clone());
            let hears = shell.clone();
            shell.instance.listen(move |message| hears.hears(&tauri, message));
            Ok(())
        })
        .build(context());
    match built {
        Ok(built) => {
            built.run(move |tauri, event| {
                // Without a code, it is the last window that closed.
                if let RunEvent::ExitRequested { code: None, api, .. } = event
                    && stays.has_jobs()
                {
                    api.prevent_exit();
                    stays.end_after_jobs(tauri);
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal::warn(say!("The window could not be opened: {}.", error.to_string()));
            terminal::warn("The terminal does the same work: `headgate --help`.");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what Tauri makes of the configuration has it")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}
