//! Man pages as `clap_mangen` writes them, brought into the form that `mandoc -T lint` and readers of man pages expect: a title
//! with a date, sections for what clap knows as text after the help, lines of at most 80 bytes.

use std::fmt::Write as _;

/// The date of the pages, which a reader sees at their end: that of the last change to the command line.
const DATE: &str = "2026-12-01";

/// The longest line of a source, in bytes.
const LONGEST: usize = 80;

/// The page in its final form.
pub(crate) fn tidy(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix(".TH ") {
            let (name, rest) = title.split_once(' ').unwrap_or((title, ""));
            let version = rest.split('"').nth(1).unwrap_or_default().replace("softcp-", "");
            let number = version.rsplit(' ').next().unwrap_or_default();
            let name = name.trim_matches('"').to_uppercase();
            push(&mut out, &format!(".TH {name} 1 {DATE} \"softcp {number}\""));
        } else if line == ".SH EXTRA" {
            let mut extra = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with(".SH ")) {
                extra.push(line);
            }
            push_sections(&mut out, &extra);
        } else if line == ".br" && out.ends_with("\n.br\n") {
            // One break is enough.
        } else if line.starts_with(['.', '\'']) {
            push(&mut out, line.trim_end());
        } else {
            push_text(&mut out, line.trim_end());
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("a string takes everything");
}

/// A line of text, which may be broken at any space: the formatter fills lines anew.
fn push_text(out: &mut String, line: &str) {
    let mut rest = line;
    while rest.len() > LONGEST {
        let Some(space) = rest.char_indices().take_while(|(at, _)| *at <= LONGEST).filter(|(_, c)| *c == ' ').last()
        else {
            break;
        };
        let (first, second) = rest.split_at(space.0);
        push(out, first.trim_end());
        rest = second.trim_start();
        if rest.starts_with(['.', '\'']) {
            // Else it would be a macro.
            out.push_str("\\&");
        }
    }
    if !rest.is_empty() {
        push(out, rest);
    }
}

/// Blocks of a title and indented lines, as sections whose lines stay as they are.
fn push_sections(out: &mut String, lines: &[&str]) {
    let mut is_open = false;
    for line in lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()) {
        if let (Some(title), false) = (line.strip_suffix(':'), line.starts_with(' ')) {
            if is_open {
                push(out, ".fi");
            }
            let title = if title == "Exit codes" { "EXIT STATUS".to_owned() } else { title.to_uppercase() };
            push(out, &format!(".SH \"{title}\"\n.nf"));
            is_open = true;
        } else {
            push(out, line.strip_prefix("  ").unwrap_or(line));
        }
    }
    if is_open {
        push(out, ".fi");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_has_a_date_and_is_in_capitals() {
        let title = tidy(".TH softcp-demo 1  \"demo 0.1.0\" \n");
        assert_eq!(title, format!(".TH SOFTCP-DEMO 1 {DATE} \"softcp 0.1.0\"\n"));
    }

    #[test]
    fn text_after_the_help_becomes_sections() {
        let page = ".SH EXTRA\nExamples:\n  softcp demo\n\nExit codes:\n  0  done\n.SH VERSION\nv0.1.0\n";
        let expected =
            ".SH \"EXAMPLES\"\n.nf\nsoftcp demo\n.fi\n.SH \"EXIT STATUS\"\n.nf\n0  done\n.fi\n.SH VERSION\nv0.1.0\n";
        assert_eq!(tidy(page), expected);
    }

    #[test]
    fn long_lines_are_broken_and_begin_no_macro() {
        let page = tidy(&format!("{} .dotted and more\n", "word ".repeat(15)));
        assert!(page.lines().all(|line| line.len() <= LONGEST + 2), "{page}");
        assert!(tidy(&format!("{} .dotted\n", "x".repeat(78))).contains("\n\\&.dotted"));
    }
}
