//! The library's file: the one that is configured, the one in the cache, or the one that is fetched now.
//!
//! The package comes by `npm pack`, so with the user's own npm settings: registry, proxy, credentials. It is
//! written under a temporary name, checked against the SHA-512 below, unpacked and renamed, so that the
//! cache never holds half a library. Two processes that need it at once wait for each other.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha512};

use crate::EngineError;

/// The version of the package.
pub const VERSION: &str = "26.7.3-stable.1";

/// One published build of the library.
#[derive(Debug)]
struct Build {
    os: &'static str,
    arch: &'static str,
    package: &'static str,
    /// SHA-512 of the package's tarball, in hex.
    sha512: &'static str,
    tarball_bytes: u64,
    library_bytes: u64,
}

/// The builds whose contents are known.
const BUILDS: &[Build] = &[Build {
    os: "linux",
    arch: "x86_64",
    package: "@chdb/lib-linux-x64-gnu",
    sha512: "5cff7b98caa7739b59a4a432c11f0dedc2d3b073624e61ebdf4a42e66ce8de35a6ba48ca9f62016bad1cd81fe059435cb858ce3235a8a2b408082a81563e70a7",
    tarball_bytes: 177_817_999,
    library_bytes: 566_330_096,
}];

/// Where the library is inside the package.
const PATH_IN_PACKAGE: &str = "package/libchdb.so";

/// How often the progress of a download is looked at.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How far the fetching is, for whoever waits for it. Bytes done and bytes in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// npm is downloading the package.
    Downloading(u64, u64),
    /// The package is being checked and unpacked.
    Unpacking(u64, u64),
    /// The library is there now.
    Done,
}

/// Finds the library, or fetches it into `cache_dir`. Blocks; the first time for as long as 180 MB take.
///
/// `configured` is a library of the user's own and is taken as it is.
///
/// # Errors
///
/// There is none for this platform, or it cannot be fetched; the message says what else can be done.
pub fn find_or_fetch(
    configured: Option<&Path>,
    cache_dir: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, EngineError> {
    if let Some(path) = configured {
        File::open(path).map_err(|source| EngineError::Library { path: path.to_owned(), source })?;
        return Ok(path.to_owned());
    }
    let build = BUILDS
        .iter()
        .find(|build| build.os == std::env::consts::OS && build.arch == std::env::consts::ARCH)
        .ok_or_else(|| EngineError::UnknownPlatform {
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            version: VERSION,
        })?;
    let dir = cache_dir.join("engine").join(format!("{VERSION}-{}-{}", build.os, build.arch));
    let library = dir.join("libchdb.so");
    if is_complete(&library, build) {
        return Ok(library);
    }
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::File { path, source }
    };
    fs::create_dir_all(&dir).map_err(file(&dir))?;
    let lock_path = dir.join("fetch.lock");
    let lock = File::create(&lock_path).map_err(file(&lock_path))?;
    lock.lock().map_err(file(&lock_path))?;
    // Another process may have fetched it while this one waited.
    if !is_complete(&library, build) {
        let work = dir.join("fetching");
        // What an interrupted fetch left behind.
        fs::remove_dir_all(&work).ok();
        fs::create_dir_all(&work).map_err(file(&work))?;
        let tarball = download(build, &work, progress)?;
        let unpacked = work.join("libchdb.so");
        unpack(build, &tarball, &unpacked, progress)?;
        fs::rename(&unpacked, &library).map_err(file(&library))?;
        fs::remove_dir_all(&work).ok();
        progress(Progress::Done);
    }
    Ok(library)
}

fn is_complete(library: &Path, build: &Build) -> bool {
    fs::metadata(library).is_ok_and(|metadata| metadata.len() == build.library_bytes)
}

fn download(build: &Build, work: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, EngineError> {
    let package = format!("{}@{VERSION}", build.package);
    let mut npm = Command::new("npm")
        .args(["pack", "--silent", &package, "--pack-destination"])
        .arg(work)
        // A cache of its own: what lies there is how far the download is, and it goes away with the folder.
        .arg("--cache")
        .arg(work.join("npm"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| EngineError::Npm { source })?;
    let status = loop {
        match npm.try_wait().map_err(|source| EngineError::Npm { source })? {
            Some(status) => break status,
            None => {
                progress(Progress::Downloading(
                    bytes_below(work).min(build.tarball_bytes),
                    build.tarball_bytes,
                ));
                std::thread::sleep(PROGRESS_INTERVAL);
            }
        }
    };
    let tarball = fs::read_dir(work)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    match tarball {
        Some(tarball) if status.success() => Ok(tarball),
        _ => Err(EngineError::Fetch { package, output: last_lines(&mut npm) }),
    }
}

fn last_lines(npm: &mut Child) -> String {
    let mut output = String::new();
    if let Some(stderr) = npm.stderr.as_mut() {
        // A message that cannot be read is no message.
        stderr.read_to_string(&mut output).ok();
    }
    let lines: Vec<_> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" / ")
}

fn bytes_below(dir: &Path) -> u64 {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn unpack(
    build: &Build,
    tarball: &Path,
    unpacked: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), EngineError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::File { path, source }
    };
    let mut hasher = Sha512::new();
    io::copy(&mut File::open(tarball).map_err(at(tarball))?, &mut hasher).map_err(at(tarball))?;
    let actual = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if actual != build.sha512 {
        return Err(EngineError::Hash {
            package: format!("{}@{VERSION}", build.package),
            actual,
            expected: build.sha512,
        });
    }
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(File::open(tarball).map_err(at(tarball))?));
    for entry in archive.entries().map_err(at(tarball))? {
        let mut entry = entry.map_err(at(tarball))?;
        if entry.path().map_err(at(tarball))?.as_ref() != Path::new(PATH_IN_PACKAGE) {
            continue;
        }
        let mut out = File::create(unpacked).map_err(at(unpacked))?;
        let mut done = 0;
        loop {
            let copied = io::copy(&mut (&mut entry).take(1 << 23), &mut out).map_err(at(unpacked))?;
            done += copied;
            progress(Progress::Unpacking(done, build.library_bytes));
            if copied == 0 {
                break;
            }
        }
        out.sync_all().map_err(at(unpacked))?;
    }
    if is_complete(unpacked, build) {
        Ok(())
    } else {
        let source =
            io::Error::new(io::ErrorKind::InvalidData, format!("{PATH_IN_PACKAGE} is missing or cut off"));
        Err(EngineError::File { path: tarball.to_owned(), source })
    }
}
