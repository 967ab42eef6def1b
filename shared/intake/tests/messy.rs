//! Every kind of file that people really have, read through the public API.

#![expect(clippy::unwrap_used, reason = "tests")]

use encoding_rs::WINDOWS_1252;
use intake::{
    ColumnRef, Columns, Detected, Field, Mapping, MappingError, Outcome, Parser, ProspectRow, Reject, RejectReason,
    Request, detect, inspect,
};

/// Reads a file in chunks of `chunk` bytes.
fn read(file: &[u8], chunk: usize, request: &Request) -> (Detected, Vec<ProspectRow>, Vec<Reject>) {
    let detected = detect(file, true);
    let mapping = Mapping::new(&detected, request).unwrap();
    let mut parser = Parser::new(&detected, &mapping);
    let (mut rows, mut rejects) = (Vec::new(), Vec::new());
    let mut sink = |outcome| match outcome {
        Outcome::Row(row) => rows.push(row),
        Outcome::Reject(reject) => rejects.push(reject),
    };
    for part in file.chunks(chunk) {
        parser.push(part, &mut sink);
    }
    parser.finish(&mut sink);
    (detected, rows, rejects)
}

fn all(file: &[u8]) -> (Detected, Vec<ProspectRow>, Vec<Reject>) {
    read(file, 7, &Request::new())
}

fn emails(rows: &[ProspectRow]) -> Vec<&str> {
    rows.iter().map(|row| row.email.expose()).collect()
}

fn reasons(rejects: &[Reject]) -> Vec<(u64, RejectReason)> {
    rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

#[test]
fn delimiters_are_told_apart() {
    for delimiter in [",", ";", "\t", "|"] {
        let file = [
            ["Prénom", "Nom", "E-mail", "Société"],
            ["Anne", "Martin", "anne@alpha.test", "Alpha"],
            ["Zoé", "Petit", "zoe@beta.test", "Bêta"],
        ]
        .map(|row| row.join(delimiter))
        .join("\n");
        let (detected, rows, rejects) = all(file.as_bytes());
        assert_eq!(detected.delimiter.to_string(), delimiter);
        assert_eq!((detected.quote, detected.header), (Some('"'), true));
        assert_eq!(emails(&rows), ["anne@alpha.test", "zoe@beta.test"], "{delimiter:?}");
        assert_eq!(rows[1].first_name.as_deref(), Some("Zoé"));
        assert_eq!(rows[1].company.as_deref(), Some("Bêta"));
        assert!(rejects.is_empty());
    }
}

#[test]
fn encodings_are_told_apart() {
    let text = "Prénom;Nom;Courriel\r\nÉloïse;Lefèvre;eloise@alpha.test\r\nZoé;Müller;zoe@beta.test\r\nAgnès;Crépin;agnes@gamma.test\r\n";
    let wide = |big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let marked = |mark: &[u8], body: &[u8]| [mark, body].concat();
    let files: [(&str, Vec<u8>); 8] = [
        ("utf-8", text.into()),
        ("utf-8", marked(b"\xEF\xBB\xBF", text.as_bytes())),
        ("utf-16le", marked(b"\xFF\xFE", &wide(false))),
        ("utf-16be", marked(b"\xFE\xFF", &wide(true))),
        ("utf-16le", wide(false)),
        ("utf-16be", wide(true)),
        ("windows-1252", WINDOWS_1252.encode(text).0.into_owned()),
        // Mac Roman's é ï è ü à É
        ("macintosh", text.chars().map(mac_roman).collect()),
    ];
    for (label, file) in files {
        for chunk in [1, 2, 3, 1000] {
            let (detected, rows, rejects) = read(&file, chunk, &Request::new());
            assert_eq!(detected.encoding_label(), label);
            assert_eq!(emails(&rows), ["eloise@alpha.test", "zoe@beta.test", "agnes@gamma.test"], "{label} by {chunk}");
            assert_eq!(rows[0].first_name.as_deref(), Some("Éloïse"));
            assert_eq!(rows[1].last_name.as_deref(), Some("Müller"));
            assert!(rejects.is_empty());
        }
    }
}

fn mac_roman(c: char) -> u8 {
    match c {
        'é' => 0x8E,
        'ï' => 0x95,
        'è' => 0x8F,
        'ü' => 0x9F,
        'É' => 0x83,
        c => u8::try_from(c).unwrap(),
    }
}

#[test]
fn line_ends_of_every_kind_count_as_one_line() {
    for end in ["\n", "\r\n", "\r"] {
        let file = ["nom;email", "Martin;a@alpha.test", "", "Petit;pas une adresse", "Petit;b@beta.test"].join(end);
        for chunk in [1, 2, 1000] {
            let (_, rows, rejects) = read(file.as_bytes(), chunk, &Request::new());
            assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5], "{end:?}");
            assert_eq!(reasons(&rejects), [(4, RejectReason::InvalidEmail)]);
        }
    }
}

