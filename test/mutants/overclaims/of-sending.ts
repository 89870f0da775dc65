import type { Outgoing, SendResult } from '@busbar/core/driver'
import { withIncoming, type Alterations } from '../alter.ts'
import { editArriving, editSent } from '../edits.ts'
import { otherSqs, overclaim, tooMuch, type FalseClaims } from './overclaim.ts'

/** What could be claimed falsely about sending. */
export const sendingClaims: Readonly<
  Record<
    | 'kind'
    | 'batchOrder'
    | 'callOrder'
    | 'delay'
    | 'deduplication'
    | 'filter'
    | 'headerFilter'
    | 'addressTemplates'
    | 'maxMessageBytes'
    | 'maxHeaders'
    | 'maxBatch'
    | 'requestReply'
    | 'timeToLive'
    | 'priority'
    | 'timestampResolutionMs'
    | 'confirms',
    FalseClaims
  >
> = {
  kind: { mutants: [], others: ['kind-claimed-and-refused'] },
  batchOrder: {
    mutants: [
      overclaim({
        name: 'overclaims-batch-order',
        fault: 'claims that a batch is stored up to its first failure only, and stores what comes after it',
        killedBy: 'sending/partial-failure',
        profile: 'sqs-standard',
        alsoOn: [...otherSqs, 'kinesis', 'rabbitmq'],
        claim: () => ({ batchOrder: 'atomic' }),
      }),
    ],
  },
  callOrder: { mutants: [], others: ['first-call-overtaken', 'calls-overtaken'] },
  delay: {
    mutants: [
      overclaim({
        name: 'overclaims-delay',
        fault: 'claims delays of twice the length that the broker takes',
        killedBy: 'sending/longest-delay',
        profile: 'sqs-standard',
        claim: ({ delay }) => (delay === false ? {} : { delay: { ...delay, maxMs: 2 * delay.maxMs } }),
        really: () => refusing(({ delayMs }) => (delayMs ?? 0) > 900_000),
      }),
    ],
    others: ['delay-claimed', 'delay-late'],
    irrefutable: ['`resolutionMs` below what any message may take to arrive: lateness within that is not told from slowness'],
  },
  deduplication: {
    mutants: [
      overclaim({
        name: 'overclaims-deduplication-window',
        fault: 'claims to know deduplication ids for twice as long as it does',
        killedBy: 'sending/deduplication',
        alsoOn: ['sqs-fifo'],
        claim: ({ deduplication }) => (deduplication === false ? {} : { deduplication: { windowMs: 2 * deduplication.windowMs } }),
      }),
      overclaim({
        name: 'overclaims-deduplication-of-keys',
        fault: 'claims deduplication, and does not do it where messages have ordering keys',
        killedBy: 'sending/deduplication-of-keys',
        alsoOn: otherSqs,
        claim: () => ({}),
        really: () => editSent((message, _index, _batch, { keyed }) => (keyed ? { ...message, deduplicationId: undefined } : message)),
      }),
    ],
    others: ['deduplication-claimed'],
  },
  filter: { mutants: [], others: ['filter-claimed'] },
  addressTemplates: {
    mutants: [
      overclaim({
        name: 'overclaims-address-templates',
        fault: 'claims address templates, and gives nobody the parameters',
        killedBy: 'topics/template',
        alsoOn: ['mqtt'],
        claim: () => ({}),
        really: () => editArriving((delivery) => withIncoming(delivery, { parameters: undefined })),
      }),
    ],
    others: ['parameters-mixed-up', 'fixed-parameters-ignored', 'parameters-cleaned', 'parameters-inject'],
  },
  headerFilter: {
    mutants: [
      overclaim({
        name: 'overclaims-header-filter',
        fault: 'claims filters on headers and ignores them',
        killedBy: 'topics/header-filter',
        profile: 'rabbitmq',
        claim: () => ({ headerFilter: 'native' }),
        really: () => ({
          endpoint: (endpoint) => {
            const { headerFilter: _ignored, ...subscription } = endpoint.subscription ?? { name: '' }
            return endpoint.subscription === undefined ? endpoint : { ...endpoint, subscription }
          },
        }),
      }),
    ],
    others: ['header-filter-ignored'],
  },
  maxMessageBytes: {
    mutants: [
      overclaim({
        name: 'overclaims-max-message-bytes',
        fault: 'claims messages of twice the size that the broker takes',
        killedBy: 'sending/at-size-limit',
        profile: 'rabbitmq',
        alsoOn: ['sqs-standard', ...otherSqs, 'kinesis'],
        claim: ({ maxMessageBytes }) => ({ maxMessageBytes: 2 * maxMessageBytes }),
      }),
    ],
    irrefutable: ['more than 64 MiB (256 MiB in memory): nothing larger is sent, and a claim beyond is recorded as not examined'],
  },
  maxHeaders: { mutants: [], others: ['headers-beyond-ten-dropped'] },
  maxBatch: {
    mutants: [
      overclaim({
        name: 'overclaims-max-batch-messages',
        fault: 'claims ten times the messages that one call takes',
        killedBy: 'sending/full-batch',
        alsoOn: ['sqs-standard', ...otherSqs, 'kinesis', 'rabbitmq', 'mqtt'],
        claim: ({ maxBatch }) => ({ maxBatch: { ...maxBatch, messages: 10 * maxBatch.messages } }),
      }),
      overclaim({
        name: 'overclaims-max-batch-bytes',
        fault: 'claims ten times the bytes that one call takes',
        killedBy: 'sending/batch-bytes',
        profile: 'kinesis',
        alsoOn: ['sqs-standard', ...otherSqs, 'rabbitmq'],
        claim: ({ maxBatch }) => ({ maxBatch: { ...maxBatch, bytes: 10 * maxBatch.bytes } }),
      }),
      overclaim({
        name: 'overclaims-max-batch-in-flight',
        fault: 'claims ten times the calls that can be out at once',
        killedBy: 'sending/concurrent-calls',
        alsoOn: ['sqs-standard', ...otherSqs, 'kinesis', 'rabbitmq'],
        claim: ({ maxBatch }) => ({ maxBatch: { ...maxBatch, inFlight: 10 * maxBatch.inFlight } }),
        really: () => {
          const most = 16
          let out = 0
          return {
            send: async (batch, next) => {
              if (++out > most) return batch.map(refused)
              const results = await next(batch)
              out--
              return results
            },
          }
        },
      }),
    ],
    irrefutable: ['more than 5,000 messages, 64 MiB (256 MiB in memory) or 256 calls: nothing larger is tried, and a claim beyond is recorded as not examined'],
  },
  requestReply: {
    mutants: [
      overclaim({
        name: 'overclaims-request-reply',
        fault: 'claims replies and has none',
        killedBy: 'requests/reply',
        profile: 'kinesis',
        alsoOn: ['sqs-standard', 'sqs-fifo'],
        claim: () => ({ requestReply: true }),
      }),
      overclaim({
        name: 'overclaims-request-reply-elsewhere',
        fault: 'claims that topics and streams answer requests',
        killedBy: 'capabilities/complete',
        claim: ({ kind }) => (kind === 'queue' ? {} : { requestReply: true }),
      }),
    ],
    others: ['reply-dropped'],
  },
  timeToLive: {
    mutants: [
      overclaim({
        name: 'overclaims-time-to-live',
        fault: 'claims times to live of twice the length that the broker takes',
        killedBy: 'sending/time-to-live',
        profile: 'rabbitmq',
        claim: ({ timeToLive }) => (timeToLive === false ? {} : { timeToLive: { maxMs: 2 * timeToLive.maxMs } }),
        really: () => refusing(({ timeToLiveMs }) => (timeToLiveMs ?? 0) > 2 ** 32),
      }),
    ],
    others: ['time-to-live-claimed'],
  },
  priority: {
    mutants: [
      overclaim({
        name: 'overclaims-priority-levels',
        fault: 'claims ten times as many levels of priority as it tells apart',
        killedBy: 'sending/priority',
        claim: ({ priority }) => (priority === false ? {} : { priority: { levels: 10 * priority.levels } }),
      }),
    ],
    others: ['priority-claimed'],
  },
  timestampResolutionMs: {
    mutants: [
      overclaim({
        name: 'overclaims-timestamp-resolution',
        fault: 'claims timestamps to the millisecond and carries seconds',
        killedBy: 'sending/metadata',
        profile: 'rabbitmq',
        claim: () => ({ timestampResolutionMs: 1 }),
      }),
    ],
  },
  confirms: { mutants: [], others: ['answered-before-stored'] },
}

function refused(): SendResult {
  return { ok: false, stored: 'no', error: tooMuch() }
}

/** Refuses some messages as a broker with lower limits does. */
function refusing(isTooMuch: (message: Outgoing) => boolean): Alterations {
  return {
    send: async (batch, next) => {
      const results = [...(await next(batch.filter((message) => !isTooMuch(message))))]
      return batch.map((message) => (isTooMuch(message) ? refused() : (results.shift() as SendResult)))
    },
  }
}
