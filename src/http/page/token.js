// The token.
