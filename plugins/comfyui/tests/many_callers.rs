//! A hundred runs on one server, from twenty callers at once: each gets its own files.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use std::collections::HashSet;

use futures_util::future::join_all;
use on_emulator::{OnEmulator, colour, save, summary};
use pictures::pixels;
use serde_json::json;

const CALLERS: u32 = 20;
const RUNS: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_gets_its_own_files() {
    let on = OnEmulator::start().await;
    let caller = async |caller: u32| {
        let mut prompt_ids = Vec::new();
        for run in 0..RUNS {
            let rgb = [u8::try_from(caller).unwrap(), u8::try_from(run).unwrap(), 77];
            let number = u32::from_be_bytes([0, rgb[0], rgb[1], rgb[2]]);
            // One of three ways to fail and be followed otherwise, now and then.
            match caller * RUNS + run {
                seventh if seventh % 7 == 0 => on.comfyui.faults().cut_websocket_after(u64::from(seventh % 9)),
                ninth if ninth % 9 == 0 => on.comfyui.faults().lose_submit_answer(),
                _ => {}
            }
            let answer = on.run(&json!({"1": colour(number), "2": save("1")}), json!({})).await.unwrap();
            let [file] = &answer.files[..] else { panic!("{answer:?}") };
            assert_eq!(pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0, rgb);
            prompt_ids.push(summary(&answer)["prompt_id"].as_str().unwrap().to_owned());
        }
        prompt_ids
    };
    let prompt_ids: HashSet<String> = join_all((0..CALLERS).map(caller)).await.into_iter().flatten().collect();
    let expected = usize::try_from(CALLERS * RUNS).unwrap();
    assert_eq!((prompt_ids.len(), on.comfyui.output_names().len()), (expected, expected), "each ran once");
    on.assert_well_behaved();
}
