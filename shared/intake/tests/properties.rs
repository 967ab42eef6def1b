//! What holds for every file, whatever is in it.

use intake::{Mapping, Outcome, Parser, detect};
use proptest::prelude::*;

fn outcomes(file: &[u8], cuts: &[usize]) -> Vec<Outcome> {
    let detected = detect(file, true);
    let mapping = Mapping::auto(&detected);
    let mut parser = Parser::new(&detected, &mapping);
    let mut found = Vec::new();
    let mut rest = file;
    for cut in cuts {
        let (head, tail) = rest.split_at((*cut).min(rest.len()));
        parser.push(head, &mut |outcome| found.push(outcome));
        rest = tail;
    }
    parser.push(rest, &mut |outcome| found.push(outcome));
    parser.finish(&mut |outcome| found.push(outcome));
    found
}

/// Bytes that look like a list: the characters that matter, far more often than by chance.
fn listlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"\n"[..]),
        4 => Just(&b";"[..]),
        2 => Just(&b","[..]),
        3 => Just(&b"\""[..]),
        1 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b"\\"[..]),
        1 => Just(&b"'"[..]),
        1 => Just(&b"\t"[..]),
        1 => Just(&b"\0"[..]),
        1 => Just(&b" "[..]),
        2 => Just(&b"anne@alpha.test"[..]),
        1 => Just(&b"email"[..]),
        1 => Just(&b"Total"[..]),
        1 => Just("é".as_bytes()),
        1 => Just(&b"\xE9"[..]),
        1 => Just(&b"\xFF\xFE"[..]),
        3 => Just(&b"abc"[..]),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(file in prop::collection::vec(any::<u8>(), 0..600)) {
        outcomes(&file, &[]);
    }

    #[test]
    fn chunks_of_any_size_give_the_same_outcomes(file in listlike(), cuts in prop::collection::vec(0..9_usize, 0..60)) {
        prop_assert_eq!(outcomes(&file, &cuts), outcomes(&file, &[]));
    }

    #[test]
    fn lines_only_go_forward(file in listlike()) {
        let lines: Vec<u64> = outcomes(&file, &[])
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Row(row) => row.line,
                Outcome::Reject(reject) => reject.line,
            })
            .collect();
        prop_assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", lines);
    }

    #[test]
    fn a_reader_resumed_anywhere_goes_on_as_if_nothing_happened(file in listlike(), cut in 0..200_usize) {
        let detected = detect(&file, true);
        let mapping = Mapping::auto(&detected);
        let whole = outcomes(&file, &[]);
        let mut parser = Parser::new(&detected, &mapping);
        let mut found = Vec::new();
        parser.push(&file[..cut.min(file.len())], &mut |outcome| found.push(outcome));
        let Some(position) = parser.position() else { return Ok(()) };
        let Some(mut parser) = Parser::resume(&detected, &mapping, position) else { return Ok(()) };
        parser.push(&file[usize::try_from(position.byte).unwrap()..], &mut |outcome| found.push(outcome));
        parser.finish(&mut |outcome| found.push(outcome));
        prop_assert_eq!(found, whole);
    }

    #[test]
    fn well_formed_rows_read_as_the_csv_crate_reads_them(
        names in prop::collection::vec("[a-zA-Zé;, \"\n]{0,12}", 1..20),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["email", "company", "first_name"]).unwrap();
        for (i, name) in names.iter().enumerate() {
            writer.write_record([&format!("p{i}@alpha.test"), name, "Anne"]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let detected = detect(&file, true);
        prop_assume!(detected.delimiter == char::from(delimiter));
        let rows = outcomes(&file, &[3, 5, 8]);
        prop_assert_eq!(rows.len(), names.len());
        for (outcome, name) in rows.iter().zip(&names) {
            let Outcome::Row(row) = outcome else { return Err(TestCaseError::fail("a reject")) };
            // The same text, cleaned: compare what is not white space.
            let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeezed(row.company.as_deref().unwrap_or("")), squeezed(name));
            prop_assert_eq!(row.first_name.as_deref(), Some("Anne"));
        }
    }
}
