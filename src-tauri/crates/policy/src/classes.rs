//! Example texts for patterns: conditions only compare, so one text of each class represents all others.
//!
//! A class is the set of patterns that match a text while the other patterns do not. Classes are found by
//! walking all patterns at once, character by character, up to a limit of steps.

use std::cell::Cell;
use std::collections::HashSet;

use crate::operator::How;

/// The most steps of one walk. Policies of ordinary size stay far below.
const MOST_STEPS: usize = 2_000;

/// What may still be spent on walks, in steps of one pattern, so that no policy takes long.
pub(crate) struct Work(Cell<usize>);

impl Work {
    pub(crate) fn new() -> Self {
        Self(Cell::new(200_000))
    }

    fn spend(&self, steps: usize) -> bool {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }
}

/// A pattern that can be walked along a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    steps: Vec<Token>,
    /// As it is written, to make texts from.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// A letter in either case.
    Either(char),
    /// Any one character; a colon too where that is said.
    One(bool),
    /// Any characters.
    Any(bool),
}

/// How far along a pattern a text has come: the places that it may be at, in order.
pub(crate) type Places = Vec<u16>;

impl Pattern {
    /// The pattern that an operator makes of a value; `None` for operators that know no patterns, and for
    /// values that only match themselves.
    pub(crate) fn of(how: How, text: &str) -> Option<Self> {
        let wild = text.contains(['*', '?']);
        match how {
            How::StringLike if wild => Some(Self::like(text)),
            How::Arn if wild => {
                let mut colons = 0;
                let steps = text.chars().map(|c| {
                    colons += usize::from(c == ':');
                    step(c, colons >= 5)
                });
                let steps: Vec<Token> = steps.collect();
                (colons >= 5).then(|| Self { steps, text: text.to_owned() })
            }
            How::StringEqualsIgnoreCase if text.chars().any(char::is_alphabetic) => {
                let steps = text.to_lowercase().chars().map(Token::Either).collect();
                Some(Self { steps, text: text.to_owned() })
            }
            _ => None,
        }
    }

    pub(crate) fn like(text: &str) -> Self {
        Self { steps: text.chars().map(|c| step(c, true)).collect(), text: text.to_owned() }
    }

    pub(crate) fn literal(text: &str) -> Self {
        Self { steps: text.chars().map(Token::Char).collect(), text: text.to_owned() }
    }

    pub(crate) fn start(&self) -> Places {
        let mut places = Vec::new();
        self.enter(0, &mut places);
        places
    }

    fn enter(&self, mut at: usize, places: &mut Places) {
        loop {
            places.push(u16::try_from(at).unwrap_or(u16::MAX));
            match self.steps.get(at) {
                Some(Token::Any(_)) => at += 1,
                _ => return,
            }
        }
    }

    pub(crate) fn walk(&self, places: &Places, c: char) -> Places {
        let mut next = Vec::with_capacity(places.len() + 1);
        for &place in places {
            let at = usize::from(place);
            match self.steps.get(at) {
                Some(Token::Char(own)) if *own == c => self.enter(at + 1, &mut next),
                Some(Token::Either(own)) if c.to_lowercase().eq([*own]) => {
                    self.enter(at + 1, &mut next);
                }
                Some(Token::One(colon)) if *colon || c != ':' => self.enter(at + 1, &mut next),
                Some(Token::Any(colon)) if *colon || c != ':' => self.enter(at, &mut next),
                _ => {}
            }
        }
        next.sort_unstable();
        next.dedup();
        // From a star on, whatever stands before it matches nothing more.
        let star = |place: &u16| matches!(self.steps.get(usize::from(*place)), Some(Token::Any(_)));
        if let Some(last) = next.iter().rposition(star) {
            next.drain(..last);
        }
        next
    }

    pub(crate) fn walk_all(&self, text: &str) -> Places {
        text.chars().fold(self.start(), |places, c| self.walk(&places, c))
    }

    pub(crate) fn ends(&self, places: &Places) -> bool {
        places.last().is_some_and(|place| usize::from(*place) == self.steps.len())
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.ends(&self.walk_all(text))
    }
}

fn step(c: char, colon: bool) -> Token {
    match c {
        '*' => Token::Any(colon),
        '?' => Token::One(colon),
        c => Token::Char(c),
    }
}

/// What a text has to look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Twelve digits.
    Account,
    /// A name of IAM with its path, after the word for its kind.
    Name,
    /// At least two letters, digits or signs.
    Id,
}

