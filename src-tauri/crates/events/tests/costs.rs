//! The memory that one hostile line costs, measured for the whole process, so this test has a process of its
//! own.

#![cfg(target_os = "linux")]

use std::fmt::Write;
use std::fs;

use headgate_events::{
    Catalog, Existing, LONGEST_LINE, Line, Outcome, ShredOptions, Shredder, Window,
};

struct Nothing;

impl Catalog for Nothing {
    fn table(&mut self, _: &str) -> Existing {
        Existing::No
    }
}

impl Window for Nothing {
    fn seen(&mut self, _: &str, _: Option<i64>) -> bool {
        false
    }

    fn unsee(&mut self, _: &str) {}
}

/// A number from this process's status, in bytes.
fn status(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    let kilobytes: String = line.chars().filter(char::is_ascii_digit).collect();
    kilobytes.parse::<usize>().expect("a number") * 1024
}

#[test]
fn the_longest_line_of_new_keys_takes_memory_in_proportion() {
    let mut line = String::from(r#"{"type":"track","event":"E","messageId":"m","properties":{"#);
    for key in 0.. {
        if line.len() > LONGEST_LINE - 20 {
            break;
        }
        let _ = write!(line, r#""k{key:x}":1,"#);
    }
    line.pop();
    line.push_str("}}");
    let keys = line.matches(':').count();
    let before = status("VmHWM");
    let (mut catalog, mut window) = (Nothing, Nothing);
    let plan = ShredOptions { planned: 0, most_columns: 2_000 };
    let mut shredder = Shredder::new(plan, &mut catalog);
    let line = Line { bytes: line.as_bytes(), source: "s", path: "p", number: 1, id: None };
    let outcome = shredder.push(&line, &mut window);
    assert!(matches!(outcome, Outcome::Written { .. }), "{outcome:?}");
    let (after, left) = (status("VmHWM") - before, status("VmRSS").saturating_sub(before));
    println!("{keys} keys: {} MB, {} MB stay", after >> 20, left >> 20);
    assert!(after < 40 * line.bytes.len(), "{after} bytes for {}", line.bytes.len());
    assert!(left < 8 * line.bytes.len(), "{left} bytes stay of {}", line.bytes.len());
}
