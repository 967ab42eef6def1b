//! What a request shows of whoever made it. It is looked at and not kept.

/// Names by which programs that follow links call themselves, in small letters.
const PROGRAMS: [&str; 34] = [
    "barracuda",
    "bitdefender",
    "bot",
    "checkpoint",
    "cisco",
    "cloudmark",
    "crawl",
    "curl",
    "facebookexternalhit",
    "fortinet",
    "go-http-client",
    "google-safety",
    "headless",
    "java/",
    "libwww",
    "link preview",
    "mimecast",
    "okhttp",
    "phantomjs",
    "preview",
    "proofpoint",
    "python",
    "safelinks",
    "scan",
    "slurp",
    "sophos",
    "spider",
    "symantec",
    "trendmicro",
    "urlcheck",
    "virustotal",
    "wget",
    "whatsapp",
    "zgrab",
];

/// Browsers that say since which version that somebody navigates (Fetch Metadata).
const SAY_SO: [(&str, u32); 2] = [("chrome/", 80), ("firefox/", 90)];

/// The headers of a request that tell a person from a program.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`, whichever is there.
    pub purpose: Option<&'a str>,
}

impl Signs<'_> {
    /// A browser fetches ahead what its person may never look at: that is nobody's click.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        let ahead = |purpose: &str| {
            let purpose = purpose.to_ascii_lowercase();
            ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word))
        };
        self.purpose.is_some_and(ahead)
    }

    /// Whether the request itself shows that a program made it: it says so, or says nothing of itself; it claims to be a
    /// browser that would say that somebody navigates and does not; or it says that nobody does. An old browser, and the
    /// window of a mail program, say nothing of navigating, which is held against nobody.
    #[must_use]
    pub fn are_of_a_program(&self) -> bool {
        let agent = self.agent();
        let navigates = match self.mode {
            Some(mode) => mode.trim().eq_ignore_ascii_case("navigate"),
            None => !SAY_SO.iter().any(|(name, since)| version_of(&agent, name).is_some_and(|is| is >= *since)),
        };
        names_a_program(&agent) || !navigates
    }

    /// Whether the request itself shows that no person looks at the image it asks for: a program says so, or says nothing
    /// of itself, or it is Apple's, which loads the images of every message whether or not somebody opens it and calls
    /// itself nothing but `Mozilla/5.0`. The proxies of Gmail and Yahoo ask when a message is opened.
    #[must_use]
    pub fn are_of_nobody_looking(&self) -> bool {
        let agent = self.agent();
        names_a_program(&agent) || agent.trim() == "mozilla/5.0"
    }

    fn agent(&self) -> String {
        self.user_agent.unwrap_or_default().to_ascii_lowercase()
    }
}

fn names_a_program(agent: &str) -> bool {
    agent.trim().is_empty() || PROGRAMS.iter().any(|name| agent.contains(name))
}

fn version_of(agent: &str, name: &str) -> Option<u32> {
    let (_, rest) = agent.split_once(name)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
    const SAFARI: &str =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/15.6 Safari/605.1.15";

    #[test]
    fn a_program_shows_itself_and_an_old_browser_is_not_blamed() {
        for (agent, mode, expected) in [
            (Some(CHROME), Some("navigate"), false),
            (Some(CHROME), Some("no-cors"), true),
            // It would say that it navigates.
            (Some(CHROME), None, true),
            (Some("Mozilla/5.0 Chrome/70.0"), None, false),
            (Some("Mozilla/5.0 (X11; rv:133.0) Gecko/20100101 Firefox/133.0"), None, true),
            (Some(SAFARI), None, false),
            (Some(SAFARI), Some("Navigate"), false),
            (Some("Mozilla/5.0 (compatible; bingbot/2.0)"), Some("navigate"), true),
            (Some("python-requests/2.32"), None, true),
            (Some(" "), None, true),
            (None, Some("navigate"), true),
        ] {
            let signs = Signs { user_agent: agent, mode, purpose: None };
            assert_eq!(signs.are_of_a_program(), expected, "{agent:?} {mode:?}");
        }
    }

    #[test]
    fn an_image_is_looked_at_in_a_mail_program_and_through_its_proxy_and_not_by_a_scanner() {
        for (agent, expected) in [
            (Some(CHROME), false),
            (Some("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"), false),
            (Some("YahooMailProxy; https://help.example.com/kb/yahoo-mail-proxy.html"), false),
            (Some("Microsoft Office/16.0 (Microsoft Outlook Mail 16.0)"), false),
            (Some("Mozilla/5.0"), true),
            (Some("curl/8.5"), true),
            (Some(""), true),
            (None, true),
        ] {
            let signs = Signs { user_agent: agent, mode: Some("no-cors"), purpose: None };
            assert_eq!(signs.are_of_nobody_looking(), expected, "{agent:?}");
        }
    }

    #[test]
    fn what_is_fetched_ahead_is_nobodys_click() {
        for (purpose, expected) in [
            (None, false),
            (Some("prefetch"), true),
            (Some("prefetch;prerender"), true),
            (Some("Preview"), true),
            (Some("navigate"), false),
        ] {
            assert_eq!(Signs { purpose, ..Signs::default() }.is_ahead(), expected, "{purpose:?}");
        }
    }
}
