//! Counts the attributes of a tag that does not end: the tokenizer compares each with all others,
//! and the sink hears nothing of it until the tag is complete.

/// Chunks without a new node before anything is counted: a page without such a tag pays nothing.
const QUIET_CHUNKS: u32 = 4;

/// Remembers what was fed since the sink last heard something.
#[derive(Default)]
pub(super) struct Quiet {
    nodes: u32,
    chunks: u32,
    unread: Vec<u8>,
    scan: Scan,
}

impl Quiet {
    /// Attributes so far of the tag that the chunk leaves open; 0 unless it is suspiciously long.
    /// `nodes` is the number of nodes that the sink has seen.
    pub(super) fn attributes_after(&mut self, nodes: u32, chunk: &[u8]) -> u32 {
        if nodes != self.nodes {
            *self = Self {
                nodes,
                ..Self::default()
            };
            self.unread.extend_from_slice(chunk);
            return 0;
        }
        self.chunks += 1;
        self.unread.extend_from_slice(chunk);
        if self.chunks < QUIET_CHUNKS {
            return 0;
        }
        for byte in std::mem::take(&mut self.unread) {
            self.scan.feed(byte);
        }
        self.scan.attributes
    }
}

/// Where the scan is in the markup; far simpler than the tokenizer, and good enough to tell a
/// tag from a comment or a long attribute value.
#[derive(Default, Clone, Copy, PartialEq)]
enum At {
    #[default]
    Text,
    /// After `<`.
    Opened,
    /// After `<!`, with the dashes seen.
    Declaration(u8),
    /// In a comment, with the dashes just seen.
    Comment(u8),
    /// In a tag; whether the last byte ended an attribute, and whether it was `=`.
    Tag { between: bool, equals: bool },
    /// In an attribute value with this quote.
    Value(u8),
}

#[derive(Default)]
struct Scan {
    at: At,
    attributes: u32,
}

impl Scan {
    fn feed(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::Text, b'<') => At::Opened,
            (At::Opened, b'!') => At::Declaration(0),
            (At::Opened, byte) if byte.is_ascii_alphabetic() => {
                self.attributes = 0;
                At::Tag {
                    between: false,
                    equals: false,
                }
            }
            (At::Declaration(0), b'-') => At::Declaration(1),
            (At::Tag { .. } | At::Comment(2..), b'>') => {
                self.attributes = 0;
                At::Text
            }
            (At::Comment(dashes), b'-') => At::Comment(dashes.saturating_add(1)),
            (At::Declaration(1), b'-') | (At::Comment(_), _) => At::Comment(0),
            (At::Tag { .. }, b'=') => At::Tag {
                between: false,
                equals: true,
            },
            (At::Tag { equals: true, .. }, b'"' | b'\'') => At::Value(byte),
            (At::Tag { equals, .. }, byte) if byte.is_ascii_whitespace() || byte == b'/' => {
                At::Tag {
                    between: !equals,
                    equals,
                }
            }
            (At::Tag { between, .. }, _) => {
                self.attributes += u32::from(between);
                At::Tag {
                    between: false,
                    equals: false,
                }
            }
            (At::Value(quote), byte) if byte == quote => At::Tag {
                between: true,
                equals: false,
            },
            (At::Value(quote), _) => At::Value(quote),
            (At::Text | At::Opened | At::Declaration(_), _) => At::Text,
        };
    }
}
