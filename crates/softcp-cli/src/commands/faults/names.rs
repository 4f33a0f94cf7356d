//! `softcp faults names`: the faults that there are.

use std::io::{self, Write};

use serde::Serialize;
use softcp::faults::Fault;

use crate::failure::{Exit, Failure};
use crate::output::{self, Report};
use crate::table;

/// `softcp faults names`.
pub(super) fn run(json: bool) -> Result<Exit, Failure> {
    let faults = Fault::ALL.iter().map(|fault| Name { name: fault.name(), summary: fault.summary() }).collect();
    output::print(&NamesReport { faults }, json)?;
    Ok(Exit::Ok)
}

/// What `softcp faults names` reports.
#[derive(Serialize)]
struct NamesReport {
    faults: Vec<Name>,
}

#[derive(Serialize)]
struct Name {
    name: &'static str,
    /// What happens.
    summary: &'static str,
}

impl Report for NamesReport {
    const NAME: &'static str = "faults-names";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = table::with_header(["Fault", "What happens"]);
        for fault in &self.faults {
            table.add_row([fault.name, fault.summary]);
        }
        writeln!(out, "{}\n\nWhen they occur: softcp help faults set", table::text(&table))
    }
}
