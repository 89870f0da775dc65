import { chmod, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContainer } from '../core/docker.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'
import type { Instance } from './instance.ts'
import { advancedConfig, configLines } from './settings.ts'
import type { RabbitmqSettings } from './settings.ts'

/** A RabbitMQ in a Docker container. */
export async function containerInstance(image: string, settings: RabbitmqSettings): Promise<Instance> {
  const scratch = await createScratch(tmpdir(), 'rabbitmq')
  // The server in the container runs as another user.
  await chmod(scratch.path, 0o755)
  const files = {
    '90-busbar.conf': ['/etc/rabbitmq/conf.d/90-busbar.conf', configLines(settings)],
    'advanced.config': ['/etc/rabbitmq/advanced.config', advancedConfig(settings)],
    plugins: ['/etc/rabbitmq/enabled_plugins', `[${['rabbitmq_management', ...(settings.plugins ?? [])].join(',')}].\n`],
  } as const
  for (const [name, [, text]] of Object.entries(files)) await writeFile(join(scratch.path, name), text)
  const amqpPort = await freePort()
  const managementPort = await freePort()
  const container = await createContainer(scratch, {
    image,
    ports: { [amqpPort]: 5672, [managementPort]: 15672 },
    files: Object.fromEntries(Object.entries(files).map(([name, [target]]) => [join(scratch.path, name), target])),
  })
  return {
    amqpPort,
    managementPort,
    start: () => container.control('start'),
    stop: () => container.control('stop'),
    kill: () => container.control('kill'),
    pause: () => container.control('pause'),
    resume: () => container.control('unpause'),
    control: (...args) => container.exec(['rabbitmqctl', ...args]),
    ending: async () => ((await container.isRunning()) ? undefined : 'the container has ended'),
    output: () => container.output(),
    async dispose() {
      await container.remove()
      await scratch[Symbol.asyncDispose]()
    },
  }
}
