import { invalid, isInput, type Input } from '../input.ts'
import type { WireError } from '../wire-error.ts'
import type { WireQueue } from './wire-queue.ts'

export interface RedrivePolicy {
  readonly targetArn: string
  readonly maxReceiveCount: number
}

const defaultMaxReceiveCount = 10

/** The redrive policy of a queue; `undefined` if it has none. Throws `InvalidParameterValue` for one that says too little. */
export function redrivePolicyOf(attributes: ReadonlyMap<string, string>): RedrivePolicy | undefined {
  const text = attributes.get('RedrivePolicy')
  if (text === undefined) return undefined
  const { deadLetterTargetArn, maxReceiveCount = defaultMaxReceiveCount } = JSON.parse(text) as Input
  if (typeof deadLetterTargetArn !== 'string') throw refused(text, 'Redrive policy does not contain mandatory attribute: deadLetterTargetArn.')
  const count = Number(maxReceiveCount)
  if (!Number.isInteger(count) || count < 1 || count > 1_000)
    throw refused(text, `Invalid value for maxReceiveCount: ${String(maxReceiveCount)}, valid values are from 1 to 1000 both inclusive.`)
  return { targetArn: deadLetterTargetArn, maxReceiveCount: count }
}

/** Throws `InvalidParameterValue` for a policy that cannot work. `target`: the queue of its ARN, if there is one. */
export function checkRedrivePolicy(attributes: ReadonlyMap<string, string>, arn: string, fifo: boolean, target: WireQueue | undefined): void {
  const policy = redrivePolicyOf(attributes)
  if (policy === undefined) return
  const text = attributes.get('RedrivePolicy') ?? ''
  if (target === undefined || target.region !== arn.split(':')[3]) throw refused(text, 'Dead letter target does not exist.')
  if (target.fifo !== fifo) throw refused(text, 'Dead-letter queue must be same type of queue as the source.')
  if (!allows(target, arn)) throw refused(text, 'The dead-letter queue does not allow this queue to use it.')
}

function allows(target: WireQueue, sourceArn: string): boolean {
  const policy: unknown = JSON.parse(target.attributes.get('RedriveAllowPolicy') ?? '{}')
  if (!isInput(policy)) return true
  const { redrivePermission = 'allowAll', sourceQueueArns } = policy
  if (redrivePermission === 'byQueue') return Array.isArray(sourceQueueArns) && sourceQueueArns.includes(sourceArn)
  return redrivePermission === 'allowAll'
}

function refused(policy: string, reason: string): WireError {
  return invalid('RedrivePolicy', policy, reason)
}
