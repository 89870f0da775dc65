import { once } from 'node:events'
import { connect } from 'node:net'
import type { OwnedProcess } from '../core/owned-process.ts'
import { startProcess } from '../core/owned-process.ts'
import type { Place } from '../core/place.ts'
import { run } from '../core/run.ts'
import { createScratch } from '../core/scratch.ts'
import { until } from '../core/until.ts'
import type { Instance } from './instance.ts'
import { freePorts, writeSettings } from './settings.ts'
import type { RabbitmqSettings } from './settings.ts'

/** A RabbitMQ that runs as processes of this machine. `programs` is the folder of its start scripts. */
export async function processInstance(place: Place, programs: string, settings: RabbitmqSettings): Promise<Instance> {
  const scratch = await createScratch(place.temporary, 'rabbitmq')
  const ports = await freePorts()
  const env = await writeSettings(scratch.path, place.inside(scratch.path), ports, settings)
  const start = (name: string, program: string, args: readonly string[] = []): Promise<OwnedProcess> =>
    startProcess(program, args, { name, place, scratch, env })

  // Erlang starts its name daemon by itself when there is none, and leaves it behind. Ours has a known end.
  const names = await start('epmd', 'epmd')
  let server: OwnedProcess | undefined
  const signal = async (name: NodeJS.Signals, waitMs: number): Promise<void> => {
    server?.signal(name)
    if (server !== undefined && !(await server.endsWithin(waitMs))) {
      throw new Error(`RabbitMQ did not end within ${waitMs} ms after ${name}\n${await server.output()}`)
    }
  }
  return {
    amqpPort: ports.amqp,
    managementPort: ports.management,
    async start() {
      if (server?.running === true) throw new Error('RabbitMQ is running already')
      await until('epmd', () => listening(ports.names), { timeoutMs: 10_000, hopeless: () => names.ending })
      server = await start('rabbitmq', `${programs}/rabbitmq-server`)
    },
    stop: () => signal('SIGTERM', 30_000),
    kill: () => signal('SIGKILL', 5_000),
    pause: async () => server?.signal('SIGSTOP'),
    resume: async () => server?.signal('SIGCONT'),
    async control(...args) {
      const command = place.command(`${programs}/rabbitmqctl`, args)
      const { ok, stdout, stderr } = await run(command.file, command.args, { env: { ...place.env, ...env } })
      if (!ok) throw new Error(`rabbitmqctl ${args.join(' ')} failed\n${stdout}${stderr}`)
    },
    ending: async () => server?.ending,
    output: async () => (await server?.output()) ?? '',
    async dispose() {
      server?.signal('SIGKILL')
      names.signal('SIGKILL')
      await Promise.all([server?.endsWithin(5_000), names.endsWithin(5_000)])
      await scratch[Symbol.asyncDispose]()
    },
  }
}

async function listening(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
