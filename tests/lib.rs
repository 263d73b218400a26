//! Whole-system tests; see `it/`. Nothing is in here.
