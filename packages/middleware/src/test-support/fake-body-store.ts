import type { BodyStore, BodyStoreGetOptions } from '../claim-check/body-store.ts'

/** Keeps bodies in memory; a test can make its calls fail or hang. */
export class FakeBodyStore implements BodyStore {
  readonly bodies: Map<string, Uint8Array> = new Map()
  readonly calls: string[] = []
  /** Takes the place of a call's answer; `undefined` lets it through. */
  fault: ((operation: 'put' | 'get' | 'delete', signal: AbortSignal) => Promise<never> | undefined) | undefined

  async put(key: string, body: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.calls.push('put')
    await this.fault?.('put', signal)
    this.bodies.set(key, Buffer.from(body))
  }

  async get(key: string, { signal }: BodyStoreGetOptions): Promise<Uint8Array | undefined> {
    this.calls.push('get')
    await this.fault?.('get', signal)
    return this.bodies.get(key)
  }

  async delete(key: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.calls.push('delete')
    await this.fault?.('delete', signal)
    this.bodies.delete(key)
  }
}
