//! Tests over whole runs of the shipped scenarios.
