//! The page with the addresses that webhooks come from.

use crate::console::TestConsole;

#[tokio::test]
async fn everyone_can_copy_and_download_the_addresses() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/addresses").await;
    let addresses = "198.51.100.1\n198.51.100.2\n2001:db8::/56\n198.51.100.3";
    assert!(page.html.contains(&format!(">{addresses}<")), "{}", page.html);
    assert!(page.says("Webhooks also come from 198.51.100.3 from 2027-01-31 (UTC) on."), "{}", page.text());
    let file = browser.get(&page.link("/addresses.txt")).await;
    assert_eq!(file.html, format!("{addresses}\n"));
    assert!(file.header("content-type").starts_with("text/plain"));
}
