//! What only a desktop can do, done through Tauri's plugins. The page itself may use none of them.

use std::path::PathBuf;

use headgate_app::{Choose, ChooseKind, Confirm, Host};
use headgate_terms::{Error, Result, Shown, say};
use tauri::{AppHandle, Manager};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

/// A title that the page gave, as it may stand over a dialog.
fn title(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    Shown::clean(&short).to_string()
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
pub(crate) struct Desktop(pub(crate) AppHandle);

impl Host for Desktop {
    fn choose(&self, choose: &Choose) -> Result<Option<PathBuf>> {
        let dialog = self.0.dialog().file().set_title(title(&choose.title));
        let chosen = match choose.kind {
            ChooseKind::File => dialog
                .add_filter("Events", &["ndjson", "jsonl", "json", "gz"])
                .add_filter("Every file", &["*"])
                .blocking_pick_file(),
            ChooseKind::Folder => dialog.set_can_create_directories(true).blocking_pick_folder(),
        };
        let Some(chosen) = chosen else { return Ok(None) };
        chosen.into_path().map(Some).map_err(|error| {
            Error::new(
                "unsupported_location",
                say!("The selected location is not on this computer: {}.", error.to_string()),
            )
            .hint("Choose a file or a folder of this computer.")
        })
    }

    fn copy(&self, text: &str) -> Result<()> {
        self.0.clipboard().write_text(text).map_err(|error| {
            Error::new(
                "clipboard_failed",
                say!("Could not copy to the clipboard: {}.", error.to_string()),
            )
            .hint("Select the text and copy it with the keyboard.")
        })
    }

    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        if let Some(answer) = played() {
            return Ok(answer);
        }
        let buttons =
            MessageDialogButtons::OkCancelCustom(confirm.yes.to_string(), "Cancel".to_owned());
        let mut dialog = self
            .0
            .dialog()
            .message(confirm.text.as_str())
            .title(confirm.title.as_str())
            .kind(MessageDialogKind::Warning)
            .buttons(buttons);
        if let Some(window) = self.0.get_webview_window(crate::shell::WINDOW) {
            dialog = dialog.parent(&window);
        }
        Ok(dialog.blocking_show())
    }
}
