//! How costs grow, as a picture.

use crate::growth::{FLAT, Growth};
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

/// Of a panel, in pixels.
const PANEL: (u32, u32) = (1_000, 420);
/// Of the names beside it.
const NAMES: u32 = 230;
/// Of a name.
const LINE: i32 = 17;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Line = (&'static str, Vec<(f64, f64)>);

/// Draws cost by number of bundles, as multiples of the cost at the smallest: processor times in one panel, what has
/// none in the other. The slowest hundredths are left to the table: a few of them say little.
///
/// # Errors
/// If the file can not be written.
pub fn draw(path: &Path, growths: &[Growth]) -> Result<()> {
    let is_cpu = |growth: &&Growth| growth.row().ends_with("_cpu");
    let has_cpu = |row: &str| growths.iter().any(|one| one.row() == format!("{row}_cpu"));
    let is_other = |growth: &&Growth| {
        let row = growth.row();
        !is_cpu(growth) && !row.ends_with("_p99") && !has_cpu(row)
    };
    let panels = [
        (
            "Processor time of registry and Postgres per operation",
            lines(growths.iter().filter(is_cpu)),
        ),
        (
            "Time per operation, bytes and memory",
            lines(growths.iter().filter(is_other)),
        ),
    ];
    let root = SVGBackend::new(path, (PANEL.0, 2 * PANEL.1)).into_drawing_area();
    root.fill(&WHITE).map_err(failed)?;
    for (area, (title, lines)) in root.split_evenly((2, 1)).into_iter().zip(&panels) {
        panel(&area, title, lines)?;
    }
    root.present().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the plot can not be drawn: {error}")
}

fn lines<'a>(growths: impl Iterator<Item = &'a Growth>) -> Vec<Line> {
    let lines = growths.map(|growth| {
        let points = growth.multiples().into_iter();
        let points = points.map(|(size, multiple)| (size as f64, multiple));
        (
            growth.row(),
            points.filter(|(_, y)| y.is_finite()).collect(),
        )
    });
    lines.collect()
}

fn panel(area: &Area<'_>, title: &str, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let (least, most) = points().fold((f64::MAX, 1.0_f64), |(least, most), (x, _)| {
        (least.min(*x), most.max(*x))
    });
    if least > most {
        return Ok(());
    }
    let highest = points().fold(1.5_f64, |highest, (_, y)| highest.max(*y));
    let (chart, names) = area.split_horizontally(PANEL.0 - NAMES);
    let mut chart = ChartBuilder::on(&chart)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        // A single size is a range as well.
        .build_cartesian_2d((least * 0.9..most * 1.1).log_scale(), 0.0..highest * 1.05)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("bundles")
        .y_desc("times the cost at the smallest")
        .x_label_formatter(&|x| crate::report::shown(*x))
        .y_label_formatter(&|y| format!("{y:.1}"))
        .draw()
        .map_err(failed)?;
    let flat = [(least, 1.0 + FLAT), (most, 1.0 + FLAT)];
    chart
        .draw_series(LineSeries::new(flat, BLACK.mix(0.5)))
        .map_err(failed)?;
    let first = (format!("up to {:.1} is flat", 1.0 + FLAT), BLACK.to_rgba());
    let mut legend = vec![first];
    for (index, (name, points)) in lines.iter().enumerate() {
        // Around the wheel, dark and less dark in turn: none is pale.
        let lightness = if index % 2 == 0 { 0.32 } else { 0.5 };
        let colour = HSLColor(index as f64 / lines.len() as f64, 0.85, lightness).to_rgba();
        let series = LineSeries::new(points.clone(), colour.stroke_width(2)).point_size(3);
        chart.draw_series(series).map_err(failed)?;
        let last = points.last().map_or(f64::NAN, |(_, y)| *y);
        legend.push((format!("{name} {last:.2}"), colour));
    }
    for (y, (name, colour)) in (0..).map(|n| 40 + n * LINE).zip(legend) {
        let swatch = Rectangle::new([(4, y + 3), (18, y + 9)], colour.filled());
        names.draw(&swatch).map_err(failed)?;
        let text = Text::new(name, (26, y), ("sans-serif", 13).into_font());
        names.draw(&text).map_err(failed)?;
    }
    Ok(())
}
