import { BrokerError } from '../errors.ts'
import {
  processStages,
  sendStages,
  type ProcessFunction,
  type ProcessMiddleware,
  type ProcessStage,
  type SendFunction,
  type SendMiddleware,
  type SendStage,
} from './types.ts'

/** Why each stage has to stand inside all stages before it. */
const whyInside: Readonly<Record<ProcessStage, string>> = {
  telemetry: '',
  'claim-check': 'what is fetched is part of what telemetry measures',
  decryption: 'the body must have been fetched before it can be decrypted',
  decompression: 'bodies are compressed before they are encrypted, so they are decompressed after they are decrypted',
  idempotency: 'it compares bodies, and encryption and compression change them from send to send',
  retry: 'a busy claim or an unreachable claim store would use up the attempts of the message',
  timeout: 'retry decides what happens after an attempt that took too long, so it has to see it',
  custom: '',
}

/** Stages that must not occur twice. */
const once: Readonly<Partial<Record<ProcessStage, string>>> = {
  idempotency: 'the second would find every message claimed by the first',
  retry: 'one retry budget applies to a message',
}

/** Why each stage of the send chain has to stand inside all stages before it. */
const whySendInside: Readonly<Record<SendStage, string>> = {
  telemetry: '',
  idempotency: 'a repeated send is part of what telemetry measures',
  compression: 'a repeated send should not be compressed again',
  encryption: 'what is encrypted can no longer be compressed',
  'claim-check': 'what is stored must be as small as it gets, and encrypted',
  custom: '',
}

interface Staged<Stage extends string> {
  readonly name: string
  readonly stage: Stage
}

interface Rules<Stage extends string> {
  readonly stages: readonly Stage[]
  readonly why: Readonly<Record<Stage, string>>
  readonly once: Readonly<Partial<Record<Stage, string>>>
}

/** Throws `ERR_CONFIGURATION` with a sentence for every middleware that stands in a wrong place. Bare functions may stand anywhere. */
export function checkOrder(middlewares: readonly (ProcessMiddleware | ProcessFunction)[]): void {
  check(middlewares, { stages: processStages, why: whyInside, once })
}

/** {@link checkOrder} for the send chain. */
export function checkSendOrder(middlewares: readonly (SendMiddleware | SendFunction)[]): void {
  check(middlewares, { stages: sendStages, why: whySendInside, once: { idempotency: 'the second would find every message sent by the first' } })
}

function check<Stage extends string>(
  middlewares: readonly (Staged<Stage> | ((...parameters: never[]) => unknown))[],
  { stages, why, once: never }: Rules<Stage>,
): void {
  const problems: string[] = []
  const seen: Staged<Stage>[] = []
  for (const middleware of middlewares) {
    if (typeof middleware === 'function' || middleware.stage === 'custom') continue
    const { name, stage } = middleware
    const rank = stages.indexOf(stage)
    if (rank === -1) {
      problems.push(`${name} has the unknown stage '${stage}'; known: ${stages.join(', ')}`)
      continue
    }
    const outer = seen.find((other) => stages.indexOf(other.stage) > rank)
    if (outer !== undefined) problems.push(`${outer.name} must stand inside ${name}: ${why[outer.stage]}; write use: [${name}, ${outer.name}]`)
    const twin = never[stage] === undefined ? undefined : seen.find((other) => other.stage === stage)
    if (twin !== undefined) problems.push(`${name} must not stand in a chain twice: ${never[stage]}`)
    seen.push(middleware)
  }
  if (problems.length > 0) throw new BrokerError('ERR_CONFIGURATION', `use: ${problems.join('. ')}`)
}
