//! Chunks of a recording: compressed, with length and checksums, so that damage is seen.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// The file's first bytes.
pub(super) const MAGIC: [u8; 8] = *b"CRAWLREC";
/// The form of all that follows.
pub(super) const VERSION: u32 = 2;
/// Magic and version.
pub(super) const FILE_HEAD: u64 = 12;

const CHUNK_MAGIC: [u8; 4] = *b"chnk";
const HEAD: usize = 56;
/// A chunk that claims to be larger is damage.
const RAW_MAX: u32 = 64 << 20;

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Changes,
    /// One part of a key frame.
    Key {
        part: u16,
        parts: u16,
    },
    /// A snapshot alone.
    Snapshot,
}

/// A chunk's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) first_us: u64,
    pub(super) last_us: u64,
    /// Number of the first change in it (or after it, for a key frame).
    pub(super) seq: u64,
    raw_len: u32,
    packed_len: u32,
    body_sum: u64,
}

impl Head {
    /// Bytes of the whole chunk.
    pub(super) fn len(&self) -> u64 {
        HEAD as u64 + u64::from(self.packed_len)
    }

    fn bytes(&self) -> [u8; HEAD] {
        let (kind, part, parts) = match self.kind {
            Kind::Changes => (0, 0, 0),
            Kind::Key { part, parts } => (1_u8, part, parts),
            Kind::Snapshot => (2, 0, 0),
        };
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(&CHUNK_MAGIC);
        head.extend_from_slice(&[kind, 0, 0, 0]);
        head.extend_from_slice(&part.to_le_bytes());
        head.extend_from_slice(&parts.to_le_bytes());
        head.extend_from_slice(&self.first_us.to_le_bytes());
        head.extend_from_slice(&self.last_us.to_le_bytes());
        head.extend_from_slice(&self.seq.to_le_bytes());
        head.extend_from_slice(&self.raw_len.to_le_bytes());
        head.extend_from_slice(&self.packed_len.to_le_bytes());
        head.extend_from_slice(&self.body_sum.to_le_bytes());
        let sum = sum(&head).to_le_bytes();
        head.extend_from_slice(&sum[..4]);
        head.try_into().expect("the parts above are 56 bytes long")
    }

    fn parse(head: &[u8; HEAD]) -> Option<Self> {
        let (body, check) = head.split_at(HEAD - 4);
        if !body.starts_with(&CHUNK_MAGIC) || sum(body).to_le_bytes()[..4] != *check {
            return None;
        }
        let long = |at: usize| body[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let word = |at: usize| body[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let half = |at: usize| body[at..at + 2].try_into().map(u16::from_le_bytes).ok();
        let head = Self {
            kind: match body[4] {
                0 => Kind::Changes,
                1 => Kind::Key {
                    part: half(8)?,
                    parts: half(10)?,
                },
                2 => Kind::Snapshot,
                _ => return None,
            },
            first_us: long(12)?,
            last_us: long(20)?,
            seq: long(28)?,
            raw_len: word(36)?,
            packed_len: word(40)?,
            body_sum: long(44)?,
        };
        (head.raw_len <= RAW_MAX).then_some(head)
    }
}

/// Writes one chunk in one piece; its length.
pub(super) fn write(
    out: &mut impl Write,
    kind: Kind,
    (first_us, last_us): (u64, u64),
    seq: u64,
    raw: &[u8],
) -> io::Result<u64> {
    let too_large = || io::Error::other("a chunk of the recording grew beyond 64 MiB");
    let raw_len = u32::try_from(raw.len()).map_err(|_| too_large())?;
    if raw_len > RAW_MAX {
        return Err(too_large());
    }
    let packed = lz4_flex::block::compress(raw);
    let head = Head {
        kind,
        first_us,
        last_us,
        seq,
        raw_len,
        packed_len: u32::try_from(packed.len()).map_err(|_| too_large())?,
        body_sum: sum(&packed),
    };
    let mut whole = Vec::with_capacity(HEAD + packed.len());
    whole.extend_from_slice(&head.bytes());
    whole.extend_from_slice(&packed);
    out.write_all(&whole)?;
    Ok(whole.len() as u64)
}

/// The head at `at` of a file of `file_len` bytes; `Err(None)` is damage there.
pub(super) fn read_head(
    file: &mut (impl Read + Seek),
    at: u64,
    file_len: u64,
) -> Result<Head, Option<io::Error>> {
    if at + HEAD as u64 > file_len {
        return Err(None);
    }
    let mut bytes = [0; HEAD];
    file.seek(SeekFrom::Start(at)).map_err(Some)?;
    file.read_exact(&mut bytes).map_err(Some)?;
    let head = Head::parse(&bytes).ok_or(None)?;
    if at + head.len() > file_len {
        return Err(None);
    }
    Ok(head)
}

/// The unpacked body of the chunk at `at`; `None` is damage in it.
pub(super) fn read_body(
    file: &mut (impl Read + Seek),
    at: u64,
    head: &Head,
) -> io::Result<Option<Vec<u8>>> {
    let mut packed = vec![0; head.packed_len as usize];
    file.seek(SeekFrom::Start(at + HEAD as u64))?;
    file.read_exact(&mut packed)?;
    if sum(&packed) != head.body_sum {
        return Ok(None);
    }
    let raw = lz4_flex::block::decompress(&packed, head.raw_len as usize);
    Ok(raw.ok().filter(|raw| raw.len() == head.raw_len as usize))
}

/// The first eight bytes of BLAKE3.
fn sum(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    let first = hash.as_bytes().first_chunk();
    u64::from_le_bytes(*first.expect("a hash has 32 bytes"))
}
