/** What every program shares. */
const shared: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Number.prototype,
  Uint8Array.prototype,
  Promise.prototype,
]

type Members = ReadonlyMap<PropertyKey, PropertyDescriptor>

/** Notices when anybody changes a prototype that all objects share, and takes the change back. */
export class Prototypes {
  readonly #before: ReadonlyMap<object, Members> = new Map(shared.map((one) => [one, membersOf(one)]))

  /** Cheap: what was assigned can be enumerated. */
  get changed(): boolean {
    for (const one of shared) for (const _ in one) return true
    return false
  }

  /** Thorough: every member is as it was. Names what was not, which is put right. */
  restore(): readonly PropertyKey[] {
    const found: PropertyKey[] = []
    for (const [one, before] of this.#before) {
      for (const [name, now] of membersOf(one)) {
        const was = before.get(name)
        if (was !== undefined && was.value === now.value && was.get === now.get && was.set === now.set) continue
        found.push(name)
        if (was === undefined) Reflect.deleteProperty(one, name)
        else Object.defineProperty(one, name, was)
      }
    }
    return found
  }
}

function membersOf(one: object): Members {
  return new Map(Reflect.ownKeys(one).map((name) => [name, Object.getOwnPropertyDescriptor(one, name) as PropertyDescriptor]))
}
