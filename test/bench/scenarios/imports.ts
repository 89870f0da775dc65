import { join } from 'node:path'
import { packPackages } from '../../packaging/tarballs.ts'
import { command, uncached } from '../../run/command.ts'
import { root } from '../../run/paths.ts'
import { valueRow, type Row } from '../engine/rows.ts'
import { median } from '../report/stats.ts'
import type { Suite } from './suite.ts'

/** What a service imports to use a broker, Busbar's first, then the client under it, then its peers. */
const groups: readonly { readonly own: string; readonly raw?: string; readonly peers: readonly string[] }[] = [
  { own: '@busbar/core', peers: [] },
  { own: '@busbar/memory', peers: [] },
  { own: '@busbar/middleware', peers: [] },
  { own: '@busbar/amqp', raw: 'amqplib', peers: ['rabbitmq-client', '@cloudamqp/amqp-client'] },
  { own: '@busbar/mqtt', raw: 'mqtt', peers: [] },
  { own: '@busbar/sqs', raw: '@aws-sdk/client-sqs', peers: ['squiss-ts', 'sqs-consumer', 'sqs-producer', '@message-queue-toolkit/sqs'] },
  { own: '@busbar/sns', raw: '@aws-sdk/client-sns', peers: [] },
  { own: '@busbar/kinesis', raw: '@aws-sdk/client-kinesis', peers: ['lifion-kinesis'] },
]
const runs = { quick: 3, full: 9 }

/** Each package in fresh processes, ours as they are published, interleaved. The files are in the system's cache: it is what a function costs that starts cold, without its disk. */
export const imports: Suite = async ({ quick, onProgress }) => {
  const never = new AbortController().signal
  const { project } = await packPackages(never, onProgress)
  const clients = join(root, 'test')
  const times = new Map<string, number[]>()
  for (let run = 0; run < (quick ? runs.quick : runs.full); run++) {
    onProgress(`run ${run + 1}`)
    for (const { own, raw, peers } of groups) {
      for (const name of [own, ...(raw === undefined ? [] : [raw]), ...peers]) {
        const time = await importMs(name, name === own ? project : clients)
        times.set(name, [...(times.get(name) ?? []), time])
      }
    }
  }
  const of = (name: string): number => median(times.get(name) ?? [])
  const rows = groups.flatMap(({ own, raw, peers }): Row[] => {
    const row = (subject: string, value: number): Row => valueRow(`import, ${own}`, subject, value, 'ms')
    if (raw === undefined) return [row(own, of(own))]
    return [row(own, of(own)), row(raw, of(raw)), row(`added to ${raw}`, addedMs(times, own, raw)), ...peers.map((peer) => row(peer, of(peer)))]
  })
  return { rows, versions: {}, ran: true }
}

/** The difference is taken inside each run. */
function addedMs(times: ReadonlyMap<string, readonly number[]>, own: string, raw: string): number {
  return median((times.get(own) ?? []).map((time, run) => time - (times.get(raw)?.[run] ?? Number.NaN)))
}

async function importMs(name: string, cwd: string): Promise<number> {
  const program = `const began = performance.now(); await import('${name}'); console.log(performance.now() - began); process.exit()`
  const { stdout, code } = await command(process.execPath, ['--input-type=module', '--eval', program], { cwd, env: uncached })
  const time = Number(stdout)
  if (code !== 0 || !(time > 0)) throw new Error(`importing ${name} ended with ${code}: ${stdout}`)
  return time
}
