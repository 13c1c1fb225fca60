//! What only a desktop can do, done through Tauri's plugins. The page itself may use none of them.

use std::path::PathBuf;

use headgate_app::{Choose, ChooseKind, Host};
use headgate_terms::{Error, Result};
use tauri::AppHandle;
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_dialog::DialogExt;

/// The desktop that the window is on.
pub(crate) struct Desktop(pub(crate) AppHandle);

impl Host for Desktop {
    fn choose(&self, choose: &Choose) -> Result<Option<PathBuf>> {
        let dialog = self.0.dialog().file().set_title(&choose.title);
        let chosen = match choose.kind {
            ChooseKind::File => dialog
                .add_filter("Events", &["ndjson", "jsonl", "json", "gz"])
                .add_filter("Every file", &["*"])
                .blocking_pick_file(),
            ChooseKind::Folder => dialog.set_can_create_directories(true).blocking_pick_folder(),
        };
        let Some(chosen) = chosen else { return Ok(None) };
        chosen.into_path().map(Some).map_err(|error| {
            Error::new("unsupported_location", format!("The choice is no path: {error}."))
                .hint("Choose a file or a folder of this computer.")
        })
    }

    fn copy(&self, text: &str) -> Result<()> {
        self.0.clipboard().write_text(text).map_err(|error| {
            Error::new("clipboard_failed", format!("The clipboard did not take it: {error}."))
                .hint("Select the text and copy it with the keyboard.")
        })
    }
}
