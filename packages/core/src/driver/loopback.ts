const octet = String.raw`(25[0-5]|2[0-4]\d|1?\d?\d)`
const address = new RegExp(String.raw`^127(\.${octet}){3}$`)

/**
 * Does a host, as `URL.hostname` has it, stand for this machine, so that what is sent to it crosses no network: `localhost`, names below it, `127.0.0.0/8` and `::1`, with
 * or without brackets? Drivers refuse clear text to all others. A name is not looked up.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || address.test(bare)
}
