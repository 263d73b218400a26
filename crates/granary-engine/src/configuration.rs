//! The engine's configuration files.
//!
//! An engine with stock users lets anyone on the loopback read any local file through `file()`, so the users are
//! the one thing to get right. The engine's own session logs in as `default`, without a password from an
//! address that is none, and does not start if that fails; `default` therefore stays open and may do nothing
//! but open the listener and count. The others have random passwords.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::engine::{ClusterOptions, Credentials};
use crate::guest;

/// What the files are made from.
pub(crate) struct Configuration<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) owner: &'a Credentials,
    pub(crate) reader: &'a Credentials,
    pub(crate) auditor: &'a Credentials,
    pub(crate) readable_databases: &'a [String],
    pub(crate) guest: &'a Credentials,
    pub(crate) published_databases: &'a [String],
    pub(crate) guest_bounds: &'a [(&'static str, u64)],
    pub(crate) max_memory_bytes: Option<u64>,
    pub(crate) cluster: Option<&'a ClusterOptions>,
}

/// Of the machine's memory, where no limit is set: the laptop is for other things too.
const MEMORY_RATIO: &str = "0.5";

impl Configuration<'_> {
    /// Writes both files, readable by this user alone. Returns the path of the main one.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let users = self.dir.join("users.xml");
        let main = self.dir.join("config.xml");
        write_private(&users, &self.users())?;
        write_private(&main, &self.main(&users))?;
        Ok(main)
    }

    fn main(&self, users: &Path) -> String {
        let memory = match self.max_memory_bytes {
            Some(bytes) => format!("<max_server_memory_usage>{bytes}</max_server_memory_usage>"),
            None => format!(
                "<max_server_memory_usage_to_ram_ratio>{MEMORY_RATIO}</max_server_memory_usage_to_ram_ratio>"
            ),
        };
        let cluster = self.cluster.map(|cluster| remote_servers(cluster, self.owner)).unwrap_or_default();
        format!(
            "<clickhouse>\n<users_config>{}</users_config>\n{memory}\n{cluster}\
             <timezone>UTC</timezone>\n\
             <access_control_improvements><settings_constraints_replace_previous>true</settings_constraints_replace_previous>\
             </access_control_improvements>\n</clickhouse>\n",
            escape(&users.display().to_string())
        )
    }

    fn users(&self) -> String {
        let audited: String = self
            .readable_databases
            .iter()
            .map(|database| {
                // A grant can name a pattern of databases only with all of their tables. Granary itself names one.
                let table = if database.ends_with('*') { "*" } else { "query_audit" };
                format!("<query>GRANT INSERT ON {}.{table}</query>", escape(database))
            })
            .collect();
        let loopback = "<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>";
        format!(
            "<clickhouse>\n\
             <profiles>\n\
             <default/>\n\
             <reader><readonly>2</readonly></reader>\n\
             {guest_profile}\n\
             </profiles>\n\
             <quotas><default/></quotas>\n\
             <users>\n\
             <default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>\
             <grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT SELECT ON system.numbers</query></grants></default>\n\
             <{owner}><password_sha256_hex>{owner_hash}</password_sha256_hex>{loopback}<profile>default</profile><quota>default</quota>\
             <access_management>1</access_management></{owner}>\n\
             <{reader}><password_sha256_hex>{reader_hash}</password_sha256_hex>{loopback}<profile>reader</profile><quota>default</quota>\
             <grants>{readable}</grants></{reader}>\n\
             <{guest}><password_sha256_hex>{guest_hash}</password_sha256_hex>{loopback}<profile>guest</profile><quota>default</quota>\
             <grants>{published}</grants></{guest}>\n\
             <{auditor}><password_sha256_hex>{auditor_hash}</password_sha256_hex>{loopback}<profile>default</profile><quota>default</quota>\
             <grants>{audited}<query>GRANT SELECT(query_id, read_rows, read_bytes) ON system.processes</query></grants></{auditor}>\n\
             </users>\n\
             </clickhouse>\n",
            owner = self.owner.user,
            owner_hash = sha256_hex(&self.owner.password),
            reader = self.reader.user,
            reader_hash = sha256_hex(&self.reader.password),
            readable = guest::select_on(self.readable_databases),
            guest_profile = guest::profile(self.guest_bounds),
            guest = self.guest.user,
            guest_hash = sha256_hex(&self.guest.password),
            published = guest::select_on(self.published_databases),
            auditor = self.auditor.user,
            auditor_hash = sha256_hex(&self.auditor.password),
        )
    }
}

/// Servers ask one another as the owner, whoever asked the first: what one may read is decided there, and the owner of a view
/// is not known to the others.
fn remote_servers(cluster: &ClusterOptions, owner: &Credentials) -> String {
    let shards: String = cluster
        .shards
        .iter()
        .map(|shard| {
            format!(
                "<shard><replica><host>{}</host><port>{}</port><user>{}</user><password>{}</password></replica></shard>\n",
                shard.ip(),
                shard.port(),
                owner.user,
                owner.password
            )
        })
        .collect();
    let name = &cluster.name;
    format!("<remote_servers><{name}>\n{shards}</{name}></remote_servers>\n")
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A file of an earlier start may have other permissions; a new one has these from its first byte.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

pub(crate) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
