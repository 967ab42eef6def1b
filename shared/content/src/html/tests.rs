use super::*;

#[test]
fn what_can_run_fetch_or_hide_is_taken_out() {
    for (source, kept) in [
        ("<p onclick=\"x()\">Hi</p>", "<p>Hi</p>"),
        ("<script>alert(1)</script><p>Hi</p>", "<p>Hi</p>"),
        ("<style>.footer{display:none}</style><b>Hi</b>", "<b>Hi</b>"),
        ("<div style=\"display:none\">Hi", "<div>Hi</div>"),
        ("<form action=https://example.com><input name=a>Hi</form>", "Hi"),
        ("Hi<iframe src=https://example.com></iframe>", "Hi"),
        ("<link rel=stylesheet href=https://example.com/a.css>Hi", "Hi"),
        ("<a href=\"javascript:alert(1)\">Hi</a>", "<a>Hi</a>"),
        ("<a href=\"JaVa\nscript:alert(1)\">Hi</a>", "<a>Hi</a>"),
        ("<a href=\"//example.com\">Hi</a>", "<a>Hi</a>"),
        ("<a href=\"data:text/html,x\">Hi</a>", "<a>Hi</a>"),
        ("<a href=\"https://example.com/?a=1&b=2\">Hi</a>", "<a href=\"https://example.com/?a=1&amp;b=2\">Hi</a>"),
        ("<a href=\"mailto:a@example.com\" target=_blank>Hi</a>", "<a href=\"mailto:a@example.com\">Hi</a>"),
        ("Hi&#8238; th&#x1;ere&#8297;", "Hi there"),
        ("Hi <!-- hidden", "Hi"),
        ("Hi <!-- a --> there", "Hi  there"),
        ("<title>x</title><body background=https://example.com/p.gif>Hi", "Hi"),
        ("<svg><script>1</script></svg>Hi", "Hi"),
        ("<table><tr><td>Hi", "<table><tbody><tr><td>Hi</td></tr></tbody></table>"),
        ("<p class=gmail_quote id=x>Hi</p>", "<p>Hi</p>"),
        ("Hi</div></td></table></body></html>", "Hi"),
        ("<textarea>Hi", "Hi"),
        ("<plaintext>Hi", "Hi"),
        ("{</style>{ email }}", "&#123;{ email }}"),
        ("{<!-- -->% if %}", "&#123;% if %}"),
    ] {
        assert_eq!(sanitise(source).as_deref(), Ok(kept), "{source}");
        assert_eq!(sanitise(kept).as_deref(), Ok(kept), "cleaning twice changes nothing");
    }
}

#[test]
fn a_whole_document_keeps_its_content() {
    let source = "<!DOCTYPE html><html><head><meta charset=utf-8><title>T</title><style>p{color:red}</style>\
                  </head><body bgcolor=\"#fff\"><center><p>Bonjour <font color=\"red\">à tous</font></p></center></body></html>";
    assert_eq!(sanitise(source).as_deref(), Ok("<center><p>Bonjour <font color=\"red\">à tous</font></p></center>"));
    assert_eq!(removed(source), ["style"]);
    assert_eq!(removed("<SCRIPT src=x></SCRIPT><styled-text><form>"), ["form", "script"]);
}

#[test]
fn images_are_https_and_visible() {
    for (attributes, expected) in [
        ("src=https://example.com/logo.png width=120 height=40 alt=Logo", Ok(())),
        ("src=https://example.com/logo.png", Ok(())),
        ("src=https://example.com/line.png width=600 height=1", Ok(())),
        ("src=https://example.com/logo.png style=\"width:100%;height:auto\"", Ok(())),
        ("src=http://example.com/logo.png", Err(HtmlError::InsecureImage)),
        ("src=cid:logo", Err(HtmlError::InsecureImage)),
        ("src=data:image/png;base64,AAAA", Err(HtmlError::InsecureImage)),
        ("alt=x", Err(HtmlError::InsecureImage)),
        ("src=https://example.com/p.gif width=1 height=1", Err(HtmlError::TrackingPixel)),
        ("src=https://example.com/p.gif width=1px height='1 '", Err(HtmlError::TrackingPixel)),
        ("src=https://example.com/p.gif width=1", Err(HtmlError::TrackingPixel)),
        ("src=https://example.com/p.gif width=0 height=20", Err(HtmlError::TrackingPixel)),
        (
            "src=https://example.com/p.gif width=20 height=20 style=\"width:1px;height:1px\"",
            Err(HtmlError::TrackingPixel),
        ),
        ("src=https://example.com/p.gif style=\"height:.5px\"", Err(HtmlError::TrackingPixel)),
        ("src=https://example.com/p.gif style=\"width:0%\"", Err(HtmlError::TrackingPixel)),
    ] {
        let source = format!("<p>Hi</p><img {attributes}>");
        assert_eq!(sanitise(&source).map(drop), expected, "{source}");
    }
}