impl Shape {
    /// The form after one more character; `None` where it has no place.
    fn next(self, form: u8, c: char) -> Option<u8> {
        let word = c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
        match self {
            Self::Account => (c.is_ascii_digit() && form < 12).then_some(form + 1),
            Self::Name if c == '/' => (form == 1).then_some(0),
            Self::Name => word.then_some(1),
            Self::Id => (word || ":/".contains(c)).then_some((form + 1).min(2)),
        }
    }

    fn ends(self, form: u8) -> bool {
        match self {
            Self::Account => form == 12,
            Self::Name => form == 1,
            Self::Id => form == 2,
        }
    }

    /// Characters to take first, where no pattern speaks of them.
    fn fresh(self) -> &'static str {
        match self {
            Self::Account => "9876543210",
            Self::Name | Self::Id => "xqzwkvjyupbgfmhdlcn0123456789XQZWKVJYUPBGFMHDLCN_=,@+",
        }
    }

    pub(crate) fn is(self, text: &str) -> bool {
        text.chars().try_fold(0, |form, c| self.next(form, c)).is_some_and(|form| self.ends(form))
    }
}

/// A text with where it leaves each pattern.
#[derive(Debug, Clone)]
pub(crate) struct Walked {
    pub places: Vec<Places>,
    pub text: String,
}

/// The shortest text for each way in which patterns can be left, from where they already are, and
/// whether these are all.
pub(crate) fn walked(
    patterns: &[Pattern],
    from: Vec<Places>,
    shape: Shape,
    work: &Work,
) -> (Vec<Walked>, bool) {
    let alphabet = alphabet(patterns, shape);
    let mut seen: HashSet<(u8, Vec<Places>)> = HashSet::new();
    seen.insert((0, from.clone()));
    let mut steps: Vec<(u8, Vec<Places>, usize, char)> = vec![(0, from, 0, ' ')];
    let mut found = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        if !work.spend(alphabet.len() * patterns.len().max(1)) {
            return (found, false);
        }
        for &c in &alphabet {
            let (form, places) = (steps[at].0, &steps[at].1);
            let Some(form) = shape.next(form, c) else { continue };
            let places: Vec<Places> =
                patterns.iter().zip(places).map(|(one, places)| one.walk(places, c)).collect();
            let key = (form, places);
            if seen.contains(&key) {
                continue;
            }
            if steps.len() == MOST_STEPS {
                return (found, false);
            }
            seen.insert(key.clone());
            let (form, places) = key;
            if shape.ends(form) {
                let mut text = vec![c];
                let mut back = at;
                while back > 0 {
                    text.push(steps[back].3);
                    back = steps[back].2;
                }
                let text = text.into_iter().rev().collect();
                found.push(Walked { places: places.clone(), text });
            }
            steps.push((form, places, at, c));
        }
        at += 1;
    }
    (found, true)
}

/// Whether a pattern matches what has some path, or none, between a beginning and an end, and whether it
/// leaves any such text. Both when there are too many to tell.
pub(crate) fn with_any_path(pattern: &Pattern, start: &str, end: &str) -> (bool, bool) {
    let alphabet = alphabet(std::slice::from_ref(pattern), Shape::Name);
    let first = (0, pattern.walk_all(start));
    let mut seen = HashSet::from([first.clone()]);
    let mut steps = vec![first];
    let (mut matches, mut leaves) = (false, false);
    while let Some((form, places)) = steps.pop() {
        if form == 0 {
            let last = end.chars().fold(places.clone(), |places, c| pattern.walk(&places, c));
            let is = pattern.ends(&last);
            matches |= is;
            leaves |= !is;
        }
        if matches && leaves || seen.len() > MOST_STEPS {
            return (true, true);
        }
        for c in alphabet.iter().copied().chain(['/']) {
            if let Some(form) = Shape::Name.next(form, c) {
                let next = (form, pattern.walk(&places, c));
                if seen.insert(next.clone()) {
                    steps.push(next);
                }
            }
        }
    }
    (matches, leaves)
}

