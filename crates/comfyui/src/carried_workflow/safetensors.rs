//! Safetensors: `__metadata__` of the header, a JSON object of texts. `SaveLatent` and the nodes that save models write
//! `prompt` and `workflow` there (`nodes.py`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::found::{Found, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, le32, length};

#[derive(Default)]
pub(super) struct Safetensors {
    has_size: bool,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default, rename = "__metadata__")]
    metadata: Option<&'a RawValue>,
}

impl Walk for Safetensors {
    fn start(&self) -> Want {
        Want::Bytes(8)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        if !std::mem::replace(&mut self.has_size, true) {
            // What is beyond these four bytes was seen to be zero.
            let size = length(le32(bytes));
            return if size > MAX_TEXT_BYTES { Err(Fault::TooLong) } else { Ok(Want::Bytes(size)) };
        }
        let damaged = Fault::Damaged("its header is no JSON object");
        let header: Header<'_> = serde_json::from_slice(bytes).map_err(|_| damaged)?;
        if let Some(metadata) = header.metadata {
            found.take_object(metadata.get().as_bytes())?;
        }
        Ok(Want::Nothing)
    }
}
