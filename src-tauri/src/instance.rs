//! One window for each data folder: a lock says whether there is one, a socket hands it an address.
//!
//! Neither needs a session bus, and neither is the lock of a run: the terminal can sync meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use headgate_app::DataFolder;

/// The right to be the window of a data folder.
pub(crate) struct Instance {
    _lock: Option<File>,
    socket: Option<UnixListener>,
}

/// The longest address that is taken from another start.
const LONGEST: u64 = 4_096;

impl Instance {
    /// Claims a data folder's window; none when it is taken, and was asked to come forward.
    pub(crate) fn claim(data: &DataFolder, address: Option<&str>) -> Option<Self> {
        // What cannot be made or written is said by the page; it has the words for it.
        if data.make().is_err() {
            return Some(Self::alone());
        }
        let path = data.path().join("window.sock");
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(data.path().join("window.lock"));
        let Ok(lock) = lock else { return Some(Self::alone()) };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let told = UnixStream::connect(&path).and_then(|mut other| {
                    other.write_all(address.unwrap_or_default().as_bytes())?;
                    other.write_all(b"\n")
                });
                if let Err(error) = told {
                    eprintln!("Headgate is open already, and did not answer: {error}.");
                }
                return None;
            }
            Err(TryLockError::Error(_)) => return Some(Self::alone()),
        }
        // Left by a window that died; the lock says that nobody listens.
        let _ = fs::remove_file(&path);
        let socket = UnixListener::bind(&path).ok();
        Some(Self { _lock: Some(lock), socket })
    }

    /// A window without a data folder.
    pub(crate) fn alone() -> Self {
        Self { _lock: None, socket: None }
    }

    /// Calls for every later start, with the address it was given or an empty text.
    pub(crate) fn listen(&self, heard: impl Fn(String) + Send + 'static) {
        let Some(Ok(socket)) = self.socket.as_ref().map(UnixListener::try_clone) else { return };
        std::thread::spawn(move || {
            for other in socket.incoming().flatten() {
                let _ = other.set_read_timeout(Some(Duration::from_secs(1)));
                let mut line = String::new();
                if BufReader::new(other.take(LONGEST)).read_line(&mut line).is_ok() {
                    heard(line.trim_end().to_owned());
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_second_start_hands_its_address_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let first = Instance::claim(&data, None).expect("the first is the window");
        let (send, receive) = channel();
        first.listen(move |address| send.send(address).unwrap());
        assert!(Instance::claim(&data, Some("/syncs/1-abc")).is_none());
        assert_eq!(receive.recv_timeout(Duration::from_secs(5)).unwrap(), "/syncs/1-abc");
        // A run may hold the folder at the same time.
        data.hold().expect("a run is not kept from it");
    }

    #[test]
    fn what_a_dead_window_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        drop(Instance::claim(&data, None));
        assert!(folder.path().join("window.sock").exists());
        assert!(Instance::claim(&data, None).is_some());
    }
}
