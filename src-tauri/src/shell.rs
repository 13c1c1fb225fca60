//! The window's life: made, shown, asked, closed.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use headgate_app::{Actor, App, Call, HostEvent};
use headgate_terms::{Error, Result, say};
use serde::Deserialize;
use serde_json::value::RawValue;
use tauri::ipc::{Channel, Invoke, InvokeBody, InvokeResponseBody, JavaScriptChannelId};
use tauri::webview::PageLoadEvent;
use tauri::{
    AppHandle, DragDropEvent, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    Wry,
};
use tauri_plugin_window_state::StateFlags;

use crate::desktop::Desktop;
use crate::instance::Instance;

/// The use-cases, or why there are none: then the page says so.
type Served = Arc<OnceLock<Result<App>>>;

/// The label of the one window, which the capability names.
pub(crate) const WINDOW: &str = "main";
/// How long a closing window waits for a run to end its batch. For a change that was sent outside this
/// machine it waits without a limit.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the window and stays until it is closed.
pub(crate) fn run(app: Result<App>, instance: Instance) -> ExitCode {
    let served: Served = Arc::default();
    let (calls, made) = (served.clone(), served.clone());
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .invoke_handler(move |invoke| answer(&calls, invoke))
        .setup(move |tauri| {
            let desktop = Box::new(Desktop(tauri.handle().clone()));
            let _ = made.set(app.map(|app| app.on(desktop)));
            let instance = Arc::new(instance);
            let window = open(tauri.handle(), made.clone(), instance.clone())?;
            let tidied = made.clone();
            std::thread::spawn(move || {
                if let Some(Ok(app)) = tidied.get() {
                    app.tidy();
                    app.wait_for_others();
                }
            });
            let heard = made.clone();
            instance.listen(move |address| {
                if let Some(Ok(app)) = heard.get()
                    && app.hears(&address)
                {
                    // Its process may end without a word.
                    let others = heard.clone();
                    std::thread::spawn(move || {
                        if let Some(Ok(app)) = others.get() {
                            app.wait_for_others();
                        }
                    });
                    return;
                }
                let _ = window.unminimize();
                let _ = window.show();
                let _ = window.set_focus();
                if let Some(Ok(app)) = heard.get()
                    && address.starts_with('/')
                {
                    app.announce(&HostEvent::Open { address });
                }
            });
            end_on_signal(tauri.handle().clone(), &made, instance);
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(built) => {
            built.run(|_, _| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", say!("The window could not be opened: {}.", error.to_string()));
            eprintln!("The terminal does the same work: `headgate --help`.");
            ExitCode::FAILURE
        }
    }
}

fn open(
    tauri: &AppHandle,
    served: Served,
    instance: Arc<Instance>,
) -> tauri::Result<WebviewWindow> {
    let window = WebviewWindowBuilder::new(tauri, WINDOW, WebviewUrl::default())
        .title("Headgate")
        .inner_size(1280.0, 800.0)
        .min_inner_size(960.0, 600.0)
        // Shown once there is something to see.
        .visible(false)
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                let _ = window.show();
            }
        })
        .on_navigation(is_own)
        .build()?;
    let shown = window.clone();
    let closing = AtomicBool::new(false);
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            if closing.swap(true, Ordering::Relaxed) {
                return;
            }
            // A change that was sent is waited for where the user can see it.
            let waits = matches!(served.get(), Some(Ok(app)) if app.changes_world());
            if !waits {
                let _ = shown.hide();
                instance.give_up();
            }
            let (window, served, instance) = (shown.clone(), served.clone(), instance.clone());
            std::thread::spawn(move || {
                stop(&served);
                instance.give_up();
                let _ = window.destroy();
            });
        }
        WindowEvent::DragDrop(event) => {
            let Some(Ok(app)) = served.get() else { return };
            match event {
                DragDropEvent::Enter { .. } => app.announce(&HostEvent::Over),
                DragDropEvent::Leave => app.announce(&HostEvent::Away),
                DragDropEvent::Drop { paths, .. } => {
                    let paths = paths.iter().map(|path| path.display().to_string()).collect();
                    app.announce(&HostEvent::Dropped { paths });
                }
                _ => {}
            }
        }
        _ => {}
    });
    Ok(window)
}

