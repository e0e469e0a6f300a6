//! Layer 4: kube-scheduler.
