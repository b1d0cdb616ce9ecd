//! GLB: `asset.extras` of the JSON at the beginning, where `SaveGLB` puts `prompt` and `workflow`
//! (`comfy_extras/nodes_save_3d.py`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::found::{Found, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, le32, length};

#[derive(Default)]
pub(super) struct Glb {
    has_size: bool,
}

#[derive(Deserialize)]
struct Scene<'a> {
    #[serde(borrow)]
    asset: Asset<'a>,
}

#[derive(Deserialize)]
struct Asset<'a> {
    #[serde(borrow, default)]
    extras: Option<&'a RawValue>,
}

impl Walk for Glb {
    /// The file's header, and that of its first chunk.
    fn start(&self) -> Want {
        Want::Bytes(20)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        if !std::mem::replace(&mut self.has_size, true) {
            if bytes.get(16..) != Some(b"JSON") {
                return Err(Fault::Damaged("it does not begin with JSON"));
            }
            let size = length(le32(bytes.get(12..).unwrap_or_default()));
            return if size > MAX_TEXT_BYTES { Err(Fault::TooLong) } else { Ok(Want::Bytes(size)) };
        }
        let damaged = Fault::Damaged("its JSON has no asset");
        let scene: Scene<'_> = serde_json::from_slice(bytes).map_err(|_| damaged)?;
        // What others put there needs not be an object.
        if let Some(extras) = scene.asset.extras.filter(|extras| extras.get().starts_with('{')) {
            found.take_object(extras.get().as_bytes())?;
        }
        Ok(Want::Nothing)
    }
}
