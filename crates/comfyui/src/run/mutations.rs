//! The run on every conversation with something wrong with it: each prefix of it, each frame dropped, doubled and swapped
//! with its neighbour, and frames in any order at all. The verdict is the record's whatever happens, no frame ends the
//! run, and nothing is told twice.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use super::recorded::{frame, records, transcripts};
use crate::record::RawHistory;
use crate::{Ending, Event, Hint, Record, Run, Sighting, Update, Workflow};

const ID: &str = "11111111-2222-4333-8444-555555555555";
/// Conversations of recorded servers can be long; what is behind this many frames is more of the same.
const MAX_FRAMES: usize = 150;

/// The frames of one prompt, and its record.
struct Conversation {
    name: String,
    id: String,
    frames: Vec<Event>,
    record: Record,
}

fn own_conversations() -> Vec<Conversation> {
    let texts = [
        ("blocked", include_str!("../../tests/data/blocked.jsonl")),
        ("cached", include_str!("../../tests/data/cached.jsonl")),
        ("failed", include_str!("../../tests/data/failed.jsonl")),
        ("failed while staged", include_str!("../../tests/data/failed_while_staged.jsonl")),
        ("interrupted", include_str!("../../tests/data/interrupted.jsonl")),
        ("success", include_str!("../../tests/data/success.jsonl")),
    ];
    let read = |(name, text): (&str, &str)| {
        let (frames, histories): (Vec<&str>, Vec<&str>) =
            text.lines().filter(|line| !line.trim().is_empty()).partition(|line| line.starts_with("{\"type\""));
        // Early in a sequence the record may still be missing.
        let mut found = histories.iter().filter_map(|history| {
            let mut history: RawHistory = serde_json::from_str(history).unwrap();
            history.remove(ID)
        });
        let record = found.next_back().unwrap().into();
        let frames = frames.into_iter().map(|frame| Event::from_text(frame).unwrap()).collect();
        Conversation { name: name.to_owned(), id: ID.to_owned(), frames, record }
    };
    texts.into_iter().map(read).collect()
}

fn recorded_conversations() -> Vec<Conversation> {
    let mut conversations = Vec::new();
    for (name, text) in transcripts() {
        for (id, record) in records(&text) {
            let events =
                text.lines().filter_map(frame).filter(|json| json.contains(&id) || !json.contains("prompt_id"));
            let frames: Vec<Event> = events.filter_map(|json| Event::from_text(json).ok()).take(MAX_FRAMES).collect();
            conversations.push(Conversation { name: format!("{name} {id}"), id, frames, record });
        }
    }
    conversations
}

fn workflow() -> Workflow {
    Workflow::parse(r#"{"1": {"class_type": "A"}, "2": {"class_type": "B"}, "3": {"class_type": "C"}}"#).unwrap()
}

/// Plays frames into a run that the server has accepted.
fn played(conversation: &Conversation, frames: &[&Event]) -> (Run, Vec<Update>, Vec<Hint>) {
    let mut run = Run::new(&conversation.id, &workflow());
    run.submitted(&conversation.id);
    let (mut updates, mut hints) = (Vec::new(), Vec::new());
    for frame in frames {
        let (told, hint) = run.apply((*frame).clone());
        updates.extend(told);
        hints.push(hint);
    }
    (run, updates, hints)
}

fn check(conversation: &Conversation, frames: &[&Event], what: &str) {
    let name = &conversation.name;
    let (mut run, updates, hints) = played(conversation, frames);
    assert_eq!(run.ending(), None, "{name}, {what}: a frame ended it");
    let is_over = |frame: &&&Event| matches!(frame, Event::Over { prompt_id } if *prompt_id == conversation.id);
    let overs = frames.iter().filter(is_over).count();
    let hinted = hints.iter().filter(|hint| **hint == Hint::Over).count();
    assert_eq!(overs, hinted, "{name}, {what}: each end calls for a look");
    nothing_is_told_twice(&updates, &format!("{name}, {what}"));

    // The looks that follow decide: a record, or its absence.
    run.apply_sighting(Sighting::Running);
    run.apply_sighting(Sighting::Nowhere);
    assert_eq!(run.ending(), None, "{name}, {what}");
    run.apply_sighting(Sighting::Recorded(Box::new(conversation.record.clone())));
    let Some(Ending::Recorded(record)) = run.ending() else { panic!("{name}, {what}: {:?}", run.ending()) };
    let (mut calm, ..) = played(conversation, &[]);
    calm.apply_sighting(Sighting::Recorded(Box::new(conversation.record.clone())));
    assert_eq!(calm.ending(), Some(&Ending::Recorded(record.clone())), "{name}, {what}: the verdict is the record's");

    let (mut lost, ..) = played(conversation, frames);
    lost.apply_sighting(Sighting::Nowhere);
    lost.apply_sighting(Sighting::Nowhere);
    assert_eq!(lost.ending(), Some(&Ending::Deleted), "{name}, {what}: it would wait for ever");
}

fn nothing_is_told_twice(updates: &[Update], what: &str) {
    let mut started = 0;
    let mut finished: HashMap<&str, u32> = HashMap::new();
    for update in updates {
        match update {
            Update::Started => started += 1,
            Update::NodeFinished { node } => *finished.entry(&node.id).or_default() += 1,
            Update::NodeStarted { node } | Update::NodeProgress { node, .. } => {
                assert!(!finished.contains_key(node.id.as_str()), "{what}: {node} goes on after its end");
            }
            _ => {}
        }
    }
    assert!(started <= 1 && finished.values().all(|times| *times == 1), "{what}: {updates:?}");
}

fn check_all_mutations(conversation: &Conversation) -> usize {
    let frames: Vec<&Event> = conversation.frames.iter().collect();
    let mut checked = 0;
    let mut check = |frames: &[&Event], what: String| {
        check(conversation, frames, &what);
        checked += 1;
    };
    for at in 0..=frames.len() {
        check(&frames[..at], format!("cut off after {at}"));
    }
    for at in 0..frames.len() {
        let mut dropped = frames.clone();
        dropped.remove(at);
        check(&dropped, format!("without frame {at}"));
        let mut doubled = frames.clone();
        doubled.insert(at, frames[at]);
        check(&doubled, format!("frame {at} doubled"));
        if at + 1 < frames.len() {
            let mut swapped = frames.clone();
            swapped.swap(at, at + 1);
            check(&swapped, format!("frames {at} and {} swapped", at + 1));
        }
    }
    checked
}

#[test]
fn every_mutation_of_our_own_conversations_gives_the_records_verdict() {
    let checked: usize = own_conversations().iter().map(check_all_mutations).sum();
    assert!(checked > 200, "{checked}");
}

#[test]
fn every_mutation_of_the_recorded_conversations_gives_the_records_verdict() {
    let conversations = recorded_conversations();
    if conversations.is_empty() {
        eprintln!("skipped: ../shared is not here");
        return;
    }
    let checked: usize = conversations.iter().map(check_all_mutations).sum();
    eprintln!("{checked} mutations of {} conversations", conversations.len());
    assert!(conversations.len() >= 20 && checked > 2000, "{checked} of {}", conversations.len());
}

proptest! {
    /// Any frames of a conversation, in any order, any number of times.
    #[test]
    fn frames_in_any_order_give_the_records_verdict(picks in vec(any::<usize>(), 0..60)) {
        for conversation in own_conversations() {
            let count = conversation.frames.len();
            let frames: Vec<&Event> = picks.iter().map(|pick| &conversation.frames[pick % count]).collect();
            check(&conversation, &frames, "in another order");
        }
    }
}
