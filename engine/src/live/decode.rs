//! A body as it arrives: content codings undone piece by piece, counted against its limits.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use codings::Coding;

mod codings;
#[cfg(test)]
mod tests;

/// What is sent as `Accept-Encoding`.
pub const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// More codings on top of each other are refused.
const MAX_CODINGS: usize = 3;

/// The ratio of decoded to received bytes counts beyond this many decoded bytes.
const RATIO_FREE: u64 = 1 << 20;

/// Coded bytes are let through up to this, even where the limit of decoded ones is lower.
const CODED_FREE: u64 = 1 << 16;

/// How much of a body is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Decoded bytes, at most.
    pub decoded: u64,
    /// Decoded ÷ received, at most, after the first MiB.
    pub ratio: u32,
    /// At the limit the body is cut instead of refused.
    pub cut: bool,
}

/// Why a body is not taken any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The limit is reached and the body is cut there: enough was read.
    Cut,
    /// It is larger than the limit, in bytes.
    TooLarge(u64),
    /// It expands beyond the allowed ratio.
    Ratio(u32),
    /// A coding that we did not ask for, or too many of them.
    Unknown(String),
    /// What came does not decode; the text says why.
    Damaged(String),
}

/// A body being received.
pub struct Body {
    kept: Arc<Mutex<Kept>>,
    codings: Option<Box<dyn Coding>>,
    /// First bytes, while they may still turn out to be gzip.
    first: Option<Vec<u8>>,
    wire: u64,
}

/// How a gzip file begins, deflate being the one method there is.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

impl Body {
    /// A body with these `Content-Encoding` values, in the order of the headers.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where a coding is not known or there are too many.
    pub fn new(encodings: &[&str], limits: Limits) -> Result<Self, Stop> {
        let kept = Arc::new(Mutex::new(Kept {
            bytes: Vec::new(),
            limits,
            wire: 0,
            stop: None,
        }));
        let names: Vec<String> = encodings
            .iter()
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !is_no_coding(name))
            .collect();
        if names.len() > MAX_CODINGS {
            return Err(Stop::Unknown(format!(
                "{} content codings on top of each other, at most {MAX_CODINGS} are undone",
                names.len()
            )));
        }
        let mut codings: Option<Box<dyn Coding>> = None;
        for name in &names {
            let below: Box<dyn Coding> = match codings.take() {
                Some(coding) => Box::new(Between {
                    below: coding,
                    kept: Arc::clone(&kept),
                    passed: 0,
                }),
                None => Box::new(Bottom(Arc::clone(&kept))),
            };
            codings = Some(codings::undo(name, below)?);
        }
        Ok(Self {
            kept,
            codings,
            first: None,
            wire: 0,
        })
    }

    /// Unpacks the body also where no header says that it is gzip, but its first bytes do.
    #[must_use]
    pub fn or_gzip(mut self) -> Self {
        self.first = self.codings.is_none().then(Vec::new);
        self
    }

    /// Takes the next piece as received.
    ///
    /// # Errors
    /// Why nothing more is taken; what was decoded so far is kept.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Stop> {
        self.wire += piece.len() as u64;
        let Some(mut first) = self.first.take() else {
            return self.pass(piece);
        };
        first.extend_from_slice(piece);
        if first.len() < GZIP.len() {
            self.first = Some(first);
            return Ok(());
        }
        if first.starts_with(&GZIP) {
            let bottom = Box::new(Bottom(Arc::clone(&self.kept)));
            self.codings = Some(codings::undo("gzip", bottom)?);
        }
        self.pass(&first)
    }

    fn pass(&mut self, piece: &[u8]) -> Result<(), Stop> {
        let Some(codings) = &mut self.codings else {
            return lock(&self.kept).take(piece);
        };
        lock(&self.kept).receive(self.wire)?;
        codings
            .write_all(piece)
            .map_err(|error| why(&self.kept, &error))
    }

    /// Bytes received.
    #[must_use]
    pub const fn wire_bytes(&self) -> u64 {
        self.wire
    }

    /// The whole decoded body, once everything was received.
    ///
    /// # Errors
    /// The coding is not complete, or its checksum is wrong.
    pub fn finish(mut self) -> Result<Vec<u8>, Stop> {
        if let Some(first) = self.first.take() {
            self.pass(&first)?;
        }
        if let Some(codings) = &mut self.codings
            && self.wire > 0
        {
            codings.close().map_err(|error| why(&self.kept, &error))?;
        }
        Ok(self.so_far())
    }

    /// What was decoded so far.
    #[must_use]
    pub fn so_far(self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.kept).bytes)
    }
}

