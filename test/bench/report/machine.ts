import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem, type } from 'node:os'

const clients = [
  'amqplib',
  'mqtt',
  'rabbitmq-client',
  '@cloudamqp/amqp-client',
  '@aws-sdk/client-sqs',
  '@aws-sdk/client-sns',
  '@aws-sdk/client-kinesis',
  'lifion-kinesis',
  'squiss-ts',
  'sqs-consumer',
  'sqs-producer',
  '@message-queue-toolkit/sqs',
]

/** What figures depend on besides the code, one line each. `loadBefore` is the load when the run began. */
export function machineReport(versions: Readonly<Record<string, string>>, loadBefore: readonly number[]): string {
  const processors = cpus()
  const { v8 } = process.versions
  const named = { ...Object.fromEntries(clients.map((name) => [name, versionOf(name)])), ...versions }
  return [
    `machine   ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, ${type()} ${release()} ${process.arch}`,
    `load      ${load(loadBefore)} before, ${load(loadavg())} after (1, 5 and 15 minutes; of the whole machine, this run included)`,
    `versions  Node ${process.version} (V8 ${v8}), ${Object.entries(named)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `revision  ${revision()}`,
  ].join('\n')
}

function load(values: readonly number[]): string {
  return values.map((value) => value.toFixed(2)).join(' ')
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url)
  const paths = require.resolve.paths(name) ?? []
  for (const folder of paths) {
    try {
      return (require(`${folder}/${name}/package.json`) as { readonly version: string }).version
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown'
}

function revision(): string {
  try {
    const head = git('rev-parse', '--short=12', 'HEAD')
    return git('status', '--porcelain') === '' ? head : `${head} with changes that are not committed`
  } catch {
    return 'unknown: not a Git checkout'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
