use std::fmt;

use super::carrier::SNIFFED;
use super::found::{Found, MAX_TEXT_BYTES};
use super::walk::{Fault, MAX_WANTED, Walk, Want, length};
use super::{CarriedWorkflow, CarriedWorkflowError, Carrier};

/// How many bytes are looked at: films whose metadata stand at the end are rarely longer.
const MAX_PUSHED: u64 = 1 << 30;

/// Finds the workflow in a file that comes in pieces.
///
/// Pixels, sound and film are passed over; what is kept at a time is at most one piece of metadata of 16 MiB and the
/// result. Reading can stop as soon as [`push`](Self::push) says so, which for most files is within their first pieces.
/// A file whose metadata stand at the end, such as an MP4 that is not made for streaming, has to come whole, or in parts:
/// [`next_offset`](Self::next_offset) says from where on, and [`jump_to`](Self::jump_to) goes there.
///
/// ```
/// use comfyui::{CarriedWorkflowError, CarriedWorkflowReader, Carrier};
///
/// # fn main() -> Result<(), CarriedWorkflowError> {
/// let mut reader = CarriedWorkflowReader::new();
/// for piece in [br#"{"3": {"class_type": "#.as_slice(), br#""KSampler", "inputs": {}}}"#] {
///     if reader.push(piece)? {
///         break;
///     }
/// }
/// let carried = reader.finish()?;
/// assert_eq!(carried.carrier, Carrier::Json);
/// assert!(carried.prompt.is_some() && carried.workflow.is_none());
/// # Ok(())
/// # }
/// ```
pub struct CarriedWorkflowReader {
    /// What is wanted and not there in full yet.
    buffer: Vec<u8>,
    want: Want,
    format: Option<Format>,
    found: Found,
    /// The offset in the file that was come to, but for what is in the buffer.
    passed: u64,
    /// How many bytes were pushed.
    pushed: u64,
}

struct Format {
    carrier: Carrier,
    walk: Box<dyn Walk>,
}

