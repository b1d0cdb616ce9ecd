use std::fmt;

use super::walk::Walk;
use super::{exr, flac, glb, id3, iso_media, jpeg, json, matroska, ogg, png, riff, safetensors, svg};

/// How many bytes tell what a file is, at most: a text may begin with white space, and an SVG with a declaration.
pub(super) const SNIFFED: usize = 4096;

/// What AVIF and HEIC pictures say that they are.
const PICTURE_BRANDS: [&[u8; 4]; 7] = [b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"];

/// A kind of file that can carry a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// PNG, animated ones too.
    Png,
    /// WebP, animated ones too.
    Webp,
    /// JPEG: ComfyUI makes none, nodes of others do.
    Jpeg,
    /// OpenEXR.
    Exr,
    /// SVG.
    Svg,
    /// FLAC.
    Flac,
    /// Ogg: Opus and Vorbis.
    Ogg,
    /// MP3.
    Mp3,
    /// MP4 and QuickTime.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// glTF in one file.
    Glb,
    /// Latents and models.
    Safetensors,
    /// A workflow itself, as text.
    Json,
}

impl Carrier {
    /// For messages: `PNG picture`, `MP4 video`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "PNG picture",
            Self::Webp => "WebP picture",
            Self::Jpeg => "JPEG picture",
            Self::Exr => "OpenEXR picture",
            Self::Svg => "SVG picture",
            Self::Flac => "FLAC sound",
            Self::Ogg => "Ogg sound",
            Self::Mp3 => "MP3 sound",
            Self::Mp4 => "MP4 video",
            Self::Matroska => "WebM or Matroska video",
            Self::Glb => "GLB model",
            Self::Safetensors => "safetensors file",
            Self::Json => "JSON file",
        }
    }

    /// What the first bytes of a file say. The name and the media type are not asked: they are often wrong.
    pub(super) fn recognise(start: &[u8]) -> Option<Self> {
        let at = |from: usize, bytes: &[u8]| start.get(from..).is_some_and(|rest| rest.starts_with(bytes));
        Some(match start {
            _ if at(0, b"\x89PNG\r\n\x1a\n") => Self::Png,
            _ if at(0, b"RIFF") && at(8, b"WEBP") => Self::Webp,
            _ if at(0, b"\xff\xd8\xff") => Self::Jpeg,
            _ if at(0, b"\x76\x2f\x31\x01") => Self::Exr,
            _ if at(0, b"fLaC") => Self::Flac,
            _ if at(0, b"OggS") => Self::Ogg,
            _ if at(0, b"ID3") => Self::Mp3,
            // A frame of MPEG audio without any tag before it.
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Self::Mp3,
            // Pictures in the same boxes, whose metadata are elsewhere.
            _ if at(4, b"ftyp") && PICTURE_BRANDS.iter().any(|brand| at(8, *brand)) => return None,
            _ if [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"].iter().any(|kind| at(4, *kind)) => Self::Mp4,
            _ if at(0, b"\x1a\x45\xdf\xa3") => Self::Matroska,
            _ if at(0, b"glTF") => Self::Glb,
            // A header of less than 4 GiB, which is a JSON object.
            _ if at(4, b"\0\0\0\0{") => Self::Safetensors,
            _ => return recognise_text(start),
        })
    }

    pub(super) fn walk(self) -> Box<dyn Walk> {
        match self {
            Self::Png => Box::<png::Png>::default(),
            Self::Webp => Box::<riff::Riff>::default(),
            Self::Jpeg => Box::<jpeg::Jpeg>::default(),
            Self::Exr => Box::<exr::Exr>::default(),
            Self::Svg => Box::new(svg::Svg),
            Self::Flac => Box::<flac::Flac>::default(),
            Self::Ogg => Box::<ogg::Ogg>::default(),
            Self::Mp3 => Box::<id3::Id3>::default(),
            Self::Mp4 => Box::<iso_media::IsoMedia>::default(),
            Self::Matroska => Box::<matroska::Matroska>::default(),
            Self::Glb => Box::<glb::Glb>::default(),
            Self::Safetensors => Box::<safetensors::Safetensors>::default(),
            Self::Json => Box::new(json::Json),
        }
    }
}

fn recognise_text(start: &[u8]) -> Option<Carrier> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    match text.first()? {
        b'{' => Some(Carrier::Json),
        b'<' if svg::is_svg(text) => Some(Carrier::Svg),
        _ => None,
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        assert_eq!(Carrier::recognise(b"\xef\xbb\xbf \n{\"nodes\": []}"), Some(Carrier::Json));
        assert_eq!(Carrier::recognise(b"<?xml version=\"1.0\"?>\n<svg width=\"1\">"), Some(Carrier::Svg));
        assert_eq!(Carrier::recognise(b"<!doctype html><html>"), None);
        assert_eq!(Carrier::recognise(b""), None);
        assert_eq!(Carrier::recognise(b"GIF89a"), None);
        assert_eq!(Carrier::recognise(b"\0\0\0\x1cftypavif"), None);
        assert_eq!(Carrier::recognise(b"\0\0\0\x1cftypisom"), Some(Carrier::Mp4));
    }
}
