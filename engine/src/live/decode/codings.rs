//! Decoders that are written to: each passes what it decodes to the one below it.

use std::io::{self, Write};

use flate2::{Decompress, FlushDecompress, Status, write::GzDecoder};

use super::Stop;

/// zstd frames that need a larger window than 8 MiB are refused (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Decoded bytes are passed down in pieces of this size.
const PIECE: usize = 32 << 10;

/// A decoder that can say whether its input was complete.
pub(super) trait Coding: Write + Send {
    /// Fails where the input ended too early or its checksum is wrong; closes what is below.
    fn close(&mut self) -> io::Result<()>;
}

/// The decoder of a coding by its lower-case name.
pub(super) fn undo(name: &str, below: Box<dyn Coding>) -> Result<Box<dyn Coding>, Stop> {
    Ok(match name {
        "gzip" | "x-gzip" => Box::new(Gzip::Member(GzDecoder::new(below))),
        "deflate" | "x-deflate" => Box::new(Deflate::new(below)),
        "br" => Box::new(Brotli(brotli::DecompressorWriter::new(below, PIECE))),
        "zstd" => Box::new(Zstd::new(below)?),
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(Stop::Unknown(format!(
                "the content coding {shown:?} is not known; asked for were {}",
                super::ACCEPTED
            )));
        }
    })
}

fn early_end() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early")
}

/// gzip with any number of members; what follows the last one is ignored, as browsers do.
enum Gzip {
    Member(GzDecoder<Box<dyn Coding>>),
    Rest(Box<dyn Coding>),
    /// Only while one member gives way to the next.
    Between,
}

impl Write for Gzip {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let Self::Member(member) = self else {
            return Ok(piece.len());
        };
        if piece.is_empty() {
            return Ok(0);
        }
        let taken = member.write(piece)?;
        if taken > 0 {
            return Ok(taken);
        }
        let Self::Member(member) = std::mem::replace(self, Self::Between) else {
            return Err(early_end());
        };
        let below = member.finish()?;
        *self = if piece[0] == 0x1f && piece.get(1).is_none_or(|second| *second == 0x8b) {
            Self::Member(GzDecoder::new(below))
        } else {
            Self::Rest(below)
        };
        self.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding for Gzip {
    fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Member(member) => {
                member.try_finish().map_err(|error| {
                    if error.kind() == io::ErrorKind::InvalidInput {
                        io::Error::new(
                            io::ErrorKind::InvalidData,
                            "the gzip stream ends too early or its checksum is wrong",
                        )
                    } else {
                        error
                    }
                })?;
                member.get_mut().close()
            }
            Self::Rest(below) => below.close(),
            Self::Between => Err(early_end()),
        }
    }
}

/// `deflate`, which servers send with the zlib header (as RFC 9110 asks) or raw.
struct Deflate {
    below: Box<dyn Coding>,
    first: Vec<u8>,
    stream: Option<Decompress>,
    ended: bool,
    out: Vec<u8>,
}

impl Deflate {
    fn new(below: Box<dyn Coding>) -> Self {
        Self {
            below,
            first: Vec::with_capacity(2),
            stream: None,
            ended: false,
            out: vec![0; PIECE],
        }
    }

    fn inflate(&mut self, mut piece: &[u8]) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while !self.ended {
            let (before_in, before_out) = (stream.total_in(), stream.total_out());
            let status = stream
                .decompress(piece, &mut self.out, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let used = usize::try_from(stream.total_in() - before_in).unwrap_or(piece.len());
            let made = usize::try_from(stream.total_out() - before_out).unwrap_or(0);
            self.below.write_all(&self.out[..made])?;
            piece = &piece[used..];
            self.ended = status == Status::StreamEnd;
            if piece.is_empty() && made < self.out.len() {
                break;
            }
            if used == 0 && made == 0 && !self.ended {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the deflate stream is damaged",
                ));
            }
        }
        Ok(())
    }
}

impl Write for Deflate {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.stream.is_some() {
            self.inflate(piece)?;
            return Ok(piece.len());
        }
        self.first.extend_from_slice(piece);
        if let [method, flags, ..] = self.first[..] {
            let zlib = method & 0x0f == 8
                && method >> 4 <= 7
                && (u16::from(method) << 8 | u16::from(flags)) % 31 == 0;
            self.stream = Some(Decompress::new(zlib));
            let first = std::mem::take(&mut self.first);
            self.inflate(&first)?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding for Deflate {
    fn close(&mut self) -> io::Result<()> {
        if !self.ended {
            return Err(early_end());
        }
        self.below.close()
    }
}

struct Brotli(brotli::DecompressorWriter<Box<dyn Coding>>);

impl Write for Brotli {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Coding for Brotli {
    fn close(&mut self) -> io::Result<()> {
        self.0.close()?;
        self.0.get_mut().close()
    }
}

struct Zstd(zstd::stream::write::Decoder<'static, Box<dyn Coding>>);

impl Zstd {
    fn new(below: Box<dyn Coding>) -> Result<Self, Stop> {
        let mut decoder = zstd::stream::write::Decoder::new(below)
            .map_err(|error| Stop::Damaged(error.to_string()))?;
        decoder
            .window_log_max(ZSTD_WINDOW_LOG)
            .map_err(|error| Stop::Damaged(error.to_string()))?;
        Ok(Self(decoder))
    }
}

impl Write for Zstd {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Coding for Zstd {
    fn close(&mut self) -> io::Result<()> {
        self.0.do_finish()?;
        self.0.get_mut().close()
    }
}
