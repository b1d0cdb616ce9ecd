//! The queue, what runs and what has run: ComfyUI's `PromptQueue` (its `execution.py`). One mutex
//! holds all three, so that nobody ever sees a prompt in none or in two of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use serde_json::{Map, Number, Value, json};

use crate::events::EventHub;
use crate::history::{History, HistoryEntry};
use crate::lock::lock;

/// The most prompts that may wait. ComfyUI has no bound.
const MAX_PENDING: usize = 10_000;

/// What decides who runs next; the lowest first. ComfyUI writes whole numbers and floats
/// differently, so the text stays what it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromptNumber(pub(crate) Number);

impl PromptNumber {
    fn value(&self) -> f64 {
        self.0.as_f64().unwrap_or_default()
    }
}

/// A prompt that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct QueueItem {
    pub(crate) number: PromptNumber,
    pub(crate) prompt_id: String,
    pub(crate) prompt: Map<String, Value>,
    pub(crate) extra_data: Map<String, Value>,
    pub(crate) outputs: Vec<String>,
}

impl QueueItem {
    /// As `/queue` and `/history` show it.
    pub(crate) fn to_json(&self) -> Value {
        json!([self.number.0, self.prompt_id, self.prompt, self.extra_data, self.outputs])
    }

    fn runs_before(&self, other: &Self) -> bool {
        let (own, others) = (self.number.value(), other.number.value());
        own < others || (own == others && self.prompt_id < other.prompt_id)
    }
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

#[derive(Debug, Default)]
struct State {
    heap: Vec<Arc<QueueItem>>,
    running: Option<Arc<QueueItem>>,
    history: History,
    closed: bool,
}

impl State {
    fn remaining(&self) -> usize {
        self.heap.len() + usize::from(self.running.is_some())
    }
}

/// The queue of one server.
#[derive(Debug)]
pub(crate) struct PromptQueue {
    state: Mutex<State>,
    changed: Condvar,
    interrupted: AtomicBool,
    events: Arc<EventHub>,
}

impl PromptQueue {
    pub(crate) fn new(events: Arc<EventHub>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), interrupted: AtomicBool::new(false), events }
    }

    /// Takes a prompt in.
    pub(crate) fn put(&self, item: QueueItem) -> Result<(), QueueFull> {
        let mut state = lock(&self.state);
        if state.heap.len() >= MAX_PENDING {
            return Err(QueueFull);
        }
        push(&mut state.heap, Arc::new(item));
        self.events.send_status(state.remaining());
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for the next prompt to run; `None` once the queue is closed.
    pub(crate) fn take(&self) -> Option<Arc<QueueItem>> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return None;
            }
            if let Some(item) = pop(&mut state.heap) {
                state.running = Some(Arc::clone(&item));
                self.events.send_status(state.remaining());
                return Some(item);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The running prompt is over: it leaves the queue and enters the history in one step.
    pub(crate) fn finish(&self, entry: HistoryEntry) {
        let mut state = lock(&self.state);
        state.running = None;
        state.history.insert(entry);
        self.events.send_status(state.remaining());
    }

    /// Ends [`PromptQueue::take`] and every pause of the worker.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.interrupt();
        self.changed.notify_all();
    }

    /// Sleeps on the worker thread; a closing server wakes it.
    pub(crate) fn pause(&self, duration: std::time::Duration) {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, duration, |state| !state.closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many prompts wait or run.
    pub(crate) fn remaining(&self) -> usize {
        lock(&self.state).remaining()
    }

    /// What runs, and what waits in the order of the heap.
    pub(crate) fn snapshot(&self) -> (Option<Arc<QueueItem>>, Vec<Arc<QueueItem>>) {
        let state = lock(&self.state);
        (state.running.clone(), state.heap.clone())
    }

    /// Works on the history while nothing else changes.
    pub(crate) fn with_history<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut lock(&self.state).history)
    }

    /// Forgets what waits.
    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        state.heap.clear();
        self.events.send_status(state.remaining());
    }

    /// Forgets one waiting prompt; whether there was one.
    pub(crate) fn delete(&self, prompt_id: &Value) -> bool {
        let mut state = lock(&self.state);
        let position = state.heap.iter().position(|item| *prompt_id == item.prompt_id.as_str());
        let Some(position) = position else { return false };
        state.heap.remove(position);
        heapify(&mut state.heap);
        if state.heap.is_empty() {
            // The real server clears the queue for its last prompt and tells so twice.
            self.events.send_status(state.remaining());
        }
        self.events.send_status(state.remaining());
        true
    }

    /// Asks whatever runs to stop; it is noticed at the next node or progress tick.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
    }

    /// Asks this prompt to stop if it is the one that runs; whether it was.
    pub(crate) fn interrupt_if_running(&self, prompt_id: &Value) -> bool {
        let state = lock(&self.state);
        let runs = state.running.as_ref().is_some_and(|item| *prompt_id == item.prompt_id.as_str());
        if runs {
            self.interrupt();
        }
        runs
    }

    /// Forgets an interrupt that came too late for the prompt before.
    pub(crate) fn clear_interrupt(&self) {
        if !lock(&self.state).closed {
            self.interrupted.store(false, Ordering::SeqCst);
        }
    }

    /// Whether to stop now; the question takes the answer back.
    pub(crate) fn take_interrupt(&self) -> bool {
        let interrupted = self.interrupted.swap(false, Ordering::SeqCst);
        if interrupted && lock(&self.state).closed {
            self.interrupt();
        }
        interrupted
    }

    /// Whether the server is stopping.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }
}

