import { ChurningMap } from '../churning-map.ts'
import type { Delivery, Scope } from '../driver/receiver.ts'
import { IndexedList } from '../indexed-list.ts'
import { fingerprint } from './fingerprint.ts'
import type { Task } from './task.ts'

/** So many tasks more than are held may come, without a question for an identity, before the index of identities is dropped. */
const patience = 1_024

/** All tasks that a consumer holds. Searching is O(1) amortised, also when everything is lost or redelivered one by one; what is never searched for costs nothing. */
export class Held {
  readonly #tasks: IndexedList<Task> = new IndexedList()
  readonly #lostOnly: boolean
  /** By `sameAs`. Made when it is first needed. */
  #identities: ChurningMap<Task[]> | undefined
  #unasked = 0
  /** As they were when a scope was last asked for; tasks that have left since are passed over. */
  #scopes: Map<Scope, Task[]> | undefined

  /** `lostOnly`: only tasks whose receipt is dead can be found by identity. */
  constructor(lostOnly: boolean) {
    this.#lostOnly = lostOnly
  }

  get size(): number {
    return this.#tasks.size
  }

  add(task: Task): void {
    this.#tasks.add(task)
    this.#scopes = undefined
    if (!this.#identities || this.#lostOnly) return
    if (++this.#unasked > this.size + patience) this.#identities = undefined
    else this.#index(task)
  }

  /** False if it was not held. */
  remove(task: Task): boolean {
    if (!this.#tasks.remove(task)) return false
    this.#unindex(task)
    if (this.size === 0) this.#scopes = undefined
    return true
  }

  all(): readonly Task[] {
    return this.#tasks.all()
  }

  ofScope(scope: Scope): Task[] {
    this.#scopes ??= Map.groupBy(this.#tasks.all(), (task) => task.delivery.scope)
    return this.#scopes.get(scope)?.filter((task) => task.listIndex >= 0 && task.delivery.scope === scope) ?? []
  }

  /** The task of that very message whose receipt is dead: lost, or, where each has a lease of its own, followed by a redelivery. Not one that is on its way back. */
  holderOf({ sameAs, incoming }: Delivery): Task | undefined {
    for (const task of this.#copiesOf(sameAs as string)) {
      if (task.phase === 'ended' || task.givenBack || task.hasDouble || (this.#lostOnly && !task.lost)) continue
      if (fingerprint(task.delivery.incoming) === fingerprint(incoming)) return task
    }
    return undefined
  }

  #copiesOf(sameAs: string): readonly Task[] {
    this.#unasked = 0
    if (!this.#identities) {
      if (this.#lostOnly) return []
      this.#identities = new ChurningMap()
      for (const task of this.#tasks.all()) this.#index(task)
    }
    return this.#identities.get(sameAs) ?? []
  }

  /** Its receipt is dead. */
  lost(task: Task): void {
    if (this.#lostOnly) this.#identities ??= new ChurningMap()
    this.#index(task)
  }

  /** It goes on with the receipt of a redelivery. */
  adopt(task: Task, delivery: Delivery): void {
    this.#unindex(task)
    task.delivery = delivery
    task.lost = false
    if (!this.#lostOnly) this.#index(task)
    this.#scopes = undefined
  }

  /** Those whose receipts are dead in front. */
  #index(task: Task): void {
    const { sameAs } = task.delivery
    if (sameAs === undefined || !this.#identities) return
    this.#unindex(task)
    const copies = this.#identities.get(sameAs)
    if (copies) copies.splice(task.lost ? 0 : copies.findLastIndex((copy) => copy.lost) + 1, 0, task)
    else this.#identities.set(sameAs, [task])
  }

  #unindex(task: Task): void {
    const { sameAs } = task.delivery
    const copies = sameAs !== undefined && this.#identities?.get(sameAs)
    if (!copies || !copies.includes(task)) return
    if (copies.length > 1) copies.splice(copies.indexOf(task), 1)
    else this.#identities?.delete(sameAs)
  }
}
