//! Any bytes are read to their end, in any chunks, with the same outcomes and no panic.

#![no_main]

use intake::{Mapping, Outcome, Parser, detect};
use libfuzzer_sys::fuzz_target;

fn read(file: &[u8], chunk: usize) -> Vec<Outcome> {
    let detected = detect(file, true);
    let mapping = Mapping::auto(&detected);
    let mut parser = Parser::new(&detected, &mapping);
    let mut outcomes = Vec::new();
    for part in file.chunks(chunk) {
        parser.push(part, &mut |outcome| outcomes.push(outcome));
    }
    parser.finish(&mut |outcome| outcomes.push(outcome));
    outcomes
}

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, file) = input;
    assert_eq!(read(file, usize::from(chunk) + 1), read(file, usize::MAX));
});
