//! The desktop as a host: dialogs, the clipboard, notifications and the browser.
//!
//! The page has no access to them. Notifications and the browser do not use Tauri's plugins, whose scripts would
//! run in the page.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use headgate_app::{Choose, ChooseKind, Confirm, Host, Notice, SaveAs};
use headgate_terms::{Error, Result, Shown, say};
use notify_rust::{Notification, NotificationHandle};
use tauri::{AppHandle, Url};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_dialog::{DialogExt, FilePath, MessageDialogButtons, MessageDialogKind};

use crate::window;

/// A title that the page passed, made safe for a dialog.
fn title(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    Shown::clean(&short).to_string()
}

fn on_this_computer(chosen: FilePath) -> Result<PathBuf> {
    chosen.into_path().map_err(|error| {
        Error::new(
            "unsupported_location",
            say!("The selected location is not on this computer: {}.", error.to_string()),
        )
        .hint("Choose a file or a folder of this computer.")
    })
}

/// An address of the web; nothing else is ever opened.
fn web_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()))
}

/// A text as a notification may have it, which takes some of HTML for itself.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a test answers in the user's place; a release asks the user whatever the environment says.
fn played() -> Option<bool> {
    if !cfg!(debug_assertions) {
        return None;
    }
    match std::env::var("HEADGATE_CONFIRM").ok()?.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The desktop that the window is on.
pub(crate) struct Desktop {
    tauri: AppHandle,
    /// What the user was told last: some desktops remove it when it is dropped.
    told: Arc<Mutex<Option<NotificationHandle>>>,
}

impl Desktop {
    pub(crate) fn new(tauri: AppHandle) -> Self {
        Self { tauri, told: Arc::default() }
    }
}

impl Host for Desktop {
    fn choose(&self, choose: &Choose) -> Result<Option<PathBuf>> {
        let dialog = self.tauri.dialog().file().set_title(title(&choose.title));
        let chosen = match choose.kind {
            ChooseKind::File => dialog
                .add_filter("Events", &["ndjson", "jsonl", "json", "gz"])
                .add_filter("Every file", &["*"])
                .blocking_pick_file(),
            ChooseKind::Folder => dialog.set_can_create_directories(true).blocking_pick_folder(),
        };
        chosen.map(on_this_computer).transpose()
    }

    fn save_as(&self, asked: &SaveAs) -> Result<Option<PathBuf>> {
        let dialog = self.tauri.dialog().file().set_title(asked.title.as_str());
        let chosen = dialog.set_file_name(asked.name.as_str()).blocking_save_file();
        chosen.map(on_this_computer).transpose()
    }

    fn copy(&self, text: &str) -> Result<()> {
        self.tauri.clipboard().write_text(text).map_err(|error| {
            Error::new(
                "clipboard_failed",
                say!("Could not copy to the clipboard: {}.", error.to_string()),
            )
            .hint("Select the text and copy it with the keyboard.")
        })
    }

    fn read_clipboard(&self) -> Result<String> {
        self.tauri.clipboard().read_text().map_err(|error| {
            Error::new(
                "clipboard_failed",
                say!("Could not read text from the clipboard: {}.", error.to_string()),
            )
            .hint("Copy the text again, or paste it with the keyboard.")
        })
    }

    fn open_url(&self, url: &str) -> Result<()> {
        web_address(url)
            .ok_or_else(|| "it is not a web address".to_owned())
            .and_then(|url| open::that_detached(url.as_str()).map_err(|error| error.to_string()))
            .map_err(|why| {
                Error::new("browser_failed", say!("Could not open `{}`: {}.", url, why))
                    .hint("Open the address in a browser.")
            })
    }

    fn zoom(&self, percent: u32) {
        let Some(window) = window::find(&self.tauri) else { return };
        if let Err(error) = window.set_zoom(f64::from(percent) / 100.0) {
            tracing::warn!(%error, percent, "the page stays in its size");
        }
    }

    fn notify(&self, notice: &Notice) {
        let looks =
            window::find(&self.tauri).is_some_and(|window| window.is_focused().unwrap_or(false));
        if looks {
            return;
        }
        let mut notification = Notification::new();
        let body = without_markup(notice.text.as_str());
        notification.appname("Headgate").summary(notice.title.as_str()).body(&body);
        let told = self.told.clone();
        // The desktop may take its time.
        std::thread::spawn(move || match notification.show() {
            Ok(shown) => *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown),
            Err(error) => tracing::info!(%error, "the user could not be notified"),
        });
    }

    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        if let Some(answer) = played() {
            return Ok(answer);
        }
        let buttons =
            MessageDialogButtons::OkCancelCustom(confirm.yes.to_string(), "Cancel".to_owned());
        let mut dialog = self
            .tauri
            .dialog()
            .message(confirm.text.as_str())
            .title(confirm.title.as_str())
            .kind(MessageDialogKind::Warning)
            .buttons(buttons);
        if let Some(window) = window::find(&self.tauri) {
            dialog = dialog.parent(&window);
        }
        Ok(dialog.blocking_show())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened_and_notifications_have_no_markup() {
        assert!(web_address("https://console.aws.amazon.com/iam/home#/roles").is_some());
        for other in ["file:///etc/passwd", "javascript:1", "mailto:a@b", "/bin/sh", "vnc://x", ""]
        {
            assert!(web_address(other).is_none(), "{other}");
        }
        assert_eq!(without_markup("<a href='x'>&"), "&lt;a href='x'&gt;&amp;");
    }
}