#[test]
fn quoted_cells_hold_delimiters_quotes_and_line_ends() {
    let file = "nom,email,notes\n\"Martin, Anne\",a@alpha.test,\"une ligne\nune autre\"\n\"dit \"\"Jo\"\"\",\"b@beta.test\",x\n";
    let (detected, rows, _) = all(file.as_bytes());
    assert_eq!(detected.quote, Some('"'));
    assert_eq!(rows[0].notes.as_deref(), Some("une ligne\nune autre"));
    assert_eq!((rows[0].first_name.as_deref(), rows[0].last_name.as_deref()), (Some("Anne"), Some("Martin")));
    assert_eq!(rows[1].line, 4);
    assert_eq!(rows[1].email.expose(), "b@beta.test");
}

#[test]
fn a_quote_that_is_never_closed_costs_one_row() {
    let mut file = String::from("nom;email;société\nMartin;a@alpha.test;\"Alpha\"\nPetit;b@beta.test;\"Bêta\n");
    for i in 0..200 {
        file.push_str(&format!("N{i};p{i}@gamma.test;Gamma\n"));
    }
    let (_, rows, rejects) = all(file.as_bytes());
    assert_eq!(rows.len(), 201);
    assert_eq!(reasons(&rejects), [(3, RejectReason::UnreadableRow)]);

    // Also where a later row has quotes of its own.
    file.push_str("Durand;c@delta.test;\"Delta\"\nRoux;d@delta.test;\"Delta\nSuite\"\n");
    let (_, rows, rejects) = all(file.as_bytes());
    assert_eq!(rows.len(), 203);
    assert_eq!(reasons(&rejects), [(3, RejectReason::UnreadableRow)]);
}

#[test]
fn quotes_that_were_not_doubled_stay_in_their_cell() {
    let file =
        "société;email\n\"Les \"Amis\" du Livre\";a@alpha.test\nClé de 12\";b@beta.test\n\"Alpha\" SA;c@gamma.test\n";
    let (_, rows, rejects) = all(file.as_bytes());
    assert!(rejects.is_empty(), "{rejects:?}");
    let companies: Vec<_> = rows.iter().filter_map(|row| row.company.as_deref()).collect();
    assert_eq!(companies, ["Les \"Amis\" du Livre", "Clé de 12\"", "Alpha SA"]);
}

#[test]
fn title_lines_and_totals_are_not_data() {
    let file = "Export CRM du 14/01/2026\n;;;\nFichier confidentiel;;;\n\nNom;Prénom;Email;Société\nMartin;Anne;a@alpha.test;Alpha\n\
                Petit;Zoé;z@beta.test;Bêta\n;;;\nTotal;2;;\nSource : salon\n";
    let (detected, rows, rejects) = all(file.as_bytes());
    assert_eq!((detected.header_line, detected.first_data_line), (Some(5), 6));
    assert_eq!(emails(&rows), ["a@alpha.test", "z@beta.test"]);
    assert_eq!(reasons(&rejects), [(9, RejectReason::NotData), (10, RejectReason::NotData)]);
    assert_eq!(rejects[0].column, None);
}

