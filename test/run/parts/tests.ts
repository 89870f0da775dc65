import { scriptPart, type Counts } from '../script-part.ts'
import type { Part } from '../part.ts'
import { vitestPart } from '../vitest-part.ts'

const contract = ['test/contract']
const rabbitmq = ['test/brokers', 'test/amqp', 'test/middleware/on-drivers']
const mqtt = ['test/brokers/mqtt', 'test/mqtt']
const aws = ['test/brokers/aws-wire', 'test/kinesis', 'test/sqs', 'test/sns']
const stores = ['test/redis', 'test/dynamodb']

/** A minute in all, ten seconds for each backend. What its seed has to strike in that time is in `test/chaos/certificate.test.ts`. */
export const chaosArguments: readonly string[] = ['all', '--messages', '1000', '--minutes', '0.17', '--seed', '1957', '--may-skip']

/** What runs the code. Every test file of the repository belongs to exactly one of these parts, and one that starts brokers to a part that runs alone, but for the stores. */
export const testParts: readonly Part[] = [
  vitestPart({
    name: 'unit',
    budgetSeconds: 190,
    workers: 2,
    isolate: false,
    folders: ['packages', 'test'],
    except: [...contract, ...rabbitmq, ...mqtt, ...aws, ...stores],
  }),
  scriptPart({ name: 'types', budgetSeconds: 5, entry: 'test/types/run.ts', read: passedAndFailed }),
  vitestPart({
    name: 'contract',
    budgetSeconds: 260,
    alone: true,
    workers: 3,
    folders: contract,
    // One that leaves the cores alone beside the longest two: leases of two seconds are to be renewed in time.
    first: ['kinesis', 'sns', 'mqtt', 'amqp', 'sqs', 'kinesis-fan-out'].map((name) => `test/contract/${name}.test.ts`),
  }),
  // All that follows leaves a third of the cores while it waits for brokers. What this may take of them is counted in CPU.
  scriptPart({
    name: 'simulate',
    background: true,
    budgetSeconds: 500,
    entry: 'test/simulate/main.ts',
    runs: [['--seeds', '11000', '--cpu-seconds', '260']],
    read: violations,
  }),
  vitestPart({
    name: 'amqp',
    budgetSeconds: 165,
    alone: true,
    workers: 4,
    isolate: false,
    folders: rabbitmq,
    except: [...mqtt, ...aws],
    first: ['test/amqp/faults.test.ts', 'test/middleware/on-drivers/rabbitmq.test.ts', 'test/amqp/queues.test.ts', 'test/amqp/partitions.test.ts'],
    env: { BUSBAR_SHARE_RABBITMQ: '1' },
  }),
  vitestPart({
    name: 'aws',
    budgetSeconds: 105,
    alone: true,
    workers: 3,
    isolate: false,
    folders: aws,
    first: ['reading', 'group', 'differential'].map((name) => `test/kinesis/${name}.test.ts`),
  }),
  vitestPart({
    name: 'mqtt',
    budgetSeconds: 85,
    alone: true,
    workers: 3,
    isolate: false,
    folders: mqtt,
    first: ['test/mqtt/faults-activemq.test.ts', 'test/mqtt/faults-mosquitto.test.ts'],
  }),
  // These two mostly wait, and do so side by side.
  vitestPart({ name: 'stores', budgetSeconds: 105, workers: 2, isolate: false, folders: stores, first: ['test/dynamodb/contract.test.ts'] }),
  scriptPart({
    name: 'demo',
    budgetSeconds: 95,
    entry: 'test/demo/main.ts',
    runs: [
      ['--broker', 'memory'],
      ['--broker', 'memory', '--faults'],
      ['--broker', 'amqp', '--may-skip'],
      ['--broker', 'mqtt', '--may-skip'],
      ['--broker', 'sqs'],
    ],
    read: () => ({ passed: 1, failed: 0 }),
  }),
  scriptPart({ name: 'mutants', budgetSeconds: 25, alone: true, entry: 'test/mutants/main.ts', read: killed }),
  scriptPart({
    name: 'chaos',
    budgetSeconds: 135,
    alone: true,
    entry: 'test/chaos/main.ts',
    runs: [chaosArguments],
    read: broken,
  }),
]

function passedAndFailed(line: string): Counts | undefined {
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\b/.exec(line) ?? []
  return passed === undefined || failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) }
}

function killed(line: string): Counts | undefined {
  const [, dead, all] = /^killed (\d+) of (\d+)$/.exec(line) ?? []
  return dead === undefined || all === undefined || Number(all) === 0 ? undefined : { passed: Number(dead), failed: Number(all) - Number(dead) }
}

function violations(line: string): Counts | undefined {
  const [, found, schedules] = /^(\d+) violations? in (\d+) schedules$/.exec(line) ?? []
  return found === undefined || schedules !== '11000' ? undefined : { passed: found === '0' ? 1 : 0, failed: Number(found) }
}

/** The last line of `npm run chaos`. A run that had nothing to run on, or no store of idempotency, has shown nothing. */
export function broken(line: string): Counts | undefined {
  const [, sent, lost, disorder, doubled, wrong = '0'] =
    /^chaos: sent (\d+), lost (\d+), out of order (\d+), double effects (\d+|not judged), (?:otherwise wrong (\d+), )?recovered in ≤ \S+ s$/.exec(line) ?? []
  if (sent === undefined) return undefined
  const judged = doubled !== 'not judged'
  const failed = Number(lost) + Number(disorder) + (judged ? Number(doubled) : 0) + Number(wrong)
  return { passed: failed === 0 && judged && sent !== '0' ? 1 : 0, failed }
}
