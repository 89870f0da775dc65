import { isInput } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import type { WireError } from '../wire-error.ts'

/** Least, most and default, as decimal texts travel on the wire. */
const numbers: Readonly<Record<string, readonly [number, number, string]>> = {
  VisibilityTimeout: [0, 43_200, '30'],
  DelaySeconds: [0, 900, '0'],
  MaximumMessageSize: [1_024, 1_048_576, '1048576'],
  MessageRetentionPeriod: [60, 1_209_600, '345600'],
  ReceiveMessageWaitTimeSeconds: [0, 20, '0'],
  KmsDataKeyReusePeriodSeconds: [60, 86_400, '300'],
}
/** What may be chosen; the first is the default. */
const choices: Readonly<Record<string, readonly string[]>> = { SqsManagedSseEnabled: ['true', 'false'] }
const fifoChoices: Readonly<Record<string, readonly string[]>> = {
  FifoQueue: ['true'],
  ContentBasedDeduplication: ['false', 'true'],
  DeduplicationScope: ['queue', 'messageGroup'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
}
const documents: ReadonlySet<string> = new Set(['Policy', 'RedrivePolicy', 'RedriveAllowPolicy'])

/** What a queue has when nothing is said. */
export function defaultAttributes(fifo: boolean): Map<string, string> {
  const defaults = new Map(Object.entries({ ...choices, ...(fifo ? fifoChoices : {}) }).map(([name, allowed]) => [name, allowed[0] ?? '']))
  for (const [name, [, , value]] of Object.entries(numbers)) if (name !== 'KmsDataKeyReusePeriodSeconds') defaults.set(name, value)
  return defaults
}

/**
 * `current` with what is `given`: empty texts clear documents and the key. Throws `InvalidAttributeName` and `InvalidAttributeValue`.
 * `current` is not changed.
 */
export function withAttributes(current: ReadonlyMap<string, string>, given: ReadonlyMap<string, string>, fifo: boolean): Map<string, string> {
  const merged = new Map(current)
  for (const [name, value] of given) {
    checkAttribute(name, value, fifo)
    if (value === '') merged.delete(name)
    else merged.set(name, value)
  }
  encrypt(merged, given)
  if (merged.get('FifoThroughputLimit') === 'perMessageGroupId' && merged.get('DeduplicationScope') !== 'messageGroup')
    throw invalidValue('FifoThroughputLimit', 'It can be perMessageGroupId only when DeduplicationScope is messageGroup.')
  return merged
}

function checkAttribute(name: string, value: string, fifo: boolean): void {
  const range = own(numbers, name)
  const allowed = own(choices, name) ?? (fifo ? own(fifoChoices, name) : undefined)
  if (range !== undefined) {
    if (!/^\d{1,9}$/.test(value) || Number(value) < range[0] || Number(value) > range[1]) throw invalidValue(name)
  } else if (allowed !== undefined) {
    if (!allowed.includes(value)) throw invalidValue(name)
  } else if (documents.has(name)) {
    if (value !== '' && !isDocument(value)) throw invalidValue(name, 'It must be a JSON object.')
  } else if (name !== 'KmsMasterKeyId') throw unknownAttribute(name)
}

/** One kind of encryption at a time: a key switches that of the service off, and the other way round. */
function encrypt(merged: Map<string, string>, given: ReadonlyMap<string, string>): void {
  const key = given.get('KmsMasterKeyId')
  const managed = given.get('SqsManagedSseEnabled') === 'true'
  if (key !== undefined && key !== '' && managed)
    throw serviceError('InvalidAttributeName', 'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.')
  if (managed) merged.delete('KmsMasterKeyId')
  else if (key !== undefined && key !== '') merged.set('SqsManagedSseEnabled', 'false')
  if (!merged.has('KmsMasterKeyId')) merged.delete('KmsDataKeyReusePeriodSeconds')
  else if (!merged.has('KmsDataKeyReusePeriodSeconds')) merged.set('KmsDataKeyReusePeriodSeconds', '300')
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function isDocument(value: string): boolean {
  try {
    return isInput(JSON.parse(value))
  } catch {
    return false
  }
}

export function unknownAttribute(name: string): WireError {
  return serviceError('InvalidAttributeName', `Unknown Attribute ${name}.`)
}

export function invalidValue(name: string, reason: string = ''): WireError {
  return serviceError('InvalidAttributeValue', `Invalid value for the parameter ${name}.${reason === '' ? '' : ` Reason: ${reason}`}`)
}
