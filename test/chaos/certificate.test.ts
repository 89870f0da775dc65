import { expect, it } from 'vitest'
import { chaosArguments } from '../run/parts/tests.ts'
import { parseArguments } from './arguments.ts'
import { mosquittoFaults, rabbitmqFaults, redisFaults } from './backends/server-faults.ts'
import { Fleet } from './fleet.ts'
import { processFaults } from './process-faults.ts'
import { stepsOf } from './run.ts'
import type { FaultKind } from './script.ts'

const options = parseArguments(chaosArguments, ['amqp', 'sqs', 'sns', 'kinesis', 'mqtt', 'redis'])

/** Nothing is struck here. */
const idle = {} as never

function planned(faults: readonly FaultKind[]): readonly string[] {
  const ofProcesses = processFaults(new Fleet('', () => undefined), async () => undefined)
  return stepsOf([...faults, ...ofProcesses], options).map(({ fault }) => fault)
}

it('the run of the certificate takes a minute in all', () => {
  expect(options.minutes * options.backends.length).toBeCloseTo(1, 1)
})

it('kills a consumer, RabbitMQ and Redis, and restarts mosquitto: a fault that is new needs another seed', () => {
  expect(planned(rabbitmqFaults(idle, idle))).toEqual(expect.arrayContaining(['consumer killed (SIGKILL)', 'RabbitMQ killed (SIGKILL)']))
  expect(planned(mosquittoFaults(idle, idle))).toEqual(expect.arrayContaining(['consumer killed (SIGKILL)', 'mosquitto restarted']))
  expect(planned(redisFaults(idle, idle))).toEqual(expect.arrayContaining(['consumer killed (SIGKILL)', 'Redis killed (SIGKILL)']))
})
