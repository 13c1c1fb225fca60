//! The progress of a run on standard error: a bar on a terminal, one line a batch elsewhere.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use headgate_app::{Observer, Progress};
use headgate_terms::Shown;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::output::{self, line};

/// Shows progress on standard error, and passes a request to stop on.
pub(crate) struct TerminalProgress {
    stop: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
    /// Whether plain lines are wanted, and the batches they told of.
    last_printed: Option<Mutex<u64>>,
}

impl TerminalProgress {
    pub(crate) fn new(stop: Arc<AtomicBool>, json: bool) -> Self {
        let bar = output::bar();
        let last_printed = (bar.is_none() && !json).then(Mutex::default);
        Self { stop, bar, last_printed }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for TerminalProgress {
    fn progress(&self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            if bar.length() != progress.total || bar.position() == 0 {
                let template = if progress.total.is_some() {
                    "{msg:10} {bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"
                } else {
                    "{msg:10} {spinner} {bytes}  {bytes_per_sec}"
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("━━─"));
                }
                if let Some(total) = progress.total {
                    bar.set_length(total);
                }
            }
            output::beside(bar, progress.phase);
            bar.set_position(progress.read);
        }
        if let Some(last_printed) = &self.last_printed
            && let Ok(mut last_printed) = last_printed.lock()
            && *last_printed < progress.batches
        {
            *last_printed = progress.batches;
            let read = Shown::clean(&HumanBytes(progress.read).to_string());
            // A run goes on whether or not anybody looks on.
            let _ = output::stderr(|out| {
                line!(
                    out,
                    "batch {} landed, {} events, {} read",
                    progress.batches,
                    progress.events,
                    read
                )
            });
        }
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
