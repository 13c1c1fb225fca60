//! The window: opened, closed and opened again, which addresses it may load, and the calls of its page.

use std::sync::atomic::Ordering;

use headgate_app::{Actor, Call, HostEvent};
use headgate_terms::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use tauri::ipc::{Channel, Invoke, InvokeBody, InvokeResponseBody, JavaScriptChannelId};
use tauri::webview::PageLoadEvent;
use tauri::{
    AppHandle, DragDropEvent, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent, Wry,
};

use crate::run_loop::Shell;

/// The label of the one window, which the capability names.
const WINDOW: &str = "main";

/// The window, if it is open.
pub(crate) fn find(tauri: &AppHandle) -> Option<WebviewWindow> {
    tauri.get_webview_window(WINDOW)
}

/// Opens the window.
pub(crate) fn open(tauri: &AppHandle, shell: &Shell) -> tauri::Result<()> {
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
    let (shown, shell) = (window.clone(), shell.clone());
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            if shell.is_closing.swap(true, Ordering::SeqCst) {
                return;
            }
            let _ = shown.hide();
            // Jobs go on without a window.
            let goes_on = shell.has_jobs();
            if !goes_on {
                shell.instance.release();
            }
            let (window, shell) = (shown.clone(), shell.clone());
            std::thread::spawn(move || {
                shell.let_page_finish();
                if !goes_on {
                    shell.stop();
                }
                let _ = window.destroy();
            });
        }
        WindowEvent::Destroyed => {
            shell.is_closing.store(false, Ordering::SeqCst);
            shell.goes_on_without();
        }
        WindowEvent::DragDrop(event) => {
            let Some(app) = shell.app() else { return };
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
    Ok(())
}

/// Brings the window forward, or opens it again.
pub(crate) fn come_forward(tauri: &AppHandle, shell: &Shell) -> tauri::Result<()> {
    let Some(window) = find(tauri) else { return open(tauri, shell) };
    window.unminimize()?;
    window.show()?;
    window.set_focus()
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

/// What the page sends along with a command's name.
#[derive(Deserialize)]
struct IpcRequest {
    /// The page's name for the call.
    call: String,
    /// The profile that it shows, by its id; none until it knows.
    profile: Option<String>,
    request: Box<RawValue>,
    /// Where progress goes.
    channel: Option<String>,
}

/// Answers a call on a thread of its own. Tauri has checked the capability before.
pub(crate) fn answer(shell: &Shell, invoke: Invoke<Wry>) -> bool {
    let Invoke { message, resolver, .. } = invoke;
    let shell = shell.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let asked = match message.payload() {
            InvokeBody::Json(payload) => IpcRequest::deserialize(payload).ok(),
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
        let answer = match shell.served() {
            Some(Ok(app)) => {
                let cx = app.cx(Actor::Window, call).shown(asked.profile);
                app.call(message.command(), &asked.request, &cx)
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
    fn only_addresses_of_the_application_are_opened() {
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
