//! The legal pages: public, dated, in two languages.

use tests::{TestStack, run};

#[test]
fn every_page_is_there_in_both_languages_dated_and_without_scripts() {
    run(async {
        let stack = TestStack::shared().await;
        let client = stack.client();
        for page in ["privacy", "prospects-privacy", "terms", "dpa", "cookies", "subprocessors", "notice"] {
            for language in ["fr", "en"] {
                let answer = client.get(&format!("/legal/{page}?lang={language}")).await.expect(200);
                assert_eq!(answer.header("content-language"), language, "{page}");
                assert!(answer.header("content-type").starts_with("text/html"), "{page}");
                assert!(answer.headers.get("set-cookie").is_none(), "{page}");
                let text = answer.text();
                assert!(text.contains(&format!("lang=\"{language}\"")), "{page}");
                assert!(text.contains("202"), "{page} has no date");
                let names_it = matches!(page, "cookies" | "subprocessors") || text.contains("Atelier Fictif SAS");
                assert!(names_it, "{page} names no operator");
                assert!(!text.contains("<script") && !text.contains("{{"), "{page}");
            }
            let french = client.get(&format!("/legal/{page}")).await.expect(200);
            assert_eq!(french.header("content-language"), "fr", "{page}");
            let english =
                client.request(reqwest::Method::GET, &format!("/legal/{page}")).header("accept-language", "en-GB");
            assert_eq!(english.send().await.header("content-language"), "en", "{page}");
        }
        assert_eq!(client.get("/legal/unknown").await.status, 404);
        let notice = client.get("/legal/notice?lang=fr").await.text();
        assert!(notice.contains("123456782") || notice.contains("123 456 782"), "no registration number: {notice}");
        stack.check();
    });
}
