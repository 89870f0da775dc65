import { installedProgram } from '../core/programs.ts'
import { run } from '../core/run.ts'
import type { Service, Source } from '../core/service.ts'

/** The path of `redis-server`. */
export interface RedisProgram {
  readonly program: string
}

export type RedisSource = Source<RedisProgram>

const major = 7

export const redis7: Service<RedisProgram> = {
  broker: `Redis ${major}`,
  name: `redis-${major}`,
  variable: 'BUSBAR_REDIS_URL',
  image: `redis:${major}`,
  suite: 'bookworm',
  packages: ['redis-server'],
  ours: /^redis/,
  toInstall: `redis-server ${major}.x`,
  async installed() {
    const isRight = async (program: string): Promise<boolean> => new RegExp(`\\bv=${major}\\.`).test((await run(program, ['--version'])).stdout)
    const program = await installedProgram('redis-server', isRight)
    return program === undefined ? `no redis-server ${major}.x is installed` : { program }
  },
  inTree: async ({ root }) => ({ program: `${root}/usr/bin/redis-server` }),
}