#[test]
fn nothing_visible_and_too_deep_are_refused() {
    for source in ["", "  ", "<script>x</script>", "<p> </p>", "<!-- x -->"] {
        assert_eq!(sanitise(source), Err(HtmlError::Empty), "{source}");
    }
    assert_eq!(sanitise(&format!("{}x", "<div>".repeat(8_000))), Err(HtmlError::TooDeep));
}

#[test]
fn only_the_safe_form_is_verified() {
    for unsafe_form in [
        "<script>x</script>",
        "<p>",
        "</p>",
        "<p></b></p>",
        "<p onclick=\"x\">a</p>",
        "<p style=\"display:none\">a</p>",
        "<a href=\"javascript:x\">a</a>",
        "<a href=https://example.com>a</a>",
        "<!-- x -->",
        "<P>a</P>",
        "<p",
        "a < b",
        "<img src=\"https://example.com/a.png\" srcset=\"x\">",
    ] {
        assert_eq!(verify(unsafe_form), Err(HtmlError::NotSafe), "{unsafe_form}");
    }
}

#[test]
fn text_is_derived_from_html() {
    for (html, text) in [
        ("<p>Bonjour,</p><p>Une&nbsp;ligne<br>puis  une\n autre</p>", "Bonjour,\n\nUne ligne\npuis une autre"),
        (
            "<p>Voir <a href=\"https://example.com/a?b=1&amp;c\">notre site</a>.</p>",
            "Voir notre site (https://example.com/a?b=1&c).",
        ),
        ("<a href=\"https://example.com/\">example.com</a>", "example.com"),
        ("<a href=\"mailto:a@example.com\">a@example.com</a>", "a@example.com"),
        (
            "<a href=\"https://example.com/x\"><img src=\"https://example.com/a.png\" alt=\"Logo\"></a>",
            "Logo (https://example.com/x)",
        ),
        ("<ul><li>un</li><li><b>deux</b></li></ul><p>fin</p>", "- un\n- deux\n\nfin"),
        ("<ol start=\"3\"><li>un</li><li>deux</li></ol>", "3. un\n4. deux"),
        ("<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>", "a b\nc"),
        ("<h1>Titre</h1>a &lt;b&gt; &amp;amp;<hr>fin", "Titre\n\na <b> &amp;\n\n---\n\nfin"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p>a</p><div><div></div></div><p>b</p>", "a\n\nb"),
        ("un <b>gras</b>, oui", "un gras, oui"),
    ] {
        assert_eq!(text_of(html), text, "{html}");
    }
}

#[test]
fn html_is_derived_from_text_and_safe() {
    for (text, html) in [
        ("Bonjour,\n\nligne\nautre\n\n\n\nfin", "<p>Bonjour,</p>\n<p>ligne<br>\nautre</p>\n<p>fin</p>"),
        (
            "Voir https://example.com/a?b=1&c, merci.",
            "<p>Voir <a href=\"https://example.com/a?b=1&amp;c\">https://example.com/a?b=1&amp;c</a>, merci.</p>",
        ),
        ("<script>\"R&D\"", "<p>&lt;script&gt;&quot;R&amp;D&quot;</p>"),
        ("https://", "<p>https://</p>"),
        ("https://example.com/\u{E000}0\u{E001}", "<p>https://example.com/\u{E000}0\u{E001}</p>"),
    ] {
        assert_eq!(html_of(text), html, "{text}");
        assert_eq!(verify(html), Ok(()), "{text}");
    }
}
