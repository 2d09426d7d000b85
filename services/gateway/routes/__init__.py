"""HTTP's endpoints, one file per noun: each translates, and decides nothing."""
