//! When people may be written to: the hours of a window in their own time zone, and not on their public holidays.

mod holidays;
mod place;
mod window;
mod zones;

pub use holidays::is_holiday;
pub use place::Place;
pub use window::{BadWindow, Clock, Day, Opening, Span, Window, check_zone};
