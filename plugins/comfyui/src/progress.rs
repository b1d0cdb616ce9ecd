use comfyui::{NodeLabel, Update};
use serde_json::{Value, json};

/// Where a run is, as the user is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// On its way to the server.
    #[default]
    Submitted,
    /// In the queue, behind so many others.
    Queued(usize),
    /// Under way, between nodes.
    Running,
    /// At a node.
    AtNode {
        node: NodeLabel,
        /// Done and in all, where the node counts.
        steps: Option<(u64, u64)>,
    },
}

impl Progress {
    /// Takes in what happened. Whether it changes what the user is told.
    pub(crate) fn apply(&mut self, update: Update) -> bool {
        let next = match update {
            Update::Queued { ahead } => Self::Queued(ahead),
            Update::Started => Self::Running,
            Update::NodeStarted { node } => Self::AtNode { node, steps: None },
            // Whole numbers, in spite of their type.
            Update::NodeProgress { node, value, max } => Self::AtNode { node, steps: Some((value as u64, max as u64)) },
            _ => return false,
        };
        let changed = *self != next;
        *self = next;
        changed
    }

    /// In words.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Submitted => "Submitted to ComfyUI".to_owned(),
            Self::Queued(0) => "Next in ComfyUI's queue".to_owned(),
            Self::Queued(ahead) => format!("In ComfyUI's queue, {ahead} ahead"),
            Self::Running => "Running".to_owned(),
            Self::AtNode { node, steps: None } => format!("Running {node}"),
            Self::AtNode { node, steps: Some((step, steps)) } => format!("Running {node}: step {step} of {steps}"),
        }
    }

    /// As an object.
    pub(crate) fn data(&self) -> Value {
        match self {
            Self::Submitted | Self::Running => json!({}),
            Self::Queued(ahead) => json!({"queue_ahead": ahead}),
            Self::AtNode { node, steps } => json!({
                "node_id": node.id,
                "title": node.title,
                "class_type": node.class_type,
                "step": steps.map(|(step, _)| step),
                "steps": steps.map(|(_, steps)| steps),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler() -> NodeLabel {
        NodeLabel { id: "3".to_owned(), title: Some("Refine".to_owned()), class_type: "KSampler".to_owned() }
    }

    #[test]
    fn a_run_is_told_from_the_queue_to_the_last_step() {
        let mut progress = Progress::default();
        let updates = [
            Update::Queued { ahead: 2 },
            Update::Started,
            Update::NodeStarted { node: sampler() },
            Update::NodeProgress { node: sampler(), value: 4.0, max: 20.0 },
            Update::NodeFinished { node: sampler() },
        ];
        let labels: Vec<String> =
            updates.into_iter().filter_map(|update| progress.apply(update).then(|| progress.label())).collect();
        assert_eq!(
            labels,
            [
                "In ComfyUI's queue, 2 ahead",
                "Running",
                r#"Running node 3 "Refine" (KSampler)"#,
                r#"Running node 3 "Refine" (KSampler): step 4 of 20"#,
            ]
        );
        assert_eq!((&progress.data()["node_id"], &progress.data()["step"]), (&json!("3"), &json!(4)));
    }

    #[test]
    fn the_same_again_is_no_news() {
        let mut progress = Progress::Queued(1);
        assert!(!progress.apply(Update::Queued { ahead: 1 }));
        assert!(progress.apply(Update::Queued { ahead: 0 }));
    }
}
