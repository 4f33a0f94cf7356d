//! One page to read: rules, results, evidence, times. It needs no network and no other file.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Conclusion, Entry, Report, Summary, Verdict};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn write(report: &Report) -> String {
    let title = format!("Conformance of {} {}", report.driver.name, report.driver.version);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.driver.name) " " small { (report.driver.version) } }
                    (conclusion(report))
                    (facts(report))
                    (bar(&report.summary))
                    (filters(&report.summary))
                }
                main {
                    (failures(report))
                    @for (title, entries) in report.groups() { (group(title, entries)) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn conclusion(report: &Report) -> Markup {
    let class = match report.conclusion {
        Conclusion::Conforms => "pass",
        Conclusion::ConformsInPart => "known",
        Conclusion::Fails => "fail",
    };
    html! {
        p.verdict.(class) { (report.conclusion_text()) }
        @for demand in &report.unmet { p.verdict.fail { "Demanded and not met: " (demand) "." } }
    }
}

fn facts(report: &Report) -> Markup {
    html! {
        p.facts {
            "Content-protection DDI of Direct3D 11.1, checked by softcp-conformance " (report.kit)
            @if let Some(rules) = report.rules { " with the rules of version " (rules) }
            " on " time datetime=(report.started) { (report.started.replace('T', " ").replace('Z', " UTC")) }
            " on " code { (report.host) } ". "
            @if let Some(library) = &report.driver.library { "Library " code { (library) } ". " }
            @if !report.driver.options.is_empty() { "Options " code { (report.driver.options) } ". " }
            "Seed " code { (report.seed) } "."
            @if report.other_deviations != 0 {
                " Known deviations of other drivers or versions, not applied: " (report.other_deviations) "."
            }
        }
    }
}

/// Links to what fails the run, before everything else.
fn failures(report: &Report) -> Markup {
    let failed: Vec<_> = report.cases.iter().filter(|entry| entry.verdict.is_failure()).collect();
    html! {
        @if !failed.is_empty() {
            nav.failures aria-label="Failures" {
                h2 { "Failures " small { (failed.len()) } }
                ul {
                    @for entry in failed {
                        li { a href=(format!("#{}", entry.name)) { code { (entry.name) } } " " (entry.rule) }
                    }
                }
            }
        }
    }
}

/// The parts of the whole, as widths.
fn bar(summary: &Summary) -> Markup {
    let parts = [
        ("pass", summary.passed),
        ("known", summary.known),
        ("fail", summary.failed + summary.stale),
        ("skip", summary.skipped),
    ];
    html! {
        div.bar role="img" aria-label=(format!("{} of {} rules kept", summary.passed, summary.cases)) {
            @for (class, count) in parts {
                @if count != 0 { span class=(class) style=(format!("flex-grow:{count}")) {} }
            }
        }
    }
}

fn filters(summary: &Summary) -> Markup {
    let filters = [
        ("all", "All", summary.cases),
        ("fail", "Failed", summary.failed + summary.stale),
        ("known", "Known", summary.known),
        ("pass", "Passed", summary.passed),
        ("skip", "Skipped", summary.skipped),
    ];
    html! {
        nav {
            @for (class, text, count) in filters {
                button type="button" data-show=(class) aria-pressed=(class == "all") { (text) " " b { (count) } }
            }
            input type="search" placeholder="Find a rule" aria-label="Find a rule";
        }
    }
}

fn group(title: &str, entries: &[Entry]) -> Markup {
    let kept = entries.iter().filter(|entry| entry.verdict == Verdict::Pass).count();
    html! {
        section {
            h2 {
                (title) " " small { (kept) " of " (entries.len()) }
                @if entries.iter().all(|entry| entry.verdict == Verdict::Skip) { " " small { "nothing was checked" } }
            }
            @for entry in entries { (case(entry)) }
        }
    }
}

fn case(entry: &Entry) -> Markup {
    html! {
        details.case id=(entry.name) data-verdict=(class(entry.verdict)) open[entry.verdict.is_failure()] {
            summary {
                span.pill.(class(entry.verdict)) { (entry.verdict.word()) }
                span.rule { (entry.rule) }
                span.time { (time(entry.micros)) }
            }
            dl {
                dt { "case" } dd { a href=(format!("#{}", entry.name)) { code { (entry.name) } } }
                dt { "source" } dd { (entry.source) " " span.requirement { (entry.requirement) } }
                @for (label, text) in entry.details() { dt { (label) } dd.(label) { (text) } }
                @if !entry.notes.is_empty() {
                    dt { "notes" }
                    dd { ul { @for note in &entry.notes { li { (note) } } } }
                }
            }
        }
    }
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Skip => "skip",
        Verdict::Known => "known",
        Verdict::Fail | Verdict::Stale => "fail",
    }
}

#[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
fn time(micros: u64) -> String {
    if micros < 1000 { format!("{micros} µs") } else { format!("{:.1} ms", micros as f64 / 1000.0) }
}
