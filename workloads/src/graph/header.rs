//! The JSON header of a GCHEAP file: what a reader keeps of it, and its form on disk.

use super::error::{GraphError, Section};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// What a GCHEAP file says beside its nodes and edges. Fields that a file does not have are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Where the graph comes from: `cpython` or `v8-heapsnapshot`.
    pub source: Option<String>,
    /// Name and version of the runtime, for example `CPython 3.13.0`.
    pub runtime: Option<String>,
    /// The collector's settings and figures when the heap was recorded.
    pub gc: Option<GcState>,
    /// The application, in whatever fields the dumper chose.
    pub meta: Value,
    /// The types that nodes refer to by index.
    pub types: Vec<TypeRecord>,
    /// Fields that this version does not know, kept so that writing loses nothing.
    pub other: Map<String, Value>,
}

/// One type of the recorded program; on disk `[qualified_name, basic_size, item_size, supports_gc]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRecord {
    /// Qualified name, for example `builtins.dict`.
    pub name: String,
    /// Size of an instance without items, in bytes.
    pub basic_size: u64,
    /// Size of an item of a variable-sized instance, in bytes; 0 when the size is fixed.
    pub item_size: u64,
    /// Whether instances can be tracked.
    pub supports_gc: bool,
}

/// The collector's settings and figures, as Python's `gc` module names them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GcState {
    /// `gc.get_threshold()`, by generation.
    #[serde(default)]
    pub threshold: Vec<i64>,
    /// `gc.get_count()`, by generation.
    #[serde(default)]
    pub count: Vec<i64>,
    /// `gc.get_stats()`, by generation.
    #[serde(default)]
    pub stats: Vec<GenerationStats>,
    /// `gc.get_freeze_count()`: objects in the permanent generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<u64>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What one generation's collections did since the program's start, in objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationStats {
    /// Number of collections.
    pub collections: u64,
    /// Objects collected.
    pub collected: u64,
    /// Objects found to be garbage and left.
    pub uncollectable: u64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Serialize for TypeRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, self.basic_size, self.item_size, u8::from(self.supports_gc)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TypeRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Dumpers write 0 or 1; JSON's own booleans mean the same.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Truth {
            Bool(bool),
            Number(u8),
        }
        let (name, basic_size, item_size, truth) = <(String, u64, u64, Truth)>::deserialize(deserializer)?;
        let supports_gc = match truth {
            Truth::Bool(value) => value,
            Truth::Number(value) => value != 0,
        };
        Ok(Self { name, basic_size, item_size, supports_gc })
    }
}

/// The version that this reader and writer speak; also part of the magic.
const VERSION: u64 = 1;

/// The header as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct FileHeader {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    pub(super) nodes: u64,
    pub(super) edges: u64,
    /// Number of nodes with the flag; dumpers state it, the layout does not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tracked: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runtime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gc: Option<GcState>,
    #[serde(default)]
    meta: Value,
    types: Vec<TypeRecord>,
    sections: Vec<(String, String, u64)>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl FileHeader {
    /// The header of a file with these numbers and section lengths.
    pub(super) fn new(header: &Header, nodes: u64, edges: u64, tracked: u64, lengths: [u64; 6]) -> Self {
        let sections = Section::ALL
            .iter()
            .zip(lengths)
            .map(|(section, length)| (section.name().to_owned(), section.encoding().to_owned(), length))
            .collect();
        let Header { source, runtime, gc, meta, types, other } = header.clone();
        Self {
            version: Some(VERSION),
            nodes,
            edges,
            tracked: Some(tracked),
            source,
            runtime,
            gc,
            meta,
            types,
            sections,
            other,
        }
    }

    /// Byte lengths of the six sections, if the list names them all, in order, each with its encoding.
    pub(super) fn section_lengths(&self) -> Result<[u64; 6], GraphError> {
        let mut lengths = [0; 6];
        for (position, section) in Section::ALL.into_iter().enumerate() {
            let expected = format!("`{section}` as `{}`", section.encoding());
            match self.sections.get(position) {
                Some((name, encoding, length)) if name == section.name() && encoding == section.encoding() => {
                    lengths[position] = *length;
                }
                Some((name, encoding, _)) => {
                    // A name may be as long as the header; an error message may not.
                    let shorten = |text: &str| text.chars().take(20).collect::<String>();
                    let found = format!("`{}` as `{}`", shorten(name), shorten(encoding));
                    return Err(GraphError::SectionList { position, expected, found });
                }
                None => return Err(GraphError::SectionList { position, expected, found: "nothing".to_owned() }),
            }
        }
        match self.sections.len() {
            6 => Ok(lengths),
            more => Err(GraphError::SectionList {
                position: 6,
                expected: "no further section".to_owned(),
                found: format!("{} more", more - 6),
            }),
        }
    }

    /// The version the file claims, if it is not one this reader speaks.
    pub(super) fn foreign_version(&self) -> Option<u64> {
        self.version.filter(|&version| version != VERSION)
    }

    /// What outlives reading.
    pub(super) fn into_header(self) -> Header {
        let Self { source, runtime, gc, meta, types, other, .. } = self;
        Header { source, runtime, gc, meta, types, other }
    }

    /// Number of types in the table.
    pub(super) fn type_count(&self) -> usize {
        self.types.len()
    }
}
