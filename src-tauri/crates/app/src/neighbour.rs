//! Messages from other processes of the same user to the window of a data folder, over a Unix socket: one line
//! each, `show`, `open ADDRESS` or `changed {…}`.
//!
//! The window answers each line that it accepts. A window that is closing does not answer, and the process
//! that wanted to show it opens one itself.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use headgate_sync::DataFolder;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::api::Tag;

/// The socket of the window in its data folder.
pub const SOCKET: &str = "window.sock";
/// The longest line.
const LONGEST: usize = 4_096;
/// How long the window's answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the window waits for the line of one that is connected, however it comes.
const SHORT: Duration = Duration::from_secs(1);
/// What the window answers.
const TAKEN: &str = "taken";

/// Something that one process says to the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Come forward.
    Show,
    /// Come forward with a page, by its address.
    Open(String),
    /// Data changed.
    Changed(Changed),
}

/// Data that another process changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    profile: String,
    tags: Vec<Tag>,
}

impl Message {
    fn parse(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            None if line == "show" => Some(Self::Show),
            Some(("open", address)) if address.starts_with('/') => {
                Some(Self::Open(address.to_owned()))
            }
            Some(("changed", what)) => serde_json::from_str(what).ok().map(Self::Changed),
            _ => None,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Show => "show\n".to_owned(),
            Self::Open(address) => format!("open {address}\n"),
            Self::Changed(what) => {
                format!("changed {}\n", serde_json::to_string(what).unwrap_or_default())
            }
        }
    }

    /// Says it to the window of a data folder, and waits until the window took it.
    ///
    /// # Errors
    /// When no window answers.
    pub fn tell(&self, data: &Path) -> io::Result<()> {
        let window = self.send(data)?;
        if read_line(&window, PATIENCE)? == TAKEN {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    fn send(&self, data: &Path) -> io::Result<UnixStream> {
        let mut window = UnixStream::connect(data.join(SOCKET))?;
        window.set_write_timeout(Some(PATIENCE))?;
        window.write_all(self.line().as_bytes())?;
        Ok(window)
    }

    /// Takes what another process says, and answers it when `does` did what it asks for. What is no
    /// message, too long or too slow is dropped.
    pub fn take(mut other: UnixStream, does: impl FnOnce(Self) -> bool) {
        let _ = other.set_write_timeout(Some(SHORT));
        let said = read_line(&other, SHORT).ok().and_then(|line| Self::parse(&line));
        if said.is_some_and(does) {
            let _ = writeln!(other, "{TAKEN}");
        }
    }
}

/// A whole line, without its end. The time is that of the whole line: one that comes byte by byte has no more.
fn read_line(mut other: &UnixStream, most: Duration) -> io::Result<String> {
    let begun = Instant::now();
    let (mut line, mut part) = (Vec::new(), [0; 512]);
    loop {
        let left = most.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        other.set_read_timeout(Some(left))?;
        let read = other.read(&mut part)?;
        line.extend_from_slice(&part[..read]);
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into());
        }
        if read == 0 || line.len() >= LONGEST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Tells the window of a data folder that data changed. There may be none, and nobody waits for it.
pub(crate) fn tell(data: &DataFolder, profile: &str, tags: &[Tag]) {
    let what = Changed { profile: profile.to_owned(), tags: tags.to_vec() };
    let _ = Message::Changed(what).send(data.path());
}

impl App {
    /// Takes from another process that data changed. It waits for the end of that process, if it has jobs.
    pub fn hears(&self, what: &Changed) {
        if what.tags.contains(&Tag::Profiles) {
            self.forget_profile_in_use();
        }
        self.bus.changed(&what.profile, &what.tags);
        if what.tags.contains(&Tag::Jobs) {
            self.wait_for_others();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_show_open_or_changed() {
        let tags = vec![Tag::Jobs, Tag::Runs];
        for message in [
            Message::Show,
            Message::Open("/syncs/1 2".to_owned()),
            Message::Changed(Changed { profile: "a b".to_owned(), tags }),
        ] {
            let line = message.line();
            assert_eq!(Message::parse(line.strip_suffix('\n').unwrap()), Some(message));
        }
        for line in ["", "show me", "open", "open http://x/", "changed", "changed {}", "quit"] {
            assert_eq!(Message::parse(line), None, "{line}");
        }
    }

    #[test]
    fn long_or_incomplete_messages_are_dropped() {
        for said in
            ["open /x".to_owned(), format!("open /{}\n", "x".repeat(5_000)), "no\n".to_owned()]
        {
            let (window, mut other) = UnixStream::pair().unwrap();
            other.write_all(said.as_bytes()).unwrap();
            other.shutdown(std::net::Shutdown::Write).unwrap();
            Message::take(window, |message| panic!("{message:?}"));
            assert!(read_line(&other, SHORT).is_err());
        }
    }

    #[test]
    fn a_message_sent_byte_by_byte_times_out() {
        let (window, mut other) = UnixStream::pair().unwrap();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while other.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            Message::take(window, |message| panic!("{message:?}"));
        });
        assert!(begun.elapsed() < 3 * SHORT, "{:?}", begun.elapsed());
    }
}
