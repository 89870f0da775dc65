/**
 * 32 for an IPv4 address in dotted form, 128 for an IPv6 address, `undefined` for anything else: told apart without being read, because definitions are checked in
 * programs that evaluate no filter.
 */
export function addressBits(text: string): 32 | 128 | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split('.').every((part) => Number(part) <= 255) ? 32 : undefined
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`) ? 128 : undefined
}
