import { allCases, type ContractCase, type KnownGap } from '@busbar/contract-tests'
import { afterAll, describe, vi } from 'vitest'
import { skipOrFail, startActivemq, startAedes, startMosquitto } from '../brokers/index.ts'
import { everyBed } from '../brokers/every-bed.ts'
import { certify } from './harness/certify.ts'
import { mqttHarness } from './harness/mqtt-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 24 })

const anyTopic = 'a topic of MQTT exists by being named, so that no send to one is to a topic that does not exist'
const topicsExist: readonly KnownGap[] = [
  { case: 'errors/send-to-missing', kind: 'topic', reason: anyTopic },
  { case: 'errors/branded', kind: 'topic', reason: anyTopic },
]

const retroactive: readonly KnownGap[] = [
  {
    case: 'topics/nothing-older',
    kind: 'topic',
    reason: 'ActiveMQ gives a new subscription of MQTT also what it still keeps for other subscriptions of the topic (its consumers are retroactive)',
  },
]

// Always with a store that takes its time, as one that is shared by several processes; now and then with one in memory.
const overtaken: readonly KnownGap[] = [
  {
    case: 'ordering/under-failure',
    kind: 'topic',
    reason: 'aedes lets new messages overtake those that wait in a session which has just connected',
  },
]

/** Where it shows that a message to be tried again is published again. */
const affected = ['capabilities', 'dead-letters', 'drain', 'leases', 'reconnect', 'retry', 'settling']
const ofRepublishing = allCases
  .filter(({ id, kinds }) => affected.includes(id.split('/')[0] ?? '') && kinds?.includes('queue') !== false)
  .map((each): ContractCase => ({ ...each, kinds: ['queue'] }))

const [mosquitto, activemq, aedes] = await Promise.all([
  startMosquitto().then(skipOrFail),
  startActivemq().then(skipOrFail),
  everyBed ? startAedes({ storeMs: 10 }) : undefined,
])
afterAll(async () => {
  for (const bed of [mosquitto, activemq, aedes]) await bed?.[Symbol.asyncDispose]()
})

describe.skipIf(mosquitto === undefined)('mosquitto', () => {
  const { url = '', version = '' } = mosquitto ?? {}
  const place = { url, broker: `mosquitto ${version}`, kind: 'real', shared: true } as const
  certify({ name: 'mqtt (mosquitto, MQTT 5)', harness: mqttHarness({ ...place, protocolVersion: 5 }), knownGaps: topicsExist, alongside: true })
  // ActiveMQ speaks 3.1.1 as well.
  if (everyBed)
    certify({ name: 'mqtt (mosquitto, MQTT 3.1.1)', harness: mqttHarness({ ...place, protocolVersion: 4 }), knownGaps: topicsExist, alongside: true })
  // The mode is an option of the driver, whatever the version.
  for (const protocolVersion of everyBed ? ([5, 4] as const) : ([5] as const)) {
    const name = `mqtt (mosquitto, MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}, republishing)`
    certify({ name, harness: mqttHarness({ ...place, protocolVersion, republish: true }), cases: ofRepublishing, alongside: true })
  }
})

describe.skipIf(activemq === undefined)('ActiveMQ', () => {
  const { url = '', version = '' } = activemq ?? {}
  const place = { url, broker: `ActiveMQ ${version}`, kind: 'real', shared: false, protocolVersion: 4 } as const
  certify({ name: 'mqtt (ActiveMQ, MQTT 3.1.1)', harness: mqttHarness(place), knownGaps: [...topicsExist, ...retroactive], alongside: true })
})

if (aedes !== undefined)
  describe('aedes', () => {
    const place = { url: aedes.url, broker: `aedes ${aedes.version}`, kind: 'emulator', shared: false, protocolVersion: 4 } as const
    certify({ name: 'mqtt (aedes, MQTT 3.1.1)', harness: mqttHarness(place), knownGaps: [...topicsExist, ...overtaken], alongside: true })
  })
