//! The decompressed bytes of a GCHEAP file, handed out part by part in bounded memory.
//!
//! A part's length is a claim of the file. This module holds one chunk, whatever the claim, and fails at the byte where
//! the claim proves false; so nobody above needs memory for bytes that are not there.

use super::error::{GraphError, LebProblem, Part, Place};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Read};

/// Bytes decompressed at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// A gzip stream being read part by part.
pub(super) struct Stream<R> {
    gzip: MultiGzDecoder<BufReader<R>>,
    chunk: Vec<u8>,
    /// The bytes of `chunk` not yet handed out.
    ready: std::ops::Range<usize>,
    part: Part,
    /// Bytes of the part handed out.
    taken: u64,
    /// Bytes of the part not yet handed out, if the file's claim is true.
    left: u64,
}

impl<R: Read> Stream<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            gzip: MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, input)),
            chunk: vec![0; CHUNK_BYTES],
            ready: 0..0,
            part: Part::Magic,
            taken: 0,
            left: 0,
        }
    }

    /// Begins a part of `length` bytes.
    pub(super) fn enter(&mut self, part: Part, length: u64) {
        (self.part, self.taken, self.left) = (part, 0, length);
    }

    /// The position of the next byte.
    pub(super) fn place(&self, node: Option<u32>) -> Place {
        self.place_at(self.taken, node)
    }

    fn place_at(&self, byte: u64, node: Option<u32>) -> Place {
        Place { part: self.part, byte: Some(byte), node }
    }

    /// The position of a number that began at byte `start` of the section.
    pub(super) fn number_place(&self, start: u64, node: u32) -> Place {
        self.place_at(start, Some(node))
    }

    /// Bytes of the part handed out so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes of the part that are still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Decompresses the next chunk; false at the end of the file.
    fn refill(&mut self, node: Option<u32>) -> Result<bool, GraphError> {
        loop {
            match self.gzip.read(&mut self.chunk) {
                Ok(bytes) => {
                    self.ready = 0..bytes;
                    return Ok(bytes > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Self::refusal(self.place(node), cause)),
            }
        }
    }

    /// Tells a short file, a damaged stream and a failing disk apart, by the kinds that the decompressor documents.
    fn refusal(place: Place, cause: io::Error) -> GraphError {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => GraphError::Truncated { place },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => GraphError::Gzip { place, cause },
            _ => GraphError::Read { place, cause },
        }
    }

    /// The next byte of the part, which the part must have; `node` is for the error message.
    #[inline]
    pub(super) fn byte(&mut self, node: Option<u32>) -> Result<u8, GraphError> {
        if self.left == 0 {
            return Err(GraphError::SectionEnds { place: self.place(node) });
        }
        if self.ready.is_empty() && !self.refill(node)? {
            return Err(GraphError::Truncated { place: self.place(node) });
        }
        let byte = self.chunk[self.ready.start];
        self.ready.start += 1;
        self.taken += 1;
        self.left -= 1;
        Ok(byte)
    }

    /// The next `N` bytes of the part.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GraphError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte(None)?;
        }
        Ok(bytes)
    }

    /// All bytes of the part that are still to come. The buffer grows with the bytes that arrive.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, GraphError> {
        let mut bytes = Vec::new();
        while self.left > 0 {
            bytes.push(self.byte(None)?);
        }
        Ok(bytes)
    }

    /// The next unsigned LEB128 number, of at most `bits` bits and in its shortest form.
    #[inline]
    pub(super) fn number(&mut self, node: u32, bits: u32) -> Result<u64, GraphError> {
        let start = self.taken;
        let (mut value, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte(Some(node))?;
            let low = u64::from(byte & 0x7f);
            // The tenth byte of a 64-bit number holds its one top bit; there is no eleventh.
            if shift > 63 || (shift == 63 && low > 1) {
                return Err(self.malformed(start, node, LebProblem::Overflow { bits }));
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.malformed(start, node, LebProblem::Overlong));
                }
                break;
            }
            shift += 7;
        }
        if bits < 64 && value >> bits != 0 {
            return Err(self.malformed(start, node, LebProblem::Overflow { bits }));
        }
        Ok(value)
    }

    #[cold]
    fn malformed(&self, start: u64, node: u32, problem: LebProblem) -> GraphError {
        GraphError::Leb { place: self.number_place(start, node), problem }
    }

    /// Checks that the file ends here, gzip trailer and checksum included.
    pub(super) fn finish(&mut self) -> Result<(), GraphError> {
        self.enter(Part::End, 0);
        if !self.ready.is_empty() || self.refill(None)? {
            return Err(GraphError::Trailing { place: self.place(None) });
        }
        Ok(())
    }
}
