//! The one thread that runs prompts, one at a time: ComfyUI's `prompt_worker` (its `main.py`) and
//! `PromptExecutor` (its `execution.py`).

use std::sync::Arc;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

use crate::application::Application;
use crate::cache::{CachedResult, CachedUi, ResultCache, as_link};
use crate::clock::milliseconds;
use crate::definition::Schema;
use crate::events::Target;
use crate::execution::Execution;
use crate::execution_order::ExecutionOrder;
use crate::history::HistoryEntry;
use crate::node::{Files, Inputs, NodeError, NodeOutput, NodeValue};
use crate::progress::ProgressBoard;
use crate::python;
use crate::queue::QueueItem;
use crate::validation::inputs::slot_position;

/// How long a dead worker looks away before it asks whether the server stops.
const WEDGED_PAUSE: Duration = Duration::from_secs(3600);

/// Runs prompts until the queue is closed.
pub(crate) fn run(application: &Application) {
    let mut cache = ResultCache::default();
    while let Some(item) = application.queue.take() {
        if application.take_free_memory() {
            cache.clear();
        }
        let run = PromptRun::new(application, item);
        if run.kills_the_worker() {
            run.wedge();
            return;
        }
        run.finish(&mut cache);
    }
}

struct PromptRun<'a> {
    application: &'a Application,
    item: Arc<QueueItem>,
    target: Target,
    progress: ProgressBoard,
    messages: Vec<Value>,
    executed: IndexSet<String>,
    shown: IndexMap<String, CachedUi>,
}

/// How a node ended, if not well.
enum Failure {
    Interrupted,
    Error { exception_type: String, message: String, current_inputs: Value },
}

impl<'a> PromptRun<'a> {
    fn new(application: &'a Application, item: Arc<QueueItem>) -> Self {
        let target = Target::of_prompt(item.extra_data.get("client_id"));
        let progress = ProgressBoard::new(&item.prompt_id);
        Self {
            application,
            item,
            target,
            progress,
            messages: Vec::new(),
            executed: IndexSet::new(),
            shown: IndexMap::new(),
        }
    }

    /// A node without `inputs` that no output needs passes the checks of the real server and ends
    /// its worker thread with a `KeyError`.
    fn kills_the_worker(&self) -> bool {
        self.item.prompt.values().any(|node| !node.get("inputs").is_some_and(Value::is_object))
    }

    fn wedge(mut self) {
        self.begin();
        tracing::warn!(
            prompt_id = self.item.prompt_id,
            "a node has no inputs: the worker stops for ever, as ComfyUI's does"
        );
        while !self.application.queue.is_closed() {
            self.application.queue.pause(WEDGED_PAUSE);
        }
    }

    fn begin(&mut self) {
        self.application.queue.clear_interrupt();
        self.application.events.set_running_client(&self.target);
        self.message("execution_start", json!({"prompt_id": self.item.prompt_id}), false);
    }

    fn finish(mut self, cache: &mut ResultCache) {
        self.begin();
        let success = self.run_nodes(cache);
        self.application.events.set_running_node(None);
        let (outputs, meta) =
            self.shown.iter().map(|(id, ui)| ((id.clone(), ui.output.clone()), (id.clone(), ui.meta.clone()))).unzip();
        self.application.queue.finish(HistoryEntry {
            item: Arc::clone(&self.item),
            outputs,
            meta,
            success,
            messages: std::mem::take(&mut self.messages),
        });
        self.to_client("executing", json!({"node": null, "prompt_id": self.item.prompt_id}));
    }

