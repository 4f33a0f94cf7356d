//! How tables look.

use comfy_table::{LineStyle, Table, TableStyle};

/// A table with a line under its header and no other rules.
pub(crate) fn with_header<const N: usize>(header: [&str; N]) -> Table {
    let mut table = plain();
    table.set_header(header);
    table
}

/// A table of names and values.
pub(crate) fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table
}
