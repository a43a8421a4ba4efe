//! Server settings of a private cluster.

/// What a cluster is tuned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// Bulk writes by a projector, next to everything else on a small machine; durable.
    Dev,
    /// Many short-lived clusters: small, and not flushed, because a test never loses power.
    Test,
}

const COMMON: [&str; 10] = [
    // Loopback only, and no socket file: its path would be limited to 107 bytes.
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "jit=off",
    "random_page_cost=1.1",
    "checkpoint_timeout=15min",
    // Nobody replicates from it, and a COPY into a table made in the same transaction needs no WAL.
    "wal_level=minimal",
    "max_wal_senders=0",
    "log_checkpoints=off",
    "timezone=UTC",
    "log_timezone=UTC",
];

const DEV: [&str; 6] = [
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "effective_cache_size=1GB",
    "work_mem=32MB",
    "maintenance_work_mem=256MB",
    "max_connections=100",
];

const TEST: [&str; 5] = [
    "shared_buffers=64MB",
    "max_wal_size=1GB",
    "max_connections=300",
    "fsync=off",
    "full_page_writes=off",
];

/// How whole pages are compressed in the write-ahead log, best first. The first change of a page after a checkpoint logs all
/// of it, and `pglz` takes longer for one than the change. Not every Postgres is built with `lz4`.
pub(super) const WAL_COMPRESSIONS: [&str; 2] = ["wal_compression=lz4", "wal_compression=on"];

impl Tuning {
    /// `name=value` pairs for `postgres -c`.
    pub(super) fn settings(self) -> impl Iterator<Item = &'static str> {
        let own: &[&str] = match self {
            Self::Dev => &DEV,
            Self::Test => &TEST,
        };
        COMMON.iter().chain(own).copied()
    }
}
