//! The fuzz targets' checks over their corpus and over mutations of it, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use modeltrail_tlog::fuzzing::{TARGETS, Target};

/// Mutations of each corpus file. With 12 targets this stays around a second.
const MUTATIONS: u64 = 1_500;

fn fuzz_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let dir = fuzz_dir().join("corpus").join(target);
    let files = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Names of the files, or directories, in a directory under `fuzz`, without `.rs`.
fn names(dir: &str) -> BTreeSet<String> {
    fs::read_dir(fuzz_dir().join(dir))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect()
}

#[test]
fn every_check_has_a_target_and_a_corpus() {
    let expected: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), expected);
    assert_eq!(names("corpus"), expected);
    let manifest = fs::read_to_string(fuzz_dir().join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} in fuzz/Cargo.toml");
        let source = fuzz_dir().join(format!("fuzz_targets/{name}.rs"));
        let call = format!("modeltrail_tlog::fuzzing::{name}(data)");
        assert!(fs::read_to_string(source).unwrap().contains(&call), "{name}.rs calls {call}");
    }
}

#[test]
fn corpus_and_mutations_keep_the_invariants() {
    for (name, check) in TARGETS {
        let inputs = inputs(name);
        let accepted = inputs.iter().filter(|input| check(input)).count();
        assert!(accepted > 0, "no corpus file of {name} is accepted");
        assert!(accepted < inputs.len(), "no corpus file of {name} is refused");
        let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
        for input in &inputs {
            mutate_and_check(check, input, &inputs, &mut random);
        }
    }
}

fn mutate_and_check(check: Target, input: &[u8], all: &[Vec<u8>], random: &mut Xorshift) {
    for _ in 0..MUTATIONS {
        let mut mutated = input.to_vec();
        for _ in 0..=random.below(3) {
            mutate(&mut mutated, all, random);
        }
        check(&mutated);
    }
}

fn mutate(bytes: &mut Vec<u8>, all: &[Vec<u8>], random: &mut Xorshift) {
    let (length, byte) = (bytes.len(), random.below(256) as u8);
    let at = random.below(length + 1);
    match random.below(6) {
        0 if at < length => bytes[at] ^= 1 << random.below(8),
        1 if at < length => bytes[at] = byte,
        2 => bytes.insert(at, byte),
        3 => bytes.truncate(at),
        4 => {
            let end = at + random.below(length - at + 1);
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            let other = &all[random.below(all.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
    }
}

/// A generator that gives the same mutations every time.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