    /// Runs everything that is not cached; whether all went well.
    fn run_nodes(&mut self, cache: &mut ResultCache) -> bool {
        let application = self.application;
        let mut prompt = self.item.prompt.clone();
        cache.start(&mut prompt, &application.registry, application.files());
        let cached: Vec<&String> = prompt.keys().filter(|id| cache.contains(id)).collect();
        let data = json!({"nodes": cached, "prompt_id": self.item.prompt_id});
        self.message("execution_cached", data, false);

        let is_output = |id: &str| {
            let class_type = class_of(&prompt, id);
            application
                .registry
                .definition(class_type, &application.files())
                .is_some_and(|definition| definition.output_node)
        };
        let mut order = ExecutionOrder::new(&self.item.outputs, &prompt, &|id| cache.contains(id), &is_output);
        while let Some(node_id) = order.next() {
            if let Some(result) = cache.get(&node_id) {
                self.resend(&node_id, result.ui.clone());
            } else if let Err(failure) = self.run_node(&node_id, &prompt, cache) {
                self.report(&node_id, &prompt, failure);
                return false;
            }
            order.complete(&node_id);
        }
        self.message("execution_success", json!({"prompt_id": self.item.prompt_id}), false);
        true
    }

    /// A cached output tells again what it told when it ran.
    fn resend(&mut self, node_id: &str, ui: Option<CachedUi>) {
        let output = ui.as_ref().map_or(Value::Null, |ui| ui.output.clone());
        if let Some(ui) = ui {
            self.shown.insert(node_id.to_owned(), ui);
        }
        self.send_executed(node_id, &output);
        self.progress.finish(node_id);
        self.send_progress();
    }

    fn run_node(&mut self, node_id: &str, prompt: &Map<String, Value>, cache: &mut ResultCache) -> Result<(), Failure> {
        self.progress.start(node_id);
        self.send_progress();
        let class_type = class_of(prompt, node_id);
        let inputs = resolve_inputs(node_id, prompt, cache, self.application);
        if self.target != Target::Everyone {
            self.application.events.set_running_node(Some(node_id));
            self.to_client(
                "executing",
                json!({
                    "node": node_id,
                    "display_node": node_id,
                    "prompt_id": self.item.prompt_id,
                }),
            );
        }
        if self.application.queue.take_interrupt() {
            return Err(Failure::Interrupted);
        }
        self.application.queue.pause(self.application.settings.node_delay);
        let output = self.execute(node_id, class_type, prompt, &inputs).map_err(|error| match error {
            NodeError::Interrupted => Failure::Interrupted,
            NodeError::Failed { exception_type, message } => Failure::Error {
                exception_type,
                message,
                current_inputs: self.current_inputs(class_type, prompt, &inputs),
            },
        })?;
        let ui = (!output.ui.is_empty()).then(|| CachedUi {
            output: Value::Object(output.ui),
            meta: json!({
                "node_id": node_id,
                "display_node": node_id,
                "parent_node": null,
                "real_node_id": node_id,
            }),
        });
        if let Some(ui) = &ui {
            self.shown.insert(node_id.to_owned(), ui.clone());
            self.send_executed(node_id, &ui.output);
        }
        cache.insert(node_id, CachedResult { values: output.values, ui });
        self.progress.finish(node_id);
        self.send_progress();
        self.executed.insert(node_id.to_owned());
        Ok(())
    }

    fn execute(
        &mut self,
        node_id: &str,
        class_type: &str,
        prompt: &Map<String, Value>,
        inputs: &Inputs,
    ) -> Result<NodeOutput, NodeError> {
        let Some(node) = self.application.registry.get(class_type) else {
            return Err(NodeError::failed("KeyError", format!("'{class_type}'")));
        };
        let mut execution = Execution {
            application: self.application,
            node_id,
            prompt_id: &self.item.prompt_id,
            prompt,
            extra_data: &self.item.extra_data,
            target: &self.target,
            progress: &mut self.progress,
        };
        node.execute(inputs, &mut execution)
    }

    /// The inputs of a node that failed, and what older nodes get from the server besides.
    fn current_inputs(&self, class_type: &str, prompt: &Map<String, Value>, inputs: &Inputs) -> Value {
        let mut shown: Map<String, Value> =
            inputs.0.iter().map(|(name, value)| (name.clone(), json!([value.to_error_value()]))).collect();
        let definition = self.application.registry.definition(class_type, &self.application.files());
        for (name, kind) in definition
            .filter(|definition| definition.schema == Schema::V1)
            .into_iter()
            .flat_map(|definition| definition.hidden)
        {
            let value = match kind {
                "PROMPT" => json!(python::repr(&Value::Object(prompt.clone()))),
                "EXTRA_PNGINFO" => match self.item.extra_data.get("extra_pnginfo") {
                    None | Some(Value::Null) => Value::Null,
                    Some(info) => json!(python::to_str(info)),
                },
                _ => continue,
            };
            shown.insert(name.to_owned(), json!([value]));
        }
        Value::Object(shown)
    }

