use comfyui::{CarriedWorkflowReader, Carrier, Workflow};
use serde_json::Value;

use crate::files::{FILES, file, read};

#[test]
fn every_file_carries_both_texts_whatever_pieces_it_comes_in() {
    for name in FILES {
        let bytes = file(name);
        let whole = read(&bytes, usize::MAX).unwrap_or_else(|error| panic!("{name}: {error}"));
        let prompt = whole.prompt.as_deref().unwrap_or_else(|| panic!("{name}: no prompt"));
        let run: Value = serde_json::from_str(prompt).unwrap();
        let saver = run["2"]["class_type"].as_str().unwrap();
        assert!(Workflow::parse(prompt).is_ok(), "{name}");
        let workflow = whole.workflow.as_deref().unwrap_or_else(|| panic!("{name}: no workflow"));
        let drawn: Value = serde_json::from_str(workflow).unwrap();
        assert_eq!(drawn["nodes"][1]["title"], "Saved é 保存 \"quoted\"", "{name} {saver}");
        for piece in [1, 7, 4096, 5000] {
            assert_eq!(read(&bytes, piece).as_ref(), Ok(&whole), "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn files_are_known_by_what_is_in_them() {
    let carrier = |name| read(&file(name), 100).unwrap().carrier;
    assert_eq!(carrier("picture.png"), Carrier::Png);
    assert_eq!(carrier("animated.webp"), Carrier::Webp);
    assert_eq!(carrier("picture.exr"), Carrier::Exr);
    assert_eq!(carrier("drawing.svg"), Carrier::Svg);
    assert_eq!(carrier("sound.flac"), Carrier::Flac);
    assert_eq!(carrier("sound.opus"), Carrier::Ogg);
    assert_eq!(carrier("sound.mp3"), Carrier::Mp3);
    assert_eq!(carrier("film.mp4"), Carrier::Mp4);
    assert_eq!(carrier("film.webm"), Carrier::Matroska);
    assert_eq!(carrier("model.glb"), Carrier::Glb);
    assert_eq!(carrier("latent.latent"), Carrier::Safetensors);
}

#[test]
fn reading_stops_before_the_pixels() {
    let mut sound = file("sound.flac");
    sound.resize(1 << 20, 0);
    let mut reader = CarriedWorkflowReader::new();
    let pieces = sound.chunks(4096).take_while(|piece| !reader.push(piece).unwrap()).count();
    assert_eq!(pieces, 0, "4 KiB hold the comments");
    assert!(reader.finish().is_ok());
}
