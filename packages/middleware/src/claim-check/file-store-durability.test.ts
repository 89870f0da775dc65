import { mkdtempSync, rmSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { fileStore } from './file-store.ts'

const synced: string[] = []
const open = fs.open.bind(fs)
vi.spyOn(fs, 'open').mockImplementation(async (path, flags) => {
  const file = await open(path, flags)
  const sync = file.sync.bind(file)
  file.sync = async () => {
    await sync()
    synced.push(String(path))
  }
  return file
})
syncBuiltinESMExports()

const home = mkdtempSync(join(tmpdir(), 'busbar-file-store-'))
const { signal } = new AbortController()
const nameOf = (digit: string): string => digit.repeat(32)

afterAll(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  rmSync(home, { recursive: true, force: true })
})
beforeEach(() => void synced.splice(0))

/** What was synchronised after the file itself. */
function folders(): string[] {
  return synced.filter((path) => !path.endsWith('.part')).map((path) => relative(home, path))
}

it('brings the folders of a new day to the disk, and those that another has made', async () => {
  const directory = join(home, 'bodies')
  const [one, other] = [fileStore({ directory }), fileStore({ directory })]
  await one.put(`2026/01/31/${nameOf('1')}`, Buffer.from('x'), { signal })
  expect(folders()).toEqual(['bodies/2026/01/31', 'bodies/2026/01', 'bodies/2026', 'bodies', ''])
  synced.splice(0)
  await one.put(`2026/01/31/${nameOf('2')}`, Buffer.from('x'), { signal })
  expect(folders()).toEqual(['bodies/2026/01/31'])
  synced.splice(0)
  await other.put(`2026/01/31/${nameOf('3')}`, Buffer.from('x'), { signal })
  expect(folders()).toEqual(['bodies/2026/01/31', 'bodies/2026/01', 'bodies/2026', 'bodies'])
  synced.splice(0)
  await one.put(`2026/02/01/${nameOf('4')}`, Buffer.from('x'), { signal })
  expect(folders()).toEqual(['bodies/2026/02/01', 'bodies/2026/02', 'bodies/2026', 'bodies'])
})
