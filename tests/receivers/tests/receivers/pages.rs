//! The page of each language shows its server.

use std::fs;

use receivers::runtimes::file;

/// The folder of each language, its server, and the language of the code block on its page.
const PAGES: [(&str, &str, &str); 7] = [
    ("node", "server.mjs", "js"),
    ("python", "server.py", "python"),
    ("java", "Server.java", "java"),
    ("go", "server.go", "go"),
    ("php", "server.php", "php"),
    ("ruby", "server.rb", "ruby"),
    ("rust", "server.rs", "rust"),
];

#[test]
fn the_page_of_each_language_shows_the_server_that_is_tested() {
    let is_writing = std::env::var_os("RECEIVER_PAGES").is_some_and(|value| value == "write");
    for (folder, server, language) in PAGES {
        let path = file(&format!("docs/receivers/{folder}/README.md"));
        let server = fs::read_to_string(file(&format!("docs/receivers/{folder}/{server}"))).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        let (_, after) = rest.split_once("```\n").unwrap();
        let expected = format!("{before}```{language}\n{server}```\n{after}");
        if is_writing {
            fs::write(&path, &expected).unwrap();
        } else {
            assert!(page == expected, "{folder}: set RECEIVER_PAGES=write to have this test rewrite the page");
        }
    }
}