#[test]
fn without_a_header_the_address_is_found_by_its_looks() {
    let file = "Anne;Martin;a@alpha.test;75001\nZoé;Petit;z@beta.test;69002\nLoïc;Roux;l@gamma.test;13001\n";
    let (detected, rows, _) = all(file.as_bytes());
    assert!(!detected.header);
    assert_eq!(emails(&rows), ["a@alpha.test", "z@beta.test", "l@gamma.test"]);
    assert_eq!(rows[0].first_name, None, "names are not guessed");

    let file = "a@alpha.test\nz@beta.test\nl@gamma.test\n";
    let (detected, rows, _) = all(file.as_bytes());
    assert!(!detected.header);
    assert_eq!(rows.len(), 3);
}

#[test]
fn one_column_with_a_header_is_a_list_too() {
    let (detected, rows, _) = all("E-mail\na@alpha.test\nz@beta.test\n".as_bytes());
    assert!(detected.header);
    assert_eq!(emails(&rows), ["a@alpha.test", "z@beta.test"]);
}

#[test]
fn ragged_rows_are_read_as_far_as_they_go() {
    let file = "email,prenom,nom,societe\na@alpha.test,Anne\nb@beta.test,Bob,Petit,Bêta,trop,encore\nc@gamma.test\n";
    let (_, rows, rejects) = all(file.as_bytes());
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].last_name, None);
    assert_eq!(rows[1].company.as_deref(), Some("Bêta"));
    assert!(rejects.is_empty());
}

#[test]
fn empty_and_duplicate_headers_do_no_harm() {
    let file = "Email;;Nom;;Email;Prénom\na@alpha.test;1;Martin;2;;Anne\nb@beta.test;1;Petit;2;;Bob\n";
    let (_, rows, _) = all(file.as_bytes());
    assert_eq!(emails(&rows), ["a@alpha.test", "b@beta.test"]);
    assert_eq!(rows[0].last_name.as_deref(), Some("Martin"));

    // The second of two columns of the same name has the addresses.
    let file = "Email;Nom;Email\n;Martin;a@alpha.test\n;Petit;b@beta.test\n";
    let (_, rows, _) = all(file.as_bytes());
    assert_eq!(emails(&rows), ["a@alpha.test", "b@beta.test"]);
}

#[test]
fn two_hundred_columns_leave_only_the_allowed_ones() {
    let mut header: Vec<String> = (0..200).map(|i| format!("Champ {i}")).collect();
    let mut data: Vec<String> = (0..200).map(|i| format!("secret {i}")).collect();
    header[57] = "Adresse e-mail pro.".into();
    data[57] = "a@alpha.test".into();
    header[120] = "Numéro de sécurité sociale".into();
    header[199] = "Raison sociale".into();
    data[199] = "Alpha".into();
    let file = format!("{}\n{}\n{}\n", header.join(";"), data.join(";"), data.join(";"));
    let (_, rows, _) = all(file.as_bytes());
    let kept = serde_json::to_string(&rows[0]).unwrap();
    assert!(!kept.contains("secret"), "{kept}");
    assert_eq!(rows[0].company.as_deref(), Some("Alpha"));
}

