//! The wildcards of IAM: `*` matches any text, `?` one character. Ours, because the value of a variable must
//! stay literal inside a pattern and ARNs are matched part by part, for which glob libraries have no form.

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Char(char),
    One,
    Any,
}

/// A pattern's text as pieces, without variables.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    text.chars()
        .map(|character| match character {
            '*' => Piece::Any,
            '?' => Piece::One,
            other => Piece::Char(other),
        })
        .collect()
}

/// Whether a pattern fits the whole of a text. It takes pattern times text at most.
pub(crate) fn fits(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut retry = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(Piece::Any) => {
                retry = Some((at + 1, in_text));
                at += 1;
                continue;
            }
            Some(Piece::One) => {}
            Some(Piece::Char(character)) if *character == text[in_text] => {}
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                at = after;
                in_text = from + 1;
                continue;
            }
        }
        at += 1;
        in_text += 1;
    }
    pattern[at..].iter().all(|piece| *piece == Piece::Any)
}

/// Whether a pattern of letters, `*` and `?` fits the whole of a text. It makes nothing.
pub(crate) fn fits_text(pattern: &str, text: &str) -> bool {
    if !pattern.is_ascii() || !text.is_ascii() {
        return fits(&pieces(pattern), text);
    }
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut in_text) = (0, 0);
    let mut retry = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, in_text));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                at = after;
                in_text = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Whether an action of a policy, a pattern without regard to case, covers one.
pub(crate) fn matches_action(pattern: &str, action: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern.eq_ignore_ascii_case(action);
    }
    fits(&pieces(&pattern.to_ascii_lowercase()), &action.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, fit) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxb", true),
            ("**", "x", true),
            ("ü?", "üß", true),
            ("a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(fits(&pieces(pattern), text), fit, "{pattern} {text}");
            assert_eq!(fits_text(pattern, text), fit, "{pattern} {text}");
        }
        assert!(matches_action("STS:assume*", "sts:AssumeRole"));
        assert!(!matches_action("sts:AssumeRole", "sts:AssumeRoleWithSAML"));
    }
}
