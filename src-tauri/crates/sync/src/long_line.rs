//! [`LongLine`]: what is kept of a line that is too long to keep whole, that is its beginning, its length,
//! its SHA-256 and its offset in the file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most bytes of a rejected line that are kept (E2).
pub(crate) const KEPT: usize = 1 << 20;

/// A line's beginning and measure. All but `bytes` are of the line without its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LongLine {
    /// The first [`KEPT`] bytes, less what belongs to a character that is cut.
    #[serde(skip)]
    pub(crate) beginning: Vec<u8>,
    /// Bytes with the line's end.
    pub(crate) bytes: u64,
    pub(crate) length: u64,
    /// In hexadecimal, lower case.
    pub(crate) sha256: String,
    /// Where it begins in the inflated file; `None` where it came without a file.
    pub(crate) offset: Option<u64>,
    pub(crate) is_utf8: bool,
    /// Whether it is nothing but blanks, which count nowhere.
    pub(crate) is_blank: bool,
}

impl LongLine {
    /// Measures a line that is in memory, given without its end.
    pub(crate) fn of(line: &[u8], offset: Option<u64>) -> Self {
        let mut measure = Measure::new(offset);
        measure.push(line);
        measure.finish()
    }
}

/// Takes a line chunk by chunk and holds no more than its beginning.
pub(crate) struct Measure {
    beginning: Vec<u8>,
    bytes: u64,
    length: u64,
    hash: Sha256,
    offset: Option<u64>,
    utf8: Utf8Check,
    is_blank: bool,
    /// A carriage return that is the line's end unless more follows.
    held_back: bool,
}

impl Measure {
    pub(crate) fn new(offset: Option<u64>) -> Self {
        Self {
            beginning: Vec::new(),
            bytes: 0,
            length: 0,
            hash: Sha256::new(),
            offset,
            utf8: Utf8Check::default(),
            is_blank: true,
            held_back: false,
        }
    }

    /// Takes the next chunk; only the last may have the line's end.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        if self.held_back && !text.is_empty() {
            self.held_back = false;
            self.take(b"\r");
        }
        let without = text.strip_suffix(b"\r").unwrap_or(text);
        self.held_back |= without.len() < text.len();
        self.take(without);
    }

    fn take(&mut self, text: &[u8]) {
        self.length += text.len() as u64;
        self.hash.update(text);
        self.utf8.push(text);
        self.is_blank &= text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let room = KEPT - self.beginning.len();
        self.beginning.extend_from_slice(&text[..text.len().min(room)]);
    }

    pub(crate) fn finish(mut self) -> LongLine {
        let is_utf8 = self.utf8.finish();
        if is_utf8 && let Err(error) = std::str::from_utf8(&self.beginning) {
            self.beginning.truncate(error.valid_up_to());
        }
        let mut sha256 = String::with_capacity(64);
        for byte in self.hash.finalize() {
            let _ = write!(sha256, "{byte:02x}");
        }
        LongLine {
            beginning: self.beginning,
            bytes: self.bytes,
            length: self.length,
            sha256,
            offset: self.offset,
            is_utf8,
            is_blank: self.is_blank,
        }
    }
}

/// Whether chunks put together are valid UTF-8.
#[derive(Default)]
struct Utf8Check {
    /// The beginning of a character whose rest is in the next chunk.
    open: Vec<u8>,
    broken: bool,
}

impl Utf8Check {
    fn push(&mut self, chunk: &[u8]) {
        if self.broken {
            return;
        }
        let mut rest = chunk;
        while !self.open.is_empty() && !rest.is_empty() {
            self.open.push(rest[0]);
            rest = &rest[1..];
            match std::str::from_utf8(&self.open) {
                Ok(_) => self.open.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() => {
                self.open.extend_from_slice(&rest[error.valid_up_to()..]);
            }
            Err(_) => self.broken = true,
        }
    }

    fn finish(&self) -> bool {
        !self.broken && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However a line is cut into chunks, it measures the same.
    #[test]
    fn a_long_line_is_measured_alike_in_any_chunks() {
        let text = "日本🎉é\r".repeat(100_000);
        // With and without its last byte, by another program.
        let hashes = [
            "954254b91b6208a35ed6b866cb8c7d0c70f2fa60bcc83dadc2bf38c5428fd5d9",
            "a925112c497cc83d00c4d1ce15c394b77965207436104285d4940b3ceb903426",
        ];
        for (end, step) in [("", 7), ("\n", 1), ("\r\n", 3), ("\r\n", 1 << 20)] {
            // Without a newline, the last carriage return is the line's end.
            let line = format!("{text}{end}");
            let mut measure = Measure::new(Some(5));
            for chunk in line.as_bytes().chunks(step) {
                measure.push(chunk);
            }
            let long = measure.finish();
            assert_eq!(long.bytes, line.len() as u64);
            let ends = usize::from(end != "\r\n");
            assert_eq!(long.length, (text.len() - ends) as u64, "{end:?} {step}");
            assert_eq!(long.sha256, hashes[ends]);
            assert!(long.is_utf8 && !long.is_blank && long.offset == Some(5));
            let beginning = std::str::from_utf8(&long.beginning).unwrap();
            assert!(text.starts_with(beginning) && beginning.len() > KEPT - 4);
        }
    }

    #[test]
    fn invalid_utf8_anywhere_is_found() {
        for broken in [&b"a\xFF"[..], b"\xE6\x97", b"\xE6a", b"ok \xF0\x9F\x8E"] {
            let mut measure = Measure::new(None);
            for byte in broken {
                measure.push(&[*byte]);
            }
            assert!(!measure.finish().is_utf8, "{broken:?}");
        }
    }
}
