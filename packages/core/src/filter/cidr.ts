/** Bits of an address (32 or 128) and its value. */
export interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** An IPv4 address in dotted form or an IPv6 address; `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Is `text` an address inside `block`, of which the first `prefixBits` count? */
export function inBlock(text: string, block: Address, prefixBits: number): boolean {
  const address = parseAddress(text)
  const ignored = BigInt(block.bits - prefixBits)
  return address !== undefined && address.bits === block.bits && address.value >> ignored === block.value >> ignored
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return { bits: 32, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) }
}

function parseIpv6(text: string): Address | undefined {
  const halves = withIpv4Tail(text).split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) }
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. Behind colons, where a leading zero is not decimal to everybody, such a number is none. */
function withIpv4Tail(text: string): string {
  const start = text.lastIndexOf(':') + 1
  const tail = /(^|\.)0\d/.test(text.slice(start)) ? undefined : parseIpv4(text.slice(start))
  return tail === undefined ? text : `${text.slice(0, start)}${(tail.value >> 16n).toString(16)}:${(tail.value & 0xffffn).toString(16)}`
}
