//! What does each stage between a request's bytes and a sealed block cost, in rows per CPU second?
//!
//! Every line runs the stages up to and including its own, so that each also pays for dropping what it made, and
//! the difference of two lines is what the stage between them costs. Time is the CPU time of this thread; all lines
//! of a table are measured in turn, and each says its median round.
//!
//! `cargo bench -p granary-load --bench hot_path`. `GRANARY_BODIES` may name a folder with recorded bodies
//! (`*.logs.pb`, `*.logs.bin` or the like, at any depth), which are measured after the made ones;
//! `GRANARY_STAGE` may name one line, which is measured alone, for a profile.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a bench has no settings but its environment")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use granary_clickhouse::{Append, Envelope, GroupRef, LogColumns, Row, TableColumns};
use granary_model::{EventId, LogRecord, Record, Records, Resource, Scope, TenantId};
use granary_otlp::{Context, Decoded, Encoding, decode};
use granary_redact::{RedactConfig, Redactor};
use granary_simulate::load::LogBatches;
use prost::Message as _;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONTEXT: Context =
    Context { received_unix_nano: 1_795_165_606_000_000_000, max_attributes: 1000, max_expanded: 1 << 30 };

const TENANT: &str = TenantId::DEFAULT;

/// A commit group of a busy lane.
const ROWS_PER_BLOCK: usize = 10_000;

/// Records made for each size of request: far more than the processor's caches hold.
const RECORDS: usize = 40_000;

const ROUNDS: usize = 9;

fn main() {
    // `cargo test --benches` only wants to know whether it runs.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    for records_per_request in [20, 500] {
        let records = if is_test { records_per_request } else { RECORDS };
        let bodies = made_bodies(records_per_request, records);
        measure(&format!("{records_per_request} records a request"), &bodies, is_test);
    }
    if let Some(folder) = std::env::var_os("GRANARY_BODIES") {
        let mut bodies = Vec::new();
        recorded_bodies(Path::new(&folder), &mut bodies);
        bodies.retain(|body| decode::<LogRecord>(body, Encoding::Protobuf, CONTEXT).is_ok());
        let times = if is_test { 1 } else { 10 };
        let bodies: Vec<_> = std::iter::repeat_n(bodies, times).flatten().collect();
        measure("recorded bodies", &bodies, is_test);
    }
}

fn made_bodies(records_per_request: usize, records: usize) -> Vec<Vec<u8>> {
    let mut batches = LogBatches::new(7, records_per_request);
    (0..records / records_per_request).map(|_| batches.advance().encode_to_vec()).collect()
}

fn recorded_bodies(folder: &Path, bodies: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            recorded_bodies(&path, bodies);
        } else if path.to_string_lossy().contains("logs") {
            bodies.extend(std::fs::read(path));
        }
    }
}

/// How far a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Decode,
    Redact,
    Facts,
    Append,
    Seal,
}

const LINES: [(&str, Stage, bool); 6] = [
    ("decode", Stage::Decode, true),
    ("+ redact", Stage::Redact, true),
    ("+ facts, event id", Stage::Facts, true),
    ("+ append", Stage::Append, true),
    ("+ seal = whole", Stage::Seal, true),
    ("whole, not redacted", Stage::Seal, false),
];

