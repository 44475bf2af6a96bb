// HTTP to a cloud's own front door, for the library and its users' tests. Never for addresses that a user supplied.

/** As the platform's `fetch`. */
export const doorFetch: typeof fetch = (input, init) => fetch(input, init)