/// Names that stand for no coding: the standard's, what servers write instead, and character
/// sets that were put into the wrong header.
fn is_no_coding(name: &str) -> bool {
    matches!(name, "" | "identity" | "none" | "binary" | "8bit")
        || encoding_rs::Encoding::for_label(name.as_bytes()).is_some()
}

/// Our own reason where we stopped it, else the decoder's.
fn why(kept: &Mutex<Kept>, error: &io::Error) -> Stop {
    lock(kept)
        .stop
        .clone()
        .unwrap_or_else(|| Stop::Damaged(error.to_string()))
}

/// What was decoded, and its limits.
struct Kept {
    bytes: Vec<u8>,
    limits: Limits,
    wire: u64,
    stop: Option<Stop>,
}

impl Kept {
    fn take(&mut self, piece: &[u8]) -> Result<(), Stop> {
        let stop = self.count(piece);
        self.stop.clone_from(&stop);
        stop.map_or(Ok(()), Err)
    }

    /// So many coded bytes have come in all; what decodes to nothing has its end too.
    fn receive(&mut self, wire: u64) -> Result<(), Stop> {
        self.wire = wire;
        let most = self.limits.decoded.max(CODED_FREE);
        if wire <= most {
            return Ok(());
        }
        Err(if self.limits.cut {
            Stop::Cut
        } else {
            Stop::TooLarge(most)
        })
    }

    /// So many bytes have passed between two codings: they are decoded bytes too.
    fn pass(&mut self, passed: u64) -> Result<(), Stop> {
        let stop = if passed > self.limits.decoded.max(CODED_FREE) {
            Stop::TooLarge(self.limits.decoded)
        } else if is_bomb(passed, self.wire, self.limits.ratio) {
            Stop::Ratio(self.limits.ratio)
        } else {
            return Ok(());
        };
        self.stop = Some(stop.clone());
        Err(stop)
    }

    fn count(&mut self, piece: &[u8]) -> Option<Stop> {
        let Limits {
            decoded,
            ratio,
            cut,
        } = self.limits;
        let room = decoded.saturating_sub(self.bytes.len() as u64);
        if piece.len() as u64 > room {
            if !cut {
                return Some(Stop::TooLarge(decoded));
            }
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            self.bytes.extend_from_slice(&piece[..room]);
            return Some(Stop::Cut);
        }
        self.bytes.extend_from_slice(piece);
        let have = self.bytes.len() as u64;
        is_bomb(have, self.wire, ratio).then_some(Stop::Ratio(ratio))
    }
}

/// Whether the received bytes grew beyond the ratio; bodies without a coding count none.
fn is_bomb(decoded: u64, wire: u64, ratio: u32) -> bool {
    wire > 0 && decoded > RATIO_FREE && decoded > wire.saturating_mul(u64::from(ratio))
}

/// A panic in a decoder leaves plain bytes behind: the lock's poison means nothing here.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between two codings: a bomb may grow here and yield nothing below.
struct Between {
    below: Box<dyn Coding>,
    kept: Arc<Mutex<Kept>>,
    passed: u64,
}

impl Write for Between {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.passed += piece.len() as u64;
        lock(&self.kept)
            .pass(self.passed)
            .map_err(|_| io::Error::other("over the limit"))?;
        self.below.write_all(piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding for Between {
    fn close(&mut self) -> io::Result<()> {
        self.below.close()
    }
}

/// Below all codings: where decoded bytes are kept.
struct Bottom(Arc<Mutex<Kept>>);

impl Write for Bottom {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        lock(&self.0)
            .take(piece)
            .map(|()| piece.len())
            .map_err(|_| io::Error::other("over the limit"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding for Bottom {
    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}
