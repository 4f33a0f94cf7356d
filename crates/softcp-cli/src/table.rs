//! How tables look, and how they fit a terminal.
//!
//! Where the output is not a terminal, a table is as wide as its content, so that a line of a pipe or file is a row.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle, Width,
};
use terminal_size::terminal_size_of;

/// A column of prose is not made narrower than this, or each line holds a word.
const PROSE: u16 = 20;

/// Columns that a table puts around the content of a cell.
const PADDING: u16 = 2;

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

/// The table as text for standard output.
pub(crate) fn text(table: &Table) -> String {
    fitted(table, terminal_size_of(std::io::stdout()).map(|(width, _)| width.0))
}

/// The table as text for standard error.
pub(crate) fn text_aside(table: &Table) -> String {
    fitted(table, terminal_size_of(std::io::stderr()).map(|(width, _)| width.0))
}

/// The table in at most `columns`: as it is if it fits; else with cells of several lines; and where even the longest words
/// of its columns do not fit beside each other, one row below the other, each with the names of its cells in front.
fn fitted(table: &Table, columns: Option<u16>) -> String {
    let natural = table.column_max_content_widths();
    let total = |widths: &[u16]| widths.iter().map(|width| u32::from(width + PADDING)).sum::<u32>();
    let Some(columns) = columns.filter(|&columns| total(&natural) > u32::from(columns)) else {
        return table.trim_fmt();
    };
    let smallest: Vec<_> = natural
        .iter()
        .enumerate()
        .map(|(column, natural)| longest_word(table, column).max(PROSE.min(*natural)).min(*natural))
        .collect();
    if total(&smallest) <= u32::from(columns) {
        return wrapped(table.clone(), columns, &smallest);
    }
    match table.header() {
        Some(header) => records(header, table, columns),
        // The names stay whole where they leave room for values.
        None => match natural.split_first() {
            Some((&names, _)) if names + PADDING + PROSE <= columns => wrapped(table.clone(), columns, &[names]),
            _ => wrapped(table.clone(), columns, &[]),
        },
    }
}

/// The table in `columns`, with its first columns at least as wide as `smallest` says.
fn wrapped(mut table: Table, columns: u16, smallest: &[u16]) -> String {
    let at_least = |&width: &u16| ColumnConstraint::LowerBoundary(Width::Fixed(width + PADDING));
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    table.set_constraints(smallest.iter().map(at_least)).trim_fmt()
}

/// Each row as a table of its own, with the header's names in front of its cells.
fn records(header: &Row, table: &Table, columns: u16) -> String {
    let records = table.row_iter().map(|row| {
        let mut record = plain();
        for (name, cell) in header.cell_iter().zip(row.cell_iter()) {
            let value = Cell::new(cell.content()).set_alignment(CellAlignment::Left);
            record.add_row([Cell::new(name.content()), value]);
        }
        fitted(&record, Some(columns))
    });
    records.collect::<Vec<_>>().join("\n\n")
}

/// Columns of the longest word in a column of the table, its header included.
fn longest_word(table: &Table, column: usize) -> u16 {
    let rows = table.header().into_iter().chain(table.row_iter());
    let words = rows
        .filter_map(|row| row.cell_iter().nth(column))
        .flat_map(|cell| cell.content().split_whitespace().map(|word| word.chars().count()).collect::<Vec<_>>());
    u16::try_from(words.max().unwrap_or_default()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KID: &str = "1a2b3c4d5e6f70819203142536475869";

    fn tracks() -> Table {
        let mut table = with_header(["Track", "Kind", "Codec", "Scheme", "Samples", "Bytes", "Encrypted", "KID"]);
        table.add_row(["1", "vide", "avc1", "cenc", "75", "123456", "120000", KID]);
        table.add_row(["2", "soun", "mp4a", "cenc", "130", "23456", "23456", KID]);
        table
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap_or_default()
    }

    #[test]
    fn table_that_fits_and_table_for_a_file_are_as_they_are() {
        let table = tracks();
        assert_eq!(fitted(&table, Some(120)), table.trim_fmt());
        assert_eq!(fitted(&table, None), table.trim_fmt());
        assert!(widest(&table.trim_fmt()) > 80);
    }

    #[test]
    fn prose_is_wrapped_and_words_stay_whole() {
        let mut table = with_header(["Fault", "What happens"]);
        table.add_row([
            "protected-memory-exhausted",
            "the next resource that is to be protected is E_OUTOFMEMORY, whatever its size",
        ]);
        let text = fitted(&table, Some(60));
        assert!(widest(&text) <= 60 && text.contains("protected-memory-exhausted"), "{text}");
        assert!(text.starts_with(" Fault") || text.starts_with("Fault"), "{text}");
    }

    #[test]
    fn columns_that_cannot_stand_beside_each_other_become_records() {
        for columns in [80, 40] {
            let text = fitted(&tracks(), Some(columns));
            assert!(widest(&text) <= columns.into(), "{columns}: {text}");
            // At 40 columns it is in two lines.
            let kids = text.split_whitespace().collect::<String>().matches(KID).count();
            assert_eq!(kids, 2, "{columns}: {text}");
            assert_eq!(text.matches("Encrypted").count(), 2, "{columns}: {text}");
        }
    }

    #[test]
    fn value_without_a_place_to_break_is_broken_all_the_same() {
        let mut table = plain();
        table.add_row(["SHA-256", &"AB:".repeat(32)]);
        for columns in [80, 40, 20] {
            let text = fitted(&table, Some(columns));
            assert!(widest(&text) <= columns.into(), "{columns}: {text}");
            assert_eq!(text.matches(':').count(), 32, "{columns}: {text}");
        }
    }
}
