//! One binary for every test that looks at the product as a whole.

mod contract;
mod faults;
mod journeys;
mod permissions;
mod promises;
