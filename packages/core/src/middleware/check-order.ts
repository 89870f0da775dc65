import { BrokerError } from '../errors.ts'
import { kindOf } from '../kind-of.ts'

interface Staged<Stage extends string> {
  readonly name: string
  readonly stage: Stage
}

/** Which middleware may stand where in a chain. */
export interface OrderRules<Stage extends string> {
  /** The function that its middleware have. */
  readonly method: 'process' | 'send'
  /** What a middleware of the other chain is told. */
  readonly otherwise: string
  /** Outermost first. */
  readonly stages: readonly Stage[]
  /** Why each stage has to stand inside all stages before it. */
  readonly why: Readonly<Record<Stage, string>>
  /** Why a stage must not occur twice. */
  readonly once: Readonly<Partial<Record<Stage, string>>>
}

/** Throws `ERR_CONFIGURATION` with a sentence for every middleware that stands in a wrong place. Bare functions may stand anywhere. */
export function checkOrder<Stage extends string>(
  middlewares: readonly (Staged<Stage> | ((...parameters: never[]) => unknown))[],
  { method, otherwise, stages, why, once }: OrderRules<Stage>,
): void {
  if (!Array.isArray(middlewares)) throw new TypeError(`use must be a list of middleware, not ${kindOf(middlewares)}`)
  const problems: string[] = []
  const seen: Staged<Stage>[] = []
  for (const middleware of middlewares) {
    if (typeof middleware === 'function') continue
    // From JavaScript anything may come.
    const { name, stage } = (middleware as Staged<Stage> | undefined | null) ?? {}
    const has = (middleware ?? {}) as Partial<Record<'process' | 'send', unknown>>
    const isOther = has[method] === undefined && has[method === 'send' ? 'process' : 'send'] !== undefined
    if (typeof name !== 'string' || stage === undefined || (typeof has[method] !== 'function' && !isOther))
      throw new TypeError(`use: there is no middleware, but ${kindOf(middleware)}`)
    if (isOther) {
      problems.push(`${name} ${otherwise}`)
      continue
    }
    if (stage === 'custom') continue
    const rank = stages.indexOf(stage)
    if (rank === -1) {
      problems.push(`${name} has the unknown stage '${stage}'; known: ${stages.join(', ')}`)
      continue
    }
    const outer = seen.find((other) => stages.indexOf(other.stage) > rank)
    if (outer !== undefined) problems.push(`${outer.name} must stand inside ${name}: ${why[outer.stage]}; write use: [${name}, ${outer.name}]`)
    const twin = once[stage] === undefined ? undefined : seen.find((other) => other.stage === stage)
    if (twin !== undefined) problems.push(`${name} must not stand in a chain twice: ${once[stage]}`)
    seen.push(middleware)
  }
  if (problems.length > 0) throw new BrokerError('ERR_CONFIGURATION', `use: ${problems.join('. ')}`)
}
