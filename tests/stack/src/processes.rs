//! Finds and kills the processes of functions.

use std::fs;
use std::process::Command;

/// Kills every process of the function `name` that uses AWS at `endpoint_url`, and returns their number. The URL tells this
/// stack's processes from those of other stacks. Works on Linux only, where `/proc` shows the environment of a process.
pub(crate) fn kill_function(name: &str, endpoint_url: &str) -> usize {
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
    let endpoint = format!("AWS_ENDPOINT_URL={endpoint_url}");
    let is_wanted = |environment: &[u8]| {
        let has = |wanted: &str| environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes());
        has(&name) && has(&endpoint)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let wanted = ids.filter(|id| fs::read(format!("/proc/{id}/environ")).is_ok_and(|found| is_wanted(&found)));
    // The shell has its own `kill`. The program of this name is missing on small systems.
    let kill = |id: u32| {
        let killed = Command::new("sh").args(["-c", "kill -9 $0", &id.to_string()]).status();
        killed.is_ok_and(|status| status.success())
    };
    wanted.filter(|id| kill(*id)).count()
}
