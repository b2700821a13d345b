//! The fuzzer's corpus (`fuzz/corpus`), on the stable toolchain: each file, and a few thousand changes of them.

mod fuzz_claims;

use std::fs;
use std::path::Path;

use fuzz_claims as claims;
use workloads::draws::SplitMix64;

/// Changed files a target.
const MUTATIONS: u32 = 2_000;

/// The longest file that changes make.
const LONGEST: usize = 8_192;

/// The files of a target, in order of name.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} files in {}", paths.len(), folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One to four changes: a bit, a byte, a piece left out, doubled or taken from another file.
fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut SplitMix64) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() as u32 + 1) as usize;
        let length = (random.below(32) as usize).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.below(256) as u8),
            2 => bytes.insert(at, [0, 1, b'9', 0x7f, 0x80, 0xff][random.below(6) as usize]),
            3 => drop(bytes.drain(at..at + length)),
            4 => bytes.splice(at..at, bytes[at..at + length].to_vec()).for_each(drop),
            _ => {
                let other = &others[random.below(others.len() as u32) as usize];
                let from = random.below(other.len() as u32 + 1) as usize;
                let piece = other[from..(from + 64).min(other.len())].to_vec();
                bytes.splice(at..at + length, piece).for_each(drop);
            }
        }
    }
    bytes.truncate(LONGEST);
}

fn holds(target: &str, seed: u64, claim: fn(&[u8])) {
    println!("{target}: {MUTATIONS} changes, seed {seed}");
    let corpus = corpus(target);
    corpus.iter().for_each(|bytes| claim(bytes));
    let mut random = SplitMix64::new(seed);
    for _ in 0..MUTATIONS {
        let mut bytes = corpus[random.below(corpus.len() as u32) as usize].clone();
        change(&mut bytes, &corpus, &mut random);
        claim(&bytes);
    }
}

#[test]
fn decompressed_heap_graphs() {
    holds("gcheap_plain", 1, claims::gcheap_plain);
}

#[test]
fn compressed_heap_graphs() {
    holds("gcheap_gz", 2, claims::gcheap_gz);
}

#[test]
fn heap_graphs_by_section() {
    holds("gcheap_sections", 3, claims::gcheap_sections);
}

#[test]
fn operation_logs() {
    holds("oplog_log", 4, claims::oplog_log);
}

#[test]
fn outcomes() {
    holds("oplog_outcome", 5, claims::oplog_outcome);
}

/// The corpus is worth its bytes only if some of it is read to the end.
#[test]
fn some_files_are_sound() {
    let graphs = corpus("gcheap_gz");
    assert!(graphs.iter().any(|bytes| workloads::graph::HeapGraph::read(bytes.as_slice()).is_ok()));
    let logs = corpus("oplog_log");
    let sound = |bytes: &Vec<u8>| workloads::oplog::Log::parse(&String::from_utf8_lossy(bytes)).is_ok();
    assert!(logs.iter().any(sound));
}