fn measure(title: &str, bodies: &[Vec<u8>], is_test: bool) {
    let only = std::env::var("GRANARY_STAGE").ok();
    let mut path = HotPath::new();
    let rows: usize = bodies.iter().map(|body| decoded(body).accepted()).sum::<u64>().try_into().unwrap_or(0);
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!("{title}: {} bodies, {rows} rows, {} bytes a row", bodies.len(), bytes / rows.max(1));
    let mut times = LINES.map(|_| Vec::new());
    for _ in 0..if is_test { 1 } else { ROUNDS } {
        for (line, (name, stage, redacted)) in LINES.into_iter().enumerate() {
            if only.as_ref().is_none_or(|only| only == name) {
                let start = thread_cpu_time();
                path.run(bodies, stage, redacted);
                times[line].push(thread_cpu_time().saturating_sub(start));
            }
        }
    }
    let mut before = 0.0;
    for ((name, ..), mut times) in LINES.into_iter().zip(times) {
        times.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^53")]
        let per_row = |time: &Duration| time.as_secs_f64() / rows as f64;
        let (Some(best), Some(median)) =
            (times.first().map(per_row), times.get(times.len() / 2).map(per_row))
        else {
            continue;
        };
        println!(
            "  {name:<20} {:>9.0} rows/CPU s {:>8.0} ns a row {:>+8.0} ns (best {:>9.0} rows/CPU s)",
            1.0 / median,
            median * 1e9,
            (median - before) * 1e9,
            1.0 / best,
        );
        before = median;
    }
    println!("  sealed: {} bytes a row", path.sealed_bytes / path.sealed_rows.max(1));
}

/// What a lane of the receiver holds.
struct HotPath {
    redactor: Redactor,
    columns: LogColumns,
    scratch: Vec<u8>,
    seal_scratch: Vec<u8>,
    sealed_bytes: usize,
    sealed_rows: usize,
}

impl HotPath {
    fn new() -> Self {
        Self {
            redactor: Redactor::new(&RedactConfig::default()).expect("the built-in rules are sound"),
            columns: LogColumns::default(),
            scratch: Vec::new(),
            seal_scratch: Vec::new(),
            sealed_bytes: 0,
            sealed_rows: 0,
        }
    }

    fn run(&mut self, bodies: &[Vec<u8>], last: Stage, redacted: bool) {
        for body in bodies {
            let decoded = decoded(body);
            if last == Stage::Decode {
                black_box(decoded);
            } else if redacted {
                let redacted = self.redactor.redact(decoded.records);
                for group in redacted.iter() {
                    let fields = |index| group.redacted_fields(index);
                    self.group(group.resource(), group.scope(), group.records(), fields, last);
                }
                black_box(&redacted);
            } else {
                for Records { resource, scope, records } in &decoded.records {
                    self.group(resource, scope, records, |_| Vec::new(), last);
                }
                black_box(decoded);
            }
            if last == Stage::Seal && self.columns.rows() >= ROWS_PER_BLOCK {
                self.seal();
            }
        }
        if last == Stage::Seal && self.columns.rows() > 0 {
            self.seal();
        }
        self.columns.clear();
    }

    fn group<'a>(
        &mut self,
        resource: &Resource,
        scope: &Scope,
        records: &[LogRecord],
        redacted_fields: impl Fn(usize) -> Vec<&'a str>,
        last: Stage,
    ) {
        if last < Stage::Facts {
            return;
        }
        let envelope =
            Envelope { tenant: TENANT, ingested_at_ms: 1_795_165_606_000, batch: Uuid::from_u128(7) };
        for (index, record) in records.iter().enumerate() {
            let facts = record.facts(resource);
            let event_id: EventId = record.event_id(TENANT, resource, &facts, &mut self.scratch);
            if last == Stage::Facts {
                black_box((facts, event_id));
                continue;
            }
            self.columns.append_row(Row {
                envelope,
                group: GroupRef { resource, scope },
                record,
                facts: &facts,
                event_id,
                time_out_of_range: false,
                redacted_fields: &redacted_fields(index),
            });
            if last == Stage::Append && self.columns.rows() >= ROWS_PER_BLOCK {
                self.columns.clear();
            }
        }
    }

    fn seal(&mut self) {
        let mut frames = Vec::new();
        self.columns.seal(&mut self.seal_scratch, &mut frames);
        self.sealed_bytes += frames.len();
        self.sealed_rows += self.columns.rows();
        self.columns.clear();
        black_box(frames);
    }
}

fn decoded(body: &[u8]) -> Decoded<LogRecord> {
    decode(body, Encoding::Protobuf, CONTEXT).expect("the bodies are OTLP")
}

fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
