use std::collections::{HashMap, HashSet};

use super::{Ending, Preview, Sighting, Update};
use crate::outputs::OutputsAsTold;
use crate::{Event, ExecutionFailure, NodeLabel, NodeProgress, NodeState, Record, Verdict, Workflow};

/// How often in a row a prompt must be nowhere before it counts as deleted. Once is not enough: it may have moved from
/// the queue to the history between the two questions.
const NOWHERE_TIMES: u32 = 2;

/// One execution, followed from outside: told events and sightings, it says what is new and when it is over.
///
/// The socket is a hint, and the server's record decides. No event ends a run: `executing` without a node comes after
/// success and failure alike, an `execution_error` can be a blocked branch after which the run goes on, and a prompt
/// deleted from the queue gets no event at all. An event can only give a [`Hint`] that a look at the record pays.
/// Events may come before the answer to the submit, twice, or not at all.
///
/// It does no I/O; [`ComfyUi::execute`](crate::ComfyUi::execute) is the loop around it.
#[derive(Debug)]
pub struct Run {
    prompt_id: String,
    labels: HashMap<String, NodeLabel>,
    submitted: bool,
    seen_by_server: bool,
    started: bool,
    snapshots: bool,
    previews_name_their_prompt: bool,
    ahead: Option<usize>,
    current: Option<String>,
    progress: HashMap<String, (f64, f64)>,
    finished: HashSet<String>,
    blocked: Vec<ExecutionFailure>,
    nowhere: u32,
    heard: Heard,
    ending: Option<Ending>,
}

/// What the frames told of the run's outcome.
#[derive(Debug, Default)]
struct Heard {
    start: bool,
    success: bool,
    outputs: OutputsAsTold,
}

/// Whether an event makes a look at the server's record worth while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Nothing of the kind.
    None,
    /// The queue changed while the prompt was waiting: it may have been deleted.
    QueueChanged,
    /// The prompt has ended; its record appears in a moment.
    Ending,
    /// The prompt has ended, and its record is there.
    Over,
}

impl Run {
    /// A run of `workflow` under the id that will be submitted with it.
    #[must_use]
    pub fn new(prompt_id: &str, workflow: &Workflow) -> Self {
        let labels = workflow.nodes().keys().map(|id| (id.clone(), workflow.node_label(id))).collect();
        Self {
            prompt_id: prompt_id.to_owned(),
            labels,
            submitted: false,
            seen_by_server: false,
            started: false,
            snapshots: false,
            previews_name_their_prompt: false,
            ahead: None,
            current: None,
            progress: HashMap::new(),
            finished: HashSet::new(),
            blocked: Vec::new(),
            nowhere: 0,
            heard: Heard::default(),
            ending: None,
        }
    }

    /// The prompt's id.
    #[must_use]
    pub fn prompt_id(&self) -> &str {
        &self.prompt_id
    }

    /// Whether the server is known to have the prompt: it said so, or sent an event about it.
    #[must_use]
    pub const fn is_known_to_server(&self) -> bool {
        self.submitted || self.seen_by_server
    }

