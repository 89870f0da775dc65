import { describe, expect, it } from 'vitest'
import { isBrokerError } from '../errors.ts'
import { checkOrder } from './check-order.ts'
import { checkProcessOrder } from './process-order.ts'
import { sendOrder } from './send-order.ts'
import { processStages, type ProcessStage } from './stages.ts'
import type { ProcessFunction, ProcessMiddleware, SendMiddleware } from './types.ts'

function at(stage: ProcessStage, name: string = stage): ProcessMiddleware {
  return { name, stage, process: (_context, next) => next() }
}

const bare: ProcessFunction = (_context, next) => next()

function refusal(chain: readonly (ProcessMiddleware | ProcessFunction)[]): string {
  try {
    checkProcessOrder(chain)
  } catch (error) {
    expect(isBrokerError(error) && error.code).toBe('ERR_CONFIGURATION')
    return (error as Error).message
  }
  return 'accepted'
}

describe('checkProcessOrder', () => {
  it('accepts the documented order, with custom ones and bare functions anywhere', () => {
    expect(refusal(processStages.map((stage) => at(stage)))).toBe('accepted')
    expect(refusal([bare, at('custom'), at('idempotency'), bare, at('retry'), at('custom'), at('timeout'), bare])).toBe('accepted')
    expect(refusal([])).toBe('accepted')
  })

  const ordered = processStages.filter((stage) => stage !== 'custom')
  it.each(ordered.flatMap((outer, index) => ordered.slice(index + 1).map((inner) => [outer, inner] as const)))('refuses %s inside %s', (outer, inner) => {
    const text = refusal([at(inner), bare, at(outer)])
    expect(text).toContain(`${inner} must stand inside ${outer}: `)
    expect(text).toContain(`write use: [${outer}, ${inner}]`)
  })

  it('says why retry stands inside idempotency', () => {
    expect(refusal([at('retry'), at('idempotency')])).toBe(
      'use: retry must stand inside idempotency: a busy claim or an unreachable claim store would use up the attempts of the message; write use: [idempotency, retry]',
    )
  })

  it('lists everything that is wrong', () => {
    const text = refusal([at('timeout'), at('retry', 'first'), at('idempotency'), at('retry', 'second')])
    expect(text).toContain('timeout must stand inside first')
    expect(text).toContain('timeout must stand inside idempotency')
    expect(text).toContain('second must not stand in a chain twice: one retry budget applies to a message')
  })

  it('refuses a second idempotency, but not a second timeout', () => {
    expect(refusal([at('idempotency'), at('idempotency')])).toContain('the second would find every message claimed by the first')
    expect(refusal([at('timeout'), at('timeout')])).toBe('accepted')
  })

  it.each(['claim-check', 'compression'] as const)(
    'refuses a middleware of sends, and says where it belongs, whether or not its stage has a name of this chain: %s',
    (stage) => {
      const ofSends: SendMiddleware = { name: 'mine', stage, send: (_context, next) => next() }
      expect(refusal([at('retry'), ofSends as never])).toBe('use: mine works on sends: give it to broker.producer(destination, { use: […] })')
    },
  )

  it('refuses a middleware of consumers in the chain of a producer', () => {
    expect(() => checkOrder([at('idempotency') as never], sendOrder)).toThrow(
      'use: idempotency works on what is received: give it to broker.consume(source, handler, { use: […] })',
    )
  })

  it('refuses what has a name and a stage, and does nothing', () => {
    expect(() => checkProcessOrder([{ name: 'mine', stage: 'custom' } as never])).toThrow(new TypeError('use: there is no middleware, but object'))
  })

  it('refuses an unknown stage', () => {
    expect(refusal([at('metrics' as ProcessStage)])).toContain("metrics has the unknown stage 'metrics'; known: telemetry")
  })
})
