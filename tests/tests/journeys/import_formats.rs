//! Files as people really have them, through the whole product: upload, detection, counts, prospects, report.

use serde_json::{Value, json};
use tests::{TestStack, run, store::Dump};

/// A file, and what must come of it.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    /// Addresses of the prospects it makes.
    people: &'static [&'static str],
    /// Rows in the report.
    rejected: u64,
    /// encoding, delimiter, header.
    detected: (&'static str, &'static str, bool),
}

/// Latin letters beyond ASCII as Windows-1252 writes them.
fn cp1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| if c == '€' { 0x80 } else { u8::try_from(u32::from(c)).expect("Latin-1") }).collect()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn wide() -> Vec<u8> {
    let mut header: Vec<String> = (0..200).map(|column| format!("champ {column}")).collect();
    header[57] = "Adresse e-mail".into();
    header[120] = "Société".into();
    let row = |n: usize| {
        let mut cells: Vec<String> = (0..200).map(|column| format!("hors-liste-{n}-{column}")).collect();
        cells[57] = format!("large{n}@wide.test");
        cells[120] = format!("Large {n}");
        cells.join(";")
    };
    format!("{}\n{}\n{}\n", header.join(";"), row(1), row(2)).into_bytes()
}

fn cases() -> Vec<Case> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        Case {
            name: "Windows-1252, semicolons, CRLF",
            file: cp1252(
                "Prénom;Nom;Courriel;Société\r\nÉloïse;Lefèvre;eloise@cp.test;Crème & Fils\r\nJosé;Muñoz;jose@cp.test;50 €\r\n",
            ),
            people: &["eloise@cp.test", "jose@cp.test"],
            rejected: 0,
            detected: ("windows-1252", ";", true),
        },
        Case {
            name: "UTF-8 with a mark, commas",
            file: text("\u{FEFF}email,first name,last name,company\nanna@bom.test,Anna,Été,Alpha\n"),
            people: &["anna@bom.test"],
            rejected: 0,
            detected: ("utf-8", ",", true),
        },
        Case {
            name: "UTF-16 little-endian, tabs",
            file: utf16("Nom\tE-mail\tEntreprise\r\nÉmile\temile@le.test\tŒuvre\r\n", false),
            people: &["emile@le.test"],
            rejected: 0,
            detected: ("utf-16le", "\t", true),
        },
        Case {
            name: "UTF-16 big-endian, semicolons",
            file: utf16("Nom;E-mail\nÉmile;emile@be.test\nZoé;zoe@be.test\n", true),
            people: &["emile@be.test", "zoe@be.test"],
            rejected: 0,
            detected: ("utf-16be", ";", true),
        },
        Case {
            name: "carriage returns only",
            file: text("nom;email\rMartin;martin@cr.test\rPetit;petit@cr.test\r"),
            people: &["martin@cr.test", "petit@cr.test"],
            rejected: 0,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "pipes",
            file: text("email|nom|société\na@pipe.test|A|Un, deux; trois\nb@pipe.test|B|Quatre\n"),
            people: &["a@pipe.test", "b@pipe.test"],
            rejected: 0,
            detected: ("utf-8", "|", true),
        },
        Case {
            name: "title lines before, totals after",
            file: text(
                "Export CRM du 14/01/2026\n;;;\nFichier confidentiel;;;\n\nNom;Prénom;Email;Société\n\
                 Martin;Anne;anne@title.test;Alpha\nPetit;Zoé;zoe@title.test;Bêta\n;;;\nTotal;2;;\n",
            ),
            people: &["anne@title.test", "zoe@title.test"],
            rejected: 1,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "no header",
            file: text(
                "Anne;Martin;anne@bare.test;75001\nZoé;Petit;zoe@bare.test;69002\nLoïc;Roux;loic@bare.test;13001\n",
            ),
            people: &["anne@bare.test", "loic@bare.test", "zoe@bare.test"],
            rejected: 0,
            detected: ("utf-8", ";", false),
        },
        Case {
            name: "ragged rows",
            file: text(
                "email,prenom,nom,societe\na@ragged.test,Anne\nb@ragged.test,Bob,Petit,Bêta,trop,encore\nc@ragged.test\n,Sans,Adresse,X\n",
            ),
            people: &["a@ragged.test", "b@ragged.test", "c@ragged.test"],
            rejected: 1,
            detected: ("utf-8", ",", true),
        },
        Case {
            name: "empty and duplicate headers",
            file: text("Email;;Nom;;Email;Prénom\na@double.test;1;Martin;2;;Anne\nb@double.test;1;Petit;2;;Bob\n"),
            people: &["a@double.test", "b@double.test"],
            rejected: 0,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "quotes with line ends and quotes inside",
            file: text(
                "nom,email,société\n\"Martin, Anne\",a@quote.test,\"Une ligne\nune \"\"autre\"\"\"\n\"Petit\",\"b@quote.test\",X\n",
            ),
            people: &["a@quote.test", "b@quote.test"],
            rejected: 0,
            detected: ("utf-8", ",", true),
        },
        Case {
            name: "several tags in a cell",
            file: text("email;tags\na@tags.test;salon, vip|Lyon\n"),
            people: &["a@tags.test"],
            rejected: 0,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "200 columns",
            file: wide(),
            people: &["large1@wide.test", "large2@wide.test"],
            rejected: 0,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "the same person twice, in another case",
            file: text("email;nom\nbis@twice.test;Un\nBIS@twice.test;Deux\n"),
            people: &["bis@twice.test"],
            rejected: 0,
            detected: ("utf-8", ";", true),
        },
        Case {
            name: "not professional, not an address, formulas",
            file: text(
                "email;société\nok@rules.test;Alpha\nperso@gmail.com;X\njetable@yopmail.com;X\n=HYPERLINK(\"x\");X\n\
                 \"commentaire(x)@rules.test\";X\nlitteral@[192.0.2.1];X\nadresse@münchen.test;IDN\n",
            ),
            people: &["adresse@xn--mnchen-3ya.test", "ok@rules.test"],
            rejected: 5,
            detected: ("utf-8", ";", true),
        },
    ]
}

