import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../core/owned-process.ts'
import { hostPlace } from '../core/place.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'
import { until } from '../core/until.ts'

/** An emulator of Kinesis for tests: `kinesis-local`, in a process of its own. */
export interface KinesisBed extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, for clients by HTTP/1.1. */
  readonly url: string
  /** Of the emulator. */
  readonly version: string
  /** Credentials of an account that nobody else has: its streams and limits are its own. */
  account(): { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Puts the emulator's wall clock forward: iterators expire after five minutes. */
  passTime(ms: number): void
}

const startTimeoutMs = 20_000

/** The package is always there, so this is never skipped. Takes about a second. */
export async function startKinesis(): Promise<KinesisBed> {
  const main = fileURLToPath(import.meta.resolve('kinesis-local'))
  const home = dirname(main)
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly version: string }
  const place = hostPlace()
  const scratch = await createScratch(place.temporary, 'kinesis')
  const [plain, tls] = [await freePort(), await freePort()]
  const changes = [
    'CREATE_STREAM',
    'DELETE_STREAM',
    'UPDATE_STREAM',
    'SPLIT_SHARD',
    'MERGE_SHARDS',
    'UPDATE_SHARD_COUNT',
    'START_STREAM_ENCRYPTION',
    'REGISTER_STREAM_CONSUMER',
    'DEREGISTER_STREAM_CONSUMER',
  ]
  const clock = join(scratch.path, 'clock-shift')
  writeFileSync(clock, '0')
  const env = {
    // Without it, it runs in its own folder only.
    KINESIS_MOCK_CERT_PATH: join(home, 'server.json'),
    KINESIS_MOCK_PLAIN_PORT: String(plain),
    KINESIS_MOCK_TLS_PORT: String(tls),
    LOG_LEVEL: 'ERROR',
    // It keeps traces of its fibers otherwise, which nobody reads and which take a tenth of its time.
    CATS_EFFECT_TRACING_MODE: 'none',
    SHARD_LIMIT: '10000',
    ON_DEMAND_STREAM_COUNT_LIMIT: '1000',
    KINESIS_CLOCK_SHIFT: clock,
    ...Object.fromEntries(changes.map((name) => [`${name}_DURATION`, '1ms'])),
  }
  const server = await startProcess(process.execPath, ['--max-semi-space-size=64', '--import', new URL('shifted-clock.mjs', import.meta.url).href, main], {
    name: 'kinesis',
    place,
    scratch,
    env,
  })
  const url = `http://127.0.0.1:${plain}`
  const dispose = async (): Promise<void> => {
    // It takes four seconds to end by itself.
    server.signal('SIGKILL')
    await server.endsWithin(5_000)
    await scratch[Symbol.asyncDispose]()
  }
  const healthy = async (): Promise<void> => {
    const { ok, status } = await fetch(`${url}/healthcheck`)
    if (!ok) throw new Error(`the health check answers ${status}`)
  }
  try {
    await until('kinesis-local', healthy, { timeoutMs: startTimeoutMs, hopeless: () => server.ending, intervalMs: 20 })
  } catch (error) {
    const output = await server.output()
    await dispose()
    throw new Error(`kinesis-local does not answer\n${output}`, { cause: error })
  }
  let accounts = 0
  let shiftMs = 0
  return {
    url,
    version,
    account: () => ({ accessKeyId: String(++accounts).padStart(12, '0'), secretAccessKey: 'test' }),
    passTime: (ms) => writeFileSync(clock, String((shiftMs += ms))),
    [Symbol.asyncDispose]: dispose,
  }
}
