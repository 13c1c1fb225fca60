//! Errors of the libraries and the file system as Headgate's errors, and panics inside the libraries as
//! failures of one piece of work ([`caught`]).

use std::any::Any;
use std::error::Error as StdError;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;

use deltalake::ObjectStoreError as Stored;
use futures::FutureExt;
use headgate_terms::{Error, Result, Say, Shown, TableName, say};

use crate::edge::Outside;
use crate::guard::Refused;

/// A failure of the storage or the library while `doing` something, such as "write `a.b`".
pub(crate) fn failed(doing: &(impl Say + ?Sized), cause: &(dyn StdError + 'static)) -> Error {
    if let Some(outside) = within::<Outside>(cause) {
        return outside.failure(&say!("{}", doing));
    }
    if let Some(Refused(failure)) = within(cause) {
        return failure.clone();
    }
    match io_kind(cause) {
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Error::new("disk_full", say!("Could not {}: the disk is full.", doing))
                .hint("Free some space and run it again; nothing that was read is lost.")
                .retryable()
        }
        Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => denied(doing),
        _ => match within(cause) {
            Some(Stored::PermissionDenied { .. }) => denied(doing),
            Some(Stored::Unauthenticated { .. }) => Error::new(
                "not_signed_in",
                say!("Could not {}: the storage does not know who asks.", doing),
            )
            .hint("Sign in again, then run it again; nothing that was read is lost.")
            .retryable(),
            Some(
                Stored::NotSupported { .. }
                | Stored::NotImplemented { .. }
                | Stored::InvalidPath { .. },
            ) => Error::new("lake_failed", say!("Could not {}: {}.", doing, sentence(cause)))
                .hint("Look at the log lines of this trace: the storage cannot do this."),
            _ => Error::new("lake_failed", say!("Could not {}: {}.", doing, sentence(cause)))
                .hint("Run it again; if it stays, look at the log lines of this trace.")
                .retryable(),
        },
    }
}

/// A table that could not be opened: damaged, unless the storage is the reason.
pub(crate) fn unreadable(name: &TableName, cause: &(dyn StdError + 'static)) -> Error {
    let doing = say!("open `{}`", name);
    let failure = failed(&doing, cause);
    let is_missing = matches!(within(cause), Some(Stored::NotFound { .. }));
    let is_of_storage = within::<Stored>(cause).is_some() || io_kind(cause).is_some();
    if failure.code != "lake_failed" || (is_of_storage && !is_missing) {
        return failure;
    }
    tracing::warn!(table = %name, error = %cause, "a log cannot be read");
    damaged(&say!("Could not {}: its log is damaged", doing))
}

/// A table of which files are damaged or gone.
pub(crate) fn damaged(what: &Shown) -> Error {
    Error::new("table_damaged", say!("{}.", what)).hint("Put the missing files back from a backup. Without one, move the table's folder out of the lake and fill the table again with `--again --refill`.")
}

fn denied(doing: &(impl Say + ?Sized)) -> Error {
    Error::new("permission_denied", say!("Could not {}: permission denied.", doing))
        .hint("Give this user the right to read and write the lake's folder.")
}

/// Carries out work of a library's: a panic in it is a failure of this work and of nothing else.
///
/// # Errors
/// As the work; `disk_full` or `internal` when it panics.
pub async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// A panic as a failure; the log has its words.
#[must_use]
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("it does not say why");
    tracing::error!(panic = text, "a library broke off");
    if text.contains("No space left on device") || text.contains("StorageFull") {
        return Error::new("disk_full", "A library broke off: the disk is full.")
            .hint("Free some space and run it again; nothing that was read is lost.")
            .retryable();
    }
    Error::new("internal", say!("A library broke off: {}.", text.trim_end_matches('.')))
        .hint("Run it again. If it happens again, report it with the log lines of this trace.")
}

/// The first error of a kind among an error and its sources.
fn within<'e, E: StdError + 'static>(cause: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(cause);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The kind of the input or output error at the bottom, if that is what it was.
fn io_kind(cause: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let mut next = Some(cause);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            // An error without a number only wraps another.
            if io.raw_os_error().is_some() || io.get_ref().is_none() {
                return Some(io.kind());
            }
            if let Some(inner) = io.get_ref() {
                return io_kind(inner);
            }
        }
        next = error.source();
    }
    // Some layers keep the words only.
    let text = cause.to_string();
    if text.contains("No space left on device") {
        return Some(ErrorKind::StorageFull);
    }
    text.contains("Permission denied").then_some(ErrorKind::PermissionDenied)
}

/// An error's first line, without the full stop that the sentence around it brings.
fn sentence(cause: &(dyn StdError + 'static)) -> String {
    let text = cause.to_string();
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_storage_errors_are_retryable() {
        let because = || -> Box<dyn StdError + Send + Sync> { "a reason".into() };
        let path = || "a/b".to_owned();
        for (error, code, may_pass) in [
            (
                Stored::PermissionDenied { path: path(), source: because() },
                "permission_denied",
                false,
            ),
            (Stored::Unauthenticated { path: path(), source: because() }, "not_signed_in", true),
            (Stored::Precondition { path: path(), source: because() }, "lake_failed", true),
            (Stored::Generic { store: "S3", source: because() }, "lake_failed", true),
            (Stored::NotSupported { source: because() }, "lake_failed", false),
            (
                Stored::Generic {
                    store: "lake",
                    source: Box::new(std::io::Error::from_raw_os_error(28)),
                },
                "disk_full",
                true,
            ),
        ] {
            let wrapped = deltalake::DeltaTableError::ObjectStore { source: error };
            let failure = failed("write", &wrapped);
            assert_eq!((&*failure.code, failure.retryable), (code, may_pass), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_library_is_an_error() {
        let fails = |text: &'static str| {
            caught(async move {
                tokio::task::yield_now().await;
                assert!(text.is_empty(), "{text}");
                Ok(7)
            })
        };
        assert_eq!(fails("").await.unwrap(), 7);
        let error = fails("a `bad` page\u{1b}[2J").await.unwrap_err();
        assert_eq!(error.code, "internal");
        assert!(error.message.contains(r"a \u{60}bad\u{60} page\u{1b}[2J"), "{error}");
        let full = fails("StorageFull").await.unwrap_err();
        assert_eq!((&*full.code, full.retryable), ("disk_full", true));
    }
}