/// One character that no pattern speaks of, and those of which they do.
fn alphabet(patterns: &[Pattern], shape: Shape) -> Vec<char> {
    if let Shape::Account = shape {
        return shape.fresh().chars().collect();
    }
    let mut spoken: Vec<char> = Vec::new();
    for step in patterns.iter().flat_map(|one| &one.steps) {
        match step {
            Token::Char(c) => spoken.push(*c),
            Token::Either(c) => spoken.extend([c.to_ascii_lowercase(), c.to_ascii_uppercase()]),
            Token::One(_) | Token::Any(_) => {}
        }
    }
    spoken.retain(|c| shape.next(0, *c).or_else(|| shape.next(1, *c)).is_some());
    spoken.sort_unstable();
    spoken.dedup();
    let fresh = shape.fresh().chars().find(|c| !spoken.contains(c));
    fresh.into_iter().chain(spoken).collect()
}

/// Texts that a pattern may match, one of so many, as a user would make them up.
pub(crate) fn made_up(pattern: &str, of: usize) -> impl Iterator<Item = String> + '_ {
    let fills = ["any", "other", "x", "some", "b", "q7", "zz9", ""];
    // Among many patterns a few texts for each must do.
    let most = if of > 16 { 2 } else { fills.len() };
    fills
        .into_iter()
        .take(most)
        .map(|fill| pattern.replace('*', fill).replace('?', fill.get(..1).unwrap_or("7")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glob::{fits, pieces};
    use proptest::prelude::*;

    #[test]
    fn each_class_has_a_text() {
        let patterns: Vec<Pattern> = ["ab*", "*ba", "a?b"].into_iter().map(Pattern::like).collect();
        let from = patterns.iter().map(Pattern::start).collect();
        let (found, whole) = walked(&patterns, from, Shape::Id, &Work::new());
        assert!(whole);
        let mut classes: Vec<Vec<bool>> = found
            .iter()
            .map(|one| patterns.iter().map(|pattern| pattern.matches(&one.text)).collect())
            .collect();
        classes.sort();
        classes.dedup();
        // `ab*` and `a?b` have `abb` together; `a?b` and `*ba` have none.
        assert_eq!(classes.len(), 6, "{found:?}");
    }

    #[test]
    fn a_path_that_is_not_known_may_be_any() {
        for (pattern, is) in [
            ("arn:aws:iam::1:role/*", (true, false)),
            ("arn:aws:iam::1:role/deploy", (true, true)),
            ("arn:aws:iam::1:role/*deploy", (true, false)),
            ("arn:aws:iam::1:role/team/*", (true, true)),
            ("arn:aws:iam::1:role/*/deploy", (true, true)),
            ("arn:aws:iam::1:role/other", (false, true)),
            ("arn:aws:sts::1:assumed-role/deploy/*", (false, true)),
            ("*", (true, false)),
        ] {
            let pattern = Pattern::like(pattern);
            assert_eq!(
                with_any_path(&pattern, "arn:aws:iam::1:role/", "deploy"),
                is,
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn stars_of_arns_stay_within_their_part() {
        let one = Pattern::of(How::Arn, "arn:aws:iam::*:role/a*").unwrap();
        assert!(one.matches("arn:aws:iam::210987654321:role/a:b"));
        assert!(!one.matches("arn:aws:iam::2:1:role/a"));
        assert!(!one.matches("arn:aws:iam:::x:role/a"));
        assert_eq!(Pattern::of(How::Arn, "*"), None);
        let fold = Pattern::of(How::StringEqualsIgnoreCase, "Ab-1").unwrap();
        assert!(fold.matches("aB-1") && !fold.matches("aB-2"));
    }

    proptest! {
        #[test]
        fn walking_a_pattern_equals_matching_it(pattern in "[ab*?]{0,8}", text in "[abc]{0,8}") {
            prop_assert_eq!(Pattern::like(&pattern).matches(&text), fits(&pieces(&pattern), &text));
        }

        #[test]
        fn no_text_is_of_a_class_that_was_not_found(
            patterns in proptest::collection::vec("[ab*?]{1,5}", 1..4),
            text in "[abx]{2,8}",
        ) {
            let patterns: Vec<Pattern> = patterns.iter().map(|one| Pattern::like(one)).collect();
            let from = patterns.iter().map(Pattern::start).collect();
            let (found, whole) = walked(&patterns, from, Shape::Id, &Work::new());
            prop_assume!(whole);
            let class = |text: &str| -> Vec<bool> {
                patterns.iter().map(|one| one.matches(text)).collect()
            };
            prop_assert!(found.iter().any(|one| class(&one.text) == class(&text)));
        }
    }
}
