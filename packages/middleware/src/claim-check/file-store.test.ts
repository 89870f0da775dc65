import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fileStore } from './file-store.ts'

const home = mkdtempSync(join(tmpdir(), 'busbar-file-store-'))
const { signal } = new AbortController()
const key = '2026/01/31/00112233445566778899aabbccddeeff'
let folders = 0

afterAll(() => rmSync(home, { recursive: true, force: true }))

function folder(): string {
  return join(home, String(folders++))
}

describe('fileStore', () => {
  it('keeps bodies as files that appear whole', async () => {
    const directory = folder()
    const store = fileStore({ directory })
    await store.put(key, Buffer.from('body'), { signal })
    expect(readFileSync(join(directory, key), 'utf8')).toBe('body')
    expect(readdirSync(join(directory, '2026/01/31'))).toHaveLength(1)
    expect(Buffer.from((await store.get(key, { maxBytes: 4, signal })) ?? []).toString()).toBe('body')
    await store.delete(key, { signal })
    expect(await store.get(key, { maxBytes: 4, signal })).toBeUndefined()
    await store.delete(key, { signal })
  })

  it('reads no more than shows that a body is too large', async () => {
    const store = fileStore({ directory: folder() })
    await store.put(key, Buffer.alloc(1_000_000), { signal })
    expect((await store.get(key, { maxBytes: 10, signal }))?.byteLength).toBe(11)
    expect((await store.get(key, { maxBytes: 1_000_000, signal }))?.byteLength).toBe(1_000_000)
  })

  it('carries an empty body', async () => {
    const store = fileStore({ directory: folder() })
    await store.put(key, new Uint8Array(), { signal })
    expect((await store.get(key, { maxBytes: 1, signal }))?.byteLength).toBe(0)
  })

  it.each(['../x', 'a/../x', '/etc/passwd', 'a//b', 'a/', '', '.', 'a.b', 'a\\b', 'a\0b', 'c:x', 'a'.repeat(257), '2026/01/31/%2e%2e'])(
    'refuses the key %j',
    async (bad) => {
      const directory = folder()
      const store = fileStore({ directory })
      await expect(store.put(bad, Buffer.from('x'), { signal })).rejects.toThrow(TypeError)
      await expect(store.get(bad, { maxBytes: 1, signal })).rejects.toThrow(TypeError)
      await expect(store.delete(bad, { signal })).rejects.toThrow(TypeError)
      expect(() => readdirSync(directory)).toThrow('ENOENT')
    },
  )

  it('does not follow a link in place of a file', async () => {
    const directory = folder()
    mkdirSync(join(directory, '2026/01/31'), { recursive: true })
    writeFileSync(join(home, 'secret'), 'secret')
    symlinkSync(join(home, 'secret'), join(directory, key))
    await expect(fileStore({ directory }).get(key, { maxBytes: 10, signal })).rejects.toThrow('ELOOP')
  })

  it('does not take a store that is not there for a body that is not there', async () => {
    await expect(fileStore({ directory: folder() }).get(key, { maxBytes: 1, signal })).rejects.toThrow('ENOENT')
  })

  it('leaves nothing behind when a body cannot be written', async () => {
    const directory = folder()
    const store = fileStore({ directory })
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(store.put(key, Buffer.alloc(10_000), { signal: gone })).rejects.toThrow()
    expect(readdirSync(join(directory, '2026/01/31'))).toEqual([])
    mkdirSync(join(directory, key, 'not a file'), { recursive: true })
    await expect(store.put(key, Buffer.alloc(10), { signal })).rejects.toThrow()
    expect(readdirSync(join(directory, '2026/01/31'))).toHaveLength(1)
    await expect(store.get(key, { maxBytes: 10, signal })).rejects.toThrow('EISDIR')
  })

  it('names what is wrong with its options', () => {
    expect(() => fileStore({ directory: '' })).toThrow('fileStore: directory must be a path')
    expect(() => fileStore({ directry: 'x' } as never)).toThrow("did you mean 'directory'?")
  })
})
