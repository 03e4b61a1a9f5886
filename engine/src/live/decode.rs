//! A body as it arrives: content codings undone piece by piece, counted against its limits.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use flate2::{Decompress, FlushDecompress, Status, write::GzDecoder};

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

/// zstd frames that need a larger window than 8 MiB are refused (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Bytes that a decoder writes at once.
const PIECE: usize = 32 << 10;

/// How a gzip file begins, deflate being the one method there is.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

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

impl Limits {
    /// Bytes that may come out of a coding when `wire` bytes were received, and why no more do.
    /// What lies between two codings counts too: a bomb may grow there and yield nothing at the end.
    fn of_output(&self, wire: u64, is_last: bool) -> (u64, Stop) {
        let (size, stop) = match (is_last, self.cut) {
            (true, true) => (self.decoded, Stop::Cut),
            (true, false) => (self.decoded, Stop::TooLarge(self.decoded)),
            (false, _) => (self.decoded.max(CODED_FREE), Stop::TooLarge(self.decoded)),
        };
        let grown = wire.saturating_mul(u64::from(self.ratio)).max(RATIO_FREE);
        if grown < size {
            (grown, Stop::Ratio(self.ratio))
        } else {
            (size, stop)
        }
    }
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
pub struct BodyDecoder {
    limits: Limits,
    /// In the order in which they are undone.
    codings: Vec<Coding>,
    decoded: Vec<u8>,
    /// First bytes, while they may still turn out to be gzip.
    first: Option<Vec<u8>>,
    wire: u64,
}

impl BodyDecoder {
    /// A body with these `Content-Encoding` values, in the order of the headers.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where a coding is not known or there are too many.
    pub fn new(encodings: &[&str], limits: Limits) -> Result<Self, Stop> {
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
        // The last one was applied last.
        let codings = names.iter().rev().map(|name| Coding::new(name));
        Ok(Self {
            limits,
            codings: codings.collect::<Result<_, _>>()?,
            decoded: Vec::new(),
            first: None,
            wire: 0,
        })
    }

    /// Unpacks the body also where no header says that it is gzip, but its first bytes do.
    #[must_use]
    pub fn or_gzip(mut self) -> Self {
        self.first = self.codings.is_empty().then(Vec::new);
        self
    }

    /// Takes the next piece as received.
    ///
    /// # Errors
    /// Why nothing more is taken; what was decoded so far is kept.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Stop> {
        self.wire += piece.len() as u64;
        let Some(mut first) = self.first.take() else {
            return self.decode(piece, false);
        };
        first.extend_from_slice(piece);
        if first.len() < GZIP.len() {
            self.first = Some(first);
            return Ok(());
        }
        if first.starts_with(&GZIP) {
            self.codings.push(Coding::new("gzip")?);
        }
        self.decode(&first, false)
    }

    /// As received, before decoding.
    #[must_use]
    pub const fn wire_bytes(&self) -> u64 {
        self.wire
    }

    /// The whole decoded body, once everything was received.
    ///
    /// # Errors
    /// The coding is not complete, or its checksum is wrong.
    pub fn finish(mut self) -> Result<Vec<u8>, Stop> {
        let first = self.first.take().unwrap_or_default();
        self.decode(&first, self.wire > 0)?;
        Ok(self.decoded)
    }

    /// What was decoded so far.
    #[must_use]
    pub fn so_far(self) -> Vec<u8> {
        self.decoded
    }

    fn decode(&mut self, piece: &[u8], is_end: bool) -> Result<(), Stop> {
        let limits = self.limits;
        if self.codings.is_empty() {
            return self.keep(piece);
        }
        let coded = limits.decoded.max(CODED_FREE);
        if self.wire > coded {
            // What decodes to nothing has its end too.
            return Err(if limits.cut {
                Stop::Cut
            } else {
                Stop::TooLarge(coded)
            });
        }
        let mut piece = Cow::Borrowed(piece);
        let mut result = Ok(());
        let last = self.codings.len() - 1;
        for (at, coding) in self.codings.iter_mut().enumerate() {
            let (most, stop) = limits.of_output(self.wire, at == last);
            let ended = coding.undo(&piece, is_end && result.is_ok(), most);
            if let Err(error) = ended {
                let is_over = coding.decoder.sink().is_over;
                let damaged = || Stop::Damaged(error.to_string());
                result = Err(if is_over { stop } else { damaged() });
            }
            // What came before the damage, or fits, goes on.
            piece = Cow::Owned(std::mem::take(&mut coding.decoder.sink().bytes));
        }
        self.decoded.extend_from_slice(&piece);
        result
    }

    /// Bytes without a coding.
    fn keep(&mut self, piece: &[u8]) -> Result<(), Stop> {
        let room = self
            .limits
            .decoded
            .saturating_sub(self.decoded.len() as u64);
        let fits = fitting(piece, room);
        self.decoded.extend_from_slice(fits);
        match self.limits {
            _ if fits.len() == piece.len() => Ok(()),
            Limits { cut: true, .. } => Err(Stop::Cut),
            Limits { decoded, .. } => Err(Stop::TooLarge(decoded)),
        }
    }
}

/// The beginning of a piece, as much as there is room for.
fn fitting(piece: &[u8], room: u64) -> &[u8] {
    match usize::try_from(room) {
        Ok(room) if room < piece.len() => &piece[..room],
        _ => piece,
    }
}

/// Names that stand for no coding: the standard's, what servers write instead, and character
/// sets that were put into the wrong header.
fn is_no_coding(name: &str) -> bool {
    matches!(name, "" | "identity" | "none" | "binary" | "8bit")
        || encoding_rs::Encoding::for_label(name.as_bytes()).is_some()
}

