//! Single calls from the command line, against emulators that run as commands of their own.

#![allow(clippy::unwrap_used)]

mod emulator;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use emulator::Emulator;
use image::{Rgb, RgbImage};

fn oxidify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    // What the user's shell holds must not reach a test.
    for name in [
        "COMFYUI_BASE_URL",
        "COMFYUI_API_KEY",
        "TENCENTCLOUD_SECRET_ID",
        "TENCENTCLOUD_SECRET_KEY",
        "TENCENTCLOUD_REGION",
    ] {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write_workflow(folder: &Path) -> String {
    let workflow = r#"{
        "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}}
    }"#;
    let path = folder.join("workflow.json");
    fs::write(&path, workflow).unwrap();
    format!("@{}", path.display())
}

#[test]
fn a_stored_workflow_is_listed_described_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = Emulator::start(&["comfyui"]);
    let invoke = |arguments: &[&str]| {
        let output = oxidify().args(["invoke", "comfyui", "--base-url", &server.url]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let listed = invoke(&["saved-workflows"]);
    assert!(listed.contains("template:emulator_invert  Template: Invert a Picture"), "{listed}");
    let described = invoke(&["describe-workflow", "--saved-workflow", "template:emulator_invert"]);
    assert!(described.contains("- 1.image: image") && described.contains("is_runnable = true"), "{described}");
    let picture = folder.path().join("red.png");
    RgbImage::from_pixel(8, 8, Rgb([255, 0, 0])).save(&picture).unwrap();
    let (picture, out) = (picture.display().to_string(), folder.path().join("results"));
    let out = out.display().to_string();
    let run = ["run-saved-workflow", "--saved-workflow", "Invert a Picture", "--images", &picture, "--out", &out];
    invoke(&run);
    let made = format!("{out}/inverted_00001_.png");
    assert_eq!(image::open(&made).unwrap().to_rgb8().get_pixel(3, 3), &Rgb([0, 255, 255]));
    // The picture carries the workflow that made it.
    let again = folder.path().join("again").display().to_string();
    invoke(&["workflow", "--workflow-file", &made, "--images", &picture, "--out", &again]);
    assert!(fs::read_dir(&again).unwrap().count() == 1);
}

#[test]
fn a_workflow_runs_with_a_picture_and_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Emulator::start(&["comfyui", "--token", "s3cret"]);
    let workflow = write_workflow(folder.path());
    let picture = folder.path().join("red.png");
    RgbImage::from_pixel(8, 8, Rgb([255, 0, 0])).save(&picture).unwrap();
    let out = folder.path().join("results");
    let run = |key: &str| {
        let mut command = oxidify();
        command.args(["invoke", "comfyui", "workflow", "--base-url", &server.url, "--workflow-json", &workflow]);
        command.arg("--images").arg(&picture).arg("--out").arg(&out).env("COMFYUI_API_KEY", key);
        command.output().unwrap()
    };
    let refused = run("wr0ng");
    assert!(!refused.status.success() && said(&refused).contains("401"), "{}", said(&refused));
    assert!(!said(&refused).contains("wr0ng"));
    let accepted = run("s3cret");
    assert!(accepted.status.success(), "{}", said(&accepted));
    let result = image::open(out.join("inverted_00001_.png")).unwrap().to_rgb8();
    assert_eq!(result.get_pixel(3, 3), &Rgb([0, 255, 255]));
}

#[test]
fn a_workflow_is_submitted_and_its_result_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let server = Emulator::start(&["comfyui"]);
    let workflow = r#"{
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "later"}}
    }"#;
    let invoke = |arguments: &[&str]| {
        let mut command = oxidify();
        command.args(["invoke", "comfyui", "--base-url", &server.url]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let inputs = r#"{"1.width": 24}"#;
    let submitted = invoke(&["submit-workflow", "--workflow-json", workflow, "--inputs", inputs]);
    let prompt_id = submitted.split('"').find(|part| part.len() == 36 && part.matches('-').count() == 4).unwrap();
    let out = folder.path().display().to_string();
    invoke(&["get-result", "--prompt-id", prompt_id, "--wait", "20", "--out", &out]);
    let result = image::open(folder.path().join("later_00001_.png")).unwrap();
    assert_eq!((result.width(), result.height()), (24, 8));
}

#[test]
fn buckets_folders_and_files_of_a_drive() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = folder.path().join("buckets/photos-1250000000");
    fs::create_dir_all(bucket.join("2026")).unwrap();
    for number in 0..5 {
        fs::write(bucket.join(format!("2026/{number}.txt")), format!("file {number}")).unwrap();
    }
    let root = folder.path().join("buckets").display().to_string();
    let server = Emulator::start(&["cos", "--root", &root, "--secret-id", "AKIDtest", "--secret-key", "s3cret"]);
    let run = |arguments: &[&str]| {
        let mut command = oxidify();
        command.args(["invoke", "tencent_cos_storage"]).args(arguments);
        command.args(["--secret-id", "AKIDtest"]);
        command.args(["--endpoint", &format!("{}/{{bucket}}", server.url)]).env("TENCENTCLOUD_SECRET_KEY", "s3cret");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    assert_eq!(run(&["buckets"]), "photos-1250000000\n");
    let page = run(&["browse", "--bucket", "photos-1250000000", "--prefix", "2026/", "--max-keys", "3"]);
    assert!(page.contains("2026/2.txt") && !page.contains("2026/3.txt"), "{page}");
    let next = page.split('\'').nth(1).unwrap().to_owned();
    let rest = ["browse", "--bucket", "photos-1250000000", "--prefix", "2026/", "--next-page-parameters", &next];
    let rest = run(&rest);
    assert!(rest.contains("2026/4.txt") && !rest.contains("2026/2.txt"), "{rest}");
    let out = folder.path().join("results").display().to_string();
    run(&["download", "--bucket", "photos-1250000000", "--key", "2026/4.txt", "--out", &out]);
    assert_eq!(fs::read(folder.path().join("results/4.txt")).unwrap(), b"file 4");
}

#[test]
fn what_is_missing_is_asked_for() {
    let output = oxidify().args(["invoke", "comfyui", "validate"]).output().unwrap();
    assert!(!output.status.success());
    assert!(said(&output).contains("COMFYUI_BASE_URL"), "{}", said(&output));
}
