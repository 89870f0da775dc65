import { constants } from 'node:fs'
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { assertOptions } from '../support/assert-option.ts'
import { unpredictable } from '../support/unpredictable.ts'
import type { BodyStore } from './body-store.ts'

export interface FileStoreOptions {
  /** Where the files are. All processes that send or receive need the same one: a local disk for one machine, a shared volume for several. Made by the first `put`. */
  readonly directory: string
}

/** Names that mean the same on every file system, and lead nowhere else. */
const safeKey = /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/
const longestKey = 256

/**
 * Bodies as files: `<directory>/2026/01/31/<name>`. A file appears under its name only when all of it is on the disk; what a crash leaves of it ends in `.part`.
 * Keys that could lead out of the directory are refused, and symbolic links in place of a file are not followed.
 */
export function fileStore(options: FileStoreOptions): BodyStore {
  assertOptions('fileStore', options, ['directory'])
  if (typeof options.directory !== 'string' || options.directory === '') throw new TypeError('fileStore: directory must be a path')
  const directory = resolve(options.directory)
  /** The last folder of which this process has seen to it that it survives a power cut. */
  let durable: string | undefined

  function pathOf(key: string): string {
    if (key.length > longestKey || !safeKey.test(key)) throw new TypeError('fileStore: a key has parts of letters, digits, _ and -, separated by /')
    return join(directory, key)
  }

  return {
    async put(key, body, { signal }) {
      const path = pathOf(key)
      const folder = dirname(path)
      const part = `${path}.${unpredictable(6).toString('hex')}.part`
      const made = await mkdir(folder, { recursive: true })
      try {
        await write(part, body, signal)
        await rename(part, path)
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
      await syncDirectory(folder)
      // A new day has new folders, which are names in those above.
      if (made !== undefined || folder !== durable) await syncAbove(folder, made === undefined ? directory : shorter(directory, dirname(made)))
      durable = folder
    },

    async get(key, { maxBytes, signal }) {
      const path = pathOf(key)
      try {
        // Nobody but this store makes files here; whoever could put a link there must not have other files read through it.
        await using file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
        return await read(file, maxBytes, signal)
      } catch (error) {
        if (!isMissing(error)) throw error
        // That the file is not there is certain only if its store is.
        await stat(directory)
        return undefined
      }
    },

    async delete(key) {
      await rm(pathOf(key), { force: true })
    },
  }
}

async function write(path: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(body, { signal })
  await file.sync()
}

/** At most one byte more than expected. */
async function read(file: FileHandle, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const { size } = await file.stat()
  const body = Buffer.allocUnsafe(Math.min(size, maxBytes + 1))
  let at = 0
  while (at < body.byteLength) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(body, at, body.byteLength - at, at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return body.subarray(0, at)
}

/** The folders above `folder`, up to `top`. */
async function syncAbove(folder: string, top: string): Promise<void> {
  for (let path = folder; path.length > top.length;) {
    path = dirname(path)
    await syncDirectory(path)
  }
}

/** Of a path and one above or below it, the upper one. */
function shorter(one: string, other: string): string {
  return one.length < other.length ? one : other
}

/** So that the new name survives a power cut. Not every platform lets a directory be opened. */
async function syncDirectory(path: string): Promise<void> {
  try {
    await using folder = await open(path, 'r')
    await folder.sync()
  } catch {
    // The file itself is on the disk.
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
