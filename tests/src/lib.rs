//! Journeys, promises, faults: black-box tests against the real functions.
