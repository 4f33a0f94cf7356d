//! The driver: whether it can be opened, what it fills, and how it computes.
//!
//! It is opened in a process of its own: a driver that crashes or hangs is a finding, and one that is configured with
//! `faults.control` leaves no file there, since that process is told to have none.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use softcp::config::{Config, OPTIONS_VARIABLE};
use softcp_aes::Kernel;
use softcp_runtime::SUB_DEVICES;

use super::{Finding, Findings, Subject::Driver};
use crate::args::DriverArgs;
use crate::commands::caps::table_name;
use crate::driver;
use crate::failure::{Exit, Failure, plain};
use crate::output;

/// How long a driver may take to open.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn check(findings: &mut Findings, args: &DriverArgs, config: Option<&Config>) {
    let Some(config) = config else {
        return findings.warning(Driver, "not looked at, since it would read this configuration", "correct that first");
    };
    match in_child(args.driver.as_deref(), config.faults.control.is_some()) {
        Ok(found) => findings.0.extend(found),
        Err(what) => findings.problem(
            Driver,
            what,
            "run softcp caps with the same driver, with -vv or in a debugger; or report it to the driver's maker",
        ),
    }
    if args.driver.is_none() {
        check_kernel(findings);
    }
}

/// What the process says that opens the driver. Error: that it says nothing, and why.
fn in_child(library: Option<&Path>, has_control: bool) -> Result<Vec<Finding>, String> {
    let cannot = |error: std::io::Error| format!("this command cannot start itself: {}", plain(&error));
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    command.args(["doctor", "--child"]).stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(library) = library {
        command.arg("--driver").arg(library);
    }
    if has_control {
        let options = std::env::var(OPTIONS_VARIABLE).unwrap_or_default();
        command.env(OPTIONS_VARIABLE, format!("{options};faults.control="));
    }
    let mut child = command.spawn().map_err(cannot)?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(cannot)? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the driver does not open within {} seconds", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut text = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut text).map_err(cannot)?;
    }
    // A driver may print, too: the findings are the last line.
    let last = text.trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice(last).map_err(|_| ended(status))
}

fn ended(status: ExitStatus) -> String {
    format!("the process that opens the driver has ended by itself: {status}")
}

/// The process that opens the driver: prints its findings as JSON.
pub(super) fn child(args: &DriverArgs) -> Result<Exit, Failure> {
    let mut findings = Findings::default();
    open(&mut findings, args);
    let json = serde_json::to_string(&findings.0).map_err(|error| {
        Failure::environment(
            format!("the findings cannot be written: {error}"),
            "this is a defect of softcp: report it",
        )
    })?;
    output::print_bytes(format!("\n{json}\n").as_bytes())?;
    Ok(Exit::Ok)
}

fn open(findings: &mut Findings, args: &DriverArgs) {
    let opened = match driver::open_with(args, "") {
        Ok(opened) => opened,
        Err(failure) => return findings.failure(Driver, &failure),
    };
    findings.ok(Driver, format!("{} opens", opened.info));
    let tables: Vec<_> = SUB_DEVICES
        .into_iter()
        .filter(|&table| opened.driver.create_device_with_table(table).is_ok())
        .map(table_name)
        .collect();
    // The same call as for any other command: its error says more than that no table is filled.
    match opened.driver.create_device() {
        Ok(_) => findings.ok(Driver, format!("a device with the function tables {}", tables.join(", "))),
        Err(error) => findings.failure(Driver, &driver::call_failed(&error)),
    }
}

fn check_kernel(findings: &mut Findings) {
    match Kernel::best() {
        Kernel::Portable => findings.warning(
            Driver,
            "AES runs on the kernel portable, since this processor has no instructions for AES",
            "expect about a tenth of the speed; a virtual machine may hide the instructions (AES-NI)",
        ),
        kernel => findings.ok(Driver, format!("AES runs on the kernel {kernel}")),
    }
}