// Python's `heapq`, step by step, because `/queue` shows the heap as it lies.

fn push(heap: &mut Vec<Arc<QueueItem>>, item: Arc<QueueItem>) {
    heap.push(item);
    let last = heap.len() - 1;
    move_up(heap, 0, last);
}

fn pop(heap: &mut Vec<Arc<QueueItem>>) -> Option<Arc<QueueItem>> {
    let last = heap.pop()?;
    let Some(first) = heap.first_mut() else { return Some(last) };
    let lowest = std::mem::replace(first, last);
    move_down(heap, 0);
    Some(lowest)
}

fn heapify(heap: &mut [Arc<QueueItem>]) {
    for position in (0..heap.len() / 2).rev() {
        move_down(heap, position);
    }
}

fn before(heap: &[Arc<QueueItem>], left: usize, right: usize) -> bool {
    match (heap.get(left), heap.get(right)) {
        (Some(left), Some(right)) => left.runs_before(right),
        _ => false,
    }
}

fn move_up(heap: &mut [Arc<QueueItem>], start: usize, mut position: usize) {
    while position > start {
        let parent = (position - 1) / 2;
        if !before(heap, position, parent) {
            break;
        }
        heap.swap(position, parent);
        position = parent;
    }
}

/// First down to a leaf along the smaller children, then up again to where it belongs.
fn move_down(heap: &mut [Arc<QueueItem>], start: usize) {
    let mut position = start;
    loop {
        let left = 2 * position + 1;
        if left >= heap.len() {
            break;
        }
        let right = left + 1;
        let child = if right < heap.len() && !before(heap, left, right) { right } else { left };
        heap.swap(position, child);
        position = child;
    }
    move_up(heap, start, position);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Number, json};

    use super::{PromptNumber, PromptQueue, QueueItem};
    use crate::events::EventHub;

    fn item(number: f64) -> QueueItem {
        QueueItem {
            number: PromptNumber(Number::from_f64(number).unwrap()),
            prompt_id: format!("{number}"),
            prompt: Map::new(),
            extra_data: Map::new(),
            outputs: Vec::new(),
        }
    }

    fn queue() -> PromptQueue {
        PromptQueue::new(Arc::new(EventHub::new().0))
    }

    /// The order in which a real server showed these numbers after the same submissions.
    #[test]
    fn the_heap_lies_as_on_the_real_server() {
        let queue = queue();
        for number in [124.0, 125.0, 126.0, 127.0, -128.0, -129.0, 1.5] {
            queue.put(item(number)).unwrap();
        }
        let numbers: Vec<f64> = queue.snapshot().1.iter().map(|item| item.number.value()).collect();
        assert_eq!(numbers, [-129.0, 124.0, -128.0, 127.0, 125.0, 126.0, 1.5]);
    }

    #[test]
    fn the_lowest_number_runs_first() {
        let queue = queue();
        for number in [5.0, 3.0, 4.0, -1.0, 9.0, 0.5] {
            queue.put(item(number)).unwrap();
        }
        assert!(queue.delete(&json!("4")));
        assert!(!queue.delete(&json!("4")));
        let order: Vec<f64> = (0..5).map(|_| queue.take().unwrap().number.value()).collect();
        assert_eq!(order, [-1.0, 0.5, 3.0, 5.0, 9.0]);
        queue.close();
        assert!(queue.take().is_none());
    }

    #[test]
    fn an_interrupt_is_taken_once() {
        let queue = queue();
        queue.put(item(1.0)).unwrap();
        assert!(!queue.interrupt_if_running(&json!("1")));
        queue.take().unwrap();
        assert!(queue.interrupt_if_running(&json!("1")));
        assert!(queue.take_interrupt());
        assert!(!queue.take_interrupt());
    }
}
