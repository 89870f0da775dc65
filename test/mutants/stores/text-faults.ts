import type { Claim } from '@busbar/core/driver'
import { broken, type StoreMutant } from './store-mutant.ts'

/** Keeps something else than the keys that it was given. */
const keys = (change: (key: string) => string): StoreMutant['make'] =>
  broken(({ store }) => {
    const changed = <T extends { readonly key: string }>(claim: T): T => ({ ...claim, key: change(claim.key) })
    return {
      claim: (request) => store.claim(changed(request)),
      renew: (claims, leaseMs) => store.renew(claims.map(changed), leaseMs),
      complete: (claim, value, ttlMs) => store.complete(changed(claim), value, ttlMs),
      release: (claim) => store.release(changed(claim)),
      scan: (prefix, options) => store.scan(change(prefix), options),
    }
  })

const owners = (change: (owner: string) => string): StoreMutant['make'] =>
  broken(({ store }) => {
    const changed = (claim: Claim): Claim => ({ ...claim, owner: change(claim.owner) })
    return {
      claim: (request) => store.claim({ ...request, owner: change(request.owner) }),
      renew: (claims, leaseMs) => store.renew(claims.map(changed), leaseMs),
      complete: (claim, value, ttlMs) => store.complete(changed(claim), value, ttlMs),
      release: (claim) => store.release(changed(claim)),
    }
  })

const throughUtf8 = (text: string): string => Buffer.from(text).toString()

export const textFaults: readonly StoreMutant[] = [
  { name: 'keys-through-utf8', fault: 'keeps keys as UTF-8, which has no bytes for half a surrogate pair', killedBy: 'texts/keys', make: keys(throughUtf8) },
  { name: 'keys-trimmed', fault: 'drops the space around keys', killedBy: 'texts/keys', make: keys((key) => key.trim()) },
  { name: 'keys-without-controls', fault: 'drops control characters from keys', killedBy: 'texts/keys', make: keys((key) => key.replace(/\p{Cc}/gu, '')) },
  {
    name: 'keys-empty-refused',
    fault: 'refuses the empty key',
    killedBy: 'texts/keys',
    make: broken(({ store }) => ({
      claim: (request) => {
        if (request.key === '') throw new RangeError('the key is empty')
        return store.claim(request)
      },
    })),
  },
  { name: 'keys-case-folded', fault: 'keeps keys in lower case', killedBy: 'texts/similar-keys', make: keys((key) => key.toLowerCase()) },
  { name: 'keys-normalised', fault: 'normalises keys', killedBy: 'texts/similar-keys', make: keys((key) => key.normalize('NFC')) },
  { name: 'keys-cut', fault: 'cuts keys at 1,024 characters', killedBy: 'texts/long-keys', make: keys((key) => key.slice(0, 1_024)) },
  { name: 'owners-through-utf8', fault: 'keeps owners as UTF-8', killedBy: 'texts/owners', make: owners(throughUtf8) },
  { name: 'owners-trimmed', fault: 'drops the space around owners', killedBy: 'texts/owners', make: owners((owner) => owner.trim()) },
]
