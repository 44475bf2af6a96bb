// What the core needs of cryptography, as ports: the platform gives them (host/node/fernet.ts, host/node/password.ts).

/** Where symmetric keys lie. Index 0 is the next key, the highest index the one in use, those between are still accepted. */
export interface KeyStore {
  /** Index and key text, in any order. */
  read(): readonly (readonly [index: number, key: string])[]
  write(index: number, key: string): void
  remove(index: number): void
}

/** Authenticated encryption with a time stamp and rotating keys: Fernet. */
export interface Seal {
  /** Text of letters, digits, `-` and `_`. `at` is milliseconds since 1970; only whole seconds are kept. */
  seal(payload: Uint8Array, at: number): string
  /** What was sealed, and when; null for anything we did not seal, or sealed with a key that is gone. */
  open(text: string): { readonly payload: Uint8Array; readonly at: number } | null
  /** The next key comes into use, a new next one is made, and the oldest beyond the allowed number are forgotten. */
  rotate(): void
}

/** Password hashing off the event loop. */
export interface Passwords {
  /** A self-describing text with its salt: `$scrypt$ln=14,r=8,p=1$…$…`. */
  hash(password: string): Promise<string>
  /** Always takes the full time, whatever `hash` is; false for a hash it cannot read. */
  verify(password: string, hash: string): Promise<boolean>
  /** Keyed with a secret of this process: lets a password be recognised without being kept. Quick. */
  digest(text: string): string
  /** Compares in constant time. */
  same(a: string, b: string): boolean
}
