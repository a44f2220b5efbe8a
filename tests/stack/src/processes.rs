//! The functions' processes, found as the system lists them.

use std::fs;
use std::process::Command;

/// Kills, as `kill -9` does, every process of the function called `name` that finds AWS at `endpoint_url`; answers how many
/// there were. Only Linux lists processes in the way that this reads.
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
    let kill =
        |id: u32| Command::new("kill").args(["-9", &id.to_string()]).status().is_ok_and(|status| status.success());
    wanted.filter(|id| kill(*id)).count()
}
