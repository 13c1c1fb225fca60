//! Names of columns, tables and schemas: snake case byte for byte as Segment's go-snakecase writes it
//! (segment-semantics 2.1), a hash for names in other scripts (E19), table names of events (E21), and names
//! shortened to 127 bytes (E20).
//!
//! It knows the reserved table names (E21), but not which columns a table has. Ours, because crates for snake
//! case split words elsewhere than go-snakecase, and readers of these tables expect its names.

use sha2::{Digest, Sha256};

/// The longest name a table, column or schema may have, in bytes.
pub(crate) const LONGEST: usize = 127;
/// What stays of a longer one, before `_` and eight digits of its hash (E20).
const KEPT: usize = 118;

/// Slugs that would collide with the tables of the calls themselves.
const TAKEN: [&str; 8] =
    ["tracks", "identifies", "users", "groups", "accounts", "pages", "screens", "aliases"];

/// What one path segment or event name adds to a name: itself in snake case, or a hash of it when it has
/// letters or digits of other scripts only (E19). `None` when it has neither.
#[must_use]
pub fn segment(sent: &str) -> Option<String> {
    let name = snake(sent);
    if name.is_empty() { by_hash(sent) } else { Some(name) }
}

/// The name of a segment that snake-casing leaves nothing of.
pub(crate) fn by_hash(sent: &str) -> Option<String> {
    sent.contains(char::is_alphanumeric).then(|| hashed("u", Sha256::new_with_prefix(sent)))
}

/// Snake-cases one path segment, event or source name. The result is ASCII and can be empty.
#[must_use]
pub(crate) fn snake(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(bytes.len() + 4);
    let mut lower_seen = false;
    let mut joined = false;
    let mut lower_since_join = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let fits = match byte {
            b'a'..=b'z' => {
                lower_seen = true;
                lower_since_join = true;
                true
            }
            b'0'..=b'9' => true,
            b'_' => {
                let inner = at > 0
                    && bytes
                        .get(at + 1)
                        .is_some_and(|next| next.is_ascii_lowercase() || next.is_ascii_digit());
                if inner {
                    joined = true;
                    lower_since_join = false;
                }
                inner
            }
            _ => false,
        };
        if !fits {
            break;
        }
        out.push(char::from(byte));
        at += 1;
    }
    // An upper-case byte goes on with the word in front of it as long as that has no letter yet.
    let goes_on = bytes.get(at).is_some_and(u8::is_ascii_uppercase)
        && (!lower_seen || (joined && !lower_since_join));
    if goes_on {
        at = run(bytes, at, &mut out);
    }
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_alphanumeric() {
            if !out.is_empty() {
                out.push('_');
            }
            at = run(bytes, at, &mut out);
        } else {
            at += 1;
        }
    }
    out
}

/// Copies one run, upper case and digits first, then lower case and digits. Returns its end.
fn run(bytes: &[u8], mut at: usize, out: &mut String) -> usize {
    for upper in [true, false] {
        while let Some(&byte) = bytes.get(at) {
            let fits = byte.is_ascii_digit()
                || (upper && byte.is_ascii_uppercase())
                || (!upper && byte.is_ascii_lowercase());
            if !fits {
                break;
            }
            out.push(char::from(byte.to_ascii_lowercase()));
            at += 1;
        }
    }
    at
}

/// Cuts a final name to 127 bytes, keeping it distinct by a hash of the whole (E20).
#[must_use]
pub fn cut(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    hashed(&name[..KEPT], Sha256::new_with_prefix(&name))
}

fn hashed(start: &str, hash: Sha256) -> String {
    let hash = hash.finalize();
    format!("{start}_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

/// A column's name as it grows from key to key: however long the keys, it holds no more than makes
/// the final name.
#[derive(Clone, Default)]
pub(crate) struct Name {
    /// All of it, or the first [`KEPT`] bytes of a longer one.
    start: String,
    /// What the whole of a longer one hashes to so far.
    long: Option<Box<Sha256>>,
}

impl Name {
    /// The name of a value below a key, given the key in snake case.
    pub(crate) fn below(&self, segment: &str) -> Self {
        let mut name = self.clone();
        if !name.start.is_empty() {
            name.push("_");
        }
        name.push(segment);
        name
    }

    fn push(&mut self, text: &str) {
        match &mut self.long {
            Some(hash) => hash.update(text),
            None if self.start.len() + text.len() <= LONGEST => self.start.push_str(text),
            None => {
                let hash = Sha256::new_with_prefix(&self.start).chain_update(text);
                self.start.push_str(&text[..text.len().min(LONGEST)]);
                self.start.truncate(KEPT);
                self.long = Some(Box::new(hash));
            }
        }
    }

    /// The final name, as [`cut`] makes it.
    pub(crate) fn cut(&self) -> String {
        match &self.long {
            Some(hash) => hashed(&self.start, (**hash).clone()),
            None => self.start.clone(),
        }
    }

    /// Whether the whole is longer than a name may be.
    pub(crate) fn is_cut(&self) -> bool {
        self.long.is_some()
    }
}

/// The table of an event, or `None` when no table can be named after it (D7).
#[must_use]
pub fn event_table(event: &str) -> Option<String> {
    let slug = segment(event)?;
    let taken = TAKEN.contains(&slug.as_str()) || slug.starts_with("headgate_");
    Some(cut(if taken { format!("_{slug}") } else { slug }))
}

/// The schema of a source, or `None` when nothing of its name can be written.
#[must_use]
pub fn schema_name(source: &str) -> Option<String> {
    let slug = snake(source);
    (!slug.is_empty()).then(|| cut(slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_118_bytes_and_a_hash() {
        let name = "a".repeat(128);
        let short = cut(name.clone());
        assert_eq!(short.len(), LONGEST);
        assert_ne!(short, cut(format!("{name}b")));
        // Grown key by key, it comes to the same.
        for length in [1, 60, 61, 62, 63, 64, 117, 118, 119, 126, 127, 128, 1000] {
            let keys = ["a".repeat(length), "b".to_owned(), "c".repeat(length)];
            let whole = format!("context_{}", keys.join("_"));
            let root = Name::default().below("context");
            let name = keys.iter().fold(root, |name, key| name.below(key));
            assert_eq!((name.cut(), name.is_cut()), (cut(whole.clone()), whole.len() > LONGEST));
        }
        assert_eq!(cut("a".repeat(127)), "a".repeat(127));
    }

    #[test]
    fn taken_slugs_get_an_underscore() {
        assert_eq!(event_table("Users").as_deref(), Some("_users"));
        assert_eq!(event_table("Headgate Discards").as_deref(), Some("_headgate_discards"));
        assert_eq!(event_table("headgates").as_deref(), Some("headgates"));
        assert_eq!(event_table("日本語").as_deref(), Some("u_77710aed"));
        assert_eq!(event_table("🎁"), None);
    }

    proptest::proptest! {
        #[test]
        fn names_are_ascii_and_stable(name in "\\PC{0,40}") {
            let once = snake(&name);
            proptest::prop_assert!(once.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            proptest::prop_assert_eq!(snake(&once), once);
            let named = segment(&name);
            proptest::prop_assert_eq!(named.is_some(), name.contains(char::is_alphanumeric));
        }
    }
}
