//! The whole of `events` from lines to rows: the fixtures a person can read, and random events
//! against a slow, obvious reference.

mod fixtures;
mod reference;
mod shredded;
