import type { AddressParameters, Delivery, Endpoint } from '@busbar/core/driver'
import { withIncoming } from '../alter.ts'
import { editArriving, editSent } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

const untemplated = (endpoints: readonly Endpoint[]): readonly Endpoint[] => endpoints.filter(({ parameters }) => parameters === undefined)

function mapValues(parameters: AddressParameters | undefined, map: (value: string) => string): AddressParameters | undefined {
  return parameters && Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, map(value)]))
}

export const templateFaults: readonly Mutant[] = [
  {
    name: 'parameters-mixed-up',
    fault: 'gives a message the parameters of the one before it',
    killedBy: 'topics/template',
    alterations: () => {
      let before: AddressParameters | undefined
      return editArriving((delivery) => {
        const { parameters } = delivery.incoming
        const mixed = withIncoming(delivery, { parameters: before ?? parameters })
        before = parameters
        return mixed
      })
    },
  },
  {
    name: 'fixed-parameters-ignored',
    fault: 'gives a subscription that fixes parameters the messages of all addresses',
    killedBy: 'topics/template',
    alterations: () => ({
      endpoint: (endpoint) => {
        if (endpoint.subscription === undefined) return endpoint
        const { parameters: _, ...subscription } = endpoint.subscription
        return { ...endpoint, subscription }
      },
    }),
  },
  {
    name: 'parameters-cleaned',
    fault: 'replaces what is no letter or digit in the values of parameters',
    killedBy: 'topics/template-values',
    alterations: () => editSent((message) => ({ ...message, parameters: mapValues(message.parameters, (value) => value.replaceAll(/[^A-Za-z0-9]/g, '_')) })),
  },
  {
    name: 'parameters-inject',
    fault: 'sends to some other address where the parameters of a message make none',
    killedBy: 'topics/template-injection',
    alterations: () =>
      editSent((message, _index, _batch, { parameters }) => {
        if (parameters === undefined) return message
        const values = parameters.map((name) => [name, (message.parameters?.[name] ?? 'x').toWellFormed().replaceAll(/[/+#\0]/g, 'x')])
        return { ...message, parameters: Object.fromEntries(values) as AddressParameters }
      }),
  },
  {
    name: 'redelivery-without-parameters',
    fault: 'loses the parameters when a message is delivered again',
    killedBy: 'topics/template-again',
    alterations: () => {
      const seen = new Set<string | undefined>()
      return editArriving((delivery) => {
        const { id } = delivery.incoming
        if (seen.has(id)) return withIncoming(delivery, { parameters: undefined })
        seen.add(id)
        return delivery
      })
    },
  },
  {
    name: 'redrive-to-another-address',
    fault: 'sends a message that it has sent before to the address of another',
    killedBy: 'topics/template-dead-letter',
    alterations: () => {
      const sent = new Set<string>()
      let first: AddressParameters | undefined
      return editSent((message, _index, _batch, { parameters }) => {
        if (parameters === undefined) return message
        first ??= message.parameters
        if (sent.has(message.id)) return { ...message, parameters: first }
        sent.add(message.id)
        return message
      })
    },
  },
  {
    name: 'long-header-lost',
    fault: 'confirms a message with a header of more than 65,535 characters and stores nothing',
    killedBy: 'topics/template-long-address',
    alterations: () => ({
      send: async (batch, next) => {
        const short = batch.filter(({ headers }) => Object.values(headers).every(({ length }) => length <= 65_535))
        const answers = await next(short)
        return batch.map((message) => answers[short.indexOf(message)] ?? { ok: true })
      },
    }),
  },
  {
    name: 'order-lost-at-addresses',
    fault: 'swaps neighbours of one address',
    killedBy: 'topics/template-keys',
    // Where the process keeps the later messages of a key back, so that there are neighbours.
    profile: 'mqtt',
    alterations: () => {
      const held = new Map<string, Delivery>()
      return {
        arrive: (deliveries, next) =>
          next(
            deliveries.flatMap((delivery) => {
              const { parameters } = delivery.incoming
              if (parameters === undefined) return [delivery]
              const address = JSON.stringify(parameters)
              const before = held.get(address)
              if (before === undefined) {
                held.set(address, delivery)
                return []
              }
              held.delete(address)
              return [delivery, before]
            }),
          ),
      }
    },
  },
  {
    name: 'template-subscription-not-made',
    fault: 'makes no subscriptions of address templates',
    killedBy: 'topics/template-provisioning',
    alterations: () => ({
      link: ({ topology }) =>
        topology === undefined
          ? {}
          : {
              topology: {
                plan: (endpoints, signal) => topology.plan(untemplated(endpoints), signal),
                apply: (endpoints, changes, signal) => topology.apply(untemplated(endpoints), changes, signal),
              },
            },
    }),
  },
  {
    name: 'template-refused-as-name',
    fault: 'refuses an address template as a name that it does not like, with a remedy that does not help',
    killedBy: 'capabilities/address-template-refused',
    profile: 'sns',
    alterations: () => ({
      capabilities: (claimed, { parameters }) =>
        parameters === undefined ? claimed : { refused: 'the name holds characters that are not allowed', remedy: "set the route's name" },
    }),
  },
]
