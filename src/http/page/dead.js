// The dead.
