//! What a run makes of whole sequences of frames and records. The sequences are files in `tests/data`: one JSON frame or
//! one history body a line.

use serde_json::Value;

use crate::record::RawHistory;
use crate::{Ending, Event, Hint, Record, Run, Sighting, Update, Verdict, Workflow};

const ID: &str = "11111111-2222-4333-8444-555555555555";
const WORKFLOW: &str = r#"{
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64}, "_meta": {"title": "Canvas"}},
    "2": {"class_type": "KSampler", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}, "_meta": {"title": "Result"}}
}"#;

fn workflow() -> Workflow {
    Workflow::parse(WORKFLOW).unwrap()
}

fn submitted() -> Run {
    let mut run = Run::new(ID, &workflow());
    run.submitted(ID);
    run
}

/// Plays a sequence into a run, and tells what came out: updates as words, and each hint as `?`.
fn play(run: &mut Run, sequence: &str) -> Vec<String> {
    let mut told = Vec::new();
    for line in sequence.lines().filter(|line| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).unwrap();
        if value.get("type").is_some() {
            let (updates, hint) = run.apply(Event::from_text(line).unwrap());
            told.extend(updates.iter().map(words));
            match hint {
                Hint::None => {}
                hint => told.push(format!("? {hint:?}")),
            }
        } else {
            told.extend(run.apply_sighting(sighting(line)).iter().map(words));
        }
    }
    told
}

fn sighting(history: &str) -> Sighting {
    let mut history: RawHistory = serde_json::from_str(history).unwrap();
    match history.remove(ID) {
        Some(raw) => Sighting::Recorded(Box::new(Record::from(raw))),
        None => Sighting::Running,
    }
}

fn words(update: &Update) -> String {
    match update {
        Update::Queued { ahead } => format!("queued behind {ahead}"),
        Update::Started => "started".to_owned(),
        Update::NodesCached { nodes } => {
            format!("cached {}", nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>().join(" "))
        }
        Update::NodeStarted { node } => format!("begins {}", node.id),
        Update::NodeProgress { node, value, max } => format!("{} at {value} of {max}", node.id),
        Update::NodeFinished { node } => format!("done {}", node.id),
        Update::BranchBlocked(failure) => format!("blocked at {failure}"),
        Update::Preview(preview) => {
            format!("preview {} of {:?}", preview.media_type, preview.node.as_ref().map(|n| &n.id))
        }
        Update::Polling { reason } => format!("polling: {reason}"),
        Update::NodeText { node, text } => format!("{} says {text}", node.id),
    }
}

