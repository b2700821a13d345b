//! Damaged GCHEAP files: cut, changed, lengthened, or on a failing disk. Each is refused with its place, none panics.

mod gcheap_pieces;

use gcheap_pieces::{gzip, read, sound};
use serde_json::json;
use std::io::{self, Read};
use workloads::graph::{EMBEDDED_DJANGO, GraphError, HeapGraph, Part};

#[test]
fn the_sound_file_is_read() {
    let graph = read(&sound().plain()).unwrap();
    assert_eq!((graph.node_count(), graph.edge_count()), (4, 5));
    assert_eq!(
        (graph.targets(0), graph.targets(1), graph.targets(3)),
        ([1, 2, 2].as_slice(), [0].as_slice(), [3].as_slice())
    );
    assert_eq!((graph.size(1), graph.count(2), graph.type_of(2).name.as_str()), (256, 300, "builtins.int"));
}

#[test]
fn every_truncation_of_the_decompressed_file_is_refused_where_it_ends() {
    let plain = sound().plain();
    assert!(plain.len() > 350);
    for length in 0..plain.len() {
        refused!(read(&plain[..length]).unwrap_err(), GraphError::Truncated { place } if place.byte.is_some());
    }
    let ends_in_dst = read(&plain[..plain.len() - 2]).unwrap_err();
    assert!(ends_in_dst.to_string().starts_with("section `dst`, byte 3, node 1: the file ends"), "{ends_in_dst}");
}

#[test]
fn every_truncation_of_the_compressed_file_is_refused() {
    let file = gzip(&sound().plain());
    for length in 0..file.len() {
        refused!(HeapGraph::read(&file[..length]).unwrap_err(), GraphError::Truncated { .. });
    }
}

#[test]
fn every_flip_of_a_compressed_byte_is_refused_or_changes_nothing() {
    let file = gzip(&sound().plain());
    let graph = HeapGraph::read(file.as_slice()).unwrap();
    let mut refused = 0;
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << bit;
            // Some bits have no meaning for the content: time and system in the gzip header, or a copy from another
            // place that holds the same bytes. All that has is under the checksum.
            match HeapGraph::read(flipped.as_slice()) {
                Ok(read) => assert_eq!(read, graph, "bit {bit} of byte {at}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > file.len() * 7, "only {refused} of {} flips refused", file.len() * 8);
}

#[test]
fn every_change_of_one_decompressed_byte_is_refused_or_read_as_another_sound_graph() {
    let plain = sound().plain();
    let original = read(&plain).unwrap();
    let body = plain.len() - sound().sections.concat().len();
    let mut refused = 0;
    for at in 0..plain.len() {
        // Every value in the sections; every bit elsewhere.
        let changes: Vec<u8> = if at < body { (0..8).map(|bit| 1 << bit).collect() } else { (1..=255).collect() };
        for change in changes {
            let mut changed = plain.clone();
            changed[at] ^= change;
            match read(&changed) {
                Err(_) => refused += 1,
                Ok(graph) => {
                    assert!(at < body || graph != original, "byte {at} ^ {change:#x} went unnoticed");
                    let mut written = Vec::new();
                    graph.write_to(&mut written).unwrap();
                    assert_eq!(HeapGraph::read(written.as_slice()).unwrap(), graph);
                }
            }
        }
    }
    assert!(refused > 3_000, "only {refused} refused");
}

#[test]
fn other_files_are_told_apart_by_their_first_bytes() {
    refused!(HeapGraph::read(sound().plain().as_slice()).unwrap_err(), GraphError::Gzip { .. });
    refused!(HeapGraph::read(&b""[..]).unwrap_err(), GraphError::Truncated { place } if place.part == Part::Magic);
    let message = refused!(read(b"GCHEAP2\n....").unwrap_err(), GraphError::Magic { .. });
    assert!(message.contains("GCHEAP2"), "{message}");
    refused!(sound().field("version", json!(2)).refusal(), GraphError::Version { found: 2 });
}

#[test]
fn bytes_after_the_end_are_refused_inside_and_outside_the_compression() {
    let mut plain = sound().plain();
    plain.push(0);
    refused!(read(&plain).unwrap_err(), GraphError::Trailing { .. });
    let mut file = gzip(&sound().plain());
    file.extend(b"garbage after the stream");
    refused!(HeapGraph::read(file.as_slice()).unwrap_err(), GraphError::Gzip { place, .. } if place.part == Part::End);
    let members = [gzip(&sound().plain()), gzip(b"x")].concat();
    refused!(HeapGraph::read(members.as_slice()).unwrap_err(), GraphError::Trailing { .. });
}

#[test]
fn a_file_in_several_gzip_members_is_read() {
    let plain = sound().plain();
    let (front, back) = plain.split_at(40);
    let members = [gzip(front), gzip(back)].concat();
    assert_eq!(HeapGraph::read(members.as_slice()).unwrap(), read(&plain).unwrap());
}

#[test]
fn a_failing_disk_is_not_called_a_corrupt_file() {
    struct Failing(io::Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            match self.0.read(&mut bytes[..1])? {
                0 => Err(io::Error::other("unplugged")),
                read => Ok(read),
            }
        }
    }
    let half = gzip(&sound().plain())[..100].to_vec();
    let message = refused!(HeapGraph::read(Failing(io::Cursor::new(half))).unwrap_err(), GraphError::Read { .. });
    assert!(message.contains("unplugged"), "{message}");
}

#[test]
fn an_interrupted_read_is_repeated() {
    struct Interrupted<'a>(&'a [u8], bool);
    impl Read for Interrupted<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut bytes[..7]) }
        }
    }
    let file = gzip(&sound().plain());
    assert!(HeapGraph::read(Interrupted(&file, false)).is_ok());
}

#[test]
fn opening_names_the_path_that_is_missing_and_reads_the_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gcheap.gz");
    let message = refused!(HeapGraph::open(&path).unwrap_err(), GraphError::Open { .. });
    assert!(message.contains("small.gcheap.gz"), "{message}");
    std::fs::write(&path, gzip(&sound().plain())).unwrap();
    assert_eq!(HeapGraph::open(&path).unwrap().node_count(), 4);
    assert!(HeapGraph::open(folder.path()).is_err());
}

#[test]
fn damage_anywhere_in_a_real_file_is_refused() {
    let file = EMBEDDED_DJANGO;
    for part in 1..20 {
        let at = file.len() * part / 20;
        refused!(HeapGraph::read(&file[..at]).unwrap_err(), GraphError::Truncated { .. });
        let mut flipped = file.to_vec();
        flipped[at] ^= 0x10;
        assert!(HeapGraph::read(flipped.as_slice()).is_err(), "byte {at}");
    }
}
