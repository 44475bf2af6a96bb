// node:http by another door. An import of it as a module reads all that it exports, and with that loads Node's fetch and
// WebSocket too: 14 MB and a fiftieth of a second that a cloud which serves and asks by itself can do without.

export const http = process.getBuiltinModule('node:http')