/// One coding of a body.
struct Coding {
    decoder: Box<dyn Decoder>,
    /// Bytes that came out of it.
    decoded: u64,
}

impl Coding {
    /// By its lower-case name.
    fn new(name: &str) -> Result<Self, Stop> {
        let sink = Sink::default();
        let damaged = |error: io::Error| Stop::Damaged(error.to_string());
        let decoder: Box<dyn Decoder> = match name {
            "gzip" | "x-gzip" => Box::new(Gzip::new(sink)),
            "deflate" | "x-deflate" => Box::new(Deflate::new(sink)),
            "br" => Box::new(brotli::DecompressorWriter::new(sink, PIECE)),
            "zstd" => {
                let mut zstd = zstd::stream::write::Decoder::new(sink).map_err(damaged)?;
                zstd.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
                Box::new(zstd)
            }
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(Stop::Unknown(format!(
                    "the content coding {shown:?} is not known; asked for were {ACCEPTED}"
                )));
            }
        };
        Ok(Self {
            decoder,
            decoded: 0,
        })
    }

    /// Decodes a piece into the sink, which takes `most` bytes of the whole body.
    fn undo(&mut self, piece: &[u8], is_end: bool, most: u64) -> io::Result<()> {
        let room = most.saturating_sub(self.decoded);
        self.decoder.sink().room = room;
        let mut result = self.decoder.write_all(piece);
        if is_end && result.is_ok() {
            result = self.decoder.complete();
        }
        self.decoded += self.decoder.sink().bytes.len() as u64;
        result
    }
}

/// What a decoder has written since it was last emptied; it fails where there is no more room.
#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    room: u64,
    is_over: bool,
}

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let fits = fitting(piece, self.room);
        self.bytes.extend_from_slice(fits);
        self.room -= fits.len() as u64;
        if fits.len() < piece.len() {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A decoder that is written to.
trait Decoder: Write + Send {
    fn sink(&mut self) -> &mut Sink;

    /// Fails where the input ended too early or its checksum is wrong.
    fn complete(&mut self) -> io::Result<()>;
}

impl Decoder for brotli::DecompressorWriter<Sink> {
    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }

    fn complete(&mut self) -> io::Result<()> {
        self.close()
    }
}

impl Decoder for zstd::stream::write::Decoder<'static, Sink> {
    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }

    fn complete(&mut self) -> io::Result<()> {
        self.do_finish()
    }
}

/// gzip with any number of members; what follows the last one is ignored, as browsers do.
struct Gzip {
    member: Option<GzDecoder<Sink>>,
    /// After the last member.
    rest: Sink,
}

impl Gzip {
    fn new(sink: Sink) -> Self {
        Self {
            member: Some(GzDecoder::new(sink)),
            rest: Sink::default(),
        }
    }
}

impl Write for Gzip {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else {
            return Ok(piece.len());
        };
        let taken = member.write(piece)?;
        if taken > 0 || piece.is_empty() {
            return Ok(taken);
        }
        member.try_finish()?;
        let ended = self.member.take().expect("it was there a line ago");
        let sink = ended.finish()?;
        if piece[0] == GZIP[0] && piece.get(1).is_none_or(|second| *second == GZIP[1]) {
            self.member = Some(GzDecoder::new(sink));
        } else {
            self.rest = sink;
        }
        self.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder for Gzip {
    fn sink(&mut self) -> &mut Sink {
        match &mut self.member {
            Some(member) => member.get_mut(),
            None => &mut self.rest,
        }
    }

    fn complete(&mut self) -> io::Result<()> {
        let Some(member) = &mut self.member else {
            return Ok(());
        };
        member.try_finish().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => {
                damaged("the gzip stream ends too early or its checksum is wrong")
            }
            _ => error,
        })
    }
}

/// `deflate`, which servers send with the zlib header (as RFC 9110 asks) or raw.
struct Deflate {
    sink: Sink,
    /// Until two bytes tell which it is.
    first: Vec<u8>,
    stream: Option<Decompress>,
    ended: bool,
    out: Vec<u8>,
}

impl Deflate {
    fn new(sink: Sink) -> Self {
        Self {
            sink,
            first: Vec::new(),
            stream: None,
            ended: false,
            out: Vec::with_capacity(PIECE),
        }
    }
}

impl Write for Deflate {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let mut input = Cow::Borrowed(piece);
        if self.stream.is_none() {
            self.first.extend_from_slice(piece);
            let [method, flags, ..] = self.first[..] else {
                return Ok(piece.len());
            };
            input = Cow::Owned(std::mem::take(&mut self.first));
            let has_header = method & 0x0f == 8
                && method >> 4 <= 7
                && (u16::from(method) << 8 | u16::from(flags)) % 31 == 0;
            self.stream = Some(Decompress::new(has_header));
        }
        let stream = self.stream.as_mut().expect("it was made above");
        let mut input = &*input;
        while !self.ended {
            let before = stream.total_in();
            self.out.clear();
            let status = stream
                .decompress_vec(input, &mut self.out, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let used = stream.total_in() - before;
            self.sink.write_all(&self.out)?;
            input = &input[usize::try_from(used).expect("no more is used than there is")..];
            self.ended = status == Status::StreamEnd;
            if input.is_empty() && self.out.len() < self.out.capacity() {
                break;
            }
            if used == 0 && self.out.is_empty() && !self.ended {
                return Err(damaged("the deflate stream is damaged"));
            }
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder for Deflate {
    fn sink(&mut self) -> &mut Sink {
        &mut self.sink
    }

    fn complete(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let kind = io::ErrorKind::UnexpectedEof;
        Err(io::Error::new(kind, "it ends too early"))
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
