//! Keeps verified webhooks in a folder, each id once, so that your server answers first and works later. Copy this file. It
//! needs only the standard library. ../README.md shows the same with a table of a database, for several servers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long.
const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// Keeps a webhook that `verify_webhook` accepted, or an item of the feed. When it returns, answer the request with 204.
/// Returns false if the id is known: there is nothing to do.
pub fn keep(folder: &Path, id: &str, body: &[u8]) -> io::Result<bool> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(is_name) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the id cannot be the name of a file"));
    }
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = folder.join(format!(".{id}.{}.{number}", process::id()));
    let mut file = File::create(&draft)?;
    let written = file.write_all(body).and_then(|()| file.sync_all());
    // A link appears with the whole content, and fails if the id is known, even from two requests at once.
    let linked = written.and_then(|()| fs::hard_link(&draft, folder.join(id)));
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Calls `handle` with the id and body of each kept webhook. If it fails, the webhook stays for the next call: after a crash,
/// `handle` can get a webhook again. Run one worker at a time.
pub fn work(folder: &Path, mut handle: impl FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let body = fs::read(&path)?;
        if !body.is_empty() {
            handle(name, &body)?;
            // The empty file remembers the id.
            OpenOptions::new().write(true).truncate(true).open(&path)?;
        } else if path.metadata()?.modified()?.elapsed().is_ok_and(|age| age > REMEMBERED) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
