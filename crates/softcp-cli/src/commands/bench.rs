//! `softcp bench`: how fast the driver is beside memcpy and other implementations.

use std::cell::RefCell;
use std::io::{self, Write};

use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use softcp_bench::{
    BenchError, BenchOptions, BenchReport, GroupReport, Opened, PlotError, PlotFormat, ResultReport, Unit, can_plot,
    plot,
};
use softcp_files::{Destination, OutputFile};

use super::decrypt::counted;
use crate::args::{BenchArgs, DriverArgs, PlotFile};
use crate::driver::{self, DriverInfo, Trust, TrustedDriver};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{progress, protected, table};

/// `softcp bench`.
pub(crate) fn run(args: &BenchArgs, json: bool) -> Result<Exit, Failure> {
    let plot_file = args.plot.as_ref().map(|file| open_plot(file, args)).transpose()?;
    let trusted = driver::open_trusted(&args.driver, &args.trust)?;
    // Kept until the end: a loaded driver may want to read its identity later.
    let further = RefCell::new(Vec::<TrustedDriver>::new());
    let open_again = |options: &str| {
        let option = (!options.is_empty()).then(|| options.to_owned());
        let trusted =
            driver::open_trusted_with(&args.driver, &args.trust, |_| option).map_err(|failure| failure.what)?;
        let opened = opened(&trusted);
        further.borrow_mut().push(trusted);
        Ok(opened)
    };
    let against =
        args.against.as_ref().map(|path| driver::open_trusted(&DriverArgs { driver: Some(path.clone()) }, &args.trust));
    let against = against.transpose()?;
    let options = BenchOptions {
        groups: args.groups.clone(),
        quick: args.quick,
        threads: args.threads.clone(),
        against: against.as_ref().map(opened),
    };
    let bar = progress::measurements();
    let result = softcp_bench::run(&opened(&trusted), &open_again, &options, &mut |progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(format!("{}, {}", progress.group, progress.case));
    });
    bar.finish_and_clear();
    let bench = result.map_err(|error| bench_failed(&error, &trusted.trust))?;
    let against = against.map(|trusted| trusted.opened.info);
    let report = Measured { driver: trusted.opened.info, against, bench };
    output::print(&report, json)?;
    if let Some((file, format)) = plot_file {
        let bytes = plot(&report.bench, format).map_err(|error| plot_failed(&error))?;
        file.write_and_commit(&bytes).map_err(|error| Failure::output(&error, "--plot"))?;
    }
    Ok(Exit::Ok)
}

fn opened(trusted: &TrustedDriver) -> Opened {
    Opened { driver: trusted.opened.driver.clone(), trust: trusted.trust.for_player() }
}

/// Begins the plot's file before the measurement: what would stop it shows now.
fn open_plot(file: &PlotFile, args: &BenchArgs) -> Result<(OutputFile, PlotFormat), Failure> {
    if !can_plot(&args.groups) {
        return Err(Failure::usage(
            PlotError::NothingToDraw.to_string(),
            "leave --plot out, or add --group surfaces or --group cold",
        ));
    }
    let opened = Destination::check(&file.path, args.force).and_then(|destination| destination.create());
    Ok((opened.map_err(|error| Failure::output(&error, "--plot"))?, file.format))
}

fn plot_failed(error: &PlotError) -> Failure {
    match error {
        // A group that is drawn can still be left out, as `cold` for want of memory.
        PlotError::NothingToDraw => Failure::environment(error.to_string(), "measure without --group"),
        _ => Failure::environment(error.to_string(), "choose the other format: .svg or .png"),
    }
}

fn bench_failed(error: &BenchError, trust: &Trust) -> Failure {
    match error {
        BenchError::WrongOutput { .. } => Failure::check(
            printable(&error.to_string()),
            "its speed means nothing: report the defect to its maker, with `softcp caps` and the processor",
        ),
        BenchError::Driver(error) => driver::call_failed(error),
        BenchError::Untrusted(chain) => Failure::check(error.to_string(), trust.help(chain)),
        BenchError::Channel(failure) => protected::channel_failed(failure, trust),
        BenchError::Peer { .. } => Failure::environment(error.to_string(), "check how it is installed"),
        _ => Failure::check(
            printable(&error.to_string()),
            "run again with -v, or with SOFTCP_LOG=debug, to see what the driver did",
        ),
    }
}

/// What `softcp bench` reports.
#[derive(Serialize)]
struct Measured {
    driver: DriverInfo,
    /// The driver that it was measured against.
    against: Option<DriverInfo>,
    #[serde(flatten)]
    bench: BenchReport,
}

