//! What a process of the terminal and the window of the same data folder tell one another, over the
//! window's socket: a line each. An address has the window come forward; data that changed has its page ask
//! again.

use std::io::Write;
use std::os::unix::net::UnixStream;

use headgate_sync::DataFolder;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::events::Tag;

/// The socket of the window in its data folder.
pub const SOCKET: &str = "window.sock";

/// Data that another process changed.
#[derive(Serialize, Deserialize)]
struct Changed {
    profile: String,
    changed: Vec<Tag>,
}

/// Tells the window of a data folder that data changed. There may be none, and nobody waits for it.
pub(crate) fn tell(data: &DataFolder, profile: &str, tags: &[Tag]) {
    let Ok(mut window) = UnixStream::connect(data.path().join(SOCKET)) else { return };
    let said = Changed { profile: profile.to_owned(), changed: tags.to_vec() };
    if let Ok(line) = serde_json::to_string(&said) {
        let _ = writeln!(window, "{line}");
    }
}

impl App {
    /// Takes a line of another process that says what data changed; false for an address.
    pub fn hears(&self, line: &str) -> bool {
        if let Ok(said) = serde_json::from_str::<Changed>(line) {
            if said.changed.contains(&Tag::Profiles) {
                self.forget_profile_in_use();
            }
            self.bus.changed(&said.profile, &said.changed);
        }
        // One of a later version says more than is understood here.
        line.starts_with('{')
    }
}