impl CarriedWorkflowReader {
    /// For the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            want: Want::Rest(SNIFFED),
            format: None,
            found: Found::default(),
            passed: 0,
            pushed: 0,
        }
    }

    /// Takes the next piece of the file, of any length. `true` when no more is needed; further pieces are ignored.
    ///
    /// # Errors
    /// [`CarriedWorkflowError`] when it is clear that there is no workflow to be had.
    pub fn push(&mut self, piece: &[u8]) -> Result<bool, CarriedWorkflowError> {
        self.pushed = self.pushed.saturating_add(piece.len() as u64);
        if let Some(format) = &self.format {
            if self.pushed > MAX_PUSHED {
                let error = CarriedWorkflowError::TooFar { carrier: format.carrier, looked_at: MAX_PUSHED };
                return self.stop(error);
            }
            return self.walk(piece);
        }
        let room = SNIFFED.saturating_sub(self.buffer.len()).min(piece.len());
        let (sniffed, rest) = piece.split_at_checked(room).unwrap_or((piece, &[]));
        self.buffer.extend_from_slice(sniffed);
        if self.buffer.len() < SNIFFED {
            return Ok(false);
        }
        Ok(self.begin()? || self.walk(rest)?)
    }

    /// The offset in the file of the next byte that matters, as far as is known.
    #[must_use]
    pub const fn next_offset(&self) -> u64 {
        match self.want {
            Want::Skip(bytes) => self.passed.saturating_add(bytes),
            _ => self.passed.saturating_add(self.buffer.len() as u64),
        }
    }

    /// Goes on with the piece at `offset`, if nothing that matters is left out by that: from where the reader is up to
    /// [`next_offset`](Self::next_offset). Whether it does.
    pub fn jump_to(&mut self, offset: u64) -> bool {
        let Want::Skip(bytes) = self.want else { return offset == self.next_offset() };
        let Some(jump) = offset.checked_sub(self.passed).filter(|jump| *jump <= bytes) else { return false };
        self.passed = offset;
        self.want = Want::Skip(bytes - jump);
        true
    }

    /// What the file is, as soon as that is known: after 4 KiB.
    #[must_use]
    pub fn carrier(&self) -> Option<Carrier> {
        self.format.as_ref().map(|format| format.carrier)
    }

    /// What was found, when the file has come to its end or [`push`](Self::push) said that no more is needed.
    ///
    /// # Errors
    /// [`CarriedWorkflowError`] when that is nothing.
    pub fn finish(mut self) -> Result<CarriedWorkflow, CarriedWorkflowError> {
        if self.format.is_none() {
            self.begin()?;
        }
        if let Want::Skip(0) = self.want {
            // A jump came to the end of the file, and what begins there was not asked about yet.
            self.walk(&[])?;
        }
        let Some(Format { carrier, walk }) = self.format.as_mut() else {
            return Err(CarriedWorkflowError::Unrecognised);
        };
        let carrier = *carrier;
        let mut fault = None;
        if let Want::Rest(_) = self.want {
            fault = walk.take(&self.buffer, &mut self.found).err();
        }
        let is_whole = match self.want {
            Want::Rest(_) | Want::Nothing => true,
            Want::Next(_) => self.buffer.is_empty(),
            Want::Bytes(_) | Want::More(_) | Want::Skip(_) => false,
        };
        if let Some(carried) = self.found.into_carried(carrier) {
            return Ok(carried);
        }
        Err(match fault {
            Some(fault) => error(fault, carrier),
            None if is_whole => CarriedWorkflowError::Nothing { carrier },
            None => CarriedWorkflowError::CutOff { carrier },
        })
    }

    /// Recognises the file by what came of it, and walks over that.
    fn begin(&mut self) -> Result<bool, CarriedWorkflowError> {
        let start = std::mem::take(&mut self.buffer);
        if start.is_empty() {
            return Err(CarriedWorkflowError::Empty);
        }
        let carrier = Carrier::recognise(&start).ok_or(CarriedWorkflowError::Unrecognised)?;
        let walk = carrier.walk();
        self.want = walk.start();
        self.format = Some(Format { carrier, walk });
        self.walk(&start)
    }

    fn walk(&mut self, mut piece: &[u8]) -> Result<bool, CarriedWorkflowError> {
        let Some(Format { carrier, walk }) = &mut self.format else { return Ok(false) };
        let carrier = *carrier;
        loop {
            if self.found.is_complete() {
                self.want = Want::Nothing;
            }
            let (wanted, most) = match self.want {
                Want::Nothing => return Ok(true),
                Want::Skip(bytes) => {
                    let skipped = bytes.min(piece.len() as u64);
                    piece = piece.get(length(skipped)..).unwrap_or_default();
                    self.passed = self.passed.saturating_add(skipped);
                    self.want = Want::Skip(bytes - skipped);
                    if skipped < bytes {
                        return Ok(false);
                    }
                    (0, MAX_TEXT_BYTES)
                }
                Want::Bytes(bytes) | Want::Next(bytes) => (bytes, MAX_WANTED),
                Want::More(bytes) => (self.buffer.len().saturating_add(bytes), MAX_WANTED),
                Want::Rest(most) => (usize::MAX, most),
            };
            let room = wanted.saturating_sub(self.buffer.len()).min(piece.len());
            if (wanted > most && wanted != usize::MAX) || self.buffer.len().saturating_add(room) > most {
                return self.stop(CarriedWorkflowError::TooLong { carrier });
            }
            let (taken, rest) = piece.split_at_checked(room).unwrap_or((piece, &[]));
            piece = rest;
            // What is there in one piece needs not be copied.
            let is_in_one = self.buffer.is_empty() && taken.len() == wanted;
            if !is_in_one {
                self.buffer.extend_from_slice(taken);
                if self.buffer.len() < wanted {
                    if let Want::More(bytes) = self.want {
                        self.want = Want::More(bytes - taken.len());
                    }
                    return Ok(false);
                }
            }
            let whole = if is_in_one { taken } else { &self.buffer };
            match walk.take(whole, &mut self.found) {
                Ok(Want::More(bytes)) => {
                    if is_in_one {
                        self.buffer.extend_from_slice(taken);
                    }
                    self.want = Want::More(bytes);
                }
                Ok(want) => {
                    self.passed = self.passed.saturating_add(whole.len() as u64);
                    self.buffer.clear();
                    // Not to be held through a long file.
                    self.buffer.shrink_to(SNIFFED);
                    self.want = want;
                }
                Err(fault) => return self.stop(error(fault, carrier)),
            }
        }
    }

    /// Stops for good; with what was found, that is no failure.
    fn stop(&mut self, error: CarriedWorkflowError) -> Result<bool, CarriedWorkflowError> {
        self.want = Want::Nothing;
        self.buffer = Vec::new();
        if self.found.is_empty() { Err(error) } else { Ok(true) }
    }
}

fn error(fault: Fault, carrier: Carrier) -> CarriedWorkflowError {
    match fault {
        Fault::Damaged(reason) => CarriedWorkflowError::Damaged { carrier, reason },
        Fault::TooLong => CarriedWorkflowError::TooLong { carrier },
        Fault::NoWorkflow { is_json } => CarriedWorkflowError::NoWorkflow { is_json },
    }
}

impl Default for CarriedWorkflowReader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CarriedWorkflowReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CarriedWorkflowReader")
            .field("carrier", &self.carrier())
            .field("want", &self.want)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}
