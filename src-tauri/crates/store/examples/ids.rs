//! Measures what ids cost: fills a store with ids in batches, then looks ids up, and prints time and memory.
//!
//! `cargo run --release -p headgate-store --example ids -- FOLDER [IDS] [IDS OF A BATCH]`

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use headgate_store::{Seen, Store, Taken};

fn half(n: u64) -> u128 {
    let n = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    u128::from(n ^ (n >> 31))
}

fn id(n: u64) -> u128 {
    half(2 * n) << 64 | half(2 * n + 1)
}

fn most_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("VmHWM: unknown").to_owned()
}

/// What this thread has had of a core.
fn on_core() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}

fn look_up(store: &Store, ledger: i64, ids: impl Iterator<Item = u64>, known: bool) {
    let (begun, had) = (Instant::now(), on_core());
    let mut count = 0;
    for n in ids {
        let found = store.seen(ledger, id(n)).expect("a look-up");
        assert_eq!(found.and_then(|seen| seen.received), known.then_some(n as i64));
        count += 1;
    }
    let (each, core) = (begun.elapsed() / count, on_core().saturating_sub(had) / count);
    let which = if known { "known" } else { "new" };
    println!("{count} look-ups of {which} ids: {each:?} each, {core:?} of a core");
}

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("a folder");
    let mut number = |otherwise| {
        arguments.next().map_or(otherwise, |text: String| text.parse().expect("a number"))
    };
    let (all, of_a_batch): (u64, u64) = (number(1_000_000), number(250_000));
    fs::create_dir_all(&folder).expect("the folder");

    let mut store = Store::open(Path::new(&folder)).expect("a store");
    let ledger = store.ledger_or_new("lake", "schema").expect("a ledger");
    let (mut taking, mut merging, mut longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for (first, number) in (0..all).step_by(of_a_batch as usize).zip(1..) {
        let last = all.min(first + of_a_batch);
        let mut ids: Vec<_> =
            (first..last).map(|n| Seen { id: id(n), received: Some(n as i64) }).collect();
        let begun = Instant::now();
        let (files, ids) = (&[][..], &mut ids[..]);
        let ledger = &ledger;
        let mut taken = Taken { ledger, number, newest: None, plan: None, files, ids, summary: "" };
        store.take_in(&mut taken).expect("taken in");
        taking += begun.elapsed();
        let begun = Instant::now();
        store.prune_ids(ledger.id, 0).expect("pruned");
        merging += begun.elapsed();
        longest = longest.max(begun.elapsed());
        // As a run does, which asks for each event of a batch.
        store.seen(ledger.id, id(first)).expect("a look-up");
    }
    println!("{all} ids: taken in {taking:.1?}, merged in {merging:.1?}, at most {longest:.1?}");
    println!("filled: {}, {:.1?} of a core", most_memory(), on_core());
    look_up(&store, ledger.id, all..all + 1_000_000, false);
    look_up(&store, ledger.id, (0..all).step_by((all / 200_000).max(1) as usize), true);
    println!("asked: {}", most_memory());
    drop(store);

    let begun = Instant::now();
    let store = Store::open_if_any(Path::new(&folder)).expect("a store").expect("made");
    store.seen(ledger.id, id(all)).expect("a look-up");
    println!("filters loaded in {:.1?}", begun.elapsed());
    let size = fs::metadata(Path::new(&folder).join("headgate.db")).expect("the file").len();
    println!("file: {} MB", size / 1_000_000);
}
