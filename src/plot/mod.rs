//! The timeline of a run as a picture: step functions over time, as SVG and as PNG.
//!
//! A [`Chart`] is plain data. The same chart gives the same bytes, on every machine: the letters
//! come from a font that is shipped, there is no clock and no chance. This module does not know the
//! recorder, scenarios or files; whoever has a run fills a chart and writes what comes back.

mod draw;
mod flags;
mod layout;
mod lettering;
mod ticks;
mod trace;

use crate::kernel::time::Time;

/// Everything that one picture shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// What happened, in one sentence. A long one is set smaller, then wrapped.
    pub title: String,
    /// How to read it: scenario, seed, size of the cluster.
    pub subtitle: String,
    /// Right edge of the picture; steps and marks after it are left out.
    pub until: Time,
    /// What is counted, in the plural: `pods`.
    pub unit: String,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
    /// Moments worth a flag, in any order.
    pub marks: Vec<Mark>,
}

/// One step function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// As the legend has it.
    pub name: String,
    /// How it is drawn.
    pub role: Role,
    /// Value [the chart's unit] from that moment on, ascending in time; of equal moments the last
    /// one stands. Before the first step nothing is drawn, after the last one it goes on.
    pub steps: Vec<(Time, i64)>,
}

/// What a curve means, and so how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What should be: a thin dashed line.
    Desired,
    /// What is: a strong line over a filled area. What it lacks of the desired one is hatched.
    Ready,
    /// Anything else, by a number of its own: a thin line in a colour and pattern of its own.
    Other(u8),
}

/// A moment worth a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When; the flag shows it, so the label need not.
    pub at: Time,
    /// Shades the time until then, while a fault lasts.
    pub until: Option<Time>,
    /// What happened, in a few words.
    pub label: String,
    /// How it looks.
    pub kind: MarkKind,
}

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Something breaks: bold, with a thick pole.
    Fault,
    /// The cluster gets on with it.
    Milestone,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlotError {
    /// The steps of a series are not in the order of time.
    #[error("the steps of series `{series}` go back in time at {at}")]
    Unordered {
        /// Name of the series.
        series: String,
        /// The step that is earlier than the one before it.
        at: Time,
    },
    /// A count is below zero, where no axis reaches.
    #[error("series `{series}` is negative ({value}) at {at}")]
    Negative {
        /// Name of the series.
        series: String,
        /// When.
        at: Time,
        /// The value [the chart's unit].
        value: i64,
    },
    /// The drawing library refused.
    #[error("cannot draw: {0}")]
    Draw(String),
}

/// The chart as an SVG document of 1600 x 900 px.
///
/// # Errors
/// If a series goes back in time or below zero.
pub fn svg(chart: &Chart) -> Result<String, PlotError> {
    check(chart)?;
    draw::svg(&layout::of(chart))
}

/// The chart as a PNG file of 1600 x 900 px.
///
/// # Errors
/// If a series goes back in time or below zero.
pub fn png(chart: &Chart) -> Result<Vec<u8>, PlotError> {
    check(chart)?;
    let pixels = draw::pixels(&layout::of(chart))?;
    let failed = |error: png::EncodingError| PlotError::Draw(error.to_string());
    let (width, height) = draw::size();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Default);
    encoder.set_filter(png::FilterType::Up); // most rows repeat the one above
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn check(chart: &Chart) -> Result<(), PlotError> {
    for Series { name, steps, .. } in &chart.series {
        if let Some(pair) = steps.windows(2).find(|pair| pair[1].0 < pair[0].0) {
            return Err(PlotError::Unordered { series: name.clone(), at: pair[1].0 });
        }
        if let Some(&(at, value)) = steps.iter().find(|(_, value)| *value < 0) {
            return Err(PlotError::Negative { series: name.clone(), at, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