#[test]
fn headers_map_by_themselves_in_french_and_english() {
    let cases: [(&str, &[(Field, &str)]); 8] = [
        (
            "Prénom,NOM,Courriel,Entreprise,Fonction",
            &[
                (Field::FirstName, "Prénom"),
                (Field::LastName, "NOM"),
                (Field::Email, "Courriel"),
                (Field::Company, "Entreprise"),
                (Field::JobTitle, "Fonction"),
            ],
        ),
        (
            "First Name,Last Name,Email Address,Company Name,Job Title",
            &[
                (Field::FirstName, "First Name"),
                (Field::LastName, "Last Name"),
                (Field::Email, "Email Address"),
                (Field::Company, "Company Name"),
                (Field::JobTitle, "Job Title"),
            ],
        ),
        (
            "firstName,lastName,emailAddress,organization,role",
            &[
                (Field::FirstName, "firstName"),
                (Field::Email, "emailAddress"),
                (Field::Company, "organization"),
                (Field::JobTitle, "role"),
            ],
        ),
        (
            "Contact,E-Mail,Raison sociale,Secteur d'activité,Langue,Pays",
            &[
                (Field::FullName, "Contact"),
                (Field::Company, "Raison sociale"),
                (Field::Tags, "Secteur d'activité"),
                (Field::Locale, "Langue"),
                (Field::Country, "Pays"),
            ],
        ),
        ("Nom,Mail", &[(Field::FullName, "Nom"), (Field::Email, "Mail")]),
        ("Name,Email,Tags,Notes", &[(Field::FullName, "Name"), (Field::Tags, "Tags"), (Field::Notes, "Notes")]),
        (
            "Emailing accepté,Date du dernier mail,E-mail du contact (obligatoire)",
            &[(Field::Email, "E-mail du contact (obligatoire)")],
        ),
        ("E-mail perso,E-mail professionnel", &[(Field::Email, "E-mail professionnel")]),
    ];
    for (header, expected) in cases {
        let width = header.split(',').count();
        let file = format!("{header}\n{}\n", vec!["x"; width].join(","));
        let detected = detect(file.as_bytes(), true);
        let mapping = Mapping::auto(&detected);
        for (field, name) in expected {
            assert_eq!(
                mapping.column(*field).map(|index| mapping.column_name(index)).as_deref(),
                Some(*name),
                "{field:?} in {header}"
            );
        }
    }
}

#[test]
fn a_mapping_can_be_given() {
    let file = "c1;c2;c3;c4\na@alpha.test;Anne;btp;x\n";
    let one = |name: &str| Some(Columns::One(ColumnRef::Header(name.into())));
    let request = Request::from([
        ("email".into(), Some(Columns::One(ColumnRef::Position(1)))),
        ("first_name".into(), one("C 2")),
        ("tags".into(), Some(Columns::Several(vec![ColumnRef::Header("c3".into()), ColumnRef::Position(4)]))),
        ("notes".into(), None),
    ]);
    let (detected, rows, _) = read(file.as_bytes(), 1000, &request);
    assert_eq!(rows[0].first_name.as_deref(), Some("Anne"));
    assert_eq!(rows[0].tags, ["btp", "x"]);
    let again = serde_json::to_value(Mapping::new(&detected, &request).unwrap()).unwrap();
    assert_eq!(again, serde_json::json!({"email": "c1", "first_name": "c2", "tags": ["c3", "c4"]}));

    let refused =
        |field: &str, columns| Mapping::new(&detected, &Request::from([(field.to_owned(), columns)])).unwrap_err();
    assert_eq!(refused("phone", one("c1")), MappingError::UnknownField("phone".into()));
    assert_eq!(refused("email", None), MappingError::NoEmail);
    assert_eq!(refused("email", one("absent")), MappingError::NoSuchHeader { field: "email", header: "absent".into() });
    let nine = Some(Columns::One(ColumnRef::Position(9)));
    assert_eq!(refused("email", nine), MappingError::NoSuchPosition { field: "email", position: 9, width: 4 });
    assert_eq!(refused("email", Some(Columns::One(ColumnRef::Position(0)))), MappingError::ColumnZero("email"));
    let two = Some(Columns::Several(vec![ColumnRef::Position(1), ColumnRef::Position(2)]));
    assert_eq!(refused("company", two), MappingError::Several("company"));
}

#[test]
fn a68_a70_rejects_carry_line_column_and_reason() {
    let file =
        "Nom;E-mail\nA;a@gmail.com\nB;b@yopmail.com\nC;\nD;d@@alpha.test\nE;info@alpha.test\nF;nobody\nNom;E-mail\nG;"
            .to_owned()
            + &"g".repeat(70)
            + "@alpha.test\n";
    let (_, rows, rejects) = all(file.as_bytes());
    assert_eq!(emails(&rows), ["info@alpha.test"], "a function's mailbox is a company's");
    assert_eq!(
        reasons(&rejects),
        [
            (2, RejectReason::Freemail),
            (3, RejectReason::Disposable),
            (4, RejectReason::MissingEmail),
            (5, RejectReason::InvalidEmail),
            (7, RejectReason::InvalidEmail),
            (8, RejectReason::NotData),
            (9, RejectReason::TooLong),
        ]
    );
    assert_eq!(rejects[0].column.as_deref(), Some("E-mail"));
}

