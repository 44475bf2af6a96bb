// Upstream's operations as rows.

/** `METHOD PATH`, and for body-dispatched actions a third word. Paths as in our contracts, without the front door's prefix. */
export type SurfaceRow = string
