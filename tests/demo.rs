//! The demonstration of the README ends well, and its files are what it says.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

#[test]
fn it_ends_well_and_leaves_its_files() {
    let out = tempfile::tempdir().unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_oxidify")).args(["demo", "--out"]).arg(out.path()).output().unwrap();
    let said = String::from_utf8_lossy(&demo.stdout);
    assert!(demo.status.success(), "{said}\n{}", String::from_utf8_lossy(&demo.stderr));

    let photo = image::open(out.path().join("comfyui/photo.png")).unwrap().to_rgb8();
    let negative = image::open(out.path().join("comfyui/negative_00001_.png")).unwrap().to_rgb8();
    assert_eq!(photo.dimensions(), negative.dimensions());
    let most = photo.as_raw().iter().zip(negative.as_raw()).map(|(a, b)| (255 - a).abs_diff(*b)).max();
    // ComfyUI computes in floats and truncates.
    assert!(most <= Some(1), "off by {most:?}");
    let small = image::open(out.path().join("comfyui/small_00001_.png")).unwrap();
    assert_eq!((small.width(), small.height()), (photo.width() / 2, photo.height() / 2));
    let painted = image::open(out.path().join("comfyui/painted_00001_.png")).unwrap();
    assert_eq!((painted.width(), painted.height()), (512, 384));

    assert_eq!(fs::read(out.path().join("cos/note 07.txt")).unwrap(), b"note 7\n");
    assert_eq!(fs::metadata(out.path().join("cos/年度报告 (final).pdf")).unwrap().len(), 6_000_000);
}
