/** `errors.md` has exactly one heading per code of the union `ErrorCode`, and no other. */
export function errorCodeErrors(source: string, page: string): string[] {
  const union = /export type ErrorCode =([^]*?)\n\n/.exec(source)?.[1] ?? ''
  const codes = [...union.matchAll(/'(ERR_\w+)'/g)].map((match) => match[1])
  const entries = [...page.matchAll(/^#+ .*?(ERR_\w+)/gm)].map((match) => match[1])
  if (codes.length === 0) return ['packages/core/src/errors.ts: the union ErrorCode was not found']
  return [
    ...codes.filter((code) => !entries.includes(code)).map((code) => `docs/reference/errors.md has no entry for ${code}`),
    ...entries.filter((entry) => !codes.includes(entry)).map((entry) => `docs/reference/errors.md has an entry for ${entry}, which is no code`),
    ...entries.filter((entry, index) => entries.indexOf(entry) !== index).map((entry) => `docs/reference/errors.md has more than one entry for ${entry}`),
  ]
}
