//! The fuzz targets without libFuzzer: each is called with its seeds, and with what a seeded generator makes of them.

use std::fs;
use std::path::Path;

use super::targets;

/// Inputs for each target, beside its seeds.
const MUTATED: usize = 10_000;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end.max(1)
    }
}

/// What makes inputs: the seeds, and the words of the dictionary.
struct Maker {
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    dice: Dice,
}

impl Maker {
    fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let mut files: Vec<_> = fs::read_dir(folder.join("seeds").join(target))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        let seeds: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(seeds.len() > 5, "{target} has hardly any seeds");
        let words = fs::read_to_string(folder.join("dictionaries").join(target)).unwrap();
        let word = |line: &str| {
            let word = line.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
            word.into_bytes()
        };
        Self { seeds, words: words.lines().map(word).collect(), dice: Dice(0x5eed) }
    }

    fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.dice.below(4) {
            let (at, other) = (self.dice.below(input.len()), self.dice.below(input.len()));
            let (from, to) = (at.min(other), at.max(other).min(at.min(other) + 40));
            match self.dice.below(7) {
                0 => drop(input.drain(from..to)),
                1 => {
                    let part = input[from..to].to_vec();
                    input.splice(at..at, part);
                }
                2 => {
                    let at = self.dice.below(self.words.len());
                    let word = self.words[at].clone();
                    input.splice(from..to, word);
                }
                3 => {
                    let at = self.dice.below(self.words.len());
                    let word = self.words[at].clone();
                    input.splice(from..from, word);
                }
                4 => {
                    let rest = self.seed();
                    let cut = self.dice.below(rest.len());
                    input.truncate(at);
                    input.extend_from_slice(&rest[cut..]);
                }
                5 => {
                    let byte = b"\"\\{}[]():,. 05aZ\0\xc3\xff"[self.dice.below(19)];
                    if let Some(there) = input.get_mut(at) {
                        *there = byte;
                    }
                }
                // How the input is read.
                _ => {
                    if let Some(first) = input.first_mut() {
                        *first = b"012345"[self.dice.below(6)];
                    }
                }
            }
        }
        input
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.dice.below(self.seeds.len());
        self.seeds[at].clone()
    }
}

fn run(name: &str, target: fn(&[u8])) {
    let mut maker = Maker::of(name);
    let mutated: Vec<_> = (0..MUTATED).map(|_| maker.input()).collect();
    for input in maker.seeds.iter().chain(&mutated) {
        if std::panic::catch_unwind(|| target(input)).is_err() {
            panic!("{name} fails for {:?}", String::from_utf8_lossy(input));
        }
    }
}

#[test]
fn filters() {
    run("filter", targets::filter);
}

#[test]
fn paths() {
    run("path", targets::path);
}

#[test]
fn patches() {
    run("patch", targets::patch);
}

/// Seen to catch: a circle that is begun and never finished, and one whose beginning is not taken back.
#[test]
fn bulk_jobs() {
    run("bulk", targets::bulk);
}

#[test]
fn cursors() {
    run("cursor", targets::cursor);
}
