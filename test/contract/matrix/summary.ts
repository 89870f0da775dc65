import { capabilityKeys, kinds, type CaseOutcome, type Certificate, type Kind } from '@busbar/contract-tests'
import type { Capabilities } from '@busbar/core/driver'

type Key = keyof Capabilities

/** What one cell of the matrix says: the value, and whether a case has proved it. */
export interface Cell {
  readonly value: string
  readonly proved: 'yes' | 'gap' | 'not examined'
}

/** A certificate in the form in which it is kept beside the tests. */
export interface Summary {
  readonly name: string
  readonly driver: string
  readonly version: string
  readonly examinedOn: Certificate['label']['kind']
  /** `2026-11-24` */
  readonly date: string
  readonly outcomes: Readonly<Record<CaseOutcome, number>>
  readonly kinds: Readonly<Record<Kind, Readonly<Record<Key, Cell>> | { readonly refused: string; readonly remedy: string }>>
  readonly gaps: readonly { readonly id: string; readonly kind: Kind; readonly reason: string }[]
  readonly notExamined: readonly { readonly id: string; readonly kind: Kind; readonly reason: string }[]
  /** Cases that found, while they ran, that the broker does not have what they are about. */
  readonly notApplicable: readonly { readonly id: string; readonly kind: Kind; readonly reason: string }[]
}

/** Throws if a claim differs from what the cases found. */
export function summarise(certificate: Certificate, date: string): Summary {
  const failed = certificate.results.filter(({ outcome }) => outcome === 'failed')
  if (failed.length > 0)
    throw new Error(
      `${certificate.name}: claims that the cases have refuted: ${failed.map(({ id, kind, examines }) => `${id} (${kind}; ${examines.join(', ')})`).join('; ')}`,
    )
  const { label, results } = certificate
  const count = (outcome: CaseOutcome): number => results.filter((result) => result.outcome === outcome).length
  // Cases that run at once end in any order.
  const listed = (outcome: CaseOutcome): Summary['gaps'] =>
    results
      .filter((result) => result.outcome === outcome)
      .map(({ id, kind, reason = '' }) => ({ id, kind, reason }))
      .toSorted((one, two) => (`${one.kind} ${one.id}` < `${two.kind} ${two.id}` ? -1 : 1))
  return {
    name: certificate.name,
    driver: label.driver,
    version: label.version,
    examinedOn: label.kind,
    date,
    outcomes: { passed: count('passed'), failed: 0, gap: count('gap'), 'not-applicable': count('not-applicable'), 'not-examined': count('not-examined') },
    kinds: Object.fromEntries(kinds.map((kind) => [kind, column(certificate, kind)])) as unknown as Summary['kinds'],
    gaps: listed('gap'),
    notExamined: listed('not-examined'),
    notApplicable: listed('not-applicable'),
  }
}

function column(certificate: Certificate, kind: Kind): Summary['kinds'][Kind] {
  const { unkeyed, keyed } = certificate.claims[kind]
  if ('refused' in unkeyed) return { refused: unkeyed.refused, remedy: unkeyed.remedy }
  const plain = certificate.inspected[kind]?.unkeyed ?? unkeyed
  const withKeys = certificate.inspected[kind]?.keyed ?? ('refused' in keyed ? undefined : keyed)
  const cells = capabilityKeys.map((key) => [key, { value: valueOf(plain, withKeys, key), proved: provedBy(certificate, kind, key) }] as const)
  return Object.fromEntries(cells) as unknown as Record<Key, Cell>
}

function provedBy(certificate: Certificate, kind: Kind, key: Key): Cell['proved'] {
  const outcomes = certificate.results.filter((result) => result.kind === kind && result.examines.includes(key)).map(({ outcome }) => outcome)
  if (outcomes.includes('gap')) return 'gap'
  return outcomes.includes('passed') ? 'yes' : 'not examined'
}

function valueOf(plain: Capabilities, keyed: Capabilities | undefined, key: Key): string {
  const value = textOf(key, plain[key])
  const other = keyed === undefined ? value : textOf(key, keyed[key])
  return value === other ? value : `${value}; with keys: ${other}`
}

/** Where `false` means that there is no limit. */
const limits: ReadonlySet<string> = new Set(['maxHoldMs', 'maxHeaders'])

function textOf(name: string, value: unknown): string {
  if (value === false && limits.has(name)) return 'no limit'
  if (value === false || value === 'none') return '–'
  if (value === true) return 'yes'
  if (typeof value === 'number') return value === Number.MAX_SAFE_INTEGER || value === Infinity ? 'no limit' : value.toLocaleString('en-US')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([part, inner]) => (part === 'kind' || part === 'mode' ? String(inner) : `${part} ${textOf(part, inner)}`))
    .join(', ')
}
