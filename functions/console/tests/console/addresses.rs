//! The page with the addresses that webhooks come from.

use crate::console::TestConsole;

#[tokio::test]
async fn everyone_can_copy_and_download_the_addresses() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/addresses").await;
    assert!(page.html.contains(">198.51.100.1\n198.51.100.2<"), "{}", page.html);
    let file = browser.get(&page.link("/addresses.txt")).await;
    assert_eq!(file.html, "198.51.100.1\n198.51.100.2\n");
    assert!(file.header("content-type").starts_with("text/plain"));
}