/// Whether an address is the application's own: `tauri://localhost`, or where the system has no schemes
/// of an application's own, `http(s)://tauri.localhost`. No other address is ever opened in the window.
fn is_own(url: &Url) -> bool {
    let own = if cfg!(any(windows, target_os = "android")) {
        ["http://tauri.localhost", "https://tauri.localhost"].as_slice()
    } else {
        &["tauri://localhost"]
    };
    own.iter().filter_map(|own| Url::parse(own).ok()).any(|own| {
        url.scheme() == own.scheme()
            && url.host() == own.host()
            && url.port() == own.port()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// A run that has begun to commit finishes its batch.
fn stop(served: &Served) {
    if let Some(Ok(app)) = served.get() {
        app.stop_calls(PATIENCE);
    }
}

fn end_on_signal(tauri: AppHandle, served: &Served, instance: Arc<Instance>) {
    let at_end = served.clone();
    let Some(Ok(app)) = served.get() else { return };
    app.on_signal(move || {
        instance.give_up();
        stop(&at_end);
        tauri.exit(0);
    });
}

/// What the page sends along with a command's name.
#[derive(Deserialize)]
struct Asked {
    /// The page's name for the call.
    call: String,
    request: Box<RawValue>,
    /// Where progress goes.
    channel: Option<String>,
}

/// Answers a call on a thread of its own. Tauri has asked the capability before.
fn answer(served: &Served, invoke: Invoke<Wry>) -> bool {
    let Invoke { message, resolver, .. } = invoke;
    let served = served.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let asked = match message.payload() {
            InvokeBody::Json(payload) => Asked::deserialize(payload).ok(),
            InvokeBody::Raw(_) => None,
        };
        let Some(asked) = asked else { return resolver.reject(wrong_request()) };
        let channel: Option<Channel<InvokeResponseBody>> = asked
            .channel
            .and_then(|id| id.parse::<JavaScriptChannelId>().ok())
            .map(|id| id.channel_on(message.webview()));
        let call = Call::new(
            asked.call,
            Box::new(move |text| match &channel {
                Some(channel) => channel.send(InvokeResponseBody::Json(text.to_owned())).is_ok(),
                None => false,
            }),
        );
        let answer = match served.get() {
            Some(Ok(app)) => {
                app.call(message.command(), &asked.request, &app.cx(Actor::Window, call))
            }
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::new("not_ready", "Headgate is starting.").retryable()),
        };
        match answer {
            Ok(answer) => resolver.resolve(Json(answer)),
            Err(error) => resolver.reject(error),
        }
    });
    true
}

/// An answer that is JSON already.
struct Json(Box<RawValue>);

impl tauri::ipc::IpcResponse for Json {
    fn body(self) -> tauri::Result<InvokeResponseBody> {
        Ok(InvokeResponseBody::Json(String::from(Box::<str>::from(self.0))))
    }
}

fn wrong_request() -> Error {
    Error::new("wrong_request", "The page sent a request that this window cannot read.")
        .hint("Reload the page.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(any(windows, target_os = "android")))]
    #[test]
    fn only_the_application_is_opened() {
        let own = |text: &str| is_own(&Url::parse(text).unwrap());
        assert!(own("tauri://localhost") && own("tauri://localhost/index.html?x#/syncs"));
        for other in [
            "http://tauri.localhost/",
            "https://tauri.localhost:8443/",
            "ftp://tauri.localhost/",
            "tauri://evil.example/",
            "tauri://localhost:1/",
            "tauri://user@localhost/",
            "http://localhost/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
