//! What Linux counts of processes and of the machine: CPU time, and bytes sent to the disk.

use std::time::Duration;

use anyhow::Context;

/// Linux counts CPU time for programs in hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

/// Totals since the start; what a slice took is the difference of two.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    server: Duration,
    client: Duration,
    machine: Duration,
    written_kib: u64,
}

/// What was used between two readings.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    /// By the server.
    pub(crate) server: Duration,
    /// By this process.
    pub(crate) client: Duration,
    /// By everybody else, the kernel's own threads among them.
    pub(crate) others: Duration,
    /// What the server sent to the disk.
    pub(crate) written_kib: u64,
}

impl Reading {
    /// With the server of this process id.
    pub(crate) fn now(server: u32) -> anyhow::Result<Reading> {
        Ok(Reading {
            server: process(&read(&format!("/proc/{server}/stat"))?).context("a server's CPU")?,
            client: process(&read("/proc/self/stat")?).context("our own CPU")?,
            machine: machine(&read("/proc/stat")?).context("the machine's CPU")?,
            written_kib: written_kib(&read(&format!("/proc/{server}/io"))?)
                .context("what a server wrote")?,
        })
    }

    pub(crate) fn since(self, before: Reading) -> Used {
        let server = self.server.saturating_sub(before.server);
        let client = self.client.saturating_sub(before.client);
        let machine = self.machine.saturating_sub(before.machine);
        Used {
            server,
            client,
            others: machine.saturating_sub(server + client),
            written_kib: self.written_kib.saturating_sub(before.written_kib),
        }
    }
}

/// Bytes of memory that a process holds.
pub(crate) fn resident(process: u32) -> anyhow::Result<u64> {
    let status = read(&format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 =
        line.context("a process without VmRSS")?.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Time that the threads which a process has now were on a processor, exactly.
pub(crate) fn on_cpu(process: u32) -> anyhow::Result<Duration> {
    let mut all = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end meanwhile.
        let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let nanos = text.split_whitespace().next().context("an empty schedstat")?;
        all += Duration::from_nanos(nanos.parse()?);
    }
    Ok(all)
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("`{path}` could not be read"))
}

fn ticks(count: u64) -> Option<Duration> {
    TICK.checked_mul(u32::try_from(count).ok()?)
}

/// User and system time in `/proc/PID/stat`, of all threads that are and were.
fn process(stat: &str) -> Option<Duration> {
    // The name in brackets is the second field and may hold anything, so count from behind it.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    ticks(user + system)
}

/// What all cores did in `/proc/stat`: user, nice, system, not idle nor waiting, interrupts.
fn machine(stat: &str) -> Option<Duration> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let counts: Vec<u64> = line.split_whitespace().filter_map(|count| count.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, hard, soft, ..] = counts.as_slice() else {
        return None;
    };
    ticks(user + nice + system + hard + soft)
}

/// Bytes that a process made dirty in `/proc/PID/io`, in KiB.
fn written_kib(io: &str) -> Option<u64> {
    let bytes: u64 =
        io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()?;
    Some(bytes / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_behind_its_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 5 0 99 1 2";
        assert_eq!(process(stat), Some(Duration::from_millis(420)));
        assert_eq!(process("7 (short) S 1"), None);
    }

    #[test]
    fn the_machine_is_read_without_what_was_idle() {
        let stat = "cpu  10 1 20 5000 300 2 3 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0";
        assert_eq!(machine(stat), Some(Duration::from_millis(360)));
        assert_eq!(machine("intr 1 2"), None);
    }

    #[test]
    fn what_was_written_is_not_what_was_cancelled() {
        let io = "rchar: 1\nwchar: 2\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n";
        assert_eq!(written_kib(io), Some(8));
    }

    #[test]
    fn this_process_can_be_read() {
        let before = Reading::now(std::process::id()).unwrap();
        assert!(Reading::now(std::process::id()).unwrap().since(before).server.as_secs() < 60);
    }
}
