import type { StoredClaim } from '@busbar/core/driver'
import type { MemoryStore } from '@busbar/memory'
import { broken, look, remembering, type StoreMutant } from './store-mutant.ts'

const shows = (change: (claim: StoredClaim) => StoredClaim): StoreMutant['make'] =>
  broken(({ store }) => ({
    scan: (prefix, options) => {
      const page = store.scan(prefix, options)
      return { ...page, claims: page.claims.map(change) }
    },
  }))

/** Chooses by a rule of its own. */
const finds = (rule: (key: string, prefix: string) => boolean): StoreMutant['make'] =>
  broken(({ store }) => ({ scan: (prefix) => ({ claims: store.scan('', { limit: 10_000 }).claims.filter(({ key }) => rule(key, prefix)) }) }))

type Page = ReturnType<MemoryStore['scan']>
const pages = (change: (page: Page, store: MemoryStore, prefix: string, cursor: string | undefined) => Page): StoreMutant['make'] =>
  broken(({ store }) => ({ scan: (prefix, options) => change(store.scan(prefix, options), store, prefix, options.cursor) }))

/** What it shows beside what is there. */
const alsoShows = (remembers: 'released' | 'expired'): StoreMutant['make'] =>
  remembering(
    () => new Map<string, StoredClaim>(),
    ({ store }, old) => ({
      claim: (request) => {
        const result = store.claim(request)
        const found = look(store, request.key)
        if (found !== undefined && remembers === 'expired') old.set(request.key, { ...found, expiresInMs: 0 })
        return result
      },
      release: (claim) => {
        const found = look(store, claim.key)
        if (remembers === 'expired') old.delete(claim.key)
        else if (found !== undefined) old.set(claim.key, found)
        return store.release(claim)
      },
      scan: (prefix, options) => {
        const page = store.scan(prefix, options)
        const more = page.cursor === undefined ? [...old.values()].filter(({ key }) => key.startsWith(prefix) && look(store, key) === undefined) : []
        return { ...page, claims: [...page.claims, ...more] }
      },
    }),
  )

/** `*` and `?` as in file names. */
function asPattern(prefix: string): RegExp {
  const escaped = prefix.replace(/[\\^$.+()|{}[\]]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '[^]*').replaceAll('?', '[^]')}`)
}

export const scanFaults: readonly StoreMutant[] = [
  {
    name: 'scan-without-owner',
    fault: 'does not show owners',
    killedBy: 'scans/content',
    make: shows(({ owner: _owner, ...claim }) => claim),
  },
  {
    name: 'scan-without-value',
    fault: 'does not show values',
    killedBy: 'scans/content',
    make: shows(({ value: _value, ...claim }) => claim),
  },
  {
    name: 'scan-wrong-fence',
    fault: 'shows the fence that comes next as that of the claim',
    killedBy: 'scans/content',
    make: shows((claim) => ({ ...claim, fence: claim.fence + 1 })),
  },
  {
    name: 'scan-wrong-time',
    fault: 'shows when claims end as if it were how long they last',
    killedBy: 'scans/content',
    make: shows((claim) => ({ ...claim, expiresInMs: claim.expiresInMs + 1e12 })),
  },
  { name: 'scan-calls-all-busy', fault: 'shows completed claims as busy', killedBy: 'scans/content', make: shows((claim) => ({ ...claim, state: 'busy' })) },
  { name: 'scan-ignores-prefix', fault: 'shows all claims', killedBy: 'scans/prefix', make: finds(() => true) },
  {
    name: 'scan-prefix-is-a-pattern',
    fault: 'takes stars and question marks in a prefix for wildcards',
    killedBy: 'scans/prefix',
    make: finds((key, prefix) => asPattern(prefix).test(key)),
  },
  { name: 'scan-finds-inside', fault: 'finds the prefix anywhere in a key', killedBy: 'scans/prefix', make: finds((key, prefix) => key.includes(prefix)) },
  {
    name: 'scan-leaves-out-the-prefix-itself',
    fault: 'does not show the key that is the prefix and nothing more',
    killedBy: 'scans/prefix',
    make: finds((key, prefix) => key.startsWith(prefix) && key !== prefix),
  },
  {
    name: 'scan-ignores-limit',
    fault: 'shows everything on one page',
    killedBy: 'scans/pages',
    make: broken(({ store }) => ({ scan: (prefix) => store.scan(prefix, { limit: 10_000 }) })),
  },
  {
    name: 'scan-forgets-last-of-page',
    fault: 'loses the last claim of every page but the last',
    killedBy: 'scans/pages',
    make: pages((page) => (page.cursor === undefined ? page : { ...page, claims: page.claims.slice(0, -1) })),
  },
  {
    name: 'scan-first-page-only',
    fault: 'says after the first page that there is no other',
    killedBy: 'scans/pages',
    make: pages(({ claims }) => ({ claims })),
  },
  {
    name: 'scan-never-ends',
    fault: 'always says that there is another page',
    killedBy: 'scans/pages',
    make: pages((page, _store, _prefix, cursor) => ({ cursor: cursor ?? page.claims.at(-1)?.key ?? 'end', ...page })),
  },
  { name: 'scan-shows-expired', fault: 'shows claims whose time is over', killedBy: 'scans/expired', make: alsoShows('expired') },
  { name: 'release-leaves-trace', fault: 'shows released claims', killedBy: 'releases/no-trace', make: alsoShows('released') },
]
