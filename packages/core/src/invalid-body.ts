import { BrokerError } from './errors.ts'
import type { SchemaIssue } from './standard-schema.ts'

/** Longest text about issues, in characters. */
const maxText = 1024

/** `ERR_INVALID`, whose message names paths and complaints in at most 1,024 characters and does not repeat the values complained about. */
export function invalidBody(issues: readonly SchemaIssue[], value: unknown): BrokerError {
  return new BrokerError('ERR_INVALID', `invalid body: ${textOf(issues, value)}`)
}

function textOf(issues: readonly SchemaIssue[], value: unknown): string {
  let text = ''
  for (const [index, issue] of issues.entries()) {
    const path = pathOf(issue)
    const complaint = withoutValue(issue.message, valueAt(value, path))
    const part = `${index === 0 ? '' : '; '}${path.length === 0 ? '' : `${path.map(String).join('.')}: `}${complaint}`
    const rest = `; and ${issues.length - index} more`
    if (text.length + part.length > maxText - rest.length) return index === 0 ? `${part.slice(0, maxText - rest.length - 1)}…` : text + rest
    text += part
  }
  return text === '' ? 'refused by the schema' : text
}

function pathOf(issue: SchemaIssue): readonly PropertyKey[] {
  return (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[key]
  }
  return at
}

/** Some libraries quote what they complain about (`received "4111 1111 …"`). Errors are logged and stored; bodies must not be. */
function withoutValue(message: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return message
  const text = String(value)
  const quoted = message.replaceAll(JSON.stringify(text), '(value)').replaceAll(`"${text}"`, '(value)').replaceAll(`'${text}'`, '(value)')
  if (typeof value === 'string') return text.length < 4 ? quoted : quoted.replaceAll(text, '(value)')
  return quoted
    .split(/(-?\d[\d.eE+]*)/)
    .map((part) => (part === text ? '(value)' : part))
    .join('')
}
