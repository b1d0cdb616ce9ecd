//! A run as a bar.

use dify_plugin_host::CallEvent;
use dify_plugin_protocol::{Message, MessageBody};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::Failure;
use crate::shown::shown;

/// Shows what the plugin logs: the step of the node that runs.
pub(super) struct Progress {
    bar: ProgressBar,
    most_steps: u64,
}

impl Progress {
    pub(super) fn start() -> Result<Self, Failure> {
        let bar = ProgressBar::new(0);
        bar.set_style(ProgressStyle::with_template("  [{bar:30}] {pos}/{len} {wide_msg}")?.progress_chars("=> "));
        Ok(Self { bar, most_steps: 0 })
    }

    pub(super) fn show(&mut self, event: &CallEvent) {
        let CallEvent::Message(Message { body: MessageBody::Log(log), .. }) = event else { return };
        self.bar.set_message(shown(&log.label));
        let number = |name: &str| log.data.get(name).and_then(Value::as_u64);
        if let (Some(step), Some(steps)) = (number("step"), number("steps")) {
            self.bar.set_length(steps);
            self.bar.set_position(step);
            self.most_steps = self.most_steps.max(steps);
        }
    }

    /// Takes the bar away, and says how many steps the longest node had.
    pub(super) fn finish(self) -> u64 {
        self.bar.finish_and_clear();
        self.most_steps
    }
}
