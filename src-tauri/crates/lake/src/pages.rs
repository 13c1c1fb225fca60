//! The uncompressed size of the largest page of a Parquet column, from page headers alone.
//!
//! Ours, because the library returns a page's size only after it has decoded the page.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

/// The bytes of the largest page between two places of a file when it is not compressed.
///
/// # Errors
/// When the file cannot be read, or there are no pages.
pub(crate) fn largest_page(file: impl Read + Seek, start: u64, length: u64) -> io::Result<u64> {
    let (mut file, mut at, mut largest) = (BufReader::new(file), start, 0);
    let end = start.saturating_add(length);
    while at < end {
        file.seek(SeekFrom::Start(at))?;
        let mut header = Header { file: &mut file, read: 0 };
        let (inflated, compressed) = header.sizes()?;
        at = at.saturating_add(header.read).saturating_add(compressed);
        largest = largest.max(inflated);
    }
    Ok(largest)
}

/// A header of a page, in Thrift's compact protocol.
struct Header<R> {
    file: R,
    read: u64,
}

impl<R: Read> Header<R> {
    /// The bytes of the page uncompressed, and as it is stored.
    fn sizes(&mut self) -> io::Result<(u64, u64)> {
        let (mut inflated, mut compressed, mut field) = (0, 0, 0);
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            match id {
                2 => inflated = self.number()?,
                3 => compressed = self.number()?,
                _ => self.skip(kind, 0)?,
            }
        }
        Ok((inflated, compressed))
    }

    /// The next field of a structure: its number and its type; `None` at the end.
    fn field(&mut self, before: u64) -> io::Result<Option<(u64, u8)>> {
        let byte = self.byte()?;
        match (byte >> 4, byte & 15) {
            (_, 0) => Ok(None),
            (0, kind) => Ok(Some((self.number()?, kind))),
            (step, kind) => Ok(Some((before + u64::from(step), kind))),
        }
    }

    fn skip(&mut self, kind: u8, depth: u8) -> io::Result<()> {
        match kind {
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.varint()?),
            7 => self.pass(8)?,
            8 => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            12 if depth < 8 => {
                while let Some((_, kind)) = self.field(0)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            // No header of a page has a list or a map.
            _ => return Err(ErrorKind::InvalidData.into()),
        }
        Ok(())
    }

    /// A signed number that is not below zero.
    fn number(&mut self) -> io::Result<u64> {
        let number = self.varint()?;
        if number & 1 == 1 { Err(ErrorKind::InvalidData.into()) } else { Ok(number >> 1) }
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.file.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        self.read += io::copy(&mut self.file.by_ref().take(length), &mut io::sink())?;
        Ok(())
    }
}
