import { configuration } from './errors.ts'

/** One statement of a queue's access policy, in the language of IAM. */
export interface PolicyStatement {
  /** Identifies the statement: provisioning replaces the one with this id and leaves all others. */
  readonly Sid: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal: unknown
  readonly Action: string | readonly string[]
  /** Default: the queue's ARN. */
  readonly Resource?: string | readonly string[]
  readonly Condition?: unknown
}

/** Throws `ERR_CONFIGURATION`. */
export function checkStatements(value: unknown): readonly PolicyStatement[] {
  if (!Array.isArray(value)) throw configuration("sqs: option 'policy' must be a list of statements")
  const ids = new Set<string>()
  for (const statement of value as readonly Partial<PolicyStatement>[]) {
    if (typeof statement !== 'object' || statement === null) throw configuration("sqs: option 'policy' must be a list of statements")
    const { Sid, Effect, Principal, Action } = statement
    if (typeof Sid !== 'string' || Sid === '') throw configuration("sqs: every statement of option 'policy' needs a Sid, by which it is found again")
    if (ids.has(Sid)) throw configuration(`sqs: two statements of option 'policy' have the Sid ${Sid.slice(0, 100)}`)
    if ((Effect !== 'Allow' && Effect !== 'Deny') || Principal === undefined || Action === undefined)
      throw configuration(`sqs: the statement ${Sid.slice(0, 100)} of option 'policy' needs Effect, Principal and Action`)
    ids.add(Sid)
  }
  return value as readonly PolicyStatement[]
}

interface Policy {
  readonly Version?: string
  readonly Statement?: unknown
}

/**
 * The policy with `statements` in it, each in the place of the one with its `Sid`; `undefined` if that is what it says already.
 * Throws `ERR_CONFIGURATION` for text that is not a policy: nobody's rights are overwritten by guessing.
 */
export function mergedPolicy(current: string | undefined, statements: readonly PolicyStatement[], queueArn: string): string | undefined {
  if (statements.length === 0) return undefined
  const policy = parsePolicy(current, queueArn)
  const existing = statementsOf(policy)
  const wanted = statements.map((statement) => ({ ...statement, Resource: statement.Resource ?? queueArn }))
  if (wanted.every((statement) => existing.some((other) => isSameStatement({ ...other }, statement)))) return undefined
  const ids = new Set<unknown>(wanted.map(({ Sid }) => Sid))
  const others = existing.filter((other) => !ids.has((other as Partial<PolicyStatement>).Sid))
  return JSON.stringify({ ...policy, Version: policy.Version ?? '2012-10-17', Statement: [...others, ...wanted] })
}

function parsePolicy(text: string | undefined, queueArn: string): Policy {
  if (text === undefined || text === '') return {}
  try {
    const policy: unknown = JSON.parse(text)
    if (typeof policy === 'object' && policy !== null && !Array.isArray(policy)) return policy
  } catch {
    // Answered below, as every other text that is no policy.
  }
  throw configuration(`sqs: the access policy of ${queueArn} cannot be read, so no statement can be added to it`)
}

function statementsOf({ Statement }: Policy): readonly object[] {
  const all: readonly unknown[] = Array.isArray(Statement) ? (Statement as readonly unknown[]) : Statement === undefined ? [] : [Statement]
  return all.filter((statement): statement is object => typeof statement === 'object' && statement !== null)
}

/** Do two statements say the same? An account's number and the ARN of its root, which AWS may keep in its place, are the same principal. */
function isSameStatement(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  return isSameDocument({ ...a, Principal: withRoots(a['Principal']) }, { ...b, Principal: withRoots(b['Principal']) })
}

function withRoots(principal: unknown): unknown {
  if (typeof principal !== 'object' || principal === null || !('AWS' in principal)) return principal
  const { AWS } = principal
  const root = (one: unknown): unknown => (typeof one === 'string' ? (/^arn:[a-z-]+:iam::(\d{12}):root$/.exec(one)?.[1] ?? one) : one)
  return { ...principal, AWS: Array.isArray(AWS) ? AWS.map(root) : root(AWS) }
}

/** Do two policies say the same? The order of keys and of lists does not matter. */
export function isSameDocument(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

/** JSON with sorted keys; a list of one and its only member are the same in the policy language. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).toSorted().join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`
}
