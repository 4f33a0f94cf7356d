//! The plot: speed against size, one line per implementation.

mod canvas;
mod chart;

use std::path::Path;

use crate::error::PlotError;
use crate::groups::Group;
use crate::report::BenchReport;
use canvas::Canvas;

/// The groups that are drawn, from left to right.
const DRAWN: [Group; 2] = [Group::Surfaces, Group::Cold];

/// How a plot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

impl PlotFormat {
    /// The format that the ending of a file name stands for, in either case.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// Whether a run that measures `groups`, or all if there are none, measures anything that is drawn.
#[must_use]
pub fn can_plot(groups: &[Group]) -> bool {
    groups.is_empty() || DRAWN.iter().any(|group| groups.contains(group))
}

/// The plot of a report, as the bytes of a file.
///
/// # Errors
///
/// [`PlotError::NothingToDraw`] when neither of the groups is there; [`PlotError::Draw`].
pub fn plot(report: &BenchReport, format: PlotFormat) -> Result<Vec<u8>, PlotError> {
    let groups: Vec<_> =
        DRAWN.iter().filter_map(|drawn| report.groups.iter().find(|group| group.name == drawn.name())).collect();
    if groups.is_empty() {
        return Err(PlotError::NothingToDraw);
    }
    match format {
        PlotFormat::Svg => {
            let mut svg = String::new();
            chart::draw(plotters::prelude::SVGBackend::with_string(&mut svg, chart::size(&groups)), &groups, report)?;
            Ok(svg.into_bytes())
        }
        PlotFormat::Png => {
            let mut canvas = Canvas::new(chart::size(&groups));
            chart::draw(&mut canvas, &groups, report)?;
            canvas.png()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::report::{CaseReport, GroupReport, Unit};
    use crate::timing::{Times, summarise};

    fn case(name: &str, bytes: u64, times: &[f64]) -> CaseReport {
        let mut rounds = Times::new(times.len());
        rounds.push(times.to_vec());
        let names = (0..times.len()).map(|implementation| format!("<implementation & {implementation}>")).collect();
        CaseReport::new(name.to_owned(), Some(bytes), names, &summarise(&rounds))
    }

    fn report(groups: &[Group]) -> BenchReport {
        let group = |group: &Group| GroupReport {
            name: group.name(),
            description: group.description(),
            unit: Unit::GigabytesPerSecond,
            cases: vec![case("1 KiB", 1024, &[10.0, 100.0]), case("1 MiB", 1 << 20, &[50_000.0, 100_000.0])],
        };
        BenchReport {
            kernel: "portable".to_owned(),
            machine: Machine {
                processor: Some("A processor <fast>".to_owned()),
                architecture: "x86_64",
                processors: 2,
                caches: vec![48 << 10, 2 << 20],
                memory: None,
            },
            peers: Vec::new(),
            quick: true,
            groups: groups.iter().map(group).collect(),
            skipped: Vec::new(),
            outputs_checked: 0,
            seconds: 1.0,
        }
    }

    /// The names of elements, and whether each is closed in its order.
    fn elements(svg: &str) -> Vec<String> {
        let mut open = Vec::new();
        let mut names = Vec::new();
        let mut rest = svg;
        while let Some(start) = rest.find('<') {
            assert!(!rest[..start].contains('>'), "a bracket outside of an element");
            let end = start + rest[start..].find('>').expect("an element ends");
            let element = &rest[start + 1..end];
            rest = &rest[end + 1..];
            if element.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = element.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name.trim()));
                continue;
            }
            let name = element.split([' ', '/', '\n']).next().unwrap().to_owned();
            names.push(name.clone());
            assert_eq!(element.matches('"').count() % 2, 0, "{element}");
            if !element.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
        names
    }

    #[test]
    fn svg_is_well_formed_and_names_everything() {
        let svg = String::from_utf8(plot(&report(&DRAWN), PlotFormat::Svg).unwrap()).unwrap();
        let names = elements(&svg);
        assert_eq!(names[0], "svg");
        assert!(names.iter().any(|name| name == "polyline" || name == "line"), "{names:?}");
        for text in ["implementation &amp; 1", "A processor &lt;fast&gt;", "1 KiB", "1 MiB", "GB/s"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn png_decodes_and_shows_more_than_one_colour() {
        for groups in [&DRAWN[..], &DRAWN[..1]] {
            let png = plot(&report(groups), PlotFormat::Png).unwrap();
            assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            let (width, height) = chart::size(&report(groups).groups.iter().collect::<Vec<_>>());
            assert_eq!((info.width, info.height), (width, height));
            let colours: std::collections::BTreeSet<_> = pixels.chunks(3).collect();
            assert!(colours.len() > 3, "{}", colours.len());
        }
    }

    #[test]
    fn report_without_drawn_groups_is_refused() {
        let error = plot(&report(&[Group::Pitches]), PlotFormat::Svg).unwrap_err();
        assert!(matches!(error, PlotError::NothingToDraw), "{error}");
        assert!(can_plot(&[]) && can_plot(&[Group::Refresh, Group::Cold]) && !can_plot(&[Group::Refresh]));
    }

    #[test]
    fn format_is_that_of_the_ending() {
        for (path, format) in
            [("a.svg", Some(PlotFormat::Svg)), ("b/a.PNG", Some(PlotFormat::Png)), ("a.jpg", None), ("svg", None)]
        {
            assert_eq!(PlotFormat::of(Path::new(path)), format, "{path}");
        }
    }
}
