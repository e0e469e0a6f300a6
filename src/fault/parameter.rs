//! Reads the parameters of faults.

use super::Parameters;
use crate::ground::Direction;
use crate::kernel::factor::Factor;
use crate::kernel::time::Span;

/// The parameter `direction`, as every fault of links has it.
pub const DIRECTION: (&str, &str) =
    ("direction", "`both` (default), `up` (only what goes to the control plane) or `down` (only what comes from it)");

/// What [`DIRECTION`] says.
///
/// # Errors
/// A sentence that says what was expected.
pub fn directions(parameters: &Parameters) -> Result<&'static [Direction], String> {
    match parameters.get("direction").map_or("both", String::as_str) {
        "both" => Ok(&[Direction::Up, Direction::Down]),
        "up" => Ok(&[Direction::Up]),
        "down" => Ok(&[Direction::Down]),
        other => Err(format!("`{other}` is not a direction: expected `both`, `up` or `down`")),
    }
}

/// A duration; none if it is not there.
///
/// # Errors
/// A sentence that says what was expected.
pub fn span(parameters: &Parameters, name: &str, most: Span) -> Result<Option<Span>, String> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    let span = Span::parse(text)?;
    if span > most { Err(format!("`{name}` is at most {most}, not {span}")) } else { Ok(Some(span)) }
}

/// A factor; none if it is not there.
///
/// # Errors
/// A sentence that says what was expected.
pub fn factor(parameters: &Parameters, name: &str) -> Result<Option<Factor>, String> {
    parameters.get(name).map(|text| Factor::parse(text)).transpose()
}

/// A factor that must be there.
///
/// # Errors
/// A sentence that says what was expected.
pub fn required_factor(parameters: &Parameters, name: &str) -> Result<Factor, String> {
    factor(parameters, name)?.ok_or_else(|| format!("how many times slower? `{name}` is missing, as in `{name} = 5`"))
}

/// A share below one, as `5%` or `0.05` (millionths); none if it is not there.
///
/// # Errors
/// A sentence that says what was expected.
pub fn share(parameters: &Parameters, name: &str) -> Result<Option<u32>, String> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    let (number, unit) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 1e4),
        None => (text.as_str(), 1e6),
    };
    let millionths = number.parse::<f64>().map_or(f64::NAN, |number| number * unit + 0.5);
    if (0.0..1e6).contains(&millionths) {
        Ok(Some(millionths as u32))
    } else {
        Err(format!("`{text}` is not a share below one: expected as `5%` or `0.05`"))
    }
}

/// A whole number; none if it is not there.
///
/// # Errors
/// A sentence that says what was expected.
pub fn count(parameters: &Parameters, name: &str) -> Result<Option<u32>, String> {
    let number = |text: &String| text.parse().map_err(|_| format!("`{text}` is not a whole number"));
    parameters.get(name).map(number).transpose()
}
