//! Open databases, so that a command or a job does not open the file each time.
//!
//! Each is used by one caller at a time. When all are in use, one more is opened for the moment.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock};

use headgate_store::Store;
use headgate_terms::Result;

use crate::App;

/// The databases that stay open.
#[derive(Default)]
pub(crate) struct Stores([OnceLock<Mutex<OpenStore>>; 2]);

/// A database that stays open, and the file that it was opened from.
pub(crate) struct OpenStore {
    file: Option<(u64, u64)>,
    store: Store,
}

impl OpenStore {
    fn open(data: &Path) -> Result<Self> {
        let store = Store::open(data)?;
        Ok(Self { file: file_of(data), store })
    }

    /// Whether it still is the data folder's, and of today's shape.
    fn is_of(&self, data: &Path) -> bool {
        self.file.is_some() && self.file == file_of(data) && self.store.is_current()
    }
}

/// A database that one has alone for a while.
pub(crate) enum Held<'s> {
    Kept(MutexGuard<'s, OpenStore>),
    Own(Store),
}

impl Stores {
    /// One that is kept, and that nobody works with.
    fn take(&self, data: &Path) -> Option<Held<'_>> {
        let mut free =
            self.0.iter().filter_map(OnceLock::get).filter_map(|kept| kept.try_lock().ok());
        free.find(|kept| kept.is_of(data)).map(Held::Kept)
    }

    /// Opens one, and keeps it where there is room.
    fn open(&self, data: &Path) -> Result<Held<'_>> {
        for place in &self.0 {
            if let Some(kept) = place.get() {
                if let Ok(mut kept) = kept.try_lock() {
                    *kept = OpenStore::open(data)?;
                    return Ok(Held::Kept(kept));
                }
            } else if place.set(Mutex::new(OpenStore::open(data)?)).is_ok()
                && let Some(Ok(kept)) = place.get().map(Mutex::try_lock)
            {
                return Ok(Held::Kept(kept));
            }
        }
        Ok(Held::Own(Store::open(data)?))
    }
}

/// The database's file: its device and number.
fn file_of(data: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(data.join(headgate_store::FILE)).ok()?;
    Some((file.dev(), file.ino()))
}

impl App {
    /// The store of this installation, its folder made where there is none.
    pub(crate) fn store(&self) -> Result<Held<'_>> {
        self.data.make()?;
        let data = self.data.path();
        match self.stores.take(data) {
            Some(kept) => Ok(kept),
            None => self.stores.open(data),
        }
    }

    /// The store, where there is one. A folder that others could have written is refused first.
    pub(crate) fn store_if_any(&self) -> Result<Option<Held<'_>>> {
        self.data.refuse_shared()?;
        let data = self.data.path();
        match self.stores.take(data) {
            Some(kept) => Ok(Some(kept)),
            // It cannot be written to, so it is not kept.
            None => Ok(Store::open_if_any(data)?.map(Held::Own)),
        }
    }
}

impl Deref for Held<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        match self {
            Self::Kept(kept) => &kept.store,
            Self::Own(store) => store,
        }
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        match self {
            Self::Kept(kept) => &mut kept.store,
            Self::Own(store) => store,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::from_ref;

    use super::*;

    #[test]
    fn an_open_database_is_reused_unless_it_is_busy_or_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let app = App::with_data(folder.path().join("data")).unwrap();
        assert!(app.store_if_any().unwrap().is_none());
        let first = app.store().unwrap();
        first.save_setting("a", Some("1")).unwrap();
        let (one, two) = (from_ref(&*first), app.store().unwrap());
        assert!(from_ref(&*two) != one);
        let third = app.store().unwrap();
        assert!(matches!(third, Held::Own(_)));
        drop((third, two, first));
        let read = app.store_if_any().unwrap().unwrap();
        assert_eq!((from_ref(&*read), read.setting("a").unwrap().as_deref()), (one, Some("1")));
        drop(read);
        // A backup is put in its place.
        fs::remove_dir_all(app.data().path()).unwrap();
        assert!(app.store_if_any().unwrap().is_none());
        assert_eq!(app.store().unwrap().setting("a").unwrap(), None);
    }
}