#[test]
fn every_kind_of_file_becomes_the_right_people() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let mut wrong = Vec::new();
        for case in cases() {
            let import = sender.import(&case.file).await;
            let id = import["id"].as_str().unwrap().to_owned();
            let found = sender.all(&format!("/v1/prospects?limit=200&import={id}")).await;
            let mut people: Vec<&str> = found.iter().filter_map(|p| p["email"].as_str()).collect();
            people.sort_unstable();
            let detected = &import["detected"];
            let looks = (detected["encoding"].as_str(), detected["delimiter"].as_str(), detected["header"].as_bool());
            let (encoding, delimiter, header) = case.detected;
            let right = import["status"] == "done"
                && people == case.people
                && import["created"] == case.people.len()
                && import["rejected"] == case.rejected
                && looks == (Some(encoding), Some(delimiter), Some(header));
            if !right {
                wrong.push(format!("{}: {people:?} {import}", case.name));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));

        let tagged = sender.prospect("a@tags.test").await;
        assert_eq!(tagged["tags"], json!(["Lyon", "salon", "vip"]));
        let named = sender.prospect("eloise@cp.test").await;
        assert_eq!((&named["first_name"], &named["company"]), (&json!("Éloïse"), &json!("Crème & Fils")));
        assert_eq!(sender.prospect("jose@cp.test").await["company"], "50 €");
        // What is not on the list of fields is not kept anywhere but in the file itself (A64).
        let mut dump = Dump::of(&stack).await;
        dump.objects.clear();
        assert_eq!(dump.mentions("hors-liste"), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn a_report_names_line_column_and_reason_and_nothing_a_spreadsheet_would_run() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let file = "=société;email\nok;ok@report.test\n+x;=cmd|' /C calc'!A0\nx;perso@gmail.com\nx;\n";
        let mut announcement = sender.announcement();
        announcement["mapping"] = json!({"email": "email", "company": 1});
        let import = sender.import_as(announcement, file.as_bytes()).await;
        assert_eq!((&import["created"], &import["rejected"]), (&json!(1), &json!(3)), "{import}");
        assert_eq!(import["rejected_by_reason"], json!({"freemail": 1, "invalid_email": 1, "missing_email": 1}));
        let id = import["id"].as_str().unwrap();
        let report = sender.get(&format!("/v1/imports/{id}/rejects")).await.expect(200);
        assert!(report.header("content-type").starts_with("text/csv"));
        assert!(report.header("content-disposition").starts_with("attachment"));
        let text = report.text();
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines, ["line,column,reason", "3,email,invalid_email", "4,email,freemail", "5,email,missing_email"]);
        assert!(!text.contains("cmd"), "{text}");
        let listed = sender.get("/v1/imports").await.expect(200).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        stack.check();
    });
}

#[test]
fn a_mapping_of_ones_own_wins_and_one_that_does_not_fit_is_told() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let file = "email;autre;x\nwrong@map.test;right@map.test;Titre\n";
        let with = |mapping: Value| {
            let mut announcement = sender.announcement();
            announcement["mapping"] = mapping;
            announcement
        };
        let import = sender.import_as(with(json!({"email": "autre", "job_title": 3})), file.as_bytes()).await;
        assert_eq!(import["created"], 1, "{import}");
        assert_eq!(sender.prospect("right@map.test").await["job_title"], "Titre");
        assert_eq!(sender.prospects().await.len(), 1);

        let import = sender.import_as(with(json!({"email": "nulle part"})), file.as_bytes()).await;
        assert_eq!(import["status"], "failed", "{import}");
        assert!(import["failure"].as_str().is_some_and(|why| why.contains("mapping")), "{import}");
        let refused = sender.post("/v1/imports", with(json!({"birthday": "x"}))).await;
        refused.problem(422, "validation-failed");
        assert_eq!(refused.fields(), ["mapping"]);
        stack.check();
    });
}

#[test]
fn what_is_no_table_fails_with_a_reason() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let files: [(&str, &[u8]); 4] = [
            ("a spreadsheet's archive", b"PK\x03\x04\x14\x00\x06\x00\x08\x00 and so on"),
            ("nothing", b""),
            ("bytes", &[0, 159, 146, 150, 0, 0, 1, 2, 3]),
            ("no addresses", b"nom;ville\nMartin;Lyon\nPetit;Paris\n"),
        ];
        for (what, file) in files {
            let import = sender.import(file).await;
            assert_eq!(import["status"], "failed", "{what}: {import}");
            assert!(import["failure"].as_str().is_some_and(|why| why.len() > 20), "{what}: {import}");
            assert_eq!(import["created"], 0);
        }
        stack.check();
    });
}
