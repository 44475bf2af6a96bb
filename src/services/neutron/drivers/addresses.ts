// Arithmetic on addresses that rules and DHCP need. Everything here takes text that checked.ts has passed.

/** An address as a number. */
export function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (dotted !== null) {
    const low = toNumber(dotted[2] ?? '')
    return toNumber(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head, tail] = address.split('::')
  const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'))
  const [front, back] = [words(head), words(tail)]
  const middle = tail === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...middle, ...back].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n)
}

const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32)

interface Range {
  readonly text: string
  readonly first: bigint
  readonly last: bigint
}

function rangeOf(text: string): Range {
  const [address = '', prefix] = text.split('/')
  const free = BigInt(bitsOf(address) - Number(prefix ?? bitsOf(address)))
  const first = (toNumber(address) >> free) << free
  return { text, first, last: first + (1n << free) - 1n }
}

export function contains(cidr: string, address: string): boolean {
  if (cidr.includes(':') !== address.includes(':')) return false
  const range = rangeOf(cidr)
  const value = toNumber(address)
  return value >= range.first && value <= range.last
}

/** The same addresses without those that lie in a larger one of the list, sorted: what an nft set accepts. One family only. */
export function disjoint(cidrs: readonly string[]): string[] {
  const ranges = cidrs
    .map(rangeOf)
    .sort((a, b) => (a.first === b.first ? (a.last > b.last ? -1 : 1) : a.first < b.first ? -1 : 1))
  const kept: Range[] = []
  for (const range of ranges) {
    const before = kept.at(-1)
    if (before === undefined || range.first > before.last) kept.push(range)
  }
  return kept.map(range => range.text)
}

/** `10.1.0.0` of `10.1.0.7/24`; IPv4. */
export function networkAddress(cidr: string): string {
  return dotted(rangeOf(cidr).first)
}

/** `255.255.255.0` of 24. */
export function netmask(prefix: number): string {
  return dotted(((1n << 32n) - 1n) ^ ((1n << BigInt(32 - prefix)) - 1n))
}

const dotted = (value: bigint): string => [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.')

export const prefixOf = (cidr: string): number => Number(cidr.split('/')[1] ?? bitsOf(cidr))

/** The link-local address that a device with this MAC makes for itself (modified EUI-64). */
export function linkLocal(mac: string): string {
  const bytes = mac.split(':').map(part => Number.parseInt(part, 16))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
  const pairs = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f]
  return `fe80::${pairs.map(pair => pair.toString(16)).join(':')}`
}

/** 128 bits in hexadecimal, for a raw comparison. */
export const hex128 = (address: string): string => `0x${toNumber(address).toString(16).padStart(32, '0')}`
