//! Reads a whole file, or standard input, as text of limited size.

use std::fs;
use std::io::{self, Read};

use headgate_terms::{Error, Result, say};

/// What a file holds, for the errors of reading it: their field, the code when it is not text, and what
/// could be named in its place.
#[derive(Clone, Copy)]
pub(crate) struct Holds {
    pub(crate) field: &'static str,
    pub(crate) code: &'static str,
    pub(crate) or: &'static str,
}

/// The largest file that is read at once: many times what AWS takes of a policy.
const MOST_BYTES: u64 = 64 << 20;

/// The text of a file or of standard input.
pub(crate) fn text_of(name: &str, holds: Holds) -> Result<String> {
    let mut bytes = Vec::new();
    let most = MOST_BYTES + 1;
    let read = if name == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        fs::File::open(name).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Error::new("file_unreadable", say!("`{}` cannot be read: {}.", name, error))
            .hint(say!("Name a file, or `-` for standard input{}.", holds.or))
            .field(holds.field)
    })?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::new(
            holds.code,
            say!("`{}` has more than {} MiB.", name, MOST_BYTES >> 20),
        )
        .hint("Check that this is the file you meant.")
        .field(holds.field));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::new(holds.code, say!("`{}` is not text in UTF-8.", name))
            .hint("Save it as UTF-8, or export it again.")
            .field(holds.field)
    })
}
