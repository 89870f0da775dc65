import { setTimeout as pause } from 'node:timers/promises'
import type { FaultProxy, MosquittoBed, RabbitmqBed, RedisBed } from '../../brokers/index.ts'
import type { BackendFault } from './backend.ts'
import { proxyFaults } from './proxy-faults.ts'

export function rabbitmqFaults(proxy: FaultProxy, bed: RabbitmqBed): readonly BackendFault[] {
  return [...proxyFaults(proxy), killed('RabbitMQ', bed), restarted('RabbitMQ', bed), paused('RabbitMQ', bed), blocked(bed)]
}

/** It is not killed, since it would lose what it has confirmed since its last snapshot; a clean restart keeps everything. */
export function mosquittoFaults(proxy: FaultProxy, bed: MosquittoBed): readonly BackendFault[] {
  return [...proxyFaults(proxy), restarted('mosquitto', bed), paused('mosquitto', bed)]
}

export function redisFaults(proxy: FaultProxy, bed: RedisBed): readonly BackendFault[] {
  return [...proxyFaults(proxy), killed('Redis', bed), restarted('Redis', bed), paused('Redis', bed)]
}

/** The memory alarm: who publishes is told to stop, and consumers go on. */
function blocked(bed: RabbitmqBed): BackendFault {
  return {
    name: 'publishers blocked',
    lastsMs: [500, 2_000],
    async strike(lastsMs) {
      await bed.setMemoryAlarm(true)
      await pause(lastsMs)
      await bed.setMemoryAlarm(false)
    },
  }
}

/** Of a server that can be frozen. */
export function paused(name: string, bed: { pause(): Promise<void>; resume(): Promise<void> }): BackendFault {
  return {
    name: `${name} stopped (SIGSTOP)`,
    lastsMs: [500, 4_000],
    async strike(lastsMs) {
      await bed.pause()
      await pause(lastsMs)
      await bed.resume()
    },
  }
}

/** Of a server that keeps what it has confirmed. */
export function killed(name: string, bed: { kill(): Promise<void>; start(): Promise<void> }): BackendFault {
  return {
    name: `${name} killed (SIGKILL)`,
    lastsMs: [0, 1_000],
    async strike(lastsMs) {
      await bed.kill()
      await pause(lastsMs)
      await bed.start()
    },
  }
}

export function restarted(name: string, bed: { stop(): Promise<void>; start(): Promise<void> }): BackendFault {
  return {
    name: `${name} restarted`,
    lastsMs: [0, 1_000],
    async strike(lastsMs) {
      await bed.stop()
      await pause(lastsMs)
      await bed.start()
    },
  }
}
