import { BrokerError, type Outgoing, type Sender, type SendResult } from '@busbar/core/driver'
import { editSent } from '../edits.ts'
import type { Alterations } from '../alter.ts'
import type { Mutant } from '../mutant.ts'

/** Changes the answers of a send. */
function answers(change: (results: readonly SendResult[], batch: readonly Outgoing[]) => readonly SendResult[]): () => Alterations {
  return () => ({ send: async (batch, next) => change(await next(batch), batch) })
}

const failed = (result: SendResult): boolean => !result.ok

export const sendingFaults: readonly Mutant[] = [
  {
    name: 'last-of-batch-lost',
    fault: 'loses the last message of every batch of two or more',
    killedBy: 'sending/batch-arrives',
    alterations: () => editSent((message, index, batch) => (batch.length > 1 && index === batch.length - 1 ? undefined : message)),
  },
  {
    name: 'duplicate-bodies-merged',
    fault: 'stores only one of the messages of a batch that have the same body',
    killedBy: 'sending/batch-arrives',
    alterations: () => editSent((message, index, batch) => (batch.findIndex(({ body }) => body === message.body) < index ? undefined : message)),
  },
  {
    name: 'failure-attributed-to-neighbour',
    fault: 'reports a failure for the neighbour of the message that failed',
    killedBy: 'sending/partial-failure',
    alterations: answers((results) => (results.some(failed) ? [...results.slice(-1), ...results.slice(0, -1)] : results)),
  },
  {
    name: 'batch-fails-as-a-whole',
    fault: 'reports a whole batch as unsent when one message of it failed',
    killedBy: 'sending/partial-failure',
    alterations: answers((results) => (results.some(failed) ? results.map(() => results.find(failed) as SendResult) : results)),
  },
  {
    name: 'refusal-swallowed',
    fault: 'reports messages as sent that the broker refused',
    killedBy: 'sending/partial-failure',
    alterations: answers((results) => results.map((result) => (!result.ok && result.stored === 'no' ? { ok: true } : result))),
  },
  {
    name: 'told-stored-and-refused',
    fault: 'tells before it answers that messages are stored which the broker refused',
    killedBy: 'sending/partial-failure',
    alterations: () => ({
      send: (batch, next, _site, _signal, stored) => {
        for (const index of batch.keys()) stored?.(index)
        return next(batch)
      },
    }),
  },
  {
    name: 'answered-before-stored',
    fault: 'answers before the broker has the message',
    killedBy: 'sending/confirmed-is-stored',
    alterations: () => ({
      send: async (batch, next, { services: { clock } }) => {
        clock.timer(clock.monotonic() + 100, () => void next(batch))
        return batch.map((): SendResult => ({ ok: true }))
      },
    }),
  },
  {
    name: 'lost-answer-reported-ok',
    fault: 'takes a lost answer for a good one',
    killedBy: 'sending/lost-answer',
    alterations: answers((results) => results.map((result) => (!result.ok && result.stored === 'unknown' ? { ok: true } : result))),
  },
  {
    name: 'lost-answer-reported-unsent',
    fault: 'reports a message as unsent when its answer is lost',
    killedBy: 'sending/lost-answer',
    alterations: answers((results) => results.map((result) => (result.ok ? result : { ...result, stored: 'no' }))),
  },
  {
    name: 'send-rejects',
    fault: 'rejects where it should answer',
    killedBy: 'sending/aborted-beforehand',
    alterations: () => ({
      send: async (batch, next, _site, signal) => {
        signal.throwIfAborted()
        return next(batch)
      },
    }),
  },
  {
    name: 'abort-reported-but-stored',
    fault: 'stores a message and reports it as unsent because its signal has fired',
    killedBy: 'sending/aborted-beforehand',
    alterations: () => ({
      send: async (batch, next, _site, signal) => {
        const results = await next(batch, new AbortController().signal)
        return signal.aborted ? batch.map((): SendResult => ({ ok: false, stored: 'no', error: new BrokerError('ERR_TIMEOUT', 'given up') })) : results
      },
    }),
  },
  {
    name: 'abort-ignored',
    fault: 'sends what nobody waits for any more',
    killedBy: 'sending/aborted-beforehand',
    alterations: () => ({ send: (batch, next) => next(batch, new AbortController().signal) }),
  },
  {
    name: 'full-call-never-answered',
    fault: 'never answers a call of send with a hundred messages',
    killedBy: 'sending/batch-arrives',
    alterations: () => ({ send: (batch, next) => (batch.length < 100 ? next(batch) : new Promise(() => {})) }),
  },
  {
    name: 'concurrent-call-lost',
    fault: 'loses what is sent while another call is out',
    killedBy: 'sending/concurrent-calls',
    alterations: () => {
      let out = 0
      return {
        send: async (batch, next) => {
          if (out++ > 0) return batch.map((): SendResult => ({ ok: true }))
          const results = await next(batch)
          out = 0
          return results
        },
      }
    },
  },
  { name: 'answer-missing', fault: 'gives one answer too few', killedBy: 'sending/concurrent-calls', alterations: answers((results) => results.slice(1)) },
  {
    name: 'send-after-close-ok',
    fault: 'says that a message is sent on a closed sender',
    killedBy: 'errors/after-close',
    alterations: answers((results) => results.map((result) => (!result.ok && result.error.code === 'ERR_CLOSED' ? { ok: true } : result))),
  },
  {
    name: 'send-after-close-hangs',
    fault: 'never answers a send on a closed sender',
    killedBy: 'errors/after-close',
    alterations: () => ({
      send: async (batch, next) => {
        const results = await next(batch)
        return results.some((result) => !result.ok && result.error.code === 'ERR_CLOSED') ? new Promise(() => {}) : results
      },
    }),
  },
  missing('missing-destination-swallowed', 'says that a message is sent to a destination that does not exist', 'errors/send-to-missing', () => ({ ok: true })),
  missing('wrong-code-for-missing', 'reports a destination that does not exist as an invalid message', 'errors/send-to-missing', () =>
    unsent(new BrokerError('ERR_INVALID', 'no', { driver: 'memory' })),
  ),
  missing('error-without-driver', 'does not name itself in its errors', 'errors/branded', () => unsent(new BrokerError('ERR_NOT_FOUND', 'no'))),
  missing('error-shows-body', 'writes message bodies into its errors', 'errors/branded', (message) =>
    unsent(new BrokerError('ERR_NOT_FOUND', `cannot send ${String(message.body)}`, { driver: 'memory' })),
  ),
  missing('error-of-its-own', 'fails with errors that are no BrokerErrors', 'errors/branded', () =>
    unsent(Object.assign(new Error('ENOENT'), { code: 'ERR_NOT_FOUND', retryable: false }) as unknown as BrokerError),
  ),
  {
    name: 'second-hop-drops-headers',
    fault: 'loses headers of messages that are sent to a dead-letter queue',
    killedBy: 'dead-letters/copy-is-whole',
    alsoKilledBy: ['dead-letters/foreign-headers'],
    alterations: () =>
      editSent((message, _index, _batch, endpoint) =>
        endpoint.name.includes('dead')
          ? { ...message, headers: Object.fromEntries(Object.entries(message.headers).filter(([name]) => name !== 'tenant')) }
          : message,
      ),
  },
  {
    name: 'second-hop-swallowed',
    fault: 'confirms messages to a dead-letter queue and forgets them',
    killedBy: 'retry/by-hand-exhausts',
    alsoKilledBy: ['retry/given-up-is-not-blocked', 'dead-letters/unfit', 'dead-letters/unfit-of-a-key'],
    alterations: () => ({
      link: (link) => ({ sender: (endpoint) => (endpoint.name.includes('dead') ? swallowing(link.sender(endpoint)) : link.sender(endpoint)) }),
    }),
  },
]

function swallowing(sender: Sender): Sender {
  return {
    send: async (batch) => batch.map(() => ({ ok: true })),
    sizeOf: (message) => sender.sizeOf(message),
    writable: true,
    onWritable: undefined,
    close: () => sender.close(),
  }
}

function unsent(error: BrokerError): SendResult {
  return { ok: false, stored: 'no', error }
}

/** How the driver answers a send to a destination that does not exist. */
function missing(name: string, fault: string, killedBy: Mutant['killedBy'], answer: (message: Outgoing) => SendResult): Mutant {
  return { name, fault, killedBy, alterations: () => ({ link: (link) => ({ sender: (endpoint) => senderOrElse(() => link.sender(endpoint), answer) }) }) }
}

function senderOrElse(make: () => Sender, answer: (message: Outgoing) => SendResult): Sender {
  try {
    return make()
  } catch {
    return { send: async (batch) => batch.map(answer), sizeOf: () => 1, writable: true, onWritable: undefined, close: async () => {} }
  }
}
