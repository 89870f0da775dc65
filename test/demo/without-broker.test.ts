import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { script } from '../run/command.ts'
import { root } from '../run/paths.ts'
import { skipsIn } from '../run/skip-lines.ts'

/** No URL, no program, no Docker, and nowhere to unpack packages. */
const nothing = {
  PATH: '/nonexistent',
  BUSBAR_BROKER_CACHE: '/dev/null/cache',
  BUSBAR_INSTALL_BROKERS: '0',
  BUSBAR_REQUIRE_BROKERS: '0',
  BUSBAR_RABBITMQ_3_URL: '',
  BUSBAR_RABBITMQ_4_URL: '',
}
const runOn = (broker: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  script(join(root, 'test/demo/main.ts'), ['--broker', broker, ...args], { env: { ...nothing, ...env } })
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => runOn('amqp', args, env)

// A RabbitMQ of the machine is found without a PATH.
describe.skipIf(existsSync('/usr/lib/rabbitmq/lib'))('the demo where no RabbitMQ can be had', () => {
  it('has not run, and says how to get one', async () => {
    const { code, lines } = await run([])
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(
      /^demo: there is no RabbitMQ to run on: .*docker: .*\. To get one, set BUSBAR_RABBITMQ_4_URL.*, install RabbitMQ .*start Docker/,
    )
    expect(skipsIn(lines)).toEqual([])
  })

  it('is skipped, not failed, when it may be', async () => {
    const { code, lines } = await run(['--may-skip'])
    expect(code).toBe(0)
    expect(skipsIn(lines)).toMatchObject([{ what: 'RabbitMQ', remedy: expect.stringContaining('BUSBAR_RABBITMQ_4_URL') as string }])
  })

  it('fails when brokers are required, even if it may be skipped', async () => {
    const { code, lines } = await run(['--may-skip'], { BUSBAR_REQUIRE_BROKERS: '1' })
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(/^demo: RabbitMQ skipped: /)
  })
})

// A mosquitto of the machine is found without a PATH, too.
it.skipIf(existsSync('/usr/sbin/mosquitto'))(
  'the demo has not run where no mosquitto can be had, and says how to get one; or is skipped, when it may be',
  async () => {
    const [failed, skipped] = await Promise.all([runOn('mqtt', []), runOn('mqtt', ['--may-skip'])])
    expect([failed.code, skipped.code]).toEqual([1, 0])
    expect(failed.lines.at(-1)).toMatch(/^demo: there is no mosquitto to run on: .*docker: .*\. To get one, install mosquitto 2\.0\.x, start Docker/)
    expect(skipsIn(skipped.lines)).toMatchObject([{ what: 'mosquitto 2.0', remedy: expect.stringContaining('install mosquitto') as string }])
  },
)