impl Report for Measured {
    const NAME: &'static str = "bench";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}\n", table::text(&self.head()))?;
        for group in &self.bench.groups {
            writeln!(out, "{}: {}", group.name, group.description)?;
            writeln!(out, "{}", table::text(&figures(group)))?;
            writeln!(out, "{}\n", quality(group))?;
        }
        for skipped in &self.bench.skipped {
            writeln!(out, "skipped: {}: {}", printable(&skipped.what), printable(&skipped.reason))?;
        }
        let checked = counted(self.bench.outputs_checked as u64, "output");
        writeln!(out, "{checked} checked and right; {:.1} s", self.bench.seconds)
    }
}

impl Measured {
    fn head(&self) -> Table {
        let BenchReport { kernel, machine, peers, .. } = &self.bench;
        let processor = machine.processor.as_deref().unwrap_or("unknown");
        let caches: Vec<_> = machine.caches.iter().map(|bytes| format!("{} KiB", bytes >> 10)).collect();
        let peers = peers.iter().map(|peer| peer.version.as_deref().unwrap_or(peer.name)).collect::<Vec<_>>();
        let mut head = table::plain();
        head.add_row(["Driver", &self.driver.to_string()]);
        if let Some(against) = &self.against {
            head.add_row(["Against", &against.to_string()]);
        }
        head.add_row(["Kernel", kernel])
            .add_row(["Processor", &format!("{} ({} usable)", printable(processor), machine.processors)])
            .add_row(["Caches", &caches.join(", ")])
            .add_row(["Beside", &printable(&peers.join(", "))]);
        head
    }
}

/// One row per implementation, one column per case.
fn figures(group: &GroupReport) -> Table {
    let unit = match group.unit {
        Unit::GigabytesPerSecond => "GB/s",
        Unit::Time => "time",
        Unit::PerSecond => "per second",
    };
    let mut table = table::plain();
    table.set_header(std::iter::once(unit).chain(group.cases.iter().map(|case| case.name.as_str())));
    let implementations = group.cases.first().map(|case| &case.results).into_iter().flatten();
    for (row, implementation) in implementations.enumerate() {
        let cells =
            group.cases.iter().map(|case| case.results.get(row).map_or("-".to_owned(), |r| cell(r, group.unit)));
        table.add_row(std::iter::once(implementation.implementation.clone()).chain(cells));
    }
    for column in 1..=group.cases.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A figure, and how many times as fast as the reference it is.
fn cell(result: &ResultReport, unit: Unit) -> String {
    let figure = match unit {
        Unit::GigabytesPerSecond => result.gigabytes_per_second.map_or("-".to_owned(), three_digits),
        Unit::Time => time(result.nanoseconds),
        Unit::PerSecond => three_digits(1e9 / result.nanoseconds),
    };
    format!("{figure} ({:.2})", result.ratio)
}

/// How steady the figures of a group are.
fn quality(group: &GroupReport) -> String {
    let rounds: usize = group.cases.iter().map(|case| case.rounds + case.rounds_dropped).sum();
    let dropped: usize = group.cases.iter().map(|case| case.rounds_dropped).sum();
    let spread = group.cases.iter().flat_map(|case| &case.results).map(|result| result.spread).fold(0.0, f64::max);
    let reference =
        group.cases.first().and_then(|case| case.results.first()).map_or("", |result| &result.implementation);
    format!(
        "(in brackets: times as fast as \"{reference}\"; spread at most {:.1} %; {dropped} of {rounds} rounds dropped)",
        spread * 100.0
    )
}

/// Three significant digits, as 0.123, 1.23, 12.3, 123 and 1234.
fn three_digits(value: f64) -> String {
    let decimals = match value {
        value if value < 1.0 => 3,
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A time in the unit that suits it.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{} ns", three_digits(ns)),
        ns if ns < 1e6 => format!("{} µs", three_digits(ns / 1e3)),
        ns => format!("{} ms", three_digits(ns / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let texts = [0.1234, 1.234, 12.34, 123.4, 1234.5].map(three_digits);
        assert_eq!(texts, ["0.123", "1.23", "12.3", "123", "1234"]);
    }

    #[test]
    fn times_are_in_the_unit_that_suits_them() {
        assert_eq!([1.5, 999.0, 1500.0, 2.5e6].map(time), ["1.50 ns", "999 ns", "1.50 µs", "2.50 ms"]);
    }
}
