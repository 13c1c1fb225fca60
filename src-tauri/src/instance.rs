//! One application for each data folder: a lock file says whether one runs, and a socket takes messages from
//! other processes of the same user.
//!
//! Neither requires a session bus, which Tauri's plugin for single instances does. The lock is not the one of a
//! run: the terminal can sync meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use headgate_app::{DataFolder, Message};
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

/// The right to be the window of a data folder.
pub(crate) struct Instance {
    lock: Option<File>,
    socket: Option<(PathBuf, UnixListener)>,
    released: Arc<AtomicBool>,
}

/// What a claim comes to.
pub(crate) enum Claim {
    /// This start is the window.
    Window(Instance),
    /// Another is, and was asked to come forward.
    HandedOver,
    /// Another is, and did not answer.
    Unresponsive,
}

/// How many other processes are heard at a time. Those beyond wait until one of these has said its line, for which
/// each has a moment.
const HEARD: usize = 4;

/// How long the other application is tried; it may not have its socket yet, or be about to end.
const PATIENCE: Duration = Duration::from_secs(2);

impl Instance {
    /// Claims a data folder's window, or asks the one there is to come forward.
    pub(crate) fn claim(data: &DataFolder, address: Option<&str>) -> Claim {
        // What cannot be made or written is said by the page; it has the words for it.
        if data.make().is_err() {
            return Claim::Window(Self::without_lock());
        }
        let path = data.path().join(headgate_app::SOCKET);
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(data.path().join("window.lock"));
        let Ok(lock) = lock else { return Claim::Window(Self::without_lock()) };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let asks = address.map_or(Message::Show, |page| Message::Open(page.to_owned()));
                let begun = Instant::now();
                // One that ends gives its right up instead of an answer.
                while lock.try_lock().is_err() {
                    if asks.tell(data.path()).is_ok() {
                        return Claim::HandedOver;
                    }
                    if begun.elapsed() > PATIENCE {
                        return Claim::Unresponsive;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Err(TryLockError::Error(_)) => return Claim::Window(Self::without_lock()),
        }
        // Left by a window that died; the lock says that nobody listens.
        let _ = fs::remove_file(&path);
        // A path may be too long for a socket; then a later start can only say that this one is open.
        let socket = UnixListener::bind(&path).ok().map(|socket| (path, socket));
        Claim::Window(Self { lock: Some(lock), socket, released: Arc::default() })
    }

    /// A window without a data folder.
    pub(crate) fn without_lock() -> Self {
        Self { lock: None, socket: None, released: Arc::default() }
    }

    /// Gives the right up while the window still closes: the next start is a window of its own.
    pub(crate) fn release(&self) {
        if self.released.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some((path, _)) = &self.socket {
            let _ = fs::remove_file(path);
        }
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }

    /// Whether the right was given up.
    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Relaxed)
    }

    /// Calls for what other processes of this user say, on threads of its own; it is answered when that
    /// returns true.
    pub(crate) fn listen(&self, heard: impl Fn(Message) -> bool + Clone + Send + 'static) {
        let Some((_, socket)) = &self.socket else { return };
        for _ in 0..HEARD {
            let Ok(socket) = socket.try_clone() else { return };
            let (heard, released) = (heard.clone(), self.released.clone());
            std::thread::spawn(move || {
                for other in socket.incoming().flatten() {
                    if released.load(Ordering::Relaxed) {
                        return;
                    }
                    if is_own(&other) {
                        Message::take(other, &heard);
                    }
                }
            });
        }
    }
}

/// Whether the process at the other end is this user's.
fn is_own(other: &UnixStream) -> bool {
    socket_peercred(other).is_ok_and(|peer| peer.uid == geteuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_second_start_hands_its_address_over() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let Claim::Window(first) = Instance::claim(&data, None) else { panic!("the first is it") };
        let (send, receive) = channel();
        first.listen(move |message| send.send(message).is_ok());
        assert!(matches!(Instance::claim(&data, Some("/syncs/1-abc")), Claim::HandedOver));
        assert!(matches!(Instance::claim(&data, None), Claim::HandedOver));
        let said = || receive.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!([said(), said()], [Message::Open("/syncs/1-abc".to_owned()), Message::Show]);
        // A run may hold the folder at the same time.
        data.hold().expect("a run is not kept from it");
        // While the first still closes, the next start is a window.
        first.release();
        assert!(matches!(Instance::claim(&data, None), Claim::Window(_)));
    }

    #[test]
    fn a_closing_window_is_replaced_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let Claim::Window(first) = Instance::claim(&data, None) else { panic!("the first is it") };
        let first = Arc::new(first);
        let ends = first.clone();
        first.listen(move |_| {
            ends.release();
            false
        });
        assert!(matches!(Instance::claim(&data, None), Claim::Window(_)));
    }

    #[test]
    fn a_silent_connection_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let Claim::Window(first) = Instance::claim(&data, None) else { panic!("the first is it") };
        first.listen(|_| true);
        let path = folder.path().join(headgate_app::SOCKET);
        let silent: Vec<_> = (0..2 * HEARD).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let begun = Instant::now();
        while Message::Show.tell(folder.path()).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "another is heard after them");
        }
        for mut one in silent {
            one.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            assert_eq!(std::io::Read::read(&mut one, &mut [0]).unwrap(), 0, "it is let go");
        }
    }

    #[test]
    fn the_number_of_connections_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let Claim::Window(first) = Instance::claim(&data, None) else { panic!("the first is it") };
        let (heard, goes_on) = (channel(), Arc::new(AtomicBool::new(false)));
        let (says, waits) = (heard.0, goes_on.clone());
        first.listen(move |_| {
            let _ = says.send(());
            while !waits.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            true
        });
        std::thread::scope(|scope| {
            let asks: Vec<_> =
                (0..2 * HEARD).map(|_| scope.spawn(|| Message::Show.tell(folder.path()))).collect();
            for _ in 0..HEARD {
                heard.1.recv_timeout(Duration::from_secs(5)).unwrap();
            }
            assert!(heard.1.recv_timeout(Duration::from_millis(200)).is_err());
            goes_on.store(true, Ordering::SeqCst);
            for one in asks {
                one.join().unwrap().unwrap();
            }
        });
    }

    #[test]
    fn only_processes_of_this_user_are_heard() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(is_own(&one));
    }

    #[test]
    fn the_socket_of_a_dead_window_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        drop(Instance::claim(&data, None));
        assert!(folder.path().join("window.sock").exists());
        assert!(matches!(Instance::claim(&data, None), Claim::Window(_)));
    }
}
