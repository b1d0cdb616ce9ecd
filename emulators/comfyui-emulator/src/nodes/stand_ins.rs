//! Nodes that would need a model. They look and behave like ComfyUI's, step by step, but what
//! they paint is arithmetic: the same inputs always give the same picture.

mod painting;

use std::sync::Arc;

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::frames::{Preview, PreviewFormat};
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};
use painting::Painting;

/// How many pixels a latent pixel stands for, in each direction.
const LATENT_SCALE: usize = 8;

/// The longer side of a preview in pixels, as ComfyUI sends it.
const PREVIEW_SIDE: u32 = 512;

pub(super) struct CheckpointLoaderSimple;

impl Node for CheckpointLoaderSimple {
    fn definition(&self, files: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("CheckpointLoaderSimple", "Load Checkpoint", Schema::V1)
            .category("model/loaders")
            .description("Emulator stand-in: loads nothing; only the name counts.")
            .search_aliases(&["load model", "checkpoint", "model loader", "load checkpoint", "ckpt", "model"])
            .input(InputDefinition::choice("ckpt_name", files.0.models.in_folder("checkpoints")))
            .output("MODEL")
            .output("CLIP")
            .output("VAE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let name: Arc<str> = inputs.text("ckpt_name")?.into();
        let handle = NodeValue::Handle(name);
        Ok(NodeOutput::values(vec![handle.clone(), handle.clone(), handle]))
    }
}

pub(super) struct ClipTextEncode;

impl Node for ClipTextEncode {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("CLIPTextEncode", "CLIP Text Encode (Prompt)", Schema::V1)
            .category("model/conditioning")
            .description("Emulator stand-in: hands the text on to the sampler as it is.")
            .search_aliases(&[
                "text",
                "prompt",
                "text prompt",
                "positive prompt",
                "negative prompt",
                "encode text",
                "text encoder",
                "encode prompt",
            ])
            .input(InputDefinition::new("text", "STRING").with("multiline", true).with("dynamicPrompts", true))
            .input(InputDefinition::new("clip", "CLIP"))
            .output("CONDITIONING")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        inputs.handle("clip")?;
        Ok(NodeValue::Handle(inputs.text("text")?.into()).into())
    }
}

pub(super) struct EmptyLatentImage;

impl Node for EmptyLatentImage {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let side = |name| InputDefinition::int(name, 512, 16, MAX_RESOLUTION).with("step", 8);
        NodeDefinition::new("EmptyLatentImage", "Empty Latent Image", Schema::V1)
            .category("model/latent")
            .description("Emulator stand-in: a latent here is the picture itself, in grey.")
            .search_aliases(&["empty", "empty latent", "new latent", "create latent", "blank latent", "blank"])
            .input(side("width"))
            .input(side("height"))
            .input(InputDefinition::int("batch_size", 1, 1, 4096))
            .output("LATENT")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let whole = |side: usize| side / LATENT_SCALE * LATENT_SCALE;
        let (width, height) = (whole(inputs.size("width")?), whole(inputs.size("height")?));
        let count = inputs.size("batch_size")?;
        let grey = ImageBatch::from_fn(count, height, width, 3, |_, _, _, _| 0.5)?;
        Ok(NodeValue::Latent(grey).into())
    }
}

pub(super) struct VaeDecode;

impl Node for VaeDecode {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("VAEDecode", "VAE Decode", Schema::V1)
            .category("model/latent")
            .description("Emulator stand-in: a latent here is the picture itself.")
            .search_aliases(&["decode", "decode latent", "latent to image", "render latent"])
            .input(InputDefinition::new("samples", "LATENT"))
            .input(InputDefinition::new("vae", "VAE"))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        inputs.handle("vae")?;
        Ok(NodeValue::Image(inputs.latent("samples")?.clone()).into())
    }
}

pub(super) struct VaeEncode;

impl Node for VaeEncode {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("VAEEncode", "VAE Encode", Schema::V1)
            .category("model/latent")
            .description("Emulator stand-in: a latent here is the picture itself.")
            .search_aliases(&["encode", "encode image", "image to latent"])
            .input(InputDefinition::new("pixels", "IMAGE"))
            .input(InputDefinition::new("vae", "VAE"))
            .output("LATENT")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        inputs.handle("vae")?;
        let pixels = inputs.image("pixels")?.with_channels(3)?;
        // What does not fill a latent pixel is cut off evenly.
        let whole = |side: usize| (side / LATENT_SCALE * LATENT_SCALE).max(1);
        let (height, width) = (whole(pixels.height()), whole(pixels.width()));
        let (y, x) = ((pixels.height() - height) / 2, (pixels.width() - width) / 2);
        Ok(NodeValue::Latent(pixels.crop(y, x, height, width)?).into())
    }
}

pub(super) struct KSampler;

impl Node for KSampler {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("KSampler", "KSampler", Schema::V1)
            .category("model/sampling")
            .description(
                "Emulator stand-in: real steps, progress and previews, but the picture is \
                 computed from the texts, the seed and the size, not by a model.",
            )
            .search_aliases(&["sampler", "sample", "generate", "denoise", "diffuse", "txt2img", "img2img"])
            .input(InputDefinition::new("model", "MODEL"))
            .input(
                InputDefinition::new("seed", "INT")
                    .with("default", 0)
                    .with("min", 0)
                    .with("max", u64::MAX)
                    .with("control_after_generate", true),
            )
            .input(InputDefinition::int("steps", 20, 1, 10_000))
            .input(InputDefinition::float("cfg", 8.0, 0.0, 100.0, 0.1).with("round", 0.01))
            .input(InputDefinition::choice("sampler_name", SAMPLERS))
            .input(InputDefinition::choice("scheduler", SCHEDULERS))
            .input(InputDefinition::new("positive", "CONDITIONING"))
            .input(InputDefinition::new("negative", "CONDITIONING"))
            .input(InputDefinition::new("latent_image", "LATENT"))
            .input(InputDefinition::float("denoise", 1.0, 0.0, 1.0, 0.01))
            .output("LATENT")
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        inputs.handle("model")?;
        let latent = inputs.latent("latent_image")?;
        let denoise = inputs.float("denoise")? as f32;
        let steps = inputs.size("steps")?;
        let painting = Painting::new(&[
            inputs.handle("positive")?,
            inputs.handle("negative")?,
            &inputs.int("seed")?.to_string(),
            &steps.to_string(),
            &inputs.float("cfg")?.to_string(),
            inputs.text("sampler_name")?,
            inputs.text("scheduler")?,
        ]);
        let total = steps as u64;
        for step in 1..=total {
            execution.pause(execution.step_delay());
            let preview = execution.wants_previews().then(|| Preview {
                picture: painting.sketch(latent, step as f32 / total as f32, LATENT_SCALE),
                format: PreviewFormat::Jpeg,
                max_side: Some(PREVIEW_SIDE),
            });
            execution.progress(step, total, preview.as_ref())?;
        }
        Ok(NodeValue::Latent(painting.paint(latent, denoise)?).into())
    }
}

/// `KSampler.SAMPLERS` of ComfyUI's `comfy/samplers.py`.
const SAMPLERS: [&str; 44] = [
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "exp_heun_2_x0",
    "exp_heun_2_x0_sde",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
];

/// `KSampler.SCHEDULERS` of ComfyUI's `comfy/samplers.py`.
const SCHEDULERS: [&str; 9] = [
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
];
