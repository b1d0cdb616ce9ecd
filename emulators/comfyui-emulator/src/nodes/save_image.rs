//! `SaveImage` and `PreviewImage`: PNG files in `output` or `temp`.

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};
use crate::png_metadata;
use crate::storage::{Folder, Storage, join, path_inside};

pub(super) struct SaveImage;

impl Node for SaveImage {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("SaveImage", "Save Image", Schema::V1)
            .category("image")
            .description("Writes the pictures as PNG files into the output folder.")
            .search_aliases(&["save", "save image", "export image", "output image", "write image", "download"])
            .essentials("Basics")
            .output_node()
            .input(InputDefinition::new("images", "IMAGE").with("tooltip", "What is saved."))
            .input(
                InputDefinition::new("filename_prefix", "STRING")
                    .with("default", "ComfyUI")
                    .with("tooltip", "The beginning of the file name, with % placeholders."),
            )
            .hidden("prompt", "PROMPT")
            .hidden("extra_pnginfo", "EXTRA_PNGINFO")
            .named_output("IMAGE", "images")
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        save(inputs.image("images")?, inputs.text("filename_prefix")?, Folder::Output, execution)
    }
}

pub(super) struct PreviewImage;

impl Node for PreviewImage {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("PreviewImage", "Preview Image", Schema::V1)
            .category("image")
            .description("Writes the pictures as PNG files into the temp folder.")
            .search_aliases(&["preview", "preview image", "show image", "view image", "display image", "image viewer"])
            .essentials("Basics")
            .output_node()
            .input(InputDefinition::new("images", "IMAGE"))
            .hidden("prompt", "PROMPT")
            .hidden("extra_pnginfo", "EXTRA_PNGINFO")
            .named_output("IMAGE", "images")
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let prefix = format!("ComfyUI_temp_{}", execution.temp_letters());
        save(inputs.image("images")?, &prefix, Folder::Temp, execution)
    }
}

fn save(
    images: &ImageBatch,
    prefix: &str,
    folder: Folder,
    execution: &mut Execution<'_>,
) -> Result<NodeOutput, NodeError> {
    let prefix = fill_in(prefix, images.width(), images.height(), &now());
    let SavePath { subfolder, name, counter } = save_path(&prefix, folder, execution.storage())?;
    let texts = execution.png_texts();
    let mut saved = Vec::new();
    for picture in 0..images.count() {
        let pixels = images.to_rgb8(picture);
        let (width, height) = (pixels.width(), pixels.height());
        let file = png_metadata::encode(pixels.as_raw(), width, height, png::ColorType::Rgb, &texts)?;
        let name = name.replace("%batch_num%", &picture.to_string());
        let filename = format!("{name}_{:05}_.png", counter + picture);
        execution.storage().write(folder, &join(&subfolder, &filename), file.into())?;
        saved.push(json!({
            "filename": filename,
            "subfolder": subfolder,
            "type": folder.name(),
        }));
    }
    Ok(NodeOutput {
        values: vec![NodeValue::Image(images.clone())],
        ui: Map::from_iter([("images".to_owned(), Value::Array(saved))]),
    })
}

/// The time in UTC; ComfyUI takes the local time.
fn now() -> Zoned {
    Zoned::now().with_time_zone(TimeZone::UTC)
}

/// The placeholders of ComfyUI's `get_save_image_path`.
fn fill_in(prefix: &str, width: usize, height: usize, now: &Zoned) -> String {
    if !prefix.contains('%') {
        return prefix.to_owned();
    }
    prefix
        .replace("%width%", &width.to_string())
        .replace("%height%", &height.to_string())
        .replace("%year%", &now.year().to_string())
        .replace("%month%", &format!("{:02}", now.month()))
        .replace("%day%", &format!("{:02}", now.day()))
        .replace("%hour%", &format!("{:02}", now.hour()))
        .replace("%minute%", &format!("{:02}", now.minute()))
        .replace("%second%", &format!("{:02}", now.second()))
}

#[derive(Debug, PartialEq)]
struct SavePath {
    subfolder: String,
    name: String,
    counter: usize,
}

/// Where the files of a prefix go and the number of the first: one more than the highest there.
fn save_path(prefix: &str, folder: Folder, storage: &Storage) -> Result<SavePath, NodeError> {
    let path = path_inside(folder, prefix).ok_or_else(|| outside(prefix, folder))?;
    let (subfolder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let (subfolder, name) = (subfolder.to_owned(), name.to_owned());
    let highest = storage
        .names_in(folder, &subfolder)
        .iter()
        .filter_map(|file| {
            let rest = file.strip_prefix(&name)?.strip_prefix('_')?;
            let digits = rest.split('.').next()?.split('_').next()?;
            Some(digits.parse::<usize>().unwrap_or(0))
        })
        .max()
        .unwrap_or(0);
    Ok(SavePath { subfolder, name, counter: highest + 1 })
}

fn outside(prefix: &str, folder: Folder) -> NodeError {
    let message = format!(
        "**** ERROR: Saving image outside the output folder is not allowed.\n \
         full_output_folder: {prefix}\n         output_dir: data/{}",
        folder.name()
    );
    NodeError::failed("Exception", message)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::{SavePath, fill_in, save_path};
    use crate::storage::{Folder, Storage};

    #[test]
    fn placeholders_are_filled_in() {
        let time = date(2026, 3, 4).at(5, 6, 7, 0).to_zoned(TimeZone::UTC).unwrap();
        assert_eq!(
            fill_in("%year%-%month%-%day%/%width%x%height%_%hour%%minute%%second%", 8, 9, &time),
            "2026-03-04/8x9_050607"
        );
    }

    #[test]
    fn the_counter_follows_the_highest_file() {
        let storage = Storage::in_memory(100);
        for name in ["a/x_00007_.png", "a/x_y_00009_.png", "a/xx_00008_.png", "x_00001_.png"] {
            storage.write(Folder::Output, name, "".into()).unwrap();
        }
        let path = |prefix| save_path(prefix, Folder::Output, &storage).unwrap();
        let expected = |subfolder: &str, name: &str, counter| SavePath {
            subfolder: subfolder.to_owned(),
            name: name.to_owned(),
            counter,
        };
        assert_eq!(path("a/x"), expected("a", "x", 8));
        assert_eq!(path("x"), expected("", "x", 2));
        assert_eq!(path("b/../a/xx"), expected("a", "xx", 9));
        assert!(save_path("../../evil", Folder::Output, &storage).is_err());
    }
}