    /// Whether the last look found it nowhere.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.nowhere > 0
    }

    /// How it ended, once the record told.
    #[must_use]
    pub const fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// The record of a success, made of the frames from its first to its last: for a server that has lost its own. It is
    /// whole only if no frame was missed in between, which the run cannot know.
    #[must_use]
    pub fn success_as_heard(&self) -> Option<Record> {
        let Heard { start, success, outputs } = &self.heard;
        (*start && *success).then(|| Record {
            verdict: Verdict::Succeeded,
            outputs: outputs.in_order(),
            workflow: None,
            ran: None,
        })
    }

    /// The branches that nodes have blocked so far.
    #[must_use]
    pub fn blocked_branches(&self) -> &[ExecutionFailure] {
        &self.blocked
    }

    /// The server has accepted the prompt, under `prompt_id`: servers too old to know client-chosen ids pick their own.
    pub fn submitted(&mut self, prompt_id: &str) {
        self.submitted = true;
        if self.prompt_id != prompt_id {
            prompt_id.clone_into(&mut self.prompt_id);
        }
    }

    /// Takes in an event.
    pub fn apply(&mut self, event: Event) -> (Vec<Update>, Hint) {
        let mut updates = Vec::new();
        let mut hint = Hint::None;
        if self.ending.is_some() || !self.concerns_us(&event) {
            return (updates, hint);
        }
        match event {
            Event::Status { .. } if self.submitted && !self.started => hint = Hint::QueueChanged,
            Event::FeatureFlags { supports_preview_metadata } => {
                self.previews_name_their_prompt = supports_preview_metadata;
            }
            Event::ExecutionStart { .. } => {
                self.heard.start = true;
                self.start(&mut updates);
            }
            Event::ExecutionCached { nodes, .. } => {
                self.start(&mut updates);
                let fresh: Vec<String> = nodes.into_iter().filter(|id| self.finished.insert(id.clone())).collect();
                let nodes: Vec<NodeLabel> = fresh.iter().map(|id| self.label(id)).collect();
                if !nodes.is_empty() {
                    updates.push(Update::NodesCached { nodes });
                }
            }
            Event::ProgressState { nodes, .. } => {
                self.start(&mut updates);
                self.snapshot(&nodes, &mut updates);
            }
            Event::Executing { node, .. } => {
                self.start(&mut updates);
                self.enter(&node, &mut updates);
            }
            Event::Progress { node, value, max, .. } => {
                self.start(&mut updates);
                if let Some(node) = node.or_else(|| self.current.clone()) {
                    self.advance(&node, value, max, &mut updates);
                }
            }
            Event::Executed { node, outputs, .. } => {
                self.start(&mut updates);
                self.heard.outputs.add(outputs);
                self.finish(&node, &mut updates);
            }
            Event::ExecutionError { failure, .. } if failure.is_blocked_branch() => {
                let failure = self.with_title(failure);
                if !self.blocked.contains(&failure) {
                    self.blocked.push(failure.clone());
                    updates.push(Update::BranchBlocked(failure));
                }
            }
            Event::ExecutionSuccess { .. } => {
                self.heard.success = true;
                hint = Hint::Ending;
            }
            Event::ExecutionError { .. } | Event::ExecutionInterrupted { .. } => hint = Hint::Ending,
            Event::Over { .. } => hint = Hint::Over,
            Event::Preview { node, media_type, image, .. } => {
                let node = node.or_else(|| self.current.clone()).map(|id| self.label(&id));
                updates.push(Update::Preview(Preview { node, media_type, image }));
            }
            Event::NodeText { node, text } => updates.push(Update::NodeText { node: self.label(&node), text }),
            _ => {}
        }
        (updates, hint)
    }

    /// Takes in what a look at the server showed.
    pub fn apply_sighting(&mut self, sighting: Sighting) -> Vec<Update> {
        let mut updates = Vec::new();
        if self.ending.is_some() {
            return updates;
        }
        if sighting != Sighting::Nowhere {
            self.seen_by_server = true;
            self.nowhere = 0;
        }
        match sighting {
            Sighting::Recorded(record) => {
                self.start(&mut updates);
                self.ending = Some(Ending::Recorded(Box::new(self.with_titles(*record))));
            }
            Sighting::Running => self.start(&mut updates),
            Sighting::Pending { ahead } => {
                if ahead.is_some() && ahead != self.ahead && !self.started {
                    self.ahead = ahead;
                    updates.extend(ahead.map(|ahead| Update::Queued { ahead }));
                }
            }
            // Before the server is known to have it, there is nothing it could have lost.
            Sighting::Nowhere if self.is_known_to_server() => {
                self.nowhere += 1;
                if self.nowhere >= NOWHERE_TIMES {
                    self.ending = Some(Ending::Deleted);
                }
            }
            Sighting::Nowhere => {}
        }
        updates
    }

    /// Whether an event is about this prompt. Events without a prompt id are believed only while it runs.
    fn concerns_us(&mut self, event: &Event) -> bool {
        let prompt_id = match event {
            Event::ExecutionStart { prompt_id }
            | Event::ExecutionCached { prompt_id, .. }
            | Event::ProgressState { prompt_id, .. }
            | Event::Over { prompt_id }
            | Event::Executed { prompt_id, .. }
            | Event::ExecutionSuccess { prompt_id }
            | Event::ExecutionError { prompt_id, .. }
            | Event::ExecutionInterrupted { prompt_id, .. } => Some(prompt_id),
            Event::Executing { prompt_id, .. } => match prompt_id {
                Some(prompt_id) => Some(prompt_id),
                // Sent to a socket that reconnects while its own client's prompt runs, and ours is its only one.
                None => return self.is_known_to_server(),
            },
            Event::Progress { prompt_id, node, .. } => match prompt_id {
                Some(prompt_id) => Some(prompt_id),
                None => return self.started && node.as_ref().is_none_or(|node| self.labels.contains_key(node)),
            },
            Event::Preview { prompt_id, .. } => match prompt_id {
                Some(prompt_id) => Some(prompt_id),
                // Servers that name the prompt of our previews send those of others without a name.
                None => return self.started && !self.previews_name_their_prompt,
            },
            Event::NodeText { node, .. } => return self.started && self.current.as_ref() == Some(node),
            Event::Status { .. } | Event::FeatureFlags { .. } => return true,
            Event::Other { .. } => return false,
        };
        let ours = prompt_id == Some(&self.prompt_id);
        self.seen_by_server |= ours;
        ours
    }

    fn start(&mut self, updates: &mut Vec<Update>) {
        if !self.started {
            self.started = true;
            updates.push(Update::Started);
        }
    }

    fn enter(&mut self, id: &str, updates: &mut Vec<Update>) {
        if self.current.as_deref() == Some(id) {
            return;
        }
        // Servers before 0.3.45 send no snapshots, and there a node is over when the next one begins. Later ones run
        // asynchronous nodes side by side.
        if let Some(before) = self.current.take().filter(|_| !self.snapshots) {
            self.finish(&before, updates);
        }
        if !self.finished.contains(id) {
            self.current = Some(id.to_owned());
            updates.push(Update::NodeStarted { node: self.label(id) });
        }
    }

    fn advance(&mut self, id: &str, value: f64, max: f64, updates: &mut Vec<Update>) {
        let known = value.is_finite() && max.is_finite() && max > 0.0;
        if known && !self.finished.contains(id) && self.progress.get(id) != Some(&(value, max)) {
            self.progress.insert(id.to_owned(), (value, max));
            updates.push(Update::NodeProgress { node: self.label(id), value, max });
        }
    }

    fn finish(&mut self, id: &str, updates: &mut Vec<Update>) {
        if self.finished.insert(id.to_owned()) {
            updates.push(Update::NodeFinished { node: self.label(id) });
        }
        if self.current.as_deref() == Some(id) {
            self.current = None;
        }
    }

    fn snapshot(&mut self, nodes: &[NodeProgress], updates: &mut Vec<Update>) {
        self.snapshots = true;
        for node in nodes {
            match node.state {
                NodeState::Finished => self.finish(&node.node, updates),
                // A snapshot shows 0 of 1 for every node that counts nothing; `executing` starts nodes.
                NodeState::Running if node.value > 0.0 => {
                    self.advance(&node.node, node.value, node.max, updates);
                }
                NodeState::Running | NodeState::Other => {}
            }
        }
    }

    fn label(&self, id: &str) -> NodeLabel {
        self.labels.get(id).cloned().unwrap_or_else(|| NodeLabel {
            id: id.to_owned(),
            title: None,
            class_type: String::new(),
        })
    }

    /// The server's labels know no titles.
    fn titled(&self, node: NodeLabel) -> NodeLabel {
        self.labels.get(&node.id).cloned().unwrap_or(node)
    }

    fn with_title(&self, failure: ExecutionFailure) -> ExecutionFailure {
        ExecutionFailure { node: self.titled(failure.node), ..failure }
    }

    fn with_titles(&self, record: Record) -> Record {
        let verdict = match record.verdict {
            Verdict::Failed(failure) => Verdict::Failed(self.with_title(failure)),
            Verdict::Interrupted { node } => Verdict::Interrupted { node: node.map(|node| self.titled(node)) },
            Verdict::Succeeded => Verdict::Succeeded,
        };
        Record { verdict, ..record }
    }
}