#[test]
fn addresses_are_taken_out_of_what_surrounds_them() {
    let cells = [
        "  anne@alpha.test ",
        "\u{A0}anne@alpha.test\u{200B}",
        "Anne Martin <anne@alpha.test>",
        "mailto:anne@alpha.test",
        "MAILTO:anne@alpha.test?subject=x",
        "anne@alpha.test;",
        "anne@alpha.test.",
        "<anne@alpha.test>",
        "'anne@alpha.test'",
        "anne@alpha.test / anne@beta.test",
        "anne@alpha.test anne@beta.test",
        "an\u{200B}ne@alpha.test",
        "ANNE@ALPHA.TEST",
        "anne@alpha.test ; anne@beta.test",
        "anne@alpha.test et anne@beta.test",
        "(anne@alpha.test)",
        "Anne Martin <anne@alpha.test>;",
    ];
    for cell in cells {
        let file = format!("nom|email\nMartin|{cell}\nPetit|b@beta.test\n");
        let (_, rows, rejects) = all(file.as_bytes());
        assert_eq!(
            rows.first().map(|row| row.email.canonical().into_owned()).as_deref(),
            Some("anne@alpha.test"),
            "{cell:?} {rejects:?}"
        );
    }
}

#[test]
fn an_address_is_never_guessed_out_of_a_mistyped_one() {
    for cell in [
        "jean dupont@alpha.test",
        "jean,dupont@alpha.test",
        "pas de mail@alpha.test",
        "(jean)pierre@alpha.test",
        "[jean]marc@alpha.test",
        ".dot@alpha.test",
        "jean@alpha.test (bureau)",
        "jean@@alpha.test",
        "jean@alpha.test>",
        "<jean@alpha.test> <",
    ] {
        let file = format!("nom\temail\nMartin\t{cell}\nPetit\tb@beta.test\n");
        let (_, rows, rejects) = all(file.as_bytes());
        assert_eq!((emails(&rows), rejects.len()), (vec!["b@beta.test"], 1), "{cell:?}");
        assert_eq!(rejects[0].reason, RejectReason::InvalidEmail, "{cell:?}");
    }
}

#[test]
fn an_address_that_was_exported_harmless_comes_back_as_it_was() {
    for address in ["-1@alpha.test", "+33@alpha.test", "=x@alpha.test"] {
        let (_, rows, _) = all(format!("email;nom\n'{address};Un\nb@beta.test;Deux\n").as_bytes());
        assert_eq!(rows[0].email.expose(), address);
    }
}

#[test]
fn a_header_alone_is_no_row() {
    for file in ["email", "email\n", "email\r\n", "Titre\n\nPrénom;Nom;Société;E-mail"] {
        let (detected, rows, rejects) = all(file.as_bytes());
        assert!(detected.header && rows.is_empty() && rejects.is_empty(), "{file:?}: {rejects:?}");
    }
}

#[test]
fn values_are_cleaned() {
    let long = "é".repeat(300);
    let file = format!(
        "email\tprénom\tsociété\tfonction\ttags\tlangue\tpays\na@alpha.test\t  An\u{202E}ne\u{7}  \t{long}\tDirectrice\u{A0} générale\t#BTP, btp ; Salon|PME\tFR-fr\tBelgique\n"
    );
    let (_, rows, _) = all(file.as_bytes());
    let row = &rows[0];
    assert_eq!(row.first_name.as_deref(), Some("Anne"));
    assert_eq!(row.company.as_ref().map(|c| c.chars().count()), Some(intake::MAX_NAME));
    assert_eq!(row.job_title.as_deref(), Some("Directrice générale"));
    assert_eq!(row.tags, ["BTP", "Salon", "PME"]);
    assert_eq!((row.locale.as_deref(), row.country.as_deref()), (Some("fr"), Some("BE")));
}

