//! What the engine's own process does: load the library and serve until told to end.
//!
//! The parent writes one line of JSON to the child's standard input and keeps the pipe open for as long as it
//! lives. The end of that pipe is therefore the parent's death, by whatever cause, and the child ends itself
//! at once: an engine without a parent would hold the data folder's lock against the next start.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io::{BufRead, Read};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the parent tells the child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChildSpec {
    pub(crate) library: PathBuf,
    pub(crate) config_file: PathBuf,
    pub(crate) data_path: PathBuf,
    pub(crate) host: String,
    pub(crate) http_port: u16,
    /// Only servers of a cluster speak the native protocol.
    pub(crate) native_port: Option<u16>,
}

/// Marks the query that keeps the engine up, so that it can be found and killed.
pub(crate) const KEEP_ALIVE_MARK: &str = "granary_keep_alive";

/// Serves until the keep-alive query is killed or the parent dies.
///
/// Call it from a process that does nothing else: the library takes over the process.
///
/// # Errors
///
/// Says why the engine could not start; standard error has it too, from the engine itself.
pub fn run() -> Result<(), String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| format!("cannot read what to do: {error}"))?;
    let spec: ChildSpec =
        serde_json::from_str(&line).map_err(|error| format!("cannot read what to do: {error}"))?;
    std::thread::Builder::new()
        .name("parent-watch".to_owned())
        .spawn(end_with_parent)
        .map_err(|error| format!("cannot watch the parent: {error}"))?;
    serve(&spec)
}

fn end_with_parent() {
    let mut sink = [0; 64];
    // Anything but more input means that nobody holds the other end.
    while std::io::stdin().lock().read(&mut sink).is_ok_and(|read| read > 0) {}
    // Not `exit`: that runs the library's destructors under its running threads. ClickHouse is made to be killed.
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
}

fn arguments(spec: &ChildSpec) -> Result<Vec<CString>, String> {
    let keep_alive = format!(
        "SELECT sleepEachRow(0.25) AS {KEEP_ALIVE_MARK} FROM system.numbers SETTINGS max_block_size=1 FORMAT Null"
    );
    let (native_port, listen_native) = match spec.native_port {
        Some(port) => (Some(format!("--tcp_port={port}")), " SYSTEM START LISTEN TCP;"),
        None => (None, ""),
    };
    [
        "clickhouse".to_owned(),
        format!("--config-file={}", spec.config_file.display()),
        format!("--path={}", spec.data_path.display()),
        format!("--listen_host={}", spec.host),
        format!("--http_port={}", spec.http_port),
        format!("--query=SYSTEM START LISTEN HTTP;{listen_native} {keep_alive}"),
    ]
    .into_iter()
    .chain(native_port)
    .map(|argument| CString::new(argument).map_err(|error| format!("argument with a zero byte: {error}")))
    .collect()
}

type SetSignalHandlers = unsafe extern "C" fn(c_int);
type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
type ResultError = unsafe extern "C" fn(*mut c_void) -> *const c_char;

#[expect(unsafe_code, reason = "a C library is loaded and called; each call says why it is sound")]
fn serve(spec: &ChildSpec) -> Result<(), String> {
    let arguments = arguments(spec)?;
    let mut argv: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
    let argc = c_int::try_from(argv.len()).map_err(|error| error.to_string())?;

    // SAFETY: loading runs the library's initializers. It is the file the configuration names or the one whose
    // package had the published hash; this process was started for nothing else.
    let library = unsafe { libloading::Library::new(&spec.library) }
        .map_err(|error| format!("{} cannot be loaded: {error}", spec.library.display()))?;
    let symbol = |error: libloading::Error| format!("{} is not a libchdb: {error}", spec.library.display());

    // SAFETY: the three signatures are those of chdb.h of the same version: `void (bool-like int)`,
    // `result *(int, char **)` and `const char *(result *)`. The symbols live as long as `library`.
    let (set_signal_handlers, query_cmdline, result_error) = unsafe {
        (
            library.get::<SetSignalHandlers>(c"chdb_set_signal_handlers_enabled").map_err(symbol)?,
            library.get::<QueryCmdline>(c"chdb_query_cmdline").map_err(symbol)?,
            library.get::<ResultError>(c"chdb_result_error").map_err(symbol)?,
        )
    };

    // SAFETY: takes a number and keeps nothing. The library's handlers would catch the signals that end us.
    unsafe { set_signal_handlers(0) };
    // SAFETY: `argv` holds `argc` pointers to zero-terminated strings that `arguments` keeps alive over the call,
    // which blocks until the queries have ended. The library does not write through them.
    let result = unsafe { query_cmdline(argc, argv.as_mut_ptr()) };
    if result.is_null() {
        return Err("the engine gave no result".to_owned());
    }
    // SAFETY: `result` is what the library returned and was not freed.
    let error = unsafe { result_error(result) };
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the library returns a zero-terminated string that lives as long as the result.
    let error = unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned();
    // 394 is QUERY_WAS_CANCELLED: the keep-alive query was killed, which is how the engine is told to stop.
    if error.is_empty() || error.contains("Code: 394") { Ok(()) } else { Err(error) }
}
