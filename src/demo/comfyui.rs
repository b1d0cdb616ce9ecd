//! Pictures: a photo through image nodes, and one painted from words.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use comfyui_emulator::ComfyUiEmulator;
use dify_plugin_host::{Answer, CallEvent, CallRequest, DifyHost, FileServer, PluginProcess};
use dify_plugin_protocol::{CredentialType, InvokeTool};
use image::RgbImage;
use serde_json::{Value, json};

use super::photo::{difference, inverted, photo, png};
use super::progress::Progress;
use super::{milliseconds, report_peak, report_start};
use crate::Failure;
use crate::child::PluginName;
use crate::say::say;

/// What a gateway in front of ComfyUI asks for.
const TOKEN: &str = "demo-token";

/// Long enough to be watched.
const STEP_DELAY: Duration = Duration::from_millis(60);

const STEPS: u32 = 20;

pub(super) async fn run(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let server = ComfyUiEmulator::builder().bearer_token(TOKEN).step_delay(STEP_DELAY).start().await?;
    say!("ComfyUI: emulator at {}, plugin as a child process over its standard input and output", server.url())?;
    let plugin = PluginName::Comfyui.start(&DifyHost::builder().build()).await?;
    report_start(&plugin)?;
    process_photo(&plugin, server.url(), folder).await?;
    paint(&plugin, server.url(), folder).await?;
    report_peak(&plugin)?;
    plugin.stop().await;
    server.stop().await;
    Ok(())
}

async fn process_photo(plugin: &PluginProcess, server: &str, folder: &Path) -> Result<(), Failure> {
    let photo = photo();
    let content = png(&photo)?;
    fs::write(folder.join("photo.png"), &content)?;
    let files = FileServer::start().await?;
    let input = files.parameter_json(&files.add("photo.png", "image/png", content));
    let workflow = json!({
        "1": node("LoadImage", "Photo", json!({"image": "replaced.png"})),
        "2": node("ImageInvert", "Negative", json!({"image": ["1", 0]})),
        "3": node("SaveImage", "Save the negative", json!({"images": ["2", 0], "filename_prefix": "negative"})),
        "4": node("ImageScaleBy", "Half size", json!({"image": ["1", 0], "upscale_method": "lanczos", "scale_by": 0.5})),
        "5": node("SaveImage", "Save the small one", json!({"images": ["4", 0], "filename_prefix": "small"})),
    });
    let started = Instant::now();
    let answer = plugin.invoke_tool(call(server, &workflow, vec![input])).await?;
    say!("  photo in, {} pictures out in {}", answer.files.len(), milliseconds(started.elapsed()))?;
    let [negative, small] = pictures(&answer, folder)?
        .try_into()
        .map_err(|pictures: Vec<RgbImage>| format!("{} pictures came instead of two", pictures.len()))?;
    // ComfyUI computes in floats and truncates, which may cost one step of 255.
    match difference(&negative, &inverted(&photo)) {
        Some(0 | 1) => {}
        other => return Err(format!("the negative is not the photo's: {other:?}").into()),
    }
    let expected = (photo.width() / 2, photo.height() / 2);
    if small.dimensions() != expected {
        return Err(format!("the small picture has {:?} pixels instead of {expected:?}", small.dimensions()).into());
    }
    Ok(())
}

async fn paint(plugin: &PluginProcess, server: &str, folder: &Path) -> Result<(), Failure> {
    let text = |title, text| node("CLIPTextEncode", title, json!({"clip": ["1", 1], "text": text}));
    let sampler = json!({
        "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0], "seed": 42,
        "steps": STEPS, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
    });
    let workflow = json!({
        "1": node("CheckpointLoaderSimple", "Checkpoint", json!({"ckpt_name": "emulator.safetensors"})),
        "2": text("Positive prompt", "a lighthouse at dusk"),
        "3": text("Negative prompt", "blurry"),
        "4": node("EmptyLatentImage", "Size", json!({"width": 512, "height": 384, "batch_size": 1})),
        "5": node("KSampler", "Sampler", sampler),
        "6": node("VAEDecode", "Decode", json!({"samples": ["5", 0], "vae": ["1", 2]})),
        "7": node("SaveImage", "Save", json!({"images": ["6", 0], "filename_prefix": "painted"})),
    });
    let started = Instant::now();
    let mut progress = Progress::start()?;
    let running = plugin.start_call(CallRequest::from(call(server, &workflow, Vec::new()))).await?;
    let answer = running.answer_with(|event: &CallEvent| progress.show(event)).await?;
    let steps = progress.finish();
    say!("  text to image in {}, {steps} steps watched", milliseconds(started.elapsed()))?;
    if steps != u64::from(STEPS) {
        return Err(format!("{steps} steps were told of instead of {STEPS}").into());
    }
    match pictures(&answer, folder)?.as_slice() {
        [picture] if picture.dimensions() == (512, 384) => Ok(()),
        other => Err(format!("{} pictures came, or one of another size", other.len()).into()),
    }
}

fn node(class_type: &str, title: &str, inputs: Value) -> Value {
    json!({"class_type": class_type, "inputs": inputs, "_meta": {"title": title}})
}

fn call(server: &str, workflow: &Value, images: Vec<Value>) -> InvokeTool {
    let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
    InvokeTool {
        user_id: "demo".to_owned(),
        provider: "comfyui".to_owned(),
        tool: "workflow".to_owned(),
        credentials: fields(json!({"base_url": server, "comfyui_api_key": TOKEN})),
        credential_type: CredentialType::ApiKey,
        tool_parameters: fields(
            json!({"workflow_json": workflow.to_string(), "images": images, "randomize_seed": true}),
        ),
    }
}

/// Saves the pictures of an answer, and opens them.
fn pictures(answer: &Answer, folder: &Path) -> Result<Vec<RgbImage>, Failure> {
    let mut pictures = Vec::new();
    for file in &answer.files {
        let name = file.name.as_deref().ok_or("a picture has no name")?;
        let content = file.content.as_deref().ok_or("a picture has no bytes")?;
        if file.media_type.as_deref() != Some("image/png") {
            return Err(format!("{name} came as {:?}", file.media_type).into());
        }
        fs::write(folder.join(name), content)?;
        pictures.push(image::load_from_memory(content)?.to_rgb8());
        say!("  {} ({} bytes)", folder.join(name).display(), content.len())?;
    }
    Ok(pictures)
}
