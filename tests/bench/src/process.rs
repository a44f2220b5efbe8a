//! Processor time and memory of a process, as Linux reports them.

use std::fs;
use std::io;
use std::time::Duration;

/// Processor time of all threads of the process, after the process has become idle.
pub(crate) async fn settled_cpu(pid: u32) -> io::Result<Duration> {
    let mut before = cpu(pid)?;
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let now = cpu(pid)?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
}

/// Precise to the nanosecond, unlike the ticks in `stat`. Threads that have ended are not counted. The threads of a runtime that
/// was busy a moment ago have not ended.
fn cpu(pid: u32) -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds = schedstat.split(' ').next().and_then(|number| number.parse().ok());
        sum += Duration::from_nanos(nanoseconds.unwrap_or_default());
    }
    Ok(sum)
}

/// Peak memory of the process in bytes.
pub(crate) fn peak_memory(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    Ok(kibibytes.unwrap_or_default() * 1024)
}

/// Number of open sockets of the process.
pub(crate) fn open_sockets(pid: u32) -> io::Result<usize> {
    let files = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten();
    // A file may be closed before its link is read.
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}