fn verdict(run: &Run) -> &Verdict {
    match run.ending() {
        Some(Ending::Recorded(record)) => &record.verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_from_start_to_record() {
    let mut run = submitted();
    let told = play(&mut run, include_str!("../../tests/data/success.jsonl"));
    assert_eq!(
        told,
        [
            "? QueueChanged",
            "started",
            "begins 1",
            "done 1",
            "begins 2",
            "2 at 1 of 2",
            "2 at 2 of 2",
            "done 2",
            "begins 3",
            "done 3",
            "? Ending",
            "? Over",
        ]
    );
    assert_eq!(verdict(&run), &Verdict::Succeeded);
}

#[test]
fn no_event_ends_a_run() {
    for sequence in [
        include_str!("../../tests/data/success.jsonl"),
        include_str!("../../tests/data/failed.jsonl"),
        include_str!("../../tests/data/interrupted.jsonl"),
    ] {
        let mut run = submitted();
        let frames: String =
            sequence.lines().filter(|line| line.starts_with("{\"type\"")).map(|line| format!("{line}\n")).collect();
        let told = play(&mut run, &frames);
        assert!(told.ends_with(&["? Ending".to_owned(), "? Over".to_owned()]), "{told:?}");
        assert_eq!(run.ending(), None);
    }
}

#[test]
fn events_before_the_answer_to_the_submit_count() {
    let mut run = Run::new(ID, &workflow());
    assert!(!run.is_known_to_server());
    play(&mut run, include_str!("../../tests/data/success.jsonl"));
    assert!(run.is_known_to_server());
    assert_eq!(verdict(&run), &Verdict::Succeeded);
}

#[test]
fn cached_nodes_are_told_once_and_not_as_run() {
    let mut run = submitted();
    let told = play(&mut run, include_str!("../../tests/data/cached.jsonl"));
    assert_eq!(told, ["started", "cached 1 2 3", "? Ending", "? Over"]);
}

#[test]
fn a_failure_names_the_node_with_its_title() {
    let mut run = submitted();
    let told = play(&mut run, include_str!("../../tests/data/failed.jsonl"));
    assert!(!told.contains(&"done 3".to_owned()), "{told:?}");
    let Verdict::Failed(failure) = verdict(&run) else { panic!("{:?}", verdict(&run)) };
    assert_eq!(failure.to_string(), "node 3 \"Result\" (SaveImage): disk full [OSError]");
}

#[test]
fn a_success_on_paper_with_an_error_at_its_end_is_a_failure() {
    let mut run = submitted();
    play(&mut run, include_str!("../../tests/data/failed_while_staged.jsonl"));
    assert!(
        matches!(verdict(&run), Verdict::Failed(failure) if failure.exception_type == "graph.DependencyCycleError")
    );
}

#[test]
fn a_blocked_branch_is_told_and_the_run_goes_on() {
    let mut run = submitted();
    let told = play(&mut run, include_str!("../../tests/data/blocked.jsonl"));
    assert_eq!(
        told,
        [
            "started",
            "begins 1",
            "done 1",
            "begins 3",
            "blocked at node 3 \"Result\" (SaveImage): Execution Blocked: no face found",
            "? Ending",
            "? Over"
        ]
    );
    assert_eq!(verdict(&run), &Verdict::Succeeded);
    assert_eq!(run.blocked_branches().len(), 1);
}

#[test]
fn an_interruption_is_no_failure() {
    let mut run = submitted();
    play(&mut run, include_str!("../../tests/data/interrupted.jsonl"));
    assert!(matches!(verdict(&run), Verdict::Interrupted { node: Some(node) } if node.id == "2"));
}

#[test]
fn other_peoples_runs_are_ignored() {
    let foreign = include_str!("../../tests/data/success.jsonl").replace(ID, "99999999-2222-4333-8444-555555555555");
    let mut run = Run::new(ID, &workflow());
    assert_eq!(play(&mut run, foreign.lines().next().unwrap()), Vec::<String>::new());
    let frames: String = foreign
        .lines()
        .filter(|line| line.contains("prompt_id") && line.starts_with("{\"type\""))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(play(&mut run, &frames), Vec::<String>::new());
    assert!(!run.is_known_to_server());
}

#[test]
fn frames_without_a_prompt_id_count_only_while_we_run() {
    let mut run = submitted();
    let preview =
        || Event::Preview { prompt_id: None, node: None, media_type: "image/png", image: bytes::Bytes::new() };
    let text = |node: &str| Event::NodeText { node: node.to_owned(), text: "32x32".to_owned() };
    assert_eq!(run.apply(preview()).0, []);
    assert_eq!(run.apply(text("2")).0, []);
    play(&mut run, r#"{"type": "executing", "data": {"node": "2"}}"#);
    let told: Vec<String> =
        [preview(), text("2"), text("7")].into_iter().flat_map(|event| run.apply(event).0).map(|u| words(&u)).collect();
    assert_eq!(told, ["preview image/png of Some(\"2\")", "2 says 32x32"]);
    // A server that names the prompt of our previews: one without a name is somebody else's.
    play(&mut run, r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#);
    assert_eq!(run.apply(preview()).0, []);
}

#[test]
fn a_prompt_that_is_nowhere_twice_in_a_row_was_deleted() {
    let mut run = submitted();
    assert_eq!(run.apply_sighting(Sighting::Pending { ahead: Some(2) }), [Update::Queued { ahead: 2 }]);
    assert_eq!(run.apply_sighting(Sighting::Pending { ahead: Some(2) }), []);
    run.apply_sighting(Sighting::Nowhere);
    assert_eq!(run.apply_sighting(Sighting::Pending { ahead: Some(1) }), [Update::Queued { ahead: 1 }]);
    run.apply_sighting(Sighting::Nowhere);
    assert_eq!(run.ending(), None, "the look in between found it");
    run.apply_sighting(Sighting::Nowhere);
    assert_eq!(run.ending(), Some(&Ending::Deleted));
}

#[test]
fn a_prompt_not_yet_submitted_cannot_be_deleted() {
    let mut run = Run::new(ID, &workflow());
    for _ in 0..5 {
        run.apply_sighting(Sighting::Nowhere);
    }
    assert_eq!(run.ending(), None);
}

#[test]
fn the_record_alone_is_enough() {
    let history = include_str!("../../tests/data/success.jsonl").lines().last().unwrap();
    let mut run = submitted();
    assert_eq!(play(&mut run, history), ["started"]);
    assert_eq!(verdict(&run), &Verdict::Succeeded);
}

#[test]
fn after_the_end_nothing_counts() {
    let mut run = submitted();
    let sequence = include_str!("../../tests/data/success.jsonl");
    play(&mut run, sequence);
    assert_eq!(play(&mut run, sequence), Vec::<String>::new());
}

#[test]
fn a_server_that_picks_its_own_ids_is_followed_under_its_id() {
    let mut run = Run::new("mine", &workflow());
    run.submitted(ID);
    play(&mut run, include_str!("../../tests/data/success.jsonl"));
    assert_eq!(verdict(&run), &Verdict::Succeeded);
}
