//! Forms that ComfyUI itself does not write.

use comfyui::{CarriedWorkflowError, Carrier};

use crate::files::read;

const PROMPT: &str = r#"{"1": {"class_type": "A"}}"#;

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len()).unwrap().to_be_bytes(), kind.as_slice(), data, &[0; 4]].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[0; 13]), chunks.concat(), chunk(b"IEND", b"")].concat()
}

fn compressed(text: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(text, 9)
}

#[test]
fn compressed_and_international_texts_of_png() {
    let plain = png(&[chunk(b"iTXt", format!("prompt\0\0\0de\0x\0{PROMPT}").as_bytes())]);
    let packed = png(&[chunk(b"zTXt", &[b"Prompt\0\0".to_vec(), compressed(PROMPT.as_bytes())].concat())]);
    let both = png(&[chunk(b"iTXt", &[b"prompt\0\x01\0\0\0".to_vec(), compressed(PROMPT.as_bytes())].concat())]);
    for file in [plain, packed, both] {
        assert_eq!(read(&file, 5).unwrap().prompt.as_deref(), Some(PROMPT));
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![b' '; 64 << 20];
    let bomb = png(&[chunk(b"zTXt", &[b"prompt\0\0".to_vec(), compressed(&zeros)].concat())]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert_eq!(read(&bomb, 4096), Err(CarriedWorkflowError::TooLong { carrier: Carrier::Png }));
}

#[test]
fn a_text_of_another_key_is_passed_over_whatever_its_length() {
    let other = chunk(b"tEXt", &[b"parameters\0".to_vec(), vec![b'x'; 20 << 20]].concat());
    let file = png(&[other, chunk(b"tEXt", format!("prompt\0{PROMPT}").as_bytes())]);
    assert_eq!(read(&file, 1 << 16).unwrap().prompt.as_deref(), Some(PROMPT));
}

#[test]
fn a_file_without_a_workflow_says_what_it_is() {
    let error = read(&png(&[chunk(b"tEXt", b"Software\0Paint")]), 9).unwrap_err();
    assert_eq!(error, CarriedWorkflowError::Nothing { carrier: Carrier::Png });
    assert!(error.to_string().starts_with("the PNG picture carries no workflow"), "{error}");
    let null = png(&[chunk(b"tEXt", b"prompt\0null"), chunk(b"tEXt", b"workflow\0")]);
    assert_eq!(read(&null, 9), Err(CarriedWorkflowError::Nothing { carrier: Carrier::Png }));
}

#[test]
fn exif_of_both_byte_orders_in_webp_and_jpeg() {
    let text = "workflow:{\"nodes\": []}\0";
    let exif = |big: bool| {
        let short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let long = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let start = if big { b"MM" } else { b"II" };
        let length = u32::try_from(text.len()).unwrap();
        let entry = [short(0x010f).as_slice(), &short(2), &long(length), &long(26)].concat();
        [start.as_slice(), &short(42), &long(8), &short(1), &entry, &long(0), text.as_bytes()].concat()
    };
    for big in [true, false] {
        let exif = exif(big);
        let size = u32::try_from(exif.len()).unwrap();
        let webp = [b"RIFF\0\0\0\0WEBPVP8L\x03\0\0\0abc\0EXIF".as_slice(), &size.to_le_bytes(), &exif].concat();
        let carried = read(&webp, 3).unwrap();
        assert_eq!(carried.workflow.as_deref(), Some("{\"nodes\": []}"));

        let segment = [b"Exif\0\0".as_slice(), &exif].concat();
        let length = u16::try_from(segment.len() + 2).unwrap();
        let jpeg = [b"\xff\xd8\xff\xe0\0\x04ab\xff\xe1".as_slice(), &length.to_be_bytes(), &segment, b"\xff\xda\0\x02"];
        assert_eq!(read(&jpeg.concat(), 3).unwrap().carrier, Carrier::Jpeg);
    }
}

#[test]
fn a_comment_may_hold_both_as_film_nodes_write_it() {
    let element =
        |id: &[u8], data: &[u8]| [id, &(u64::try_from(data.len()).unwrap() | 1 << 56).to_be_bytes(), data].concat();
    let comment = r#"{"prompt": "{\"1\": {\"class_type\": \"A\"}}", "workflow": {"nodes": []}}"#;
    let name = element(&[0x45, 0xa3], b"COMMENT");
    let text = element(&[0x44, 0x87], comment.as_bytes());
    // A live segment: of unknown size, with a cluster of unknown size before the tags.
    let unknown = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for pair in [[&name, &text], [&text, &name]] {
        let tag = element(&[0x67, 0xc8], &[pair[0].as_slice(), pair[1]].concat());
        let tags = element(&[0x12, 0x54, 0xc3, 0x67], &element(&[0x73, 0x73], &tag));
        let cluster = [[0x1f, 0x43, 0xb6, 0x75].as_slice(), &unknown, &element(&[0xa3], b"film")].concat();
        let head = element(&[0x1a, 0x45, 0xdf, 0xa3], b"");
        let file = [head, [0x18, 0x53, 0x80, 0x67].to_vec(), unknown.to_vec(), cluster, tags].concat();
        let carried = read(&file, 2).unwrap();
        assert_eq!(carried.prompt.as_deref(), Some(PROMPT));
        assert_eq!(carried.workflow.as_deref(), Some("{\"nodes\": []}"));
    }
}

#[test]
fn quicktime_has_its_metadata_without_a_version() {
    let atom = |kind: &[u8; 4], data: &[u8]| {
        [&u32::try_from(data.len() + 8).unwrap().to_be_bytes(), kind.as_slice(), data].concat()
    };
    let keys = atom(b"keys", b"\0\0\0\0\0\0\0\x01\0\0\0\x0emdtaprompt");
    let data = atom(b"data", &[&[0; 8], PROMPT.as_bytes()].concat());
    let list = atom(b"ilst", &atom(&[0, 0, 0, 1], &data));
    let handler = atom(b"hdlr", &[0; 24]);
    let end = [0; 4];
    for version in [b"".as_slice(), b"\0\0\0\0"] {
        let meta = atom(b"meta", &[version, &handler, &keys, &list].concat());
        let inside = atom(b"udta", &[meta.as_slice(), &end].concat());
        for movie in [atom(b"moov", &meta), atom(b"moov", &inside)] {
            let long = [b"\0\0\0\x01mdat".as_slice(), &20_u64.to_be_bytes(), b"film"].concat();
            let file = [atom(b"ftyp", b"qt  \0\0\0\0"), long, movie].concat();
            assert_eq!(read(&file, 3).unwrap().prompt.as_deref(), Some(PROMPT));
        }
    }
}
