//! When people may be written to: the hours of a window in their own time zone, and not on their public holidays.

mod holidays;
mod hours;
mod place;
mod span;
mod window;
mod zones;

pub use holidays::is_holiday;
pub use place::Place;
pub use span::{Clock, Day, Span};
pub use window::{BadWindow, Opening, Window, check_zone};