    fn report(&mut self, node_id: &str, prompt: &Map<String, Value>, failure: Failure) {
        let class_type = class_of(prompt, node_id);
        match failure {
            Failure::Interrupted => {
                let data = json!({
                    "prompt_id": self.item.prompt_id,
                    "node_id": node_id,
                    "node_type": class_type,
                    "executed": self.executed,
                });
                self.message("execution_interrupted", data, true);
            }
            Failure::Error { exception_type, message, current_inputs } => {
                let data = json!({
                    "prompt_id": self.item.prompt_id,
                    "node_id": node_id,
                    "node_type": class_type,
                    "executed": self.executed,
                    "exception_message": format!("{message}\n"),
                    "exception_type": exception_type,
                    "traceback": [format!("  File \"comfyui-emulator\", in node {node_id}\n")],
                    "current_inputs": current_inputs,
                    "current_outputs": prompt.keys().collect::<Vec<_>>(),
                });
                self.message("execution_error", data, false);
            }
        }
    }

    /// Sends a message and keeps it for the history. Without a client it goes to nobody, or to
    /// everyone if it may.
    fn message(&mut self, event: &str, mut data: Value, to_everyone: bool) {
        if let Some(data) = data.as_object_mut() {
            data.insert("timestamp".to_owned(), Value::from(milliseconds()));
        }
        if to_everyone || self.target != Target::Everyone {
            self.application.events.send(event, &data, self.target.clone());
        }
        self.messages.push(json!([event, data]));
    }

    fn to_client(&self, event: &str, data: Value) {
        if self.target != Target::Everyone {
            self.application.events.send(event, &data, self.target.clone());
        }
    }

    fn send_executed(&self, node_id: &str, output: &Value) {
        self.to_client(
            "executed",
            json!({
                "node": node_id,
                "display_node": node_id,
                "output": output,
                "prompt_id": self.item.prompt_id,
            }),
        );
    }

    fn send_progress(&self) {
        self.application.events.send_progress_state(&self.progress.snapshot(), self.target.clone());
    }
}

fn class_of<'p>(prompt: &'p Map<String, Value>, node_id: &str) -> &'p str {
    prompt.get(node_id).and_then(|node| node.get("class_type")).and_then(Value::as_str).unwrap_or_default()
}

/// The values of a node's inputs: of links the results of their nodes, of the rest the literals
/// as validation has left them. Inputs that the class does not know are left out.
fn resolve_inputs(
    node_id: &str,
    prompt: &Map<String, Value>,
    cache: &ResultCache,
    application: &Application,
) -> Inputs {
    let mut inputs = Inputs::default();
    let files: Files<'_> = application.files();
    let class_type = class_of(prompt, node_id);
    let Some(definition) = application.registry.definition(class_type, &files) else {
        return inputs;
    };
    let given = prompt.get(node_id).and_then(|node| node.get("inputs")).and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let Some(input) = definition.input_named(name) else { continue };
        let resolved = match as_link(value) {
            Some((source, slot)) => cache.get(source).and_then(|result| {
                let index = slot.as_i64().or_else(|| slot.as_bool().map(i64::from))?;
                let position = slot_position(index, result.values.len())?;
                result.values.get(position).cloned()
            }),
            None => Some(literal(value)),
        };
        if let Some(resolved) = resolved {
            inputs.0.insert(input.name.to_owned(), resolved);
        }
    }
    inputs
}

fn literal(value: &Value) -> NodeValue {
    match value {
        Value::Bool(value) => NodeValue::Boolean(*value),
        Value::String(text) => NodeValue::Text(text.clone()),
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            whole.map_or_else(|| NodeValue::Float(number.as_f64().unwrap_or_default()), NodeValue::Int)
        }
        other => NodeValue::Json(other.clone()),
    }
}
