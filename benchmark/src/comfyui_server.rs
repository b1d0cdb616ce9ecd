//! The ComfyUI emulator, the pictures that go through it, and what it says of its own time.

use std::fs::File;
use std::path::Path;

use png::{BitDepth, ColorType, Compression, Encoder};
use serde_json::{Value, json};

use crate::Failure;
use crate::emulator::Emulator;
use crate::http::Connection;

/// Width and height of the picture: noise, of which PNG makes just over 1 MB.
const SIDE: u32 = 590;

/// The server.
#[derive(Debug)]
pub(crate) struct ComfyUiServer {
    emulator: Emulator,
}

impl ComfyUiServer {
    pub(crate) fn start(oxidify: &Path, log: File) -> Result<Self, Failure> {
        Ok(Self { emulator: Emulator::start(oxidify, &["comfyui"], log)? })
    }

    pub(crate) fn credentials(&self) -> Value {
        json!({"base_url": format!("http://{}", self.emulator.address)})
    }

    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(&self.emulator.address)
    }

    /// Milliseconds that the server spent on its newest prompt.
    pub(crate) fn last_execution(connection: &mut Connection) -> Result<f64, Failure> {
        let history: Value = serde_json::from_slice(&connection.get("/history?max_items=1")?)?;
        let entry = history.as_object().and_then(|history| history.values().next_back()).ok_or("nothing has run")?;
        let messages = entry["status"]["messages"].as_array().ok_or("the history has no messages")?;
        let at = |event: &str| {
            let message = messages.iter().find(|message| message[0] == event);
            message.and_then(|message| message[1]["timestamp"].as_f64()).ok_or(format!("the run has no {event}"))
        };
        Ok(at("execution_success")? - at("execution_start")?)
    }
}

/// A picture in, its negative out. Another `number` makes another workflow, which the server has no result of.
pub(crate) fn negative(number: usize) -> Value {
    json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "replaced.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": format!("bench-{number}")}},
    })
}

/// Nodes in a row, which the server goes through recursively and so bounds.
const ROW: u32 = 100;

/// A small picture through rows of nodes.
pub(crate) fn chain(nodes: u32, number: usize) -> Value {
    let mut workflow = serde_json::Map::new();
    let colour = json!({"width": 8, "height": 8, "batch_size": 1, "color": number});
    workflow.insert("1".to_owned(), json!({"class_type": "EmptyImage", "inputs": colour}));
    for id in 2..=nodes {
        let place = (id - 2) % ROW;
        let from = if place == 0 { 1 } else { id - 1 };
        let node = if place == ROW - 1 || id == nodes {
            json!({"class_type": "SaveImage", "inputs": {"images": [from.to_string(), 0], "filename_prefix": "chain"}})
        } else {
            json!({"class_type": "ImageInvert", "inputs": {"image": [from.to_string(), 0]}})
        };
        workflow.insert(id.to_string(), node);
    }
    workflow.into()
}

/// Noise from a fixed seed.
pub(crate) fn picture() -> Result<Vec<u8>, Failure> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = (0..SIDE * SIDE * 3)
        .map(|_| {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, SIDE, SIDE);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.write_header()?.write_image_data(&noise)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_megabyte() {
        let length = picture().unwrap().len();
        assert!((1_000_000..1_100_000).contains(&length), "{length}");
    }

    #[test]
    fn a_chain_has_as_many_nodes_as_asked_for() {
        assert_eq!(chain(100, 1).as_object().unwrap().len(), 100);
        assert_eq!(chain(100, 1)["100"]["inputs"]["images"], json!(["99", 0]));
    }
}