#[test]
fn full_names_are_split() {
    for (name, first, last) in [
        ("Anne Martin", Some("Anne"), Some("Martin")),
        ("MARTIN Anne", Some("Anne"), Some("MARTIN")),
        ("LE GOFF Anne-Marie", Some("Anne-Marie"), Some("LE GOFF")),
        ("\"Martin, Anne\"", Some("Anne"), Some("Martin")),
        ("Mme Anne Martin", Some("Anne"), Some("Martin")),
        ("Martin", None, Some("Martin")),
    ] {
        let file = format!("Nom complet;Email\n{name};a@alpha.test\nPaul Roux;b@beta.test\n");
        let (_, rows, _) = all(file.as_bytes());
        assert_eq!((rows[0].first_name.as_deref(), rows[0].last_name.as_deref()), (first, last), "{name}");
    }
}

#[test]
fn nul_bytes_and_stray_bytes_are_survived() {
    let file = b"nom;email\nMar\0tin;a@alpha.test\nCr\xE9pin;b@beta.test\n\xC3\xA9\xC3\xA8\xC3\xAA;c@gamma.test\n";
    let (_, rows, rejects) = all(file);
    assert!(rejects.is_empty());
    let names: Vec<_> = rows.iter().filter_map(|row| row.last_name.as_deref()).collect();
    assert_eq!(names, ["Martin", "Crépin", "éèê"], "a cell of another encoding is read in it");
}

#[test]
fn a_line_too_long_is_one_reject() {
    let mut file = b"nom;email\n".to_vec();
    file.extend(std::iter::repeat_n(b'x', intake::MAX_ROW * 2 + 5));
    file.extend_from_slice(b"\nMartin;a@alpha.test\n");
    let (_, rows, rejects) = read(&file, 50_000, &Request::new());
    assert_eq!(reasons(&rejects), [(2, RejectReason::TooLong)]);
    assert_eq!(rows[0].line, 3);
}

#[test]
fn a_file_of_quotes_that_never_close_is_read_in_time() {
    // Each line closes the quote of the line before and opens its own.
    let mut file = b"nom;email\n".to_vec();
    for _ in 0..400_000 {
        file.extend_from_slice(b"a\"b;\"c\n");
    }
    let (_, rows, rejects) = read(&file, 1 << 16, &Request::new());
    assert!(rows.is_empty());
    assert!(!rejects.is_empty());
}

#[test]
fn an_empty_file_is_no_error() {
    for file in [&b""[..], b"\n\n\r\n", b"\xEF\xBB\xBF", b"\xFF\xFE"] {
        let (_, rows, rejects) = all(file);
        assert!(rows.is_empty() && rejects.is_empty());
    }
}

#[test]
fn an_inspection_adds_up_and_masks_nothing_it_should_show() {
    let file = intake::sample::messy_csv(10_000, 7);
    let found = inspect("list.csv", file.len() as u64, file.as_slice(), &Request::new()).unwrap();
    assert_eq!(found.rows_read, found.would_import + found.duplicates + found.rejected.values().sum::<u64>());
    assert_eq!(found.rows_read, 10_002, "and the two lines after the data");
    assert_eq!(found.rejected[&RejectReason::NotData], 2);
    assert!(found.duplicates > 20 && found.would_import > 9_000, "{found:?}");
    for reason in
        [RejectReason::Freemail, RejectReason::Disposable, RejectReason::MissingEmail, RejectReason::InvalidEmail]
    {
        assert!(found.rejected[&reason] > 20, "{reason}");
    }
    assert_eq!(found.first_rows.len(), 5);
    assert_eq!(found.rejects.len(), 20);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["detected"]["encoding"], "windows-1252");
    assert_eq!(json["detected"]["delimiter"], ";");
    assert_eq!(json["detected"]["quote"], "\"");
    assert_eq!(json["detected"]["header"], true);
    assert_eq!(json["detected"]["header_line"], 4);
    assert_eq!(json["mapping"]["email"], "E-mail professionnel");
    assert_eq!(json["first_rows"][0]["country"].as_str().map(str::len), Some(2));
    assert!(!format!("{found:?}").contains('@'), "no address in Debug but the masked ones: {found:?}");
}
