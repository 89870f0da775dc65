import type { Endpoint, Headers, Incoming, Link, Outgoing, SettleResult } from '@busbar/core/driver'
import { original, type Alterations, type SenderSite } from '../alter.ts'
import { ackInSilence, destinationOf, editSent, outgoingOf } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const isDead = ({ name }: Endpoint): boolean => name.includes('dead')

function lowerCase(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Sends what has been sent before, and is on its way to another place than dead letters, to where it was first sent. */
function goingHome(): Alterations {
  const links: Link[] = []
  const homes = new Map<string, Endpoint>()
  const isStray = ({ id }: Outgoing, { endpoint }: SenderSite): boolean => !isDead(endpoint) && (homes.get(id)?.name ?? endpoint.name) !== endpoint.name
  return {
    link: (link) => {
      links.push(link)
      return {}
    },
    send: async (batch, next, site, signal) => {
      for (const { id } of batch) if (!homes.has(id)) homes.set(id, site.endpoint)
      const home = batch[0] === undefined || !isStray(batch[0], site) ? undefined : homes.get(batch[0].id)
      const link = links[site.linkNumber]
      return home === undefined || link === undefined ? next(batch) : link.sender(home).send(batch, signal)
    },
  }
}

/** Moves what is discarded to the dead-letter place, as a broker does, and does not say where it comes from. */
function withoutSource(): Alterations {
  return {
    ...claiming(() => ({ deadLetter: 'native' })),
    settle: async (outcomes, next, site) => {
      const discarded = outcomes.filter(({ action }) => action === 'discard').map(({ delivery }) => original(delivery))
      const { deadLetterName } = site.endpoint
      if (discarded.length === 0 || deadLetterName === undefined) return next(outcomes)
      const { deadLetterName: _, ...endpoint } = destinationOf(site.endpoint)
      const sender = site.link.sender({ ...endpoint, kind: 'queue', name: deadLetterName, maxAttempts: 0 })
      for (const { incoming } of discarded) await sender.send([outgoingOf(incoming, site)], new AbortController().signal)
      ackInSilence(site, discarded)
      const rest = [...(await next(outcomes.filter(({ action }) => action !== 'discard')))]
      return outcomes.map(({ action }) => (action === 'discard' ? 'durable' : (rest.shift() as SettleResult)))
    },
  }
}

function swallowingRepeats(): Alterations {
  const sent = new Set<string>()
  return editSent((message, _index, _batch, { name }) => {
    const copy = `${name} ${message.id}`
    if (sent.has(copy)) return undefined
    sent.add(copy)
    return message
  })
}

/** Shows the last message of a page again on the next one. */
function overlapping(): Alterations {
  return {
    link: (link) => {
      const browse = link.browse?.bind(link)
      if (browse === undefined) return {}
      let last: Incoming | undefined
      return {
        browse: async (endpoint, options, signal) => {
          const page = await browse(endpoint, options, signal)
          const again = options.cursor === undefined || last === undefined ? [] : [last]
          last = page.messages.at(-1)
          return { ...page, messages: [...again, ...page.messages] }
        },
      }
    },
  }
}

export const deadLetterFaults: readonly Mutant[] = [
  {
    name: 'second-hop-drops-key',
    fault: 'loses the ordering key of messages that are sent to a dead-letter queue',
    killedBy: 'retry/blocked-key-skipped',
    alsoKilledBy: ['dead-letters/of-a-key'],
    alterations: () => editSent((message, _index, _batch, endpoint) => (isDead(endpoint) ? { ...message, key: undefined } : message)),
  },
  {
    name: 'redriven-key-lost',
    fault: 'loses the ordering key of messages that are redriven',
    killedBy: 'dead-letters/of-a-key',
    alterations: () => {
      const dead = new Set<string>()
      return editSent((message, _index, _batch, endpoint) => {
        if (isDead(endpoint)) dead.add(message.id)
        return isDead(endpoint) || !dead.has(message.id) ? message : { ...message, key: undefined }
      })
    },
  },
  {
    name: 'dead-letters-reversed',
    fault: 'gives dead letters out in reverse',
    killedBy: 'dead-letters/of-a-key',
    alterations: () => ({ arrive: (deliveries, next, { endpoint }) => next(isDead(endpoint) ? deliveries.toReversed() : deliveries) }),
  },
  {
    name: 'second-hop-lower-cases-headers',
    fault: 'writes the header names of messages that are sent to a dead-letter queue in lower case',
    killedBy: 'dead-letters/foreign-headers',
    alterations: () => editSent((message, _index, _batch, endpoint) => (isDead(endpoint) ? { ...message, headers: lowerCase(message.headers) } : message)),
  },
  {
    name: 'copy-goes-home',
    fault: 'sends a message that was sent before to where it was first sent',
    killedBy: 'dead-letters/redrive-to',
    alterations: goingHome,
  },
  {
    name: 'native-dead-letter-unnamed',
    fault: 'moves discarded messages to the dead-letter queue and does not say where they come from',
    killedBy: 'dead-letters/shared-place',
    alterations: withoutSource,
  },
  {
    name: 'browse-pages-overlap',
    fault: 'begins a page with the last message of the one before',
    killedBy: 'dead-letters/pages',
    alterations: overlapping,
  },
  {
    name: 'redrive-swallowed',
    fault: 'drops what is sent to a place for the second time',
    killedBy: 'dead-letters/redrive-unseen',
    profile: 'kinesis',
    alsoOn: ['mqtt'],
    alterations: swallowingRepeats,
  },
  {
    name: 'looked-at-lost',
    fault: 'loses the last message of those that were looked at and handed back',
    killedBy: 'dead-letters/pages',
    profile: 'rabbitmq',
    alsoOn: ['sqs-standard'],
    alterations: () => ({
      receiver: (site) => ({
        handBack: async () => {
          ackInSilence(site, [...site.unsettled].slice(-1))
          await site.receiver.handBack()
        },
      }),
    }),
  },
]
