//! What is drawn: a panel per group, side by side, with one legend below.

use std::fmt::Display;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::PlotError;
use crate::report::{BenchReport, GroupReport};

/// Pixels of a panel, and of what is above and below the panels.
const PANEL: (u32, u32) = (620, 440);
const TITLE: u32 = 48;
const LEGEND_LINE: u32 = 24;
/// Entries of the legend in a line of each panel.
const LEGEND_COLUMNS: usize = 3;

/// The first is for the plain copy. Distinguishable for most eyes (Okabe and Ito), then some more.
const COLOURS: [RGBColor; 10] = [
    RGBColor(60, 60, 60),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(120, 80, 40),
    RGBColor(150, 150, 150),
    RGBColor(150, 0, 60),
];

/// Lines of the vertical scale, in GB/s.
const SCALE: [f64; 14] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

/// Pixels of the plot of some groups.
pub(super) fn size(groups: &[&GroupReport]) -> (u32, u32) {
    let panels = count(groups.len().max(1));
    let lines = implementations(groups).len().div_ceil(LEGEND_COLUMNS * groups.len().max(1));
    (PANEL.0 * panels, TITLE + PANEL.1 + LEGEND_LINE * (count(lines) + 1))
}

/// Draws the groups of a report.
pub(super) fn draw<B: DrawingBackend>(
    backend: B,
    groups: &[&GroupReport],
    report: &BenchReport,
) -> Result<(), PlotError> {
    let names = implementations(groups);
    let root = backend.into_drawing_area();
    root.fill(&WHITE).map_err(failed)?;
    let (title, rest) = root.split_vertically(TITLE);
    let text = |size: i32| TextStyle::from(("sans-serif", size).into_font()).color(&BLACK);
    title.draw(&Text::new(heading(report), (16, 14), text(18))).map_err(failed)?;
    let (panels, legend) = rest.split_vertically(PANEL.1);
    for (area, group) in panels.split_evenly((1, groups.len())).iter().zip(groups) {
        panel(area, group, &names)?;
    }
    let columns = LEGEND_COLUMNS * groups.len();
    let width = PANEL.0.cast_signed() / count(LEGEND_COLUMNS).cast_signed();
    for (index, name) in names.iter().enumerate() {
        let x = 24 + width * count(index % columns).cast_signed();
        let y = 12 + LEGEND_LINE.cast_signed() * count(index / columns).cast_signed();
        let line = vec![(x, y), (x + 28, y)];
        legend.draw(&PathElement::new(line, colour(index).stroke_width(3))).map_err(failed)?;
        let style = text(14).pos(Pos::new(HPos::Left, VPos::Center));
        legend.draw(&Text::new(name.as_str(), (x + 36, y), style)).map_err(failed)?;
    }
    root.present().map_err(failed)
}

/// One group: speed against its cases, which are in the order of their sizes.
fn panel<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    group: &GroupReport,
    names: &[String],
) -> Result<(), PlotError> {
    let speeds = || group.cases.iter().flat_map(|case| &case.results).filter_map(|result| result.gigabytes_per_second);
    let low = speeds().fold(f64::MAX, f64::min) / 1.25;
    let high = speeds().fold(f64::MIN_POSITIVE, f64::max) * 1.25;
    let last = count(group.cases.len()).cast_signed();
    let scale =
        (low..high).log_scale().with_key_points(SCALE.iter().copied().filter(|at| (low..high).contains(at)).collect());
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .caption(format!("{} (GB/s)", group.name), ("sans-serif", 16))
        .set_label_area_size(LabelAreaPosition::Left, 52)
        .set_label_area_size(LabelAreaPosition::Bottom, 30)
        .build_cartesian_2d(-1..last, scale)
        .map_err(failed)?;
    let name_at = |index: &i32| {
        let case = usize::try_from(*index).ok().and_then(|index| group.cases.get(index));
        case.map(|case| case.name.clone()).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(group.cases.len() + 2)
        .x_label_formatter(&name_at)
        .y_label_formatter(&|speed| format!("{speed}"))
        .label_style(("sans-serif", 14))
        .draw()
        .map_err(failed)?;
    for (index, name) in names.iter().enumerate() {
        let points: Vec<_> = (0..)
            .zip(&group.cases)
            .filter_map(|(at, case)| {
                let result = case.results.iter().find(|result| result.implementation == *name)?;
                Some((at, result.gigabytes_per_second?))
            })
            .collect();
        let style = colour(index).stroke_width(2);
        chart.draw_series(LineSeries::new(points.iter().copied(), style)).map_err(failed)?;
        let dots = points.into_iter().map(|point| Circle::new(point, 4, colour(index).filled()));
        chart.draw_series(dots).map_err(failed)?;
    }
    Ok(())
}

/// What was measured where.
fn heading(report: &BenchReport) -> String {
    let processor = report.machine.processor.as_deref().unwrap_or(report.machine.architecture);
    format!("AES-128-CTR on {processor}, softcp-aes kernel {}", report.kernel)
}

/// The implementations of all groups, each once, in the order of the first.
fn implementations(groups: &[&GroupReport]) -> Vec<String> {
    let mut names = Vec::<String>::new();
    for result in groups.iter().flat_map(|group| &group.cases).flat_map(|case| &case.results) {
        if !names.contains(&result.implementation) {
            names.push(result.implementation.clone());
        }
    }
    names
}

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// There are never more things to draw than this.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).min(1000)
}

fn failed(error: impl Display) -> PlotError {
    PlotError::Draw(error.to_string())
}
