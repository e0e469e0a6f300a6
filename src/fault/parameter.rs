//! Reads the parameters that only faults have.

use crate::ground::Direction;
use crate::kernel::factor::Factor;
use crate::object::field::{Field, Parameters, Shape, Wrong};
use crate::object::parameter::{WHOLE, millionths};

pub use crate::object::parameter::{count, factor, flag, span, text};

/// The parameter `direction`, as every fault of links has it.
pub const DIRECTION: Field = Field::optional(
    "direction",
    Shape::OneOf(&["both", "up", "down"]),
    "`both`, `up` (only what goes to the control plane) or `down` (only what comes from it)",
)
.with_default("both");

/// What [`DIRECTION`] says.
///
/// # Errors
/// If it says anything else.
pub fn directions(parameters: &Parameters) -> Result<&'static [Direction], Wrong> {
    match text(parameters, "direction")?.unwrap_or("both") {
        "both" => Ok(&[Direction::Up, Direction::Down]),
        "up" => Ok(&[Direction::Up]),
        "down" => Ok(&[Direction::Down]),
        other => {
            let why = format!("`{other}` is not a direction: expected `both`, `up` or `down`");
            Err(Wrong::new("direction", why))
        }
    }
}

/// A factor that must be there.
///
/// # Errors
/// If it is not there, or anything else.
pub fn required_factor(parameters: &Parameters, key: &'static str) -> Result<Factor, Wrong> {
    let missing = || Wrong::new(key, format!("how many times slower? `{key}` is missing, as in `{key} = 5`"));
    factor(parameters, key)?.ok_or_else(missing)
}

/// A share below one, as `5%` or `0.05` (millionths); none if it is not there.
///
/// # Errors
/// If it is anything else.
pub fn share(parameters: &Parameters, key: &'static str) -> Result<Option<u32>, Wrong> {
    let Some(text) = text(parameters, key)? else { return Ok(None) };
    let share = millionths(text).filter(|&share| share < WHOLE);
    let wrong = || Wrong::new(key, format!("`{text}` is not a share below one: expected as `5%` or `0.05`"));
    share.ok_or_else(wrong).map(Some)
}
